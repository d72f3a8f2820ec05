"""The steps: the only place where the rules and the outside world meet."""
