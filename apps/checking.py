"""What is checked of a sealed file for the people who hold it: everything there is to say, as one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509

from config.settings import Settings
from receipts.verdict import Verdict, eight_points
from tasks import trustlists
from tasks.connections import Connections
from tasks.custody import custody_of
from tasks.examining import examine
from tasks.trust import NoAnchors, anchors


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a file.

    Attributes:
        at: For which time the verdict is to be, UTC; `None`: now.
        trusted_list: Name of the trusted list snapshot to use; empty: as configured, else the one in use.
        evidence_records: Records (RFC 4998, DER) that should prove when the file existed.
        field: The form field of the seal that alone is asked about; empty: the file as a whole.
    """

    at: datetime | None = None
    trusted_list: str = ""
    evidence_records: Sequence[bytes] = ()
    field: str = ""


def check(name: str, content: bytes, connections: Connections, asked: Question = Question()) -> Verdict:
    """Validate one file from its bytes and whom the installation trusts, and say what archive and journal know of it.

    Args:
        name: For the report.
        content: The file.
        connections: The installation.
        asked: What is asked of it.

    Raises:
        IsolationFailed: The process that reads files can't work.
        NoAnchors: No trust anchor is configured.
        NoSnapshot: The named snapshot is not there.
        Altered: The snapshot is not what it was.
    """
    moment, settings = asked.at or connections.now(), connections.settings
    listed = trustlists.services(settings, asked.trusted_list)
    trusted = _trusted(settings, moment, asked.trusted_list, has_list=listed is not None)
    records, field = asked.evidence_records, asked.field
    examined = examine(connections.isolation, content, trusted, at=moment, evidence_records=records, field=field)
    report, fidelity = examined.report, examined.fidelity
    qualification = trustlists.worth(listed, report.headline, report.validated_at)
    found = (*report.signatures, *report.evidence_records)
    return Verdict(
        name=name,
        report=report,
        points=eight_points(report, qualification),
        qualification=qualification,
        qualified_as=tuple(trustlists.worth_in_a_word(listed, each, report.validated_at) for each in found),
        trusted_list=listed.snapshot.name if listed else None,
        trusted_list_sha256=listed.snapshot.sha256 if listed else None,
        revisions=examined.revisions,
        gaps=examined.gaps,
        pdfa_claim=examined.pdfa_claim,
        fidelity=fidelity,
        custody=custody_of(connections, fidelity.provenance, report.sha256),
        of_seal_alone=bool(field),
    )


def _trusted(settings: Settings, moment: datetime, trusted_list: str, *, has_list: bool) -> list[x509.Certificate]:
    try:
        return anchors(settings, at=moment, trusted_list=trusted_list)
    except NoAnchors:
        if has_list:
            return []  # the lists are not in force at that time: a verdict, not a fault
        raise
