"""The rules: what a receipt is and may become. No network, no disk, no clock, no Prefect."""
