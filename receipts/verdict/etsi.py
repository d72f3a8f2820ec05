"""The verdict as an ETSI TS 119 102-2 V1.4.1 validation report (XML), unsigned."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from asn1crypto import x509
from lxml import etree
from lxml.etree import _Element as Element

from receipts.pades.report import Report
from receipts.verdict.model import Verdict

VR: Final = "http://uri.etsi.org/19102/v1.4.1#"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_TSL: Final = "http://uri.etsi.org/02231/v2#"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_URN: Final = "urn:etsi:019102"
_OWN: Final = "urn:probant:verdict"
_QUALITY: Final = "urn:cef:dss:signatureQualification"  # the words of EU DSS: ETSI has none
_INDICATIONS: Final = MappingProxyType({True: "passed", False: "failed", None: "indeterminate"})


def write_xml(verdict: Verdict, *, software: str) -> bytes:
    """The report, UTF-8, valid by the schema of TS 119 102-2 V1.4.1.

    Args:
        verdict: What is to be said.
        software: What made the report.
    """
    report = verdict.report
    prefixes: dict[str | None, str] = {None: VR, "ds": _DS, "XAdES": _XADES, "tsl": _TSL}
    root = etree.Element(f"{{{VR}}}ValidationReport", nsmap=prefixes)  # type: ignore[arg-type]
    about = _add(root, "SignatureValidationReport")
    _identifier(about, verdict)
    _constraints(about, verdict)
    times = _add(about, "ValidationTimeInfo")
    _add(times, "ValidationTime", _utc(report.validated_at))
    best = _add(times, "BestSignatureTime")
    proved = report.sealed_at if report.stamps else None  # without a time-stamp that holds, there is only now
    _add(best, "POETime", _utc(proved or report.validated_at))
    _add(best, "TypeOfProof", f"{_URN}:poetype:validation")
    if proved:
        _add(best, "POEObject", VOReference="timestamp-1")
    document = _add(about, "SignersDocument")
    _digest(_add(document, "DigestAlgAndValue"), report.sha256)
    _attributes(about, report)
    if report.certificate is not None:
        signer = _add(about, "SignerInformation")
        _add(signer, "SignerCertificate", VOReference=_identity(report.certificate))
        _add(signer, "Signer", report.signer)
    if verdict.qualification:
        _add(_add(about, "SignatureQuality"), "SignatureQualityInformation", f"{_QUALITY}:{_camel(verdict.kind)}")
    _add(_add(about, "SignatureValidationProcess"), "SignatureValidationProcessID", f"{_URN}:validationprocess:LTVM")
    _status(about, verdict)
    _objects(root, report)
    validator = _add(root, "SignatureValidator")
    _add(_add(validator, "DigitalId"), "Other", ns=_TSL).append(_words("software", software))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _identifier(parent: Element, verdict: Verdict) -> None:
    identifier = _add(parent, "SignatureIdentifier", id="signature-1")
    _digest(_add(identifier, "DigestAlgAndValue"), verdict.report.sha256)
    _add(identifier, "HashOnly", "false")
    _add(identifier, "DocHashOnly", "false")
    _add(identifier, "DAIdentifier", _clean(verdict.name))


def _constraints(parent: Element, verdict: Verdict) -> None:
    """Each check, and each of the eight points, as a constraint with its evidence."""
    holder = _add(parent, "ValidationConstraintsEvaluationReport")
    policy = _add(holder, "SignatureValidationPolicy")
    _add(_add(policy, "SignaturePolicyIdentifier"), "SignaturePolicyImplied", ns=_XADES)
    _add(policy, "PolicyName", "Probant: PAdES-BASELINE-LT, EN 319 102-1 clause 5.5, TS 119 312, TS 119 615")
    checks = [(f"check:{each.name.replace(' ', '-')}", each.ok, each.evidence) for each in verdict.report.checks]
    points = [(f"eidas-32-1:{each.letter}", each.holds, each.evidence) for each in verdict.points]
    for name, holds, evidence in [*checks, *points]:
        constraint = _add(holder, "ValidationConstraint")
        _add(constraint, "ValidationConstraintIdentifier", f"{_OWN}:{name}")
        _add(_add(constraint, "ConstraintStatus"), "Status", f"{_URN}:constraintStatus:applied")
        status = _add(constraint, "ValidationStatus")
        _add(status, "MainIndication", f"{_URN}:mainindication:{_INDICATIONS[holds]}")
        _evidence(status, {"evidence": evidence})


def _status(parent: Element, verdict: Verdict) -> None:
    report = verdict.report
    status = _add(parent, "SignatureValidationStatus")
    _add(status, "MainIndication", f"{_URN}:mainindication:{report.indication.lower()}")
    if report.sub_indication:
        _add(status, "SubIndication", f"{_URN}:subindication:{report.sub_indication}")
    data = _add(status, "AssociatedValidationReportData")
    if report.seal_path is not None:
        anchor, *others = report.seal_path.iter_certs(include_root=True)
        _add(data, "TrustAnchor", VOReference=_identity(anchor))
        if others:
            chain = _add(data, "CertificateChain")
            _add(chain, "SigningCertificate", VOReference=_identity(others[-1]))
            for each in reversed(others[:-1]):
                _add(chain, "IntermediateCertificate", VOReference=_identity(each))
            _add(chain, "TrustAnchor", VOReference=_identity(anchor))
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
    found |= {f"not-covered-{n}": f"{g.start} to {g.end}: {g.what}" for n, g in enumerate(verdict.gaps, 1)}
    _add_evidence(data, found)


def _attributes(parent: Element, report: Report) -> None:
    if report.certificate is None:
        return
    attributes = _add(parent, "SignatureAttributes")
    if report.stamps:
        stamp = _add(attributes, "SignatureTimeStamp")
        _add(stamp, "AttributeObject", VOReference="timestamp-1")
        _add(stamp, "TimeStampValue", _utc(min(info["gen_time"].native for _, info in report.stamps)))
    if report.covered_bytes:
        _add(_add(attributes, "SubFilter"), "SubFilterElement", "ETSI.CAdES.detached")


def _objects(root: Element, report: Report) -> None:
    """The certificates and the time-stamp that the verdict rests on."""
    paths = [path for path in (report.seal_path, *(path for path, _ in report.stamps)) if path is not None]
    certificates = {_identity(each): each for path in paths for each in path.iter_certs(include_root=True)}
    if report.certificate is not None:
        certificates[_identity(report.certificate)] = report.certificate
    if not certificates and not report.stamps:
        return
    holder = _add(root, "SignatureValidationObjects")
    for identity, certificate in sorted(certificates.items()):
        item = _add(holder, "ValidationObject", id=identity)
        _add(item, "ObjectType", f"{_URN}:validationObject:certificate")
        shown = _add(item, "ValidationObjectRepresentation")
        _add(shown, "base64", base64.b64encode(certificate.dump()).decode())
    if report.stamps:
        item = _add(holder, "ValidationObject", id="timestamp-1")
        _add(item, "ObjectType", f"{_URN}:validationObject:timestamp")
        content = min((info for _, info in report.stamps), key=lambda info: info["gen_time"].native).dump()
        shown = _add(item, "ValidationObjectRepresentation")
        _digest(_add(shown, "DigestAlgAndValue"), hashlib.sha256(content).hexdigest())


def _evidence(status: Element, found: Mapping[str, str]) -> None:
    _add_evidence(_add(status, "AssociatedValidationReportData"), found)


def _add_evidence(data: Element, found: Mapping[str, str]) -> None:
    more = _add(data, "AdditionalValidationReportData")
    for name, value in found.items():
        item = _add(more, "ReportData")
        _add(item, "Type", f"{_OWN}:{name}")
        _add(item, "Value", _clean(value))


def _digest(holder: Element, sha256: str) -> None:
    _add(holder, "DigestMethod", ns=_DS, Algorithm=_SHA256)
    _add(holder, "DigestValue", base64.b64encode(bytes.fromhex(sha256)).decode(), ns=_DS)


def _identity(certificate: x509.Certificate) -> str:
    return f"certificate-{hashlib.sha256(certificate.dump()).hexdigest()}"


def _camel(kind: str) -> str:
    return "NotEstablished" if kind == "not established" else kind


def _words(name: str, text: str) -> Element:
    element = etree.Element(f"{{{_OWN}}}{name}", nsmap={"probant": _OWN})
    element.text = _clean(text)
    return element


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clean(text: str) -> str:
    """What XML 1.0 can hold."""
    return "".join(c if c in "\t\n" or (c >= " " and c.isprintable()) else "\ufffd" for c in text)


def _add(parent: Element, tag: str, text: str | None = None, *, ns: str = VR, **attributes: str) -> Element:
    child = etree.SubElement(parent, f"{{{ns}}}{tag}", dict(attributes))
    child.text = None if text is None else _clean(text)
    return child
