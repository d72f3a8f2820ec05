"""Seal: PAdES B-T for the whole chunk, then revocation information fetched once, after its last time-stamp: B-LT.

Where it is set, a document time-stamp comes after that: B-LTA.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from receipts.preflight import Verdict
from receipts.receipt import Event, State
from tasks.connections import Connections
from tasks.journal import Facts, History
from tasks.levels import augment_each, seal_each
from tasks.normalise import normalised_key, staged
from tasks.preflight import Preflight, require_ready
from tasks.sealing import SealingRoom, is_development_seal, sealing_room
from tasks.step import Work, describe, finish, ready, renew, write_down

GROUP_SIZE_BYTES: Final = 128 * 1024 * 1024
"""A chunk's files are in memory together until the revocation information is in; larger chunks go in groups."""


def seal(connections: Connections, chunk: Sequence[Work], *, last_try: bool = True) -> list[Work]:
    """Lead the NORMALISED receipts of `chunk` to SEALED. May be repeated: a seal that was not recorded is made anew."""
    held = renew(connections, chunk)
    waiting = ready(connections, held, State.NORMALISED)
    done: dict[str, Work] = {}
    for group in _groups(waiting):
        done |= {work.receipt: work for work in _seal_group(connections, group)}
    return finish([done.get(work.receipt, work) for work in held], last_try=last_try)


def sealed_key(history: History) -> str:
    """Where staging keeps the sealed file."""
    return f"sealed/{history.tenant}/{history.text(Event.SEALED, 'sha256')}"


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
    try:
        results = room.run(_seal_all(connections, room, requested))
    except Exception as error:
        results = [error for _ in requested]
    for (work, history), result in zip(requested, results, strict=True):
        if isinstance(result, Exception):
            yield replace(work, problem=describe(result))
            continue
        try:
            yield _keep(connections, work, history, result, found)
        except Exception as error:
            yield replace(work, problem=describe(error))


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


async def _seal_all(
    connections: Connections, room: SealingRoom, group: Sequence[tuple[Work, History]]
) -> list[bytes | Exception]:
    """The file at the level that is set, or what went wrong, for each of the group, in order."""

    def read(history: History) -> bytes:
        return staged(connections, normalised_key(history), history.text(Event.NORMALISED, "sha256"))

    readers = [functools.partial(read, history) for _, history in group]
    sealed = await seal_each(room, readers, now=connections.now)
    return await augment_each(room, sealed, connections.settings.seal_level, now=connections.now)


def _keep(connections: Connections, work: Work, history: History, sealed: bytes, found: Preflight) -> Work:
    sha256 = hashlib.sha256(sealed).hexdigest()
    connections.staging.put(f"sealed/{history.tenant}/{sha256}", sealed)
    facts: Facts = {
        "sha256": sha256,
        "size_bytes": len(sealed),
        "level": f"PAdES-BASELINE-{connections.settings.seal_level.removeprefix('B-')}",
        "development": connections.settings.is_development or is_development_seal(sealing_room(connections.settings)),
        "attempt": _attempts(history),
        "short": sorted({finding.name for finding in found.of(Verdict.SHORT)}),
    }
    if write_down(connections, work, history, Event.SEALED, facts) is None:
        return replace(work, claim=None)
    return work


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
