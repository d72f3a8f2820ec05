"""Ingest: lead claimed receipts in a straight line from RECEIVED to ARCHIVED, in chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import stages
from flows.reports import publish, rename_run, tell
from receipts.receipt import IN_PROGRESS
from tasks.acknowledge import acknowledge_all
from tasks.connections import connections
from tasks.staging import sweep_staging
from tasks.step import Work, describe

PARALLEL_CHUNKS = 4
BACKOFF_S = 15
LONGEST_BACKOFF_S = 3600
RUNNER: Any = ThreadPoolTaskRunner(max_workers=PARALLEL_CHUNKS)


@flow(name="ingest", flow_run_name="ingest", task_runner=RUNNER)
def ingest(limit: int | None = None, chunk_size: int | None = None) -> State[dict[str, int]]:
    """Lead every receipt that is claimable now to its outcome, and show the outcomes to the senders.

    May be started at any time, twice or after a crash: a claim in the registry decides who works on a receipt.

    Args:
        limit: At most so many receipts (settings: `batch_size`).
        chunk_size: Receipts per task run (settings: `chunk_size`); fewer are taken when there is little to do.
    """
    configured = connections().settings
    claimed = claim(limit or configured.batch_size)
    size = min(chunk_size or configured.chunk_size, max(1, ceil(len(claimed) / PARALLEL_CHUNKS / 2)))
    chunks = [claimed[start : start + size] for start in range(0, len(claimed), size)]
    leading = [_lead(chunk, number) for number, chunk in enumerate(chunks, 1)]
    done = [work for chunk, future in zip(chunks, leading, strict=True) for work in _outcome(chunk, future)]
    release(done)
    untold = acknowledge()
    return _report(done, untold)


@task(name="claim", cache_policy=NO_CACHE, persist_result=False)
def claim(limit: int) -> list[Work]:
    """Claim up to `limit` receipts that wait for a step."""
    opened = connections()
    now = opened.now()
    lease_until = now + timedelta(seconds=opened.settings.lease_s)
    states = [state.value for state in IN_PROGRESS]
    claims = opened.registry.claim(states, limit=limit, now=now, lease_until=lease_until, owner=opened.owner)
    return [Work(receipt=claim.stream, claim=claim) for claim in claims]


@task(name="release", cache_policy=NO_CACHE, persist_result=False)
def release(done: Sequence[Work]) -> None:
    """Give the claims back; what met a fault or must wait does so longer each time before anyone may claim it again."""
    opened = connections()
    opened.registry.release([work.claim for work in done if work.claim and not (work.problem or work.waits)])
    for work in done:
        if work.claim and (work.problem or work.waits):
            wait_s = min(BACKOFF_S * 2 ** min(work.claim.token, 10), LONGEST_BACKOFF_S)
            opened.registry.release([work.claim], not_before=opened.now() + timedelta(seconds=wait_s))
    sweep_staging(opened)


@task(name="acknowledge", cache_policy=NO_CACHE, persist_result=False)
def acknowledge() -> list[str]:
    """Show the senders of all sources their outcomes; returns what could not be shown, to be tried again next time."""
    opened = connections()
    problems = []
    for source in opened.open_sources():
        try:
            for told in acknowledge_all(opened, source):
                tell(told)
                if told.problem:
                    problems.append(f"{told.source}: {told.receipt}: {told.problem}")
        except Exception as error:
            problems.append(f"{source.name}: {describe(error)}")
        finally:
            source.close()
    return problems


def _lead(chunk: list[Work], number: int) -> PrefectFuture[list[Work]]:
    future: Any = chunk
    for stage in (stages.normalise, stages.seal, stages.verify, stages.archive):
        future = stage.submit(future, number)
    return future  # type: ignore[no-any-return]


def _outcome(chunk: list[Work], future: PrefectFuture[list[Work]]) -> list[Work]:
    result = future.result(raise_on_failure=False)
    if isinstance(result, list):
        return result
    return [Work(receipt=work.receipt, claim=work.claim, problem=f"the chunk broke: {result}"[:500]) for work in chunk]


def _report(done: Sequence[Work], untold: Sequence[str]) -> State[dict[str, int]]:
    registry = connections().registry
    rows = [(work, registry.row(work.receipt)) for work in done]
    count = Counter("waiting" if work.problem else row.state.lower() for work, row in rows if row)
    publish("ingest", [(row, work.problem or work.waits) for work, row in rows if row])
    said = ", ".join(f"{number} {state}" for state, number in sorted(count.items())) or "nothing to do"
    rename_run(f"ingest: {said}")
    for problem in untold:
        get_run_logger().warning("not acknowledged: %s", problem)
    if count["waiting"] or untold:
        return Failed(message=f"{said}; {len(untold)} not acknowledged", data=dict(count))
    return Completed(message=said, data=dict(count))
