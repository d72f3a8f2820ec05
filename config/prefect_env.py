"""How an embedded Prefect server and its clients are set up: environment variables, since Prefect reads them first."""

from __future__ import annotations

from pathlib import Path


def prefect_env(home: Path, *, api_url: str | None) -> dict[str, str]:
    """Environment of the Prefect server, its worker and every process that runs our flows.

    Args:
        home: The installation's home folder; Prefect's own files live in `prefect/` below it.
        api_url: Address of a running server, or `None` to let Prefect start a short-lived one of its own.
    """
    env = {
        "PREFECT_HOME": str(home.resolve() / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Two truths are one too many: the registry decides what was done.
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        # A server that answers 500 at the end of a run (database restart) is asked again.
        "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",
        # Recording in batches halves the server's work; the defaults write every event alone.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "200",
        "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "200",
        # Runs older than 90 days go; the journal of record is not in Prefect.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_WORKER_QUERY_SECONDS": "5",
        # What the steps log appears with their task runs.
        "PREFECT_LOGGING_EXTRA_LOGGERS": "probant",
    }
    if api_url:
        env["PREFECT_API_URL"] = api_url
        env["PREFECT_UI_API_URL"] = api_url
    return env
