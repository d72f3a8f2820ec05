"""Seal: PAdES B-T for the whole chunk, then revocation information fetched once, after its last time-stamp: B-LT.

Where it is set, a document time-stamp comes after that: B-LTA. A receipt whose revocation information is not to be had
yet waits as TIME_STAMPED and goes on from there: docs/adr/0020.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from receipts import pdfa
from receipts.preflight import Verdict
from receipts.receipt import Event, State
from tasks.augment import Stamped, complete, resume
from tasks.connections import Connections
from tasks.journal import Facts, History
from tasks.levels import Unsealed, seal_each
from tasks.preflight import Preflight, require_ready
from tasks.sealing import SealingRoom, is_development_seal, sealing_room
from tasks.staging import normalised_key, staged
from tasks.step import Work, describe, finish, ready, renew, write_down

GROUP_SIZE_BYTES: Final = 128 * 1024 * 1024
"""A chunk's files are in memory together until the revocation information is in; larger chunks go in groups."""


def seal(connections: Connections, chunk: Sequence[Work], *, last_try: bool = True) -> list[Work]:
    """Lead the NORMALISED and TIME_STAMPED receipts of `chunk` to SEALED, or to TIME_STAMPED if they must wait.

    May be repeated: a seal that was not recorded is made anew.
    """
    held = renew(connections, chunk)
    done: dict[str, Work] = {}
    for state, step in ((State.TIME_STAMPED, resume), (State.NORMALISED, _seal_group)):
        for group in _groups(ready(connections, held, state)):
            done |= {work.receipt: work for work in step(connections, group)}
    return finish([done.get(work.receipt, work) for work in held], last_try=last_try)


def _seal_group(connections: Connections, group: Sequence[tuple[Work, History]]) -> Iterator[Work]:
    try:
        found = require_ready(connections)
        room = sealing_room(connections.settings)
    except Exception as error:
        yield from (replace(work, problem=describe(error)) for work, _ in group)
        return
    requested = []
    for work, history in group:
        if noted := _request(connections, work, history):
            requested.append((work, noted))
        else:
            yield replace(work, claim=None)
    read = functools.partial(_read, connections)
    readers = [functools.partial(read, history) for _, history in requested]
    try:
        sealed = room.run(seal_each(room, readers, now=connections.now))
    except Exception as error:
        sealed = [error for _ in requested]
    terms = _terms(connections, room, found)
    stamped = [
        Stamped(work=work, history=history, pdf=pdf, facts={**terms, "attempt": _attempts(history)})
        for (work, history), pdf in zip(requested, sealed, strict=True)
    ]
    yield from complete(connections, room, stamped)


def _read(connections: Connections, history: History) -> Unsealed:
    normalised = staged(connections, normalised_key(history), history.text(Event.NORMALISED, "sha256"))
    if history.text(Event.NORMALISED, "route") != pdfa.SIGNED:
        return Unsealed(pdf=normalised)
    original, provenance = pdfa.parted(normalised)
    return Unsealed(pdf=original, beside_others=True, provenance=provenance)


def _terms(connections: Connections, room: SealingRoom, found: Preflight) -> Facts:
    return {
        "development": connections.settings.is_development or is_development_seal(room),
        "short": sorted({finding.name for finding in found.of(Verdict.SHORT)}),
    }


def _request(connections: Connections, work: Work, history: History) -> History | None:
    """Note, before the provider is asked, that it will be; after a crash in between, the journal knows of it."""
    facts: Facts = {
        "attempt": _attempts(history) + 1,
        "sha256": history.text(Event.NORMALISED, "sha256"),
        "signer": connections.settings.signer.partition(":")[0] or "development",
    }
    return write_down(connections, work, history, Event.SEAL_REQUESTED, facts)


def _attempts(history: History) -> int:
    return sum(line.event == Event.SEAL_REQUESTED for line in history.lines)


def _groups(waiting: Sequence[tuple[Work, History]]) -> Iterator[list[tuple[Work, History]]]:
    group: list[tuple[Work, History]] = []
    total = 0
    for work, history in waiting:
        size = history.facts(Event.NORMALISED)["size_bytes"]
        size_bytes = size if isinstance(size, int) else 0
        if group and total + size_bytes > GROUP_SIZE_BYTES:
            yield group
            group, total = [], 0
        group.append((work, history))
        total += size_bytes
    if group:
        yield group
