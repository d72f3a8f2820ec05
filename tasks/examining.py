"""Has a file that is to be verified read in a bounded process (docs/adr/0010): whatever it is, there is a verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from asn1crypto import x509

from receipts.errors import Code, Refused
from receipts.pades import Report, SubIndication
from receipts.pades.case import Notes
from receipts.pades.report import Finding, Kind
from receipts.pades.structure import FORMAT
from receipts.verdict import Examined, Fidelity, Gap, from_wire
from tasks import isolated
from tasks.isolation import Isolation


def examine(
    isolation: Isolation,
    content: bytes,
    anchors: Sequence[x509.Certificate],
    *,
    at: datetime,
    evidence_records: Sequence[bytes] = (),
    field: str = "",
) -> Examined:
    """`receipts.verdict.examine`, in another process; the same in, the same out.

    A file that can't be read within the bounds, or that ends the process that reads it, is INDETERMINATE / GENERIC.

    Raises:
        IsolationFailed: We are wrong.
    """
    asked, blobs = isolated.asked_to_examine(anchors, at, evidence_records, field)
    try:
        answer, _ = isolation.run(asked, [content, *blobs])
        if "refused" in answer:
            raise Refused(Code(answer["refused"]), str(answer["detail"])[:500])
    except Refused as refused:
        return _unread(content, anchors, at, refused)
    return from_wire(answer["result"])


def _unread(content: bytes, anchors: Sequence[x509.Certificate], at: datetime, refused: Refused) -> Examined:
    finding = Finding(FORMAT, SubIndication.GENERIC, f"it could not be read: {refused.detail}")
    report = Report(
        headline=Notes("", Kind.SEAL).judged(finding),
        signatures=(),
        evidence_records=(),
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        anchors=tuple(hashlib.sha256(each.dump()).hexdigest() for each in anchors),
        validated_at=at,
    )
    gap = Gap(start=0, end=len(content), what="no seal that covers anything was found")
    fidelity = Fidelity(original_sha256=None, problem=refused.detail, provenance={})
    return Examined(report=report, revisions=(), gaps=(gap,), pdfa_claim=None, fidelity=fidelity)
