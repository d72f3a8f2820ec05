"""Each step as a Prefect task over a chunk: its name in the UI, its retries, its limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.concurrency.sync import concurrency
from prefect.context import TaskRunContext
from prefect.tasks import Task, exponential_backoff

from tasks import archive as archiving
from tasks import normalise as normalising
from tasks import seal as sealing
from tasks import verify as verifying
from tasks.connections import Connections, connections
from tasks.step import Work

RETRIES = 2


class Step(Protocol):
    """A step of `tasks`: chunk in, chunk out."""

    def __call__(self, connections: Connections, chunk: list[Work], *, last_try: bool) -> list[Work]: ...


Stage = Task[[list[Work], int], list[Work]]


def _stage(name: str, step: Step, *, limit: str | None = None) -> Stage:
    def run(chunk: list[Work], number: int) -> list[Work]:
        context = TaskRunContext.get()
        last_try = context is None or context.task_run.run_count > RETRIES
        if limit is None:
            return step(connections(), chunk, last_try=last_try)
        with concurrency(limit, occupy=1, strict=False):
            return step(connections(), chunk, last_try=last_try)

    run.__doc__ = step.__doc__
    decorate: Callable[[Callable[[list[Work], int], list[Work]]], Stage] = task(
        name=name,
        task_run_name=f"{name} chunk {{number}}",
        retries=RETRIES,
        retry_delay_seconds=exponential_backoff(backoff_factor=2),
        retry_jitter_factor=0.5,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    return decorate(run)


normalise = _stage("normalise", normalising.normalise)
# The limit is the time-stamping authority's: `probant up` creates it, ops may change it in the UI.
seal = _stage("seal", sealing.seal, limit="seal")
verify = _stage("verify", verifying.verify)
archive = _stage("archive", archiving.archive)
