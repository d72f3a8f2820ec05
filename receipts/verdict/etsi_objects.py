"""What an ETSI TS 119 102-2 report rests on: certificates, time-stamps, evidence records, each with its own verdict."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from asn1crypto import tsp, x509
from lxml.etree import _Element as Element

from receipts.pades.report import Judged, Kind, Report
from receipts.verdict.etsi_words import URN, add, add_digest, add_evidence, certificate_id, stamp_id, utc

_TYPES = {Kind.TIME_STAMP: "timestamp", Kind.EVIDENCE_RECORD: "evidencerecord"}


def add_objects(root: Element, report: Report) -> None:
    """All validation objects of a report; nothing if there are none."""
    judged = [report.headline, *report.signatures, *report.evidence_records]
    certificates = {certificate_id(each): each for each in _certificates(judged)}
    stamps = {stamp_id(info): info for each in judged for _, info in each.stamps}
    proofs = [each for each in judged if each.kind is not Kind.SEAL]
    if not certificates and not stamps and not proofs:
        return
    holder = add(root, "SignatureValidationObjects")
    for identity, certificate in sorted(certificates.items()):
        item = add(holder, "ValidationObject", id=identity)
        add(item, "ObjectType", f"{URN}:validationObject:certificate")
        shown = add(item, "ValidationObjectRepresentation")
        add(shown, "base64", base64.b64encode(certificate.dump()).decode())
    for identity, info in sorted(stamps.items()):
        _add_stamp(holder, identity, info)
    for number, each in enumerate(proofs, 1):
        _add_proof(holder, number, each)


def _certificates(judged: Iterable[Judged]) -> Iterable[x509.Certificate]:
    for each in judged:
        for path in (each.path, *(path for path, _ in each.stamps)):
            if path is not None:
                yield from path.iter_certs(include_root=True)
        if each.certificate is not None:
            yield each.certificate


def _add_stamp(holder: Element, identity: str, info: tsp.TSTInfo) -> None:
    item = add(holder, "ValidationObject", id=identity)
    add(item, "ObjectType", f"{URN}:validationObject:timestamp")
    shown = add(item, "ValidationObjectRepresentation")
    add_digest(add(shown, "DigestAlgAndValue"), hashlib.sha256(info.dump()).hexdigest())


def _add_proof(holder: Element, number: int, judged: Judged) -> None:
    """A document time-stamp or evidence record, with its verdict."""
    item = add(holder, "ValidationObject", id=f"proof-{number}")
    add(item, "ObjectType", f"{URN}:validationObject:{_TYPES[judged.kind]}")
    add(add(item, "ValidationObjectRepresentation"), "URI", f"urn:probant:{_TYPES[judged.kind]}:{number}")
    if judged.passed and judged.sealed_at is not None:
        add(add(item, "POEProvisioning"), "POETime", utc(judged.sealed_at))
    status = add(add(item, "ValidationReport"), "SignatureValidationStatus")
    add(status, "MainIndication", f"{URN}:mainindication:{judged.indication.lower()}")
    if judged.sub_indication:
        add(status, "SubIndication", f"{URN}:subindication:{judged.sub_indication}")
    found = {"field": judged.field, "updates": "; ".join(judged.updates) or "none"}
    found |= {f"check-{n}": f"{each.name}: {each.evidence}" for n, each in enumerate(judged.checks, 1)}
    add_evidence(add(status, "AssociatedValidationReportData"), found)
