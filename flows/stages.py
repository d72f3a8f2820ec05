"""Each step as a Prefect task over a chunk: its name in the UI, its retries, its limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency, rate_limit
from prefect.context import TaskRunContext
from prefect.exceptions import ObjectNotFound
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


def _stage(name: str, step: Step, *, limit: str | None = None, rate: str | None = None) -> Stage:
    def run(chunk: list[Work], number: int) -> list[Work]:
        context = TaskRunContext.get()
        last_try = context is None or context.task_run.run_count > RETRIES
        if limit is None:
            return step(connections(), chunk, last_try=last_try)
        with concurrency(limit, occupy=1, strict=False):
            if rate:
                _wait_for_turns(rate, len(chunk))
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


def _wait_for_turns(rate: str, number: int) -> None:
    """Take `number` slots of a limit with decay, in portions that fit; nothing if ops made no such limit."""
    with get_client(sync_client=True) as client:
        try:
            portion = client.read_global_concurrency_limit_by_name(rate).limit
        except ObjectNotFound:
            return
    while number > 0 and portion > 0:
        rate_limit(rate, occupy=min(number, portion))
        number -= portion


normalise = _stage("normalise", normalising.normalise)
# `probant up` creates the limit on chunks being sealed at the same time; ops may change it in the UI. A limit `tsa`
# with slot decay, if ops make one, is how many time-stamps all workers together ask for in a time.
seal = _stage("seal", sealing.seal, limit="seal", rate="tsa")
verify = _stage("verify", verifying.verify)
archive = _stage("archive", archiving.archive)
