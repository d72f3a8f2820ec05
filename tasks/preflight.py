"""Preflight: may this installation seal now, and of what do its seals fall short? Asked before each batch and daily."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import cms
from pyhanko_certvalidator.path import ValidationPath

from config.settings import Settings
from receipts.preflight import (
    Demands,
    Finding,
    Verdict,
    certificate_findings,
    chain_findings,
    clock_finding,
    proof_findings,
    token_findings,
)
from receipts.trust import Altered, Qualification, TrustedServices, qualify
from tasks import trustlists
from tasks.connections import Connections
from tasks.looking import Seen, Token, look
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
        if thorough or not isinstance(seen, Seen) or not seen.is_good_for(settings.preflight_s):
            seen = room.seen = room.run(look(room, connections.now, thorough=thorough))
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


def _judge(room: SealingRoom, seen: Seen, demands: Demands, at: datetime) -> list[Finding]:
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


def _prove(settings: Settings, seen: Seen, demands: Demands, at: datetime) -> list[Finding]:
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
    listed: TrustedServices, path: ValidationPath, tokens: Iterable[Token], at: datetime
) -> Iterator[tuple[str, Qualification]]:
    for token in tokens:
        if token.path is not None:
            info = cms.ContentInfo.load(token.der)["content"]["encap_content_info"]["content"].parsed
            yield token.source, qualify(listed, path, [(token.path, info)], passed=True, at=at)
