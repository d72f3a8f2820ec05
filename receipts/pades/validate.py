"""Validates a sealed file afresh, offline, from its bytes and the trust anchors (EN 319 102-1, clause 5.6).

Shares nothing with the making of seals but the library. It fails closed: what it can't establish is not passed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from asn1crypto import x509

from receipts.pades.case import Case, Notes
from receipts.pades.headline import headline_of
from receipts.pades.records import judge_record
from receipts.pades.report import Finding, Judged, Kind, Report
from receipts.pades.signature import judge_signature
from receipts.pades.structure import COVERAGE, FOUND, Located, Opened, is_time_stamp, locate, open_file
from receipts.pades.timestamps import judge_document_time_stamp

# What pyHanko would log as warnings is in the report.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


def validate(
    pdf: bytes, anchors: Sequence[x509.Certificate], *, at: datetime, evidence_records: Sequence[bytes] = ()
) -> Report:
    """The verdict on a sealed file, and on each of its signatures. Never raises for what is in the file.

    Args:
        pdf: The file.
        anchors: Trust anchors; with none nothing passes.
        at: For which time the verdict is, UTC-aware.
        evidence_records: Records (RFC 4998, DER) that should prove when the file existed.

    Raises:
        ValueError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("at must be UTC-aware")
    at = at.astimezone(UTC)
    case: Case | None = None
    records: tuple[Judged, ...] = ()
    try:
        file = open_file(pdf)
        case, records, judged = _judge_all(file, anchors, at, evidence_records)
        headline = headline_of(pdf, judged, records)
    except Finding as finding:
        headline, judged = Notes("", Kind.SEAL).judged(finding), ()
    except Exception as error:
        headline, judged = Notes("", Kind.SEAL).unforeseen(error), ()
    return Report(
        headline=headline,
        signatures=judged,
        evidence_records=records,
        size_bytes=len(pdf),
        sha256=hashlib.sha256(pdf).hexdigest(),
        anchors=tuple(hashlib.sha256(each.dump()).hexdigest() for each in _anchors(case, anchors)),
        validated_at=at,
    )


def _judge_all(
    file: Opened, anchors: Sequence[x509.Certificate], at: datetime, evidence_records: Sequence[bytes]
) -> tuple[Case, tuple[Judged, ...], tuple[Judged, ...]]:
    """Each evidence record, then each signature and document time-stamp, the newest first: it proves the older ones."""
    placed: dict[int, Located] = {}
    verdicts: dict[int, Judged] = {}
    notes = []
    for number, (name, value) in enumerate(file.fields):
        notes.append(Notes(name, Kind.TIME_STAMP if is_time_stamp(value["/V"]) else Kind.SEAL))
        try:
            placed[number] = locate(file, name, value)
        except Finding as finding:
            verdicts[number] = notes[number].judged(finding)
    order = sorted(placed, key=lambda number: placed[number].end)
    case = Case(file, [placed[number] for number in order], anchors, at)
    records = tuple(judge_record(case, der, number) for number, der in enumerate(evidence_records, 1))
    for number in reversed(order):
        verdicts[number] = _judge_one(case, placed[number], notes[number])
    unreadable = [number for number in verdicts if number not in placed]
    return case, records, tuple(verdicts[number] for number in [*order, *unreadable])


def _judge_one(case: Case, located: Located, notes: Notes) -> Judged:
    notes.facts |= {"covered_bytes": located.end, "revision": located.revision + 1}
    notes.holds(FOUND, f"in field {notes.field}, revision {located.revision + 1}")
    own = "the seal's" if notes.kind is Kind.SEAL else "the time-stamp's"
    notes.holds(COVERAGE, f"bytes 0 to {located.end} of {len(case.file.pdf)}, but for {own} own container")
    judges: dict[Kind, Callable[[], object]] = {
        Kind.SEAL: lambda: judge_signature(case, located, notes),
        Kind.TIME_STAMP: lambda: case.proofs.append(judge_document_time_stamp(case, located, notes)),
    }
    try:
        judges[notes.kind]()
        return notes.judged(None)
    except Finding as finding:
        return notes.judged(finding)
    except Exception as error:
        return notes.unforeseen(error)


def _anchors(case: Case | None, anchors: Sequence[x509.Certificate]) -> Sequence[x509.Certificate]:
    try:
        return case.anchors if case else anchors
    except Exception:  # what the file holds can't be read, so all might have mattered
        return anchors
