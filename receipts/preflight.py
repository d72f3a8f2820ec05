"""What must hold of a sealing certificate and of a time-stamping authority before a batch is sealed.

A finding *holds*, *stops* the batch before it starts, or is *short*: sealing goes on, and the result says of what it
falls short. What a certificate says of itself is a claim: only a trusted list can prove that a seal is qualified.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from asn1crypto import cms, x509
from pyhanko.sign.ades.qualified_asn1 import QcStatements, get_qc_statements

from receipts.pades.token import DIGESTS
from receipts.trust import Qualification

RSA_3000: Final = 3000
RSA_1900: Final = 1900
LAST_ISSUE_BELOW_3000: Final = datetime(2027, 1, 1, tzinfo=UTC)  # TS 119 312 V2.1.1, 8.4: not after 2026-12-31
LAST_DAY_BELOW_3000: Final = datetime(2029, 1, 1, tzinfo=UTC)  # the same: must end by 2028-12-31
CLOCK_SHORT: Final = timedelta(seconds=30)
CLOCK_STOPS: Final = timedelta(hours=1)
QTST_STATEMENT: Final = "0.4.0.19422.1.1"  # EN 319 422, 9.1: esi4-qtstStatement-1
_QC_STATEMENTS: Final = "1.3.6.1.5.5.7.1.3"


class Verdict(StrEnum):
    """What a finding means for the batch."""

    HOLDS = "holds"
    SHORT = "short"
    STOPS = "stops"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What; stable, for machines.
        verdict: What it means for the batch.
        evidence: What was found, one line.
    """

    name: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Demands:
    """What this installation asks for.

    Attributes:
        qualified: Whether anything short of a qualified seal stops the batch.
        organization_identifier: The tenant's (EN 319 412-1, such as NTRFR-123456789); empty if none is configured.
        margin: Certificates that end sooner than this are spoken of.
    """

    qualified: bool = False
    organization_identifier: str = ""
    margin: timedelta = timedelta(days=30)

    @property
    def short(self) -> Verdict:
        """What falling short of qualified means."""
        return Verdict.STOPS if self.qualified else Verdict.SHORT


def certificate_findings(certificate: x509.Certificate, demands: Demands, *, at: datetime) -> list[Finding]:
    """What there is to say of a sealing certificate.

    Args:
        certificate: As the provider gives it now.
        demands: What is asked for.
        at: The present, UTC-aware.
    """
    return [
        _validity("seal-certificate-validity", certificate, demands, at),
        _strength("seal-key-strength", certificate, at),
        _usage(certificate),
        _organization(certificate, demands),
        *_claims(certificate, demands),
    ]


def chain_findings(chain: Sequence[x509.Certificate], demands: Demands, *, at: datetime) -> list[Finding]:
    """Validity and strength of the certificates above the sealing certificate: what is not well."""
    found = []
    for certificate in chain:
        for finding in (_validity("chain", certificate, demands, at), _strength("chain", certificate, at)):
            if finding.verdict is not Verdict.HOLDS:
                found.append(Finding("chain", finding.verdict, f"{_subject(certificate)}: {finding.evidence}"))
    return found or [Finding("chain", Verdict.HOLDS, f"{len(chain)} certificates above the sealing certificate")]


def token_findings(der: bytes, source: str, demands: Demands, *, at: datetime) -> list[Finding]:
    """What there is to say of a time-stamp token whose form and signature were checked already.

    Args:
        der: The token.
        source: Where it came from, for the evidence.
        demands: What is asked for.
        at: The present, UTC-aware.
    """
    unit, signed = time_stamp_unit(der), cms.ContentInfo.load(der)["content"]
    if unit is None:
        return [Finding("time-stamp-unit", Verdict.STOPS, f"{source}: the token doesn't carry its unit's certificate")]
    stated = QTST_STATEMENT in _token_statements(signed)
    evidence = f"{source}: the token {'says' if stated else 'does not say'} that it is a qualified time-stamp"
    return [
        _validity("time-stamp-unit", unit, demands, at),
        _strength("time-stamp-unit-strength", unit, at),
        # CIR (EU) 2025/1929; a claim, which a trusted list proves or not.
        Finding("qualified-time-stamp-statement", Verdict.HOLDS if stated else demands.short, evidence),
    ]


def clock_finding(der: bytes, asked_at: datetime, answered_at: datetime) -> Finding:
    """Whether this machine's clock agrees with a time-stamp: it dates the steps (LPF A102 B-2 III), and so the lock.

    Args:
        der: The token.
        asked_at: This machine's time before it was asked for, UTC-aware.
        answered_at: The same after the answer.
    """
    info = cms.ContentInfo.load(der)["content"]["encap_content_info"]["content"].parsed
    told: datetime = info["gen_time"].native
    off = max(asked_at - told, told - answered_at, timedelta(0))
    verdict = Verdict.STOPS if off > CLOCK_STOPS else Verdict.SHORT if off > CLOCK_SHORT else Verdict.HOLDS
    said = f"{off.total_seconds():.0f} s off the time-stamp" if off > CLOCK_SHORT else "agrees with the time-stamp"
    return Finding("clock", verdict, f"this machine's clock {'is ' if off > CLOCK_SHORT else ''}{said}")


def proof_findings(worth: Mapping[str, Qualification] | None, demands: Demands) -> list[Finding]:
    """What a trusted list says of a seal made now; without one, claims are only claims (CIR (EU) 2025/1945, Annex I).

    Args:
        worth: What a seal with a time-stamp of each source would be; `None` if there is no trusted list.
        demands: What is asked for.
    """
    if worth is None:
        said = "no trusted list was asked: what the certificate and the token claim is not proved"
        return [Finding("trusted-list", demands.short, said)]
    found = []
    for source, each in worth.items():
        issued, signing = each.at_issuance.evidence, each.at_signing.evidence
        why = issued if not each.at_issuance.is_qualified or issued == signing else f"{issued}; now: {signing}"
        said = f"{each.trusted_list}: a seal would be {each.seal}: {why}; {source} is {each.time_stamp}: "
        evidence = said + each.time_stamp_evidence
        found.append(Finding("trusted-list", Verdict.HOLDS if each.is_proved else demands.short, evidence))
    return found


def time_stamp_unit(der: bytes) -> x509.Certificate | None:
    """The certificate that a token's ESSCertIDv2 names (RFC 5816, 2.2.1); `None` if the token doesn't carry it."""
    signed = cms.ContentInfo.load(der)["content"]
    attributes = {each["type"].native: each["values"] for each in signed["signer_infos"][0]["signed_attrs"]}
    named = attributes["signing_certificate_v2"][0]["certs"][0]
    algorithm = named["hash_algorithm"]["algorithm"].native
    for choice in signed["certificates"]:
        if algorithm in DIGESTS and (
            hashlib.new(algorithm, choice.chosen.dump()).digest() == named["cert_hash"].native
        ):
            return choice.chosen
    return None


def weakness(certificate: x509.Certificate, at: datetime) -> str:
    """Why the certificate's key may not be used at `at` (ETSI TS 119 312 V2.1.1, 8.4), or empty."""
    key = certificate.public_key
    if key.algorithm == "ec":
        return "" if key.bit_size >= 256 else f"an elliptic curve of {key.bit_size} bits is too weak"
    if key.algorithm not in ("rsa", "rsassa_pss"):
        return f"keys for {key.algorithm} are not accepted"
    if key.bit_size >= RSA_3000:
        return ""
    if key.bit_size < RSA_1900:
        return f"RSA of {key.bit_size} bits is too weak"
    if certificate.not_valid_before >= LAST_ISSUE_BELOW_3000:
        return f"RSA of {key.bit_size} bits is not accepted in certificates issued after 2026-12-31"
    if certificate.not_valid_after >= LAST_DAY_BELOW_3000 or at >= LAST_DAY_BELOW_3000:
        return f"RSA of {key.bit_size} bits must end by 2028-12-31, the certificate ends {_day(certificate)}"
    return ""


def _validity(name: str, certificate: x509.Certificate, demands: Demands, at: datetime) -> Finding:
    start, end = certificate.not_valid_before, certificate.not_valid_after
    if at < start:
        return Finding(name, Verdict.STOPS, f"not valid before {start.date()}")
    if at > end:
        return Finding(name, Verdict.STOPS, f"expired on {end.date()}")
    days = (end - at).days
    verdict = Verdict.SHORT if end - at < demands.margin else Verdict.HOLDS
    return Finding(name, verdict, f"valid for {days} more days, until {end.date()}")


def _strength(name: str, certificate: x509.Certificate, at: datetime) -> Finding:
    key = certificate.public_key
    said = weakness(certificate, at)
    return Finding(name, Verdict.STOPS if said else Verdict.HOLDS, said or f"{key.algorithm} of {key.bit_size} bits")


def _usage(certificate: x509.Certificate) -> Finding:
    usage = certificate.key_usage_value
    allowed = set() if usage is None else usage.native & {"digital_signature", "non_repudiation"}
    if allowed:  # EN 319 412-2, 4.3.2
        return Finding("seal-key-usage", Verdict.HOLDS, ", ".join(sorted(allowed)))
    return Finding("seal-key-usage", Verdict.STOPS, "the certificate's key usage allows no signatures")


def _organization(certificate: x509.Certificate, demands: Demands) -> Finding:
    name = "organization-identifier"
    found = certificate.subject.native.get("organization_identifier")
    if not demands.organization_identifier:
        said = f"the certificate names {found or 'none'}; none is configured to compare it with"
        return Finding(name, demands.short, said)
    if found == demands.organization_identifier:
        return Finding(name, Verdict.HOLDS, str(found))
    # EN 319 412-3, 4.2.1: someone else's seal on our receipts is never right.
    return Finding(
        name, Verdict.STOPS, f"the certificate names {found or 'none'}, not {demands.organization_identifier}"
    )


def _claims(certificate: x509.Certificate, demands: Demands) -> Iterator[Finding]:
    """What the certificate says of itself (EN 319 412-5, 4.2 and 4.3)."""
    try:
        said = {each["statement_id"].native: each["statement_info"].native for each in get_qc_statements(certificate)}
    except (ValueError, TypeError, KeyError):
        yield Finding("qualified-claims", demands.short, "the certificate's qcStatements can't be read")
        return
    types = said.get("qc_type") or []
    law = said.get("qc_cc_legislation")
    for name, holds, claim in (
        ("qc-compliance", "qc_compliance" in said and not law, "to be an EU qualified certificate"),
        ("qc-type", types == ["qct_eseal"], "to be for electronic seals"),
        ("qc-sscd", "qc_sscd" in said, "that its key is in a qualified device"),
    ):
        evidence = f"the certificate {'claims' if holds else 'does not claim'} {claim}"
        yield Finding(name, Verdict.HOLDS if holds else demands.short, evidence)


def _token_statements(signed: cms.SignedData) -> set[str]:
    """OIDs of the qcStatements in a token's own, non-critical extension (EN 319 422, 9.1)."""
    info = signed["encap_content_info"]["content"].parsed
    for extension in info["extensions"] or ():
        if extension["extn_id"].dotted == _QC_STATEMENTS and not extension["critical"].native:
            statements = QcStatements.load(bytes(extension["extn_value"]))
            return {each["statement_id"].dotted for each in statements}
    return set()


def _subject(certificate: x509.Certificate) -> str:
    return str(certificate.subject.native.get("common_name") or certificate.subject.human_friendly)


def _day(certificate: x509.Certificate) -> str:
    return str(certificate.not_valid_after.date())
