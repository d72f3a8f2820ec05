"""The verdict as an ETSI TS 119 102-2 V1.4.1 validation report (XML), unsigned: the headline, then every other seal."""

from __future__ import annotations

from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

from receipts.pades.report import Judged, Kind
from receipts.verdict.etsi_objects import add_objects
from receipts.verdict.etsi_words import (
    DS,
    INDICATIONS,
    OWN,
    TSL,
    URN,
    VR,
    XADES,
    add,
    add_digest,
    add_evidence,
    certificate_id,
    stamp_id,
    utc,
    words,
)
from receipts.verdict.model import Verdict

_QUALITY: Final = "urn:cef:dss:signatureQualification"  # the words of EU DSS: ETSI has none


def write_xml(verdict: Verdict, *, software: str) -> bytes:
    """The report, UTF-8, valid by the schema of TS 119 102-2 V1.4.1.

    Args:
        verdict: What is to be said.
        software: What made the report.
    """
    report = verdict.report
    prefixes: dict[str | None, str] = {None: VR, "ds": DS, "XAdES": XADES, "tsl": TSL}
    root = etree.Element(f"{{{VR}}}ValidationReport", nsmap=prefixes)  # type: ignore[arg-type]
    others = [each for each in report.signatures if each.kind is Kind.SEAL and each.field != report.headline.field]
    for number, judged in enumerate([report.headline, *others], 1):
        _add_report(root, verdict, judged, number)
    add_objects(root, report)
    validator = add(root, "SignatureValidator")
    add(add(validator, "DigitalId"), "Other", ns=TSL).append(words("software", software))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _add_report(root: Element, verdict: Verdict, judged: Judged, number: int) -> None:
    """The report on one seal; on the headline's, with all that is said of the file."""
    about, is_headline = add(root, "SignatureValidationReport"), number == 1
    identifier = add(about, "SignatureIdentifier", id=f"signature-{number}")
    add_digest(add(identifier, "DigestAlgAndValue"), verdict.report.sha256)
    add(identifier, "HashOnly", "false")
    add(identifier, "DocHashOnly", "false")
    add(identifier, "DAIdentifier", f"{verdict.name}{'' if is_headline else f' ({judged.field})'}")
    _constraints(about, judged, verdict if is_headline else None)
    _times(about, verdict, judged)
    add_digest(add(add(about, "SignersDocument"), "DigestAlgAndValue"), verdict.report.sha256)
    _attributes(about, judged)
    if judged.certificate is not None:
        signer = add(about, "SignerInformation")
        add(signer, "SignerCertificate", VOReference=certificate_id(judged.certificate))
        add(signer, "Signer", judged.signer)
    if is_headline and verdict.qualification:
        quality = "NotEstablished" if verdict.kind == "not established" else verdict.kind
        add(add(about, "SignatureQuality"), "SignatureQualityInformation", f"{_QUALITY}:{quality}")
    add(add(about, "SignatureValidationProcess"), "SignatureValidationProcessID", f"{URN}:validationprocess:LTVM")
    _status(about, judged, verdict if is_headline else None)


def _constraints(parent: Element, judged: Judged, verdict: Verdict | None) -> None:
    """Each check, and of the headline each of the eight points, as a constraint with its evidence."""
    holder = add(parent, "ValidationConstraintsEvaluationReport")
    policy = add(holder, "SignatureValidationPolicy")
    add(add(policy, "SignaturePolicyIdentifier"), "SignaturePolicyImplied", ns=XADES)
    add(policy, "PolicyName", "Probant: PAdES-BASELINE-LT, EN 319 102-1 clause 5.6, TS 119 312, TS 119 615")
    found = [(f"check:{each.name.replace(' ', '-')}", each.ok, each.evidence) for each in judged.checks]
    points = [(f"eidas-32-1:{each.letter}", each.holds, each.evidence) for each in (verdict.points if verdict else ())]
    for name, holds, evidence in [*found, *points]:
        constraint = add(holder, "ValidationConstraint")
        add(constraint, "ValidationConstraintIdentifier", f"{OWN}:{name}")
        add(add(constraint, "ConstraintStatus"), "Status", f"{URN}:constraintStatus:applied")
        status = add(constraint, "ValidationStatus")
        add(status, "MainIndication", f"{URN}:mainindication:{INDICATIONS[holds]}")
        add_evidence(add(status, "AssociatedValidationReportData"), {"evidence": evidence})


def _times(parent: Element, verdict: Verdict, judged: Judged) -> None:
    times = add(parent, "ValidationTimeInfo")
    add(times, "ValidationTime", utc(verdict.report.validated_at))
    best = add(times, "BestSignatureTime")
    proved = judged.sealed_at if judged.stamps else None  # without a time-stamp that holds, there is only now
    add(best, "POETime", utc(proved or verdict.report.validated_at))
    add(best, "TypeOfProof", f"{URN}:poetype:validation")
    if proved:
        _, earliest = min(judged.stamps, key=lambda each: each[1]["gen_time"].native)
        add(best, "POEObject", VOReference=stamp_id(earliest))


def _attributes(parent: Element, judged: Judged) -> None:
    if judged.certificate is None:
        return
    attributes = add(parent, "SignatureAttributes")
    for _, info in judged.stamps:
        stamp = add(attributes, "SignatureTimeStamp")
        add(stamp, "AttributeObject", VOReference=stamp_id(info))
        add(stamp, "TimeStampValue", utc(info["gen_time"].native))
    if judged.covered_bytes:
        add(add(attributes, "SubFilter"), "SubFilterElement", "ETSI.CAdES.detached")


def _status(parent: Element, judged: Judged, verdict: Verdict | None) -> None:
    status = add(parent, "SignatureValidationStatus")
    add(status, "MainIndication", f"{URN}:mainindication:{judged.indication.lower()}")
    if judged.sub_indication:
        add(status, "SubIndication", f"{URN}:subindication:{judged.sub_indication}")
    data = add(status, "AssociatedValidationReportData")
    if judged.path is not None:
        anchor, *others = judged.path.iter_certs(include_root=True)
        add(data, "TrustAnchor", VOReference=certificate_id(anchor))
        if others:
            chain = add(data, "CertificateChain")
            add(chain, "SigningCertificate", VOReference=certificate_id(others[-1]))
            for each in reversed(others[:-1]):
                add(chain, "IntermediateCertificate", VOReference=certificate_id(each))
            add(chain, "TrustAnchor", VOReference=certificate_id(anchor))
    found = {"field": judged.field, "level": judged.level or "none", "updates": "; ".join(judged.updates) or "none"}
    add_evidence(data, found | (_about_the_file(verdict) if verdict else {}))


def _about_the_file(verdict: Verdict) -> dict[str, str]:
    found: dict[str, str] = {"fidelity": verdict.fidelity_statement}
    if verdict.trusted_list:
        found |= {"trusted-list": verdict.trusted_list, "trusted-list-sha256": str(verdict.trusted_list_sha256)}
    if verdict.qualification:
        found |= {
            "at-issuance": verdict.qualification.at_issuance.evidence,
            "at-signing": verdict.qualification.at_signing.evidence,
            "time-stamp": f"{verdict.qualification.time_stamp}: {verdict.qualification.time_stamp_evidence}",
        }
    found |= {f"revision-{each.number}": f"{each.by}: {each.changes}" for each in verdict.revisions}
    return found | {f"not-covered-{n}": f"{g.start} to {g.end}: {g.what}" for n, g in enumerate(verdict.gaps, 1)}
