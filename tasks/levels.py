"""From PDFs to seals at the level that is asked for: B-T for all, revocation data once, B-LT for all, perhaps B-LTA."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from receipts import pades
from tasks.sealing import SealingRoom

IN_FLIGHT: Final = 16
FRESH_TRIES: Final = 5
FRESH_WAIT_S: Final = 1.1

Now = Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Unsealed:
    """A PDF to be sealed; for the rest see `pades.seal`."""

    pdf: bytes = field(repr=False)
    beside_others: bool = False
    provenance: bytes | None = field(default=None, repr=False)


async def seal_each(
    room: SealingRoom, readers: Sequence[Callable[[], Unsealed]], *, now: Now
) -> list[bytes | Exception]:
    """The B-T file, or what went wrong, for each PDF that the readers give, in order."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one(read: Callable[[], Unsealed]) -> bytes:
        async with gate:
            each = await asyncio.to_thread(read)
            return await pades.seal(
                each.pdf, room.sealer, at=now(), beside_others=each.beside_others, provenance=each.provenance
            )

    return [_exception(each) for each in await asyncio.gather(*map(one, readers), return_exceptions=True)]


async def augment_each(
    room: SealingRoom, sealed: Sequence[bytes | Exception], level: str, *, now: Now, tries: int = FRESH_TRIES
) -> list[bytes | Exception]:
    """The file at `level` (`B-LT` or `B-LTA`) for each B-T file, in order; what went wrong before stays where it was.

    Those whose time-stamp is younger than the revocation services' answers get `NotFresh`.

    Raises:
        Exception: The revocation data can't be had, or says that something is revoked.
    """
    whole = [pdf for pdf in sealed if isinstance(pdf, bytes)]
    if not whole:
        return list(sealed)
    try:
        data = await _fresh_data(room, whole, now, tries)
    except pades.NotFresh as late:
        older = [pdf for pdf in whole if pades.stamped_at(pdf) <= late.issued_at]
        if not older:
            return [late if isinstance(each, bytes) else each for each in sealed]
        data = await _fresh_data(room, older, now, tries)
    augmented = [_augment(each, data) if isinstance(each, bytes) else each for each in sealed]
    return await _archive_stamp(room, augmented, data, now) if level == "B-LTA" else augmented


def _augment(sealed: bytes, data: pades.ValidationData) -> bytes | Exception:
    try:
        return pades.augment(sealed, data)
    except pades.NotFresh as late:
        return late


async def _archive_stamp(
    room: SealingRoom, augmented: Sequence[bytes | Exception], data: pades.ValidationData, now: Now
) -> list[bytes | Exception]:
    """From B-LT to B-LTA. An authority that stood in meanwhile has its chain proved in the file too."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one(pdf: bytes | Exception) -> bytes:
        if isinstance(pdf, Exception):
            raise pdf
        async with gate:
            return await pades.stamp(pdf, room.sealer)

    stamped = [_exception(each) for each in await asyncio.gather(*map(one, augmented), return_exceptions=True)]
    unserved = [pdf for pdf in stamped if isinstance(pdf, bytes) and not pades.is_served(pdf, data)]
    if not unserved:
        return stamped
    more = await _fresh_data(room, unserved, now, FRESH_TRIES)
    return [pades.augment(pdf, more) if isinstance(pdf, bytes) and pdf in unserved else pdf for pdf in stamped]


async def _fresh_data(room: SealingRoom, sealed: list[bytes], now: Now, tries: int) -> pades.ValidationData:
    """Revocation data younger than the newest time-stamp; a responder that counts whole seconds gets a moment."""
    for _ in range(tries):
        try:
            return await pades.validation_data(sealed, room.anchors, room.fetchers, at=now())
        except pades.NotFresh:
            await asyncio.sleep(FRESH_WAIT_S)
    return await pades.validation_data(sealed, room.anchors, room.fetchers, at=now())


def _exception(result: bytes | BaseException) -> bytes | Exception:
    if isinstance(result, bytes | Exception):
        return result
    raise result
