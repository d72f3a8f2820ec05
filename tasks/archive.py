"""Archive: the verified file goes under lock, and the lock is read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from receipts.policy import retain_until
from receipts.receipt import Event, State, archive_key
from tasks.connections import Connections
from tasks.journal import Facts, History
from tasks.staging import sealed_key, staged
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
            failed = {work.receipt: replace(work, problem=describe(error)) for work, _ in waiting}
            return finish([failed.get(work.receipt, work) for work in chunk], last_try=last_try)
    return run_stage(connections, chunk, State.VERIFIED, _archive, last_try=last_try)


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
