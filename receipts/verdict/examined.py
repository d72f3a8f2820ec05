"""All that is found out about a file from its bytes and the trust anchors, in one value that can be sent as JSON.

The bytes are read in a process of its own; what comes out of it is data, never code.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from asn1crypto import tsp, x509
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.path import ValidationPath

from receipts.pades import Check, Indication, Report, SubIndication, validate
from receipts.pades.headline import seal_in
from receipts.pades.report import Judged, Kind
from receipts.pdfa import original_of, provenance_of
from receipts.verdict.model import Fidelity
from receipts.verdict.revisions import Gap, Revision, gaps, pdfa_claim, revisions


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What was found out.

    Attributes:
        report: The verdict on its signatures.
        revisions: What each revision changed.
        gaps: Bytes that the seal does not cover.
        pdfa_claim: What the file claims to be.
        fidelity: Whether it holds what was received.
    """

    report: Report
    revisions: tuple[Revision, ...]
    gaps: tuple[Gap, ...]
    pdfa_claim: str | None
    fidelity: Fidelity


def examine(
    content: bytes,
    anchors: Sequence[x509.Certificate],
    *,
    at: datetime,
    evidence_records: Sequence[bytes] = (),
    field: str = "",
) -> Examined:
    """Look at a file.

    Args:
        content: The file.
        anchors: Trust anchors.
        at: For which time the verdict is, UTC-aware.
        evidence_records: Records (RFC 4998, DER) that should prove when the file existed.
        field: The form field of the seal that alone is asked about; empty: the file as a whole.
    """
    report = validate(content, anchors, at=at, evidence_records=evidence_records)
    if field:
        report = replace(report, headline=seal_in(report.signatures, field, report.evidence_records))
    return Examined(
        report=report,
        revisions=revisions(content),
        gaps=gaps(content, report),
        pdfa_claim=pdfa_claim(content),
        fidelity=_fidelity(report.sealed_part(content)),  # whatever came after the seal says nothing
    )


def _fidelity(content: bytes) -> Fidelity:
    try:
        digest = hashlib.sha256(original_of(content)).hexdigest()
        return Fidelity(original_sha256=digest, problem="", provenance=dict(provenance_of(content)))
    except ValueError as error:
        problem = str(error)
    except Exception as error:  # pikepdf on a stranger's file: the verdict on its signatures is told all the same
        problem = f"it can't be read: {type(error).__name__}"
    return Fidelity(original_sha256=None, problem=problem, provenance={})


def to_wire(examined: Examined) -> dict[str, Any]:
    """As JSON values."""
    report = examined.report
    return {
        "headline": _judged_to_wire(report.headline),
        "signatures": [_judged_to_wire(each) for each in report.signatures],
        "evidence_records": [_judged_to_wire(each) for each in report.evidence_records],
        "size_bytes": report.size_bytes,
        "sha256": report.sha256,
        "anchors": list(report.anchors),
        "validated_at": report.validated_at.isoformat(),
        "revisions": [asdict(each) for each in examined.revisions],
        "gaps": [asdict(each) for each in examined.gaps],
        "pdfa_claim": examined.pdfa_claim,
        "fidelity": {**asdict(examined.fidelity), "provenance": dict(examined.fidelity.provenance)},
    }


def from_wire(told: Mapping[str, Any]) -> Examined:
    """The same again.

    Raises:
        Exception: These are no such values.
    """
    report = Report(
        headline=_judged_from_wire(told["headline"]),
        signatures=tuple(_judged_from_wire(each) for each in told["signatures"]),
        evidence_records=tuple(_judged_from_wire(each) for each in told["evidence_records"]),
        size_bytes=told["size_bytes"],
        sha256=told["sha256"],
        anchors=tuple(told["anchors"]),
        validated_at=datetime.fromisoformat(told["validated_at"]),
    )
    return Examined(
        report=report,
        revisions=tuple(Revision(**each) for each in told["revisions"]),
        gaps=tuple(Gap(**each) for each in told["gaps"]),
        pdfa_claim=told["pdfa_claim"],
        fidelity=Fidelity(**told["fidelity"]),
    )


def _judged_to_wire(judged: Judged) -> dict[str, Any]:
    return {
        **judged.to_json(),
        "certificate": _der_to_wire(judged.certificate) if judged.certificate else None,
        "path": _path_to_wire(judged.path) if judged.path else None,
        "stamps": [[_path_to_wire(path), _der_to_wire(info)] for path, info in judged.stamps],
    }


def _judged_from_wire(told: Mapping[str, Any]) -> Judged:
    plain = ("field", "revision", "level", "signer", "organization_identifier", "time_stamped_by", "covered_bytes")
    sub_indication = told["sub_indication"]
    return Judged(
        **{name: told[name] for name in plain},
        kind=Kind(told["kind"]),
        indication=Indication(told["indication"]),
        sub_indication=SubIndication(sub_indication) if sub_indication else None,
        sealed_at=_time(told["sealed_at"]),
        qualification=told["claims"],
        checks=tuple(Check(**each) for each in told["checks"]),
        updates=tuple(told["updates"]),
        seen_at=_time(told["seen_at"]),
        certificate=x509.Certificate.load(_der(told["certificate"])) if told["certificate"] else None,
        path=_path_from_wire(told["path"]) if told["path"] else None,
        stamps=tuple((_path_from_wire(path), tsp.TSTInfo.load(_der(info))) for path, info in told["stamps"]),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _der_to_wire(value: x509.Certificate | tsp.TSTInfo) -> str:
    return base64.b64encode(value.dump()).decode()


def _der(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _path_to_wire(path: ValidationPath) -> list[str]:
    """From the anchor to the leaf."""
    return [_der_to_wire(each) for each in path.iter_certs(include_root=True)]


def _path_from_wire(told: Sequence[str]) -> ValidationPath:
    anchor, *others = [x509.Certificate.load(_der(each)) for each in told]
    return ValidationPath(CertTrustAnchor(anchor), others[:-1], others[-1] if others else None)
