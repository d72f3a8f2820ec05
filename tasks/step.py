"""Do nothing twice; write down what was done; retry only what can help.

A stage works on a chunk of claimed receipts. It takes those that stand in its state, leaves the others as they are, and
returns what became of each; it raises only while a retry can still help. Because the journal tells where each receipt
stands, running a stage again after a crash does only what is left.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from connectors.ports import Claim, Fenced
from receipts.errors import Refused
from receipts.evidence import Json
from receipts.receipt import Event, State
from tasks.connections import Connections
from tasks.journal import Facts, History, load, record_beside_others
from tasks.staging import empty_staging

log = logging.getLogger("probant.tasks")


@dataclass(frozen=True, kw_only=True)
class Work:
    """One claimed receipt on its way through a chunk.

    Attributes:
        claim: The right to work on it; `None` once it was lost to another worker.
        problem: Why the last try failed on our side, or empty. A receipt with a problem is passed over by later stages.
        waits: For what it waits though nothing failed, or empty.
    """

    receipt: str
    claim: Claim | None
    problem: str = ""
    waits: str = ""


class Unfinished(Exception):
    """Some receipts of the chunk met a technical fault: the stage should be tried again."""


Do = Callable[[Connections, History], tuple[Event, Facts]]


def run_stage(
    connections: Connections, chunk: Sequence[Work], state: State, do: Do, *, last_try: bool = True
) -> list[Work]:
    """Lead the receipts of `chunk` that stand in `state` one step on.

    Args:
        connections: The installation.
        chunk: Claimed receipts.
        state: The state from which this stage leads on.
        do: Does the work for one receipt and returns the event and its facts; may raise `Refused`.
        last_try: Whether problems are returned (True) or raised for a retry (False).

    Raises:
        Unfinished: Some receipt failed and this is not the last try.
    """
    half_s = connections.settings.lease_s / 2
    held, renewed_at = renew(connections, chunk), connections.now()
    for number in range(len(held)):
        if (connections.now() - renewed_at).total_seconds() > half_s:  # also of those that wait for the next stage
            held, renewed_at = renew(connections, held), connections.now()
        held[number] = _one(connections, held[number], state, do)
    return finish(held, last_try=last_try)


def renew(connections: Connections, chunk: Sequence[Work]) -> list[Work]:
    """Lengthen the leases of the chunk; a receipt that another worker took over loses its claim and is passed over."""
    lease_until = connections.now() + timedelta(seconds=connections.settings.lease_s)
    held = [work.claim for work in chunk if work.claim is not None]
    renewed = {claim.stream: claim for claim in connections.registry.renew(held, lease_until=lease_until)}
    return [replace(work, claim=renewed.get(work.receipt)) for work in chunk]


def write_down(connections: Connections, work: Work, history: History, event: Event, facts: Facts) -> History | None:
    """Record an event under the claim of `work`; `None` if another worker has taken the receipt over meanwhile."""
    try:
        return record_beside_others(connections.registry, history, event, facts, at=connections.now(), claim=work.claim)
    except Fenced:
        return None


def finish(chunk: list[Work], *, last_try: bool) -> list[Work]:
    """The chunk as the stage leaves it.

    Raises:
        Unfinished: Some receipt has a problem and this is not the last try.
    """
    problems = [f"{work.receipt}: {work.problem}" for work in chunk if work.problem]
    log.info("%d of %d receipts without a fault", len(chunk) - len(problems), len(chunk))
    for problem in problems:
        log.warning("%s", problem)
    if problems and not last_try:
        raise Unfinished(f"{len(problems)} of {len(chunk)} receipts: {problems[0]}")
    return chunk


def ready(connections: Connections, chunk: Iterable[Work], state: State) -> list[tuple[Work, History]]:
    """Those of the chunk that stand in `state` and may be worked on."""
    found = []
    for work in chunk:
        if work.claim is not None and not work.problem:
            history = load(connections.registry, work.receipt)
            if history.state is state:
                found.append((work, history))
    return found


def refusal(error: Refused) -> dict[str, Json]:
    """The facts of a refusal."""
    return {"code": error.code.value, "detail": error.detail, "advice": error.advice}


def describe(error: BaseException) -> str:
    """A technical fault in one line, for ops."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:500]


def _one(connections: Connections, work: Work, state: State, do: Do) -> Work:
    try:
        for _, history in ready(connections, [work], state):
            event, facts = do(connections, history)
            written = write_down(connections, work, history, event, facts)
            if written is None:
                return replace(work, claim=None)
            empty_staging(connections, written)
    except Exception as error:
        return replace(work, problem=describe(error))
    return work
