"""From the time-stamp to SEALED: validation data for a group of B-T files; those that must wait for it are kept."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from receipts.pades import NotFresh, stamped_at
from receipts.receipt import Event, State
from tasks.connections import Connections
from tasks.journal import Facts, History
from tasks.levels import FRESH_TRIES, augment_each
from tasks.sealing import SealingRoom, sealing_room
from tasks.staging import SEALED, TIME_STAMPED, key_of, staged, time_stamped_key
from tasks.step import Work, describe, write_down


@dataclass(frozen=True, kw_only=True)
class Stamped:
    """A receipt whose seal has its time-stamp: B-T.

    Attributes:
        work: Its claim.
        history: As the journal has it.
        pdf: The B-T file, or what went wrong.
        facts: What the journal is to say of the seal whenever it is complete.
    """

    work: Work
    history: History
    pdf: bytes | Exception
    facts: Facts


def resume(connections: Connections, group: Sequence[tuple[Work, History]]) -> Iterator[Work]:
    """Go on with TIME_STAMPED receipts: their time-stamps stay what they are, no key is used."""
    try:
        room = sealing_room(connections.settings)
    except Exception as error:
        yield from (replace(work, problem=describe(error)) for work, _ in group)
        return
    read = functools.partial(_read, connections)
    waiting = [Stamped(work=work, history=history, pdf=read(history), facts=_terms(history)) for work, history in group]
    yield from complete(connections, room, waiting, tries=0)


def complete(
    connections: Connections, room: SealingRoom, group: Sequence[Stamped], *, tries: int = FRESH_TRIES
) -> Iterator[Work]:
    """Lead B-T files to SEALED, or to TIME_STAMPED if their validation data can't be had yet."""
    level, now = connections.settings.seal_level, connections.now
    try:
        results = room.run(augment_each(room, [each.pdf for each in group], level, now=now, tries=tries))
    except Exception as error:
        results = [error for _ in group]
    for stamped, result in zip(group, results, strict=True):
        try:
            yield _keep(connections, stamped, result)
        except Exception as error:
            yield replace(stamped.work, problem=describe(error))


def _read(connections: Connections, history: History) -> bytes | Exception:
    try:
        return staged(connections, time_stamped_key(history), history.text(Event.TIME_STAMPED, "sha256"))
    except Exception as error:
        return error


def _terms(history: History) -> Facts:
    waited = history.facts(Event.TIME_STAMPED)
    return {name: waited[name] for name in ("development", "attempt", "short")}


def _keep(connections: Connections, stamped: Stamped, result: bytes | Exception) -> Work:
    work = stamped.work
    if isinstance(stamped.pdf, Exception):
        return replace(work, problem=describe(stamped.pdf))
    if isinstance(result, bytes):
        level = f"PAdES-BASELINE-{connections.settings.seal_level.removeprefix('B-')}"
        return _record(connections, stamped, Event.SEALED, SEALED, result, {"level": level})
    if stamped.history.state is State.NORMALISED:
        moment = stamped_at(stamped.pdf).isoformat()
        told: Facts = {"stamped_at": moment, "why": describe(result)}
        work = _record(connections, stamped, Event.TIME_STAMPED, TIME_STAMPED, stamped.pdf, told)
    if work.claim is None:
        return work
    why = describe(result)
    return replace(work, waits=why) if isinstance(result, NotFresh) else replace(work, problem=why)


def _record(connections: Connections, stamped: Stamped, event: Event, folder: str, content: bytes, told: Facts) -> Work:
    """Keep the file, then write it down."""
    work, history = stamped.work, stamped.history
    sha256 = hashlib.sha256(content).hexdigest()
    connections.staging.put(key_of(folder, history, sha256), content)
    facts: Facts = {"sha256": sha256, "size_bytes": len(content), **told, **stamped.facts}
    return work if write_down(connections, work, history, event, facts) else replace(work, claim=None)
