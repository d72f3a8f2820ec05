"""Seal: PAdES B-T for the whole chunk, then revocation information fetched once, after its last time-stamp: B-LT."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from receipts import pades
from receipts.receipt import Event, State
from tasks.connections import Connections
from tasks.journal import Facts, History
from tasks.normalise import normalised_key, staged
from tasks.sealing import SealingRoom, is_development_seal, sealing_room
from tasks.step import Work, describe, finish, ready, renew, write_down

IN_FLIGHT: Final = 16
FRESH_TRIES: Final = 5
FRESH_WAIT_S: Final = 1.1
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
        room = sealing_room(connections.settings)
        results = room.run(_seal_all(connections, room, group))
    except Exception as error:
        results = [error for _ in group]
    for (work, history), result in zip(group, results, strict=True):
        if isinstance(result, Exception):
            yield replace(work, problem=describe(result))
            continue
        try:
            yield _keep(connections, work, history, result)
        except Exception as error:
            yield replace(work, problem=describe(error))


async def _seal_all(
    connections: Connections, room: SealingRoom, group: Sequence[tuple[Work, History]]
) -> list[bytes | Exception]:
    """The B-LT file, or what went wrong, for each of the group, in order."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one(history: History) -> bytes:
        async with gate:
            sha256 = history.text(Event.NORMALISED, "sha256")
            pdf = await asyncio.to_thread(staged, connections, normalised_key(history), sha256)
            return await pades.seal(pdf, room.sealer, at=connections.now())

    sealed = await asyncio.gather(*(one(history) for _, history in group), return_exceptions=True)
    whole = [pdf for pdf in sealed if isinstance(pdf, bytes)]
    if not whole:
        return [_exception(each) for each in sealed if not isinstance(each, bytes)]
    data = await _fresh_data(connections, room, whole)
    return [pades.augment(each, data) if isinstance(each, bytes) else _exception(each) for each in sealed]


async def _fresh_data(connections: Connections, room: SealingRoom, sealed: list[bytes]) -> pades.ValidationData:
    """Revocation data younger than the newest time-stamp; a responder that counts whole seconds gets a moment."""
    for _ in range(FRESH_TRIES):
        try:
            return await pades.validation_data(sealed, room.anchors, room.fetchers, at=connections.now())
        except pades.NotFresh:
            await asyncio.sleep(FRESH_WAIT_S)
    return await pades.validation_data(sealed, room.anchors, room.fetchers, at=connections.now())


def _exception(error: BaseException) -> Exception:
    if isinstance(error, Exception):
        return error
    raise error


def _keep(connections: Connections, work: Work, history: History, sealed: bytes) -> Work:
    sha256 = hashlib.sha256(sealed).hexdigest()
    connections.staging.put(f"sealed/{history.tenant}/{sha256}", sealed)
    facts: Facts = {
        "sha256": sha256,
        "size_bytes": len(sealed),
        "development": connections.settings.is_development or is_development_seal(sealing_room(connections.settings)),
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
