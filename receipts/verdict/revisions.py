"""What each revision of a file changed, which bytes no seal covers, and what the file claims to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import pikepdf
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature

from receipts.pades.bounds import check_form
from receipts.pades.report import Kind, Report
from receipts.pades.structure import MOST_REVISIONS
from receipts.pdfa import xmp
from receipts.pdfa.invoice import packet_of

_MOST_NAMED: Final = 12
_END: Final = re.compile(rb"startxref\s+(\d+)\s+%%EOF[\r\n]{0,2}")


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One revision of the file.

    Attributes:
        number: From 1.
        end: Where it ends, in bytes from the file's start; `None` if that can't be told.
        by: What wrote it: `document`, `seal`, `time-stamp`, `validation data`, `change` or `unknown`.
        changes: What it did, in words.
    """

    number: int
    end: int | None
    by: str
    changes: str


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Bytes that no seal covers.

    Attributes:
        start: First byte.
        end: One after the last.
        what: What lies there.
    """

    start: int
    end: int
    what: str


def revisions(pdf: bytes) -> tuple[Revision, ...]:
    """What each revision did, oldest first; empty if the file can't be read. Never raises for what is in the file."""
    if pdf.count(b"startxref") > MOST_REVISIONS:
        return ()
    try:
        reader = PdfFileReader(BytesIO(pdf), strict=True)  # what is forgiven can go on for ever
        check_form(reader.root)
        fields = enumerate_sig_fields(reader, filled_status=True)
        signatures = [EmbeddedPdfSignature(reader, field, name) for name, _, field in fields]
        by_revision = {each.signed_revision: each for each in signatures}
        ends = [match.end() for match in _END.finditer(pdf)]
        known = ends if len(ends) == reader.total_revisions else [None] * reader.total_revisions
        return tuple(
            _revision(reader, number, known[number], by_revision.get(number))
            for number in range(reader.total_revisions)
        )
    except Exception:  # a report on damaged files must not fail over the damage
        return ()


def gaps(pdf: bytes, report: Report) -> tuple[Gap, ...]:
    """The bytes of a file that its seal does not cover: the seal's own container, and what follows it."""
    end = report.headline.covered_bytes
    if end is None:
        return (Gap(start=0, end=len(pdf), what="no seal that covers anything was found"),)
    found = re.finditer(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", pdf[:end])
    ranges = [tuple(map(int, match.groups())) for match in found]
    containers = [(start, after) for start, after, length in ranges if after + length == end]
    seen = [Gap(start=start, end=after, what="the seal's own container") for start, after in containers[-1:]]
    for stamp in sorted(report.signatures, key=lambda each: each.covered_bytes or 0):
        if stamp.kind is Kind.TIME_STAMP and stamp.covered_bytes is not None and stamp.covered_bytes > end:
            worth = "" if stamp.passed else ", which does not hold"
            what = f"added after the seal, covered by the document time-stamp {stamp.field}{worth}"
            seen.append(Gap(start=end, end=stamp.covered_bytes, what=what))
            end = stamp.covered_bytes
    if end < len(pdf):
        validation_data = report.headline.level is not None and report.headline.level.endswith(
            ("-T", "-LT", "-LTA", "-B")
        )
        what = "validation data added after the seal" if validation_data else "bytes after the seal"
        seen.append(Gap(start=end, end=len(pdf), what=what))
    return tuple(seen)


def pdfa_claim(pdf: bytes) -> str | None:
    """What the file claims to be (ISO 19005-3, 6.6.4), such as `PDF/A-3B`; a claim, not a finding of ours."""
    try:
        with pikepdf.open(BytesIO(pdf), suppress_warnings=True) as opened:
            claimed = xmp.claim(packet_of(opened))
    except Exception:  # pikepdf and lxml on a stranger's file; whatever it is, it is no claim
        return None
    return f"PDF/A-{claimed.upper()}" if claimed else None


def _revision(reader: PdfFileReader, number: int, end: int | None, signature: EmbeddedPdfSignature | None) -> Revision:
    references = reader.xrefs.explicit_refs_in_revision(number)
    if number == 0:
        kind = "seal" if signature else "document"
        return Revision(number=1, end=end, by=kind, changes=f"the document itself, {len(references)} objects")
    old, new = reader.get_historical_resolver(number - 1), reader.get_historical_resolver(number)
    added = [each for each in references if old.is_ref_unassignable(each)]
    replaced = len(references) - len(added)
    keys = _changed(old, new)
    if signature is not None:
        kind = "time-stamp" if signature.sig_object.get("/Type") == "/DocTimeStamp" else "seal"
    else:
        kind = "validation data" if keys == {"/DSS"} else "change"
    named = ", ".join(sorted(keys)[:_MOST_NAMED])
    words = f"{len(added)} objects added, {replaced} replaced" + (f"; in the catalog: {named}" if named else "")
    return Revision(number=number + 1, end=end, by=kind, changes=words)


def _changed(old: HistoricalResolver, new: HistoricalResolver) -> set[str]:
    before, after = old.root, new.root
    return {
        str(key)
        for key in set(before) | set(after)
        if key not in before or key not in after or before.raw_get(key) != after.raw_get(key)
    }
