"""The eight points of Regulation (EU) 910/2014, article 32(1), which article 40 applies to seals."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from asn1crypto import x509

from receipts.pades.case import DATA, FORM, INTEGRITY, SEAL, STAMP
from receipts.pades.report import Report, SubIndication
from receipts.pades.structure import COVERAGE
from receipts.pades.update import CHANGES
from receipts.trust import Qualification

POINTS: Final = MappingProxyType(
    {
        "a": "the certificate was, at the time of sealing, a qualified certificate for electronic seals (Annex III)",
        "b": "it was issued by a qualified trust service provider and was valid at the time of sealing",
        "c": "the validation data correspond to the data provided",
        "d": "the data that represent the creator of the seal are provided",
        "e": "the use of a pseudonym is indicated",
        "f": "the seal was created by a qualified seal creation device",
        "g": "the integrity of the sealed data is not compromised",
        "h": "the requirements for an advanced seal were met (art. 36)",
    }
)
_IDENTITY: Final = MappingProxyType(  # EN 319 412-3, 4.2.1, for Annex III (c)
    {
        "country_name": "country",
        "organization_name": "organisation",
        "organization_identifier": "registration number",
        "common_name": "name",
    }
)
_PSEUDONYM: Final = "2.5.4.65"
_NO_LIST: Final = "not proved: no trusted list is at hand"


@dataclass(frozen=True)
class Point:
    """One of the eight points.

    Attributes:
        letter: `a` to `h`.
        holds: Whether it holds; `None` if that could not be established.
        evidence: What that rests on, one line.
    """

    letter: str
    holds: bool | None
    evidence: str

    @property
    def text(self) -> str:
        """What is asked."""
        return POINTS[self.letter]


def eight_points(report: Report, qualification: Qualification | None) -> tuple[Point, ...]:
    """All eight, in order.

    Args:
        report: The verdict on the seal.
        qualification: What the trusted lists say of it; `None` without lists, or if its chain was not established.
    """
    return (
        _qualified_certificate(report, qualification),
        _issued_and_valid(report, qualification),
        _corresponds(report),
        _identity(report),
        _pseudonym(report),
        _device(report, qualification),
        _integrity(report),
        _advanced(report),
    )


def _check(report: Report, name: str) -> bool | None:
    found = [each.ok for each in report.headline.checks if each.name == name]
    return all(found) if found else None


def _said(report: Report, *names: str) -> str:
    return "; ".join(each.evidence for each in report.headline.checks if each.name in names)


def _qualified_certificate(report: Report, qualification: Qualification | None) -> Point:
    if qualification is None:
        return Point("a", None, _unproved(report))
    standing = qualification.at_signing
    return Point("a", standing.is_qualified, f"at {standing.at}: {standing.evidence}")


def _issued_and_valid(report: Report, qualification: Qualification | None) -> Point:
    valid = _check(report, SEAL)
    if valid is False or (_check(report, DATA) is False and valid):
        if report.sub_indication in (SubIndication.TRY_LATER, SubIndication.NO_CERTIFICATE_CHAIN_FOUND):
            return Point("b", None, _said(report, SEAL, DATA))
        return Point("b", False, _said(report, SEAL, DATA))
    if qualification is None:
        return Point("b", None, _unproved(report))
    standing = qualification.at_issuance
    holds = standing.is_qualified and bool(valid)
    return Point("b", holds, f"at {standing.at}: {standing.evidence}; {_said(report, SEAL)}")


def _unproved(report: Report) -> str:
    return _NO_LIST if report.headline.path is not None else "not established: the chain to an anchor does not hold"


def _corresponds(report: Report) -> Point:
    if _check(report, INTEGRITY) is None or report.headline.certificate is None:
        return Point("c", None, "not established: no signature could be read")
    if report.sub_indication is SubIndication.SIG_CRYPTO_FAILURE and _check(report, INTEGRITY) is False:
        return Point("c", False, _said(report, INTEGRITY))
    if _check(report, INTEGRITY) is False and report.sub_indication is not SubIndication.HASH_FAILURE:
        return Point("c", None, _said(report, INTEGRITY))
    return Point("c", True, f"the signature verifies with the public key of {report.headline.signer}")


def _identity(report: Report) -> Point:
    if report.headline.certificate is None:
        return Point("d", None, "not established: there is no certificate")
    subject = report.headline.certificate.subject.native
    lacking = [label for attribute, label in _IDENTITY.items() if not subject.get(attribute)]
    if lacking:
        return Point(
            "d", False, f"the certificate lacks {', '.join(lacking)} (EN 319 412-3, 4.2.1): {report.headline.signer}"
        )
    return Point("d", True, "; ".join(f"{label}: {subject[attribute]}" for attribute, label in _IDENTITY.items()))


def _pseudonym(report: Report) -> Point:
    if report.headline.certificate is None:
        return Point("e", None, "not established: there is no certificate")
    found = _pseudonyms(report.headline.certificate)
    if found:  # Annex III (c) wants the name in the official records
        return Point("e", False, f"the certificate is for a pseudonym, which no seal may have: {', '.join(found)}")
    return Point("e", True, "no pseudonym is used")


def _pseudonyms(certificate: x509.Certificate) -> list[str]:
    names = [pair for rdn in certificate.subject.chosen for pair in rdn]
    return [str(pair["value"].native) for pair in names if pair["type"].dotted == _PSEUDONYM]


def _device(report: Report, qualification: Qualification | None) -> Point:
    if qualification is None:
        return Point("f", None, _unproved(report))
    standing = qualification.at_signing
    return Point("f", standing.in_qscd, f"at {standing.at}: {standing.evidence}")


def _integrity(report: Report) -> Point:
    names = (COVERAGE, INTEGRITY, CHANGES)
    found = [_check(report, name) for name in names]
    if False in found and report.sub_indication is SubIndication.SIG_CRYPTO_FAILURE:
        return Point("g", None, "not established: the signature does not verify")
    if _check(report, CHANGES) is False and report.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE:
        return Point("g", None, f"not established: {_said(report, *names)}")  # signed again by somebody
    holds = False if False in found else None if None in found else True
    return Point("g", holds, _said(report, *names) or "not established: no seal was found")


def _advanced(report: Report) -> Point:
    """Art. 36: linked to the creator, who is identified and in control (the chain), and to the data (the digest)."""
    subject = report.headline.certificate.subject.native if report.headline.certificate else {}
    if report.passed and not subject.get("organization_name"):
        return Point("h", False, "the certificate does not identify who created the seal")
    if report.passed:
        return Point("h", True, _said(report, FORM, STAMP) + f"; {report.indication} at {report.headline.level}")
    if _check(report, FORM) is False:
        return Point("h", False, _said(report, FORM))
    if _check(report, CHANGES) is False and report.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE:
        return Point("h", None, _said(report, CHANGES))
    unclear = report.sub_indication in (
        SubIndication.TRY_LATER,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        SubIndication.NO_POE,
        SubIndication.OUT_OF_BOUNDS_NO_POE,
        SubIndication.GENERIC,
    )
    return Point("h", None if unclear else False, f"{report.indication} / {report.sub_indication}: {report.why}")
