"""Archive: the verified file goes under lock, the lock is read back, and staging is emptied."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from receipts.evidence import ChainBroken
from receipts.policy import retain_until
from receipts.receipt import Event, State, archive_key
from tasks.augment import sealed_key, time_stamped_key
from tasks.connections import Connections
from tasks.journal import Facts, History, load
from tasks.normalise import normalised_key, staged
from tasks.receive import original_key
from tasks.step import Work, describe, finish, ready, run_stage

CLOCK_TOLERANCE = timedelta(hours=1)


class ClockWrong(Exception):
    """A clock is or was wrong: nothing is locked by it."""


def archive(connections: Connections, chunk: Sequence[Work], *, last_try: bool = True) -> list[Work]:
    """Lead the VERIFIED receipts of `chunk` to ARCHIVED. May be repeated: the archive never takes a second version."""
    waiting = ready(connections, chunk, State.VERIFIED)
    if waiting:
        try:
            connections.archive.check()
        except Exception as error:
            names = {work.receipt for work, _ in waiting}
            failed = [
                Work(receipt=w.receipt, claim=w.claim, problem=describe(error)) if w.receipt in names else w
                for w in chunk
            ]
            return finish(failed, last_try=last_try)
    try:
        done = run_stage(connections, chunk, State.VERIFIED, _archive, last_try=last_try)
    finally:  # also before another try, which passes over those that are archived by now
        for work, _ in waiting:
            with suppress(ChainBroken):
                empty_staging(connections, load(connections.registry, work.receipt))
    return done


def empty_staging(connections: Connections, history: History) -> None:
    """Remove what staging holds of an ARCHIVED receipt; of any other, nothing. May be repeated."""
    if history.state is State.ARCHIVED:
        # The original last: after a crash in between, `sweep_staging` finds the others by it.
        stamped = [time_stamped_key(history)] if history.facts(Event.TIME_STAMPED) else []
        for key in (sealed_key(history), *stamped, normalised_key(history), original_key(history.receipt)):
            connections.staging.delete(key)


def sweep_staging(connections: Connections) -> None:
    """Empty staging of receipts whose worker died right after archiving them. May be repeated, at any time."""
    for key in connections.staging.keys("original"):
        receipt = key.removeprefix("original/")
        row = connections.registry.row(receipt)
        if row is not None and row.state == State.ARCHIVED.value:
            with suppress(ChainBroken):
                empty_staging(connections, load(connections.registry, receipt))


def _archive(connections: Connections, history: History) -> tuple[Event, Facts]:
    sha256 = history.text(Event.VERIFIED, "sha256")
    content = staged(connections, sealed_key(history), sha256)
    ahead = history.lines[0].at - connections.now()
    if ahead > CLOCK_TOLERANCE:
        raise ClockWrong(f"the journal says received {ahead} from now: a lock that rests on it could never be undone")
    until = retain_until(received_at=history.lines[0].at, established=None, year=connections.financial_year)
    stored = connections.archive.put(archive_key(history.receipt), content, sha256=sha256, retain_until=until)
    return Event.ARCHIVED, {
        "archive": connections.archive.url,
        "compliance_tier": connections.archive.is_compliance_tier,
        "key": stored.key,
        "version_id": stored.version_id,
        "sha256": stored.sha256,
        "size_bytes": stored.size_bytes,
        "mode": stored.mode,
        "retain_until": stored.retain_until.isoformat() if stored.retain_until else None,
        "storage_class": stored.storage_class,
    }
