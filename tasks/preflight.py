"""Preflight: may this installation seal now, and of what do its seals fall short? Asked before each batch and daily."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import cms, x509

from receipts.pades.token import check_token
from receipts.preflight import (
    Demands,
    Finding,
    Verdict,
    certificate_findings,
    chain_findings,
    proof_finding,
    token_findings,
)
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
class _Seen:
    """What the provider and the authorities answered; what it means is judged afresh each time."""

    until: float  # time.monotonic()
    certificate: x509.Certificate | None = None
    problem: str = ""
    tokens: tuple[tuple[str, bytes], ...] = ()
    silent: tuple[tuple[str, str], ...] = ()


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
        if thorough or not isinstance(seen, _Seen) or seen.until < time.monotonic():
            seen = room.seen = room.run(_look(room, settings.preflight_s, thorough=thorough))
    if seen.problem and seen.certificate is not None:
        leave_room(settings, room)
    return Preflight(at=at, findings=tuple(_judge(room, seen, demands, at)))


def require_ready(connections: Connections) -> Preflight:
    """The preflight before a batch.

    Raises:
        NotReady: Something stops it.
    """
    found = preflight(connections)
    if not found.may_seal:
        raise NotReady("; ".join(f"{finding.name}: {finding.evidence}" for finding in found.of(Verdict.STOPS)))
    return found


async def _look(room: SealingRoom, good_s: float, *, thorough: bool) -> _Seen:
    certificate, problem = None, ""
    try:
        certificate = await room.signer.check()
        known = room.sealer.signer.signing_cert
        if known is None or certificate.dump() != known.dump():
            problem = "the provider has another certificate now: sealing starts over with it"
    except Exception as error:
        problem = describe(error)
    digest = os.urandom(32)
    tokens, silent = [], []
    for url, answer in (await _ask(room, digest, thorough=thorough)).items():
        try:
            if isinstance(answer, Exception):
                raise answer
            der = answer.dump()
            check_token(der, digest, "sha256")
            tokens.append((url, der))
        except Exception as error:
            silent.append((url, describe(error)))
    until = time.monotonic() + good_s if tokens and not problem else 0.0
    return _Seen(until=until, certificate=certificate, problem=problem, tokens=tuple(tokens), silent=tuple(silent))


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
        above = [each for each in room.signer.cert_registry if each.dump() != seen.certificate.dump()]
        found += chain_findings(above, demands, at=at)
    name = "time-stamping-authority"
    if seen.tokens:
        found.append(Finding(name, Verdict.HOLDS, f"{', '.join(url for url, _ in seen.tokens)} answers well"))
    silent = dict(seen.silent) | {s.url: s.problem for s in room.authorities.states() if s.problem}
    for url, problem in silent.items():
        found.append(Finding(name, Verdict.SHORT if seen.tokens else Verdict.STOPS, f"{url}: {problem}"))
    for url, der in seen.tokens:
        found += token_findings(der, url, demands, at=at)
    return [*found, proof_finding(demands)]
