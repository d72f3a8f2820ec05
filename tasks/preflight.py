"""Preflight: may this installation seal now, and of what do its seals fall short? Asked before each batch and daily."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import cms, x509
from pyhanko_certvalidator.path import ValidationPath

from config.settings import Settings
from receipts.chains import find_path
from receipts.pades.token import check_token
from receipts.preflight import (
    Demands,
    Finding,
    Verdict,
    certificate_findings,
    chain_findings,
    clock_finding,
    proof_findings,
    time_stamp_unit,
    token_findings,
)
from receipts.trust import Altered, Qualification, TrustedServices, qualify
from tasks import trustlists
from tasks.connections import Connections
from tasks.sealing import SealingRoom, leave_room, sealing_room
from tasks.step import describe


class NotReady(Exception):
    """Nothing is sealed before what the message says is mended."""


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What was found.

    Attributes:
        at: When, UTC.
        findings: In order.
    """

    at: datetime
    findings: tuple[Finding, ...]

    @property
    def may_seal(self) -> bool:
        """Whether nothing stops a batch."""
        return not self.of(Verdict.STOPS)

    @property
    def qualified(self) -> bool:
        """Whether it is proved that a seal made now is qualified."""
        return all(finding.verdict is Verdict.HOLDS for finding in self.findings)

    def of(self, verdict: Verdict) -> list[Finding]:
        """The findings of one verdict."""
        return [finding for finding in self.findings if finding.verdict is verdict]

    def to_json(self) -> dict[str, object]:
        """As machines read it; keys are only ever added."""
        return {
            "at": self.at.isoformat(),
            "may_seal": self.may_seal,
            "qualified": self.qualified,
            "findings": [{"name": f.name, "verdict": f.verdict.value, "evidence": f.evidence} for f in self.findings],
        }


@dataclass(frozen=True, kw_only=True)
class _Token:
    """A time-stamp that an authority gave, and how its unit's chain stands."""

    source: str
    der: bytes
    path: ValidationPath | None = None
    unproved: str = ""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the provider and the authorities answered; what it means is judged afresh each time."""

    seen_at_s: float | None  # time.monotonic(); `None` if it was bad, and must be looked at again
    asked_at: datetime
    answered_at: datetime
    certificate: x509.Certificate | None = None
    problem: str = ""
    above: tuple[x509.Certificate, ...] = ()  # the certificates that the provider gives beside it
    path: ValidationPath | None = None
    unproved: str = ""  # why there is no path
    tokens: tuple[_Token, ...] = ()
    silent: tuple[tuple[str, str], ...] = ()

    def is_good_for(self, good_s: float) -> bool:
        return self.seen_at_s is not None and time.monotonic() < self.seen_at_s + good_s


def preflight(connections: Connections, *, thorough: bool = False) -> Preflight:
    """Look whether everything is there to seal with.

    Args:
        connections: The installation.
        thorough: Ask everybody now, also the authorities that only stand in; else what was seen some minutes ago will
            do, unless it was bad.
    """
    settings, at = connections.settings, connections.now()
    demands = Demands(
        qualified=settings.require_qualified,
        organization_identifier=settings.organization_identifier,
        margin=timedelta(days=settings.certificate_margin_days),
    )
    try:
        room = sealing_room(settings)
    except Exception as error:
        return Preflight(at=at, findings=(Finding("sealing-key", Verdict.STOPS, describe(error)),))
    with room.looking:
        seen = room.seen
        if thorough or not isinstance(seen, _Seen) or not seen.is_good_for(settings.preflight_s):
            seen = room.seen = room.run(_look(room, connections.now, thorough=thorough))
        findings = (*_judge(room, seen, demands, at), *_prove(settings, seen, demands, at))
    if seen.problem and seen.certificate is not None:
        leave_room(settings, room)
    return Preflight(at=at, findings=findings)


def require_ready(connections: Connections) -> Preflight:
    """The preflight before a batch.

    Raises:
        NotReady: Something stops it.
    """
    found = preflight(connections)
    if not found.may_seal:
        raise NotReady("; ".join(f"{finding.name}: {finding.evidence}" for finding in found.of(Verdict.STOPS)))
    return found


async def _look(room: SealingRoom, now: Callable[[], datetime], *, thorough: bool) -> _Seen:
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
    tokens, silent = [], []
    answers = await _ask(room, digest, thorough=thorough)
    answered_at = now()
    for url, answer in answers.items():
        try:
            if isinstance(answer, Exception):
                raise answer
            der = answer.dump()
            check_token(der, digest, "sha256")
            tokens.append(await _token(room, url, der, at))
        except Exception as error:
            silent.append((url, describe(error)))
    good = tokens and not problem and not unproved and not any(token.unproved for token in tokens)
    seen = _Seen(
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


async def _token(room: SealingRoom, url: str, der: bytes, at: datetime) -> _Token:
    unit = time_stamp_unit(der)
    if unit is None:  # of which `token_findings` speaks
        return _Token(source=url, der=der)
    carried = (each.chosen for each in cms.ContentInfo.load(der)["content"]["certificates"])
    path, unproved = await _path(room, unit, carried, at)
    return _Token(source=url, der=der, path=path, unproved=unproved)


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


def _judge(room: SealingRoom, seen: _Seen, demands: Demands, at: datetime) -> list[Finding]:
    found = []
    if seen.problem:
        found.append(Finding("sealing-key", Verdict.STOPS, seen.problem))
    else:
        found.append(Finding("sealing-key", Verdict.HOLDS, "the key can be used"))
    if seen.certificate is not None:
        found += certificate_findings(seen.certificate, demands, at=at)
        found += chain_findings(seen.above, demands, at=at)
        found.append(_standing("seal-certificate-status", seen.unproved, Verdict.STOPS))
    name = "time-stamping-authority"
    if seen.tokens:
        found.append(Finding(name, Verdict.HOLDS, f"{', '.join(each.source for each in seen.tokens)} answers well"))
    silent = dict(seen.silent) | {s.url: s.problem for s in room.authorities.states() if s.problem}
    for url, problem in silent.items():
        found.append(Finding(name, Verdict.SHORT if seen.tokens else Verdict.STOPS, f"{url}: {problem}"))
    for number, token in enumerate(seen.tokens):
        found += token_findings(token.der, token.source, demands, at=at)
        # The first is the one that is asked for time-stamps.
        found.append(_standing("time-stamp-unit-status", token.unproved, Verdict.SHORT if number else Verdict.STOPS))
    if seen.tokens:
        found.append(clock_finding(seen.tokens[0].der, seen.asked_at, seen.answered_at))
    return found


def _standing(name: str, unproved: str, verdict: Verdict) -> Finding:
    said = "its chain reaches a trust anchor and nothing on it is revoked"
    return Finding(name, verdict if unproved else Verdict.HOLDS, unproved or said)


def _prove(settings: Settings, seen: _Seen, demands: Demands, at: datetime) -> list[Finding]:
    """What the trusted list in use says of a seal made now."""
    try:
        listed = trustlists.services(settings)
    except (trustlists.NoSnapshot, Altered) as error:
        return [Finding("trusted-list", Verdict.STOPS, describe(error))]
    if listed is None:
        return proof_findings(None, demands)
    if seen.path is None or not any(token.path for token in seen.tokens):
        return []  # stopped already
    return proof_findings(dict(_worth(listed, seen.path, seen.tokens, at)), demands)


def _worth(
    listed: TrustedServices, path: ValidationPath, tokens: Iterable[_Token], at: datetime
) -> Iterator[tuple[str, Qualification]]:
    for token in tokens:
        if token.path is not None:
            info = cms.ContentInfo.load(token.der)["content"]["encap_content_info"]["content"].parsed
            yield token.source, qualify(listed, path, [(token.path, info)], passed=True, at=at)
