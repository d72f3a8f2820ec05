"""The steps: the only place where rules and outside world meet. Plain functions; `flows` gives them to Prefect."""
