"""What ops read in the Prefect UI: run names that say what was done, and tables of outcomes."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger, runtime
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import get_client

from connectors.ports import Row
from tasks.acknowledge import Acknowledgement


def rename_run(name: str) -> None:
    """Give the running flow run a name that says what it did."""
    if runtime.flow_run.id:
        with get_client(sync_client=True) as client:
            client.update_flow_run(runtime.flow_run.id, name=name)


def publish(key: str, rows: Sequence[tuple[Row, str]]) -> None:
    """Publish a table of what was archived, refused and failed, and why.

    Args:
        key: The artifact's key: lower case, digits and dashes.
        rows: Index rows, each with the technical fault it met or an empty string.
    """
    if not rows:
        return
    table = [
        {
            "receipt": row.stream,
            "channel": row.summary["channel"],
            "file": row.summary["source_name"],
            "outcome": f"{row.state}, waiting" if problem else row.state,
            "why": problem or row.summary["code"] or "",
            "seal": row.summary["seal_level"],
            "locked until": row.summary["retain_until"],
        }
        for row, problem in rows
    ]
    create_table_artifact(key=key, table=table, description="What became of each receipt of this run.")


def tell(told: Acknowledgement) -> None:
    """Log what a sender was shown."""
    if told.outcome is not None:
        get_run_logger().info("%s: %s: %s", told.source, told.outcome.kind, told.outcome.message)
