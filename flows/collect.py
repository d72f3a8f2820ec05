"""Collect: take custody of what each source offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from prefect.tasks import exponential_backoff

from connectors.ports import Source
from connectors.source import PathsSource
from flows.reports import rename_run
from tasks.connections import connections
from tasks.receive import Reception, receive_all


@flow(name="collect", flow_run_name="collect")
def collect(paths: list[str] | None = None) -> State[dict[str, int]]:
    """Take custody of everything that the configured sources offer, or of the files and folders given.

    May be started at any time and repeated: what is in the journal is passed over, what failed is offered again.

    Args:
        paths: Files and folders to take instead of the configured sources; they are read and left where they are.
    """
    sources: Sequence[Source] = (
        [PathsSource([Path(path) for path in paths], f"command:{connections().settings.tenant}")]
        if paths
        else connections().open_sources()
    )
    taken: list[Reception] = []
    unreachable: list[str] = []
    futures = [(source.name, receive.submit(source)) for source in sources]
    for name, future in futures:
        result = future.result(raise_on_failure=False)
        if isinstance(result, list):
            taken += result
        else:
            unreachable.append(f"{name}: {result}")
    return _report(taken, unreachable)


@task(
    name="receive",
    task_run_name="receive {source.name}",
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def receive(source: Source) -> list[Reception]:
    """Take custody of everything that one source offers."""
    opened = connections()
    try:
        return list(receive_all(opened, source, tenant=opened.settings.tenant))
    finally:
        source.close()


def _report(taken: Sequence[Reception], unreachable: Sequence[str]) -> State[dict[str, int]]:
    count = Counter(reception.outcome for reception in taken)
    if taken:
        create_table_artifact(
            key="collect",
            table=[
                {"source": r.source, "name": r.name, "outcome": r.outcome, "receipt": r.receipt, "why": r.reason}
                for r in taken
            ],
            description="What was taken into custody.",
        )
    said = ", ".join(f"{number} {outcome}" for outcome, number in sorted(count.items())) or "nothing new"
    for problem in unreachable:
        get_run_logger().error("could not be read: %s", problem)
    if unreachable:
        said += f"; {len(unreachable)} source(s) could not be read"
    rename_run(f"collect: {said}")
    failed = next((r.reason for r in taken if r.outcome == "failed"), None)
    if failed:
        said += f"; {failed}"
    if unreachable or count["failed"]:
        return Failed(message=said, data=dict(count))
    return Completed(message=said, data=dict(count))
