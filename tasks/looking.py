"""Looks at the sealing key and the time-stamping authorities, so that `tasks.preflight` can judge them."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, x509
from pyhanko_certvalidator.path import ValidationPath

from receipts.chains import find_path
from receipts.pades.token import check_token
from receipts.preflight import time_stamp_unit
from tasks.sealing import SealingRoom
from tasks.step import describe


@dataclass(frozen=True, kw_only=True)
class Token:
    """A time-stamp that an authority gave, and how its unit's chain stands.

    Attributes:
        source: The authority's URL.
        der: The token.
        path: The unit's way to a trust anchor, nothing on it revoked; `None` if there is none.
        unproved: Why there is none, or empty.
    """

    source: str
    der: bytes
    path: ValidationPath | None = None
    unproved: str = ""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the provider and the authorities answered; what it means is judged afresh each time.

    Attributes:
        seen_at_s: When, by `time.monotonic()`; `None` if it was bad, and must be looked at again.
        asked_at: This machine's time before the authorities were asked, UTC.
        answered_at: The same after their answers.
        certificate: The sealing certificate as the provider gives it now; `None` if it gives none.
        problem: Why the key can't be used, or empty.
        above: The certificates that the provider gives beside it.
        path: Its way to a trust anchor, nothing on it revoked; `None` if there is none.
        unproved: Why there is none, or empty.
        tokens: What authorities gave; the first is the one that is asked for time-stamps.
        silent: URL of each that gave none, and why.
    """

    seen_at_s: float | None
    asked_at: datetime
    answered_at: datetime
    certificate: x509.Certificate | None = None
    problem: str = ""
    above: tuple[x509.Certificate, ...] = ()
    path: ValidationPath | None = None
    unproved: str = ""
    tokens: tuple[Token, ...] = ()
    silent: tuple[tuple[str, str], ...] = ()

    def is_good_for(self, good_s: float) -> bool:
        """Whether it was well, and not more than so many seconds ago."""
        return self.seen_at_s is not None and time.monotonic() < self.seen_at_s + good_s


async def look(room: SealingRoom, now: Callable[[], datetime], *, thorough: bool) -> Seen:
    """Ask the provider for its certificate, authorities for a time-stamp, and whether any of them is revoked.

    Args:
        room: In whose event loop this runs.
        now: The clock.
        thorough: Ask every authority; else the first that answers will do.

    Returns:
        What was seen; faults are part of it, none is raised. Its certificates belong to the caller alone.
    """
    at = now()
    certificate, path, problem, unproved = None, None, "", ""
    try:
        certificate = await room.signer.check()
        known = room.sealer.signer.signing_cert
        if known is None or certificate.dump() != known.dump():
            problem = "the provider has another certificate now: sealing starts over with it"
    except Exception as error:
        problem = describe(error)
    others = list(room.signer.cert_registry)
    if certificate is not None:
        path, unproved = await _path(room, certificate, others, at)
    digest = os.urandom(32)
    answers = await _ask(room, digest, thorough=thorough)
    answered_at = now()
    tokens, silent = await _tokens(room, digest, answers, at)
    good = tokens and not problem and not unproved and not any(token.unproved for token in tokens)
    seen = Seen(
        seen_at_s=time.monotonic() if good else None,
        asked_at=at,
        answered_at=answered_at,
        certificate=certificate,
        above=tuple(each for each in others if certificate is None or each.dump() != certificate.dump()),
        problem=problem,
        path=path,
        unproved=unproved,
        tokens=tuple(tokens),
        silent=tuple(silent),
    )
    # Certificates are parsed when they are asked for a field: those in here belong to the thread of the room alone.
    return copy.deepcopy(seen)


async def _tokens(
    room: SealingRoom, digest: bytes, answers: Mapping[str, cms.ContentInfo | Exception], at: datetime
) -> tuple[list[Token], list[tuple[str, str]]]:
    tokens, silent = [], []
    for url, answer in answers.items():
        try:
            if isinstance(answer, Exception):
                raise answer
            der = answer.dump()
            check_token(der, digest, "sha256")
            tokens.append(await _token(room, url, der, at))
        except Exception as error:
            silent.append((url, describe(error)))
    return tokens, silent


async def _token(room: SealingRoom, url: str, der: bytes, at: datetime) -> Token:
    unit = time_stamp_unit(der)
    if unit is None:  # of which `token_findings` speaks
        return Token(source=url, der=der)
    carried = (each.chosen for each in cms.ContentInfo.load(der)["content"]["certificates"])
    path, unproved = await _path(room, unit, carried, at)
    return Token(source=url, der=der, path=path, unproved=unproved)


async def _path(
    room: SealingRoom, certificate: x509.Certificate, others: Iterable[x509.Certificate], at: datetime
) -> tuple[ValidationPath | None, str]:
    try:
        return await find_path(certificate, others, room.anchors, room.fetchers, at=at), ""
    except Exception as error:
        return None, describe(error)


async def _ask(room: SealingRoom, digest: bytes, *, thorough: bool) -> Mapping[str, cms.ContentInfo | Exception]:
    if thorough:
        return await room.authorities.ask_each(digest, "sha256")
    try:
        return dict([await room.authorities.ask_first(digest, "sha256")])
    except Exception as error:
        return {"all": error}
