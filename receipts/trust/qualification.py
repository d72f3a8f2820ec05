"""What a seal and its time-stamp are worth by the trusted lists, at issuance and at signing (TS 119 615; eIDAS 3, 32).

pyHanko's assessor says what a service's entry means for a certificate. Stricter here than there: the list must be in
force, the service must be for seals in so many words, a status ends in the second in which the next begins, and words
of before eIDAS (QCWithSSCD) prove no qualified device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from asn1crypto import tsp, x509
from pyhanko.sign.ades.qualified_asn1 import get_qc_statements
from pyhanko.sign.validation.qualified.assess import QualificationAssessor
from pyhanko.sign.validation.qualified.tsp import (
    CAServiceInformation,
    QcCertType,
    QualifiedServiceInformation,
    Qualifier,
)
from pyhanko_certvalidator.path import ValidationPath

from receipts.trust.services import Service, TrustedServices
from receipts.trust.stamps import StampQualification, is_current, judge_stamp

_QSCD: Final = frozenset({Qualifier.WITH_QSCD, Qualifier.QSCD_MANAGED_ON_BEHALF})


class SealQualification(StrEnum):
    """What a seal that holds is (TS 119 615, 4.5; the words of EU DSS)."""

    QESEAL = "QESeal"
    ADESEAL_QC = "AdESeal-QC"
    ADESEAL = "AdESeal"
    ADESIG = "AdESig"
    ADES = "AdES"
    NOT_ESTABLISHED = "not established"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a certificate was by the trusted lists at one time.

    Attributes:
        at: The time, UTC.
        is_qualified: Whether it was a qualified certificate for electronic seals (eIDAS art. 38).
        in_qscd: Whether its key was in a qualified seal creation device (eIDAS art. 39).
        evidence: What that rests on, or why not, in one line.
    """

    at: datetime
    is_qualified: bool
    in_qscd: bool
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Qualification:
    """What the lists say of one seal.

    Attributes:
        seal: What the seal is.
        time_stamp: What its earliest time-stamp is.
        at_issuance: Of the sealing certificate, when its validity began.
        at_signing: The same, at the time of the time-stamp (best-signature-time).
        time_stamp_evidence: What the time-stamp's qualification rests on, or why not.
        trusted_list: Name of the snapshot.
        trusted_list_sha256: Digest of its manifest.
    """

    seal: SealQualification
    time_stamp: StampQualification
    at_issuance: Standing
    at_signing: Standing
    time_stamp_evidence: str
    trusted_list: str
    trusted_list_sha256: str

    @property
    def is_proved(self) -> bool:
        """Whether the seal is a qualified one with a qualified time-stamp (eIDAS art. 35(2) and 41(2))."""
        return self.seal is SealQualification.QESEAL and self.time_stamp is StampQualification.QTSA

    @property
    def words(self) -> str:
        """What the seal and its time-stamp are, in short."""
        return f"{self.seal} with a time-stamp of kind {self.time_stamp}"


def qualify(
    services: TrustedServices,
    seal: ValidationPath,
    stamps: Sequence[tuple[ValidationPath, tsp.TSTInfo]],
    *,
    passed: bool,
    at: datetime,
) -> Qualification:
    """What a seal that was validated is worth.

    Args:
        services: The trusted lists.
        seal: The sealing certificate's path, as validation found it.
        stamps: Path and content of each time-stamp of the seal.
        passed: Whether the seal is TOTAL-PASSED; else it is nothing yet.
        at: For which time the verdict is: the lists must be in force then.
    """
    sealed_at: datetime = min(info["gen_time"].native for _, info in stamps)
    certificate = list(seal.iter_certs(include_root=True))[-1]
    with services.alone:
        at_issuance = _standing(services, seal, certificate.not_valid_before, at)
        at_signing = _standing(services, seal, sealed_at, at)
    time_stamp, evidence = judge_stamp(services, stamps, passed=passed, at=at)
    return Qualification(
        seal=_seal(at_issuance, at_signing, certificate) if passed else SealQualification.NOT_ESTABLISHED,
        time_stamp=time_stamp,
        at_issuance=at_issuance,
        at_signing=at_signing,
        time_stamp_evidence=evidence,
        trusted_list=services.snapshot.name,
        trusted_list_sha256=services.snapshot.sha256,
    )


def _seal(at_issuance: Standing, at_signing: Standing, certificate: x509.Certificate) -> SealQualification:
    if at_issuance.is_qualified and at_signing.is_qualified:
        return SealQualification.QESEAL if at_signing.in_qscd else SealQualification.ADESEAL_QC
    # Not qualified: what it is for is what the certificate itself says (EN 319 412-5, 4.2.3: without a word, signing).
    statements = _statements(certificate)
    types = statements.get("qc_type", ["qct_esign"] if "qc_compliance" in statements else [])
    if types == ["qct_eseal"]:
        return SealQualification.ADESEAL
    return SealQualification.ADESIG if types == ["qct_esign"] else SealQualification.ADES


def _statements(certificate: x509.Certificate) -> dict[str, Any]:
    try:
        return {each["statement_id"].native: each["statement_info"].native for each in get_qc_statements(certificate)}
    except (ValueError, TypeError, KeyError):
        return {}


def _standing(services: TrustedServices, path: ValidationPath, moment: datetime, at: datetime) -> Standing:
    """What the sealing certificate was at `moment`, by the lists in force at `at`."""

    def no(evidence: str) -> Standing:
        return Standing(at=moment, is_qualified=False, in_qscd=False, evidence=evidence)

    certificates = [each for each in path.iter_certs(include_root=True) if each is not path.leaf]
    listed = services.of(certificates, at)
    if not listed:
        return no("no service in a trusted list in force issued the certificate")
    found: list[tuple[Service, QualifiedServiceInformation]] = []
    for service in listed:
        for entry in service.registry.applicable_tsps_on_path(path, moment):
            if isinstance(entry, CAServiceInformation) and is_current(entry, moment):
                found.append((service, entry))
    if not found:
        return no(f"{_names(listed)} was not granted for qualified certificates then")
    for_seals = [each for each in found if QcCertType.QC_ESEAL in each[1].base_info.additional_info_certificate_type]
    if not for_seals:
        return no(f"{_names([service for service, _ in found])} was not granted for seals then")
    judged = [_judge(service, entry, path, moment) for service, entry in for_seals]
    if len({(each.is_qualified, each.in_qscd) for each in judged}) > 1:
        return no(f"the lists contradict each other: {'; '.join(each.evidence for each in judged)}")
    return judged[0]


def _judge(service: Service, entry: QualifiedServiceInformation, path: ValidationPath, moment: datetime) -> Standing:
    where = f"{entry.base_info.service_name} of {service.provider} ({service.territory})"
    since = f"granted for seals since {entry.base_info.valid_from:%Y-%m-%d}"
    try:
        status = QualificationAssessor(service.registry).check_entity_cert_qualified(path, moment).status
    except (NotImplementedError, ValueError, TypeError, KeyError) as error:
        evidence = f"{where}, {since}; its word on this certificate can't be understood: {error}"
        return Standing(at=moment, is_qualified=False, in_qscd=False, evidence=evidence[:300])
    is_qualified = status.qualified and status.qc_type is QcCertType.QC_ESEAL
    in_qscd = is_qualified and status.qc_key_security.is_qscd and _proves_qscd(entry, path.leaf)
    said = "qualified for seals" if is_qualified else "not qualified for seals"
    device = f", {'its key in a QSCD' if in_qscd else 'no QSCD'}" if is_qualified else ""
    evidence = f"{where}, {since}: the certificate is {said}{device}"
    return Standing(at=moment, is_qualified=is_qualified, in_qscd=in_qscd, evidence=evidence)


def _proves_qscd(entry: QualifiedServiceInformation, certificate: x509.Certificate) -> bool:
    applying = {q for each in entry.qualifications if each.criteria_list.matches(certificate) for q in each.qualifiers}
    return "qc_sscd" in _statements(certificate) or bool(applying & _QSCD)


def _names(services: Sequence[Service]) -> str:
    return ", ".join(dict.fromkeys(f"a service of {each.provider} ({each.territory})" for each in services))
