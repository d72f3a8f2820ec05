"""The order of the steps: what ops see and run in the Prefect UI."""
