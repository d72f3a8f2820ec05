"""Seals a stranger's file for trial: whether our seal, what the archive adds later and what others signed hold."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Final

from pyhanko.pdf_utils.reader import PdfFileReader

from receipts.errors import Code, Refused
from receipts.pades.augment import ValidationData, added
from receipts.pades.changes import Updates
from receipts.pades.embed import prepare_seal
from receipts.pades.permissions import disturbed
from receipts.pades.stamp import prepare_stamp
from receipts.pades.structure import MOST_REVISIONS, MOST_SIGNATURES, locate, open_file

_ROOM_SIGNATURES: Final = 16  # for our seal, and document time-stamps for as long as the archive is kept
_ROOM_REVISIONS: Final = 2 * _ROOM_SIGNATURES  # each with validation data
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_DATA: Final = ValidationData(
    certificates=(b"certificate",), ocsps=(b"response",), crls=(b"list",), issued_at=_AT, served=frozenset()
)


def check_takes_seal(pdf: bytes) -> None:
    """Check that a seal on a file that others signed would hold, up to B-LTA, and leave their signatures undisturbed.

    Nothing is signed: the place of each container is taken by one that the file has, and no signature is verified.

    Args:
        pdf: The file; each of its signatures covers its revision.

    Raises:
        Finding: What we add would not be taken for a seal, validation data and a document time-stamp by `validate`.
        Refused: It bars a seal, would disturb a signature, or leaves no room for those that are to come.
        Exception: It is malformed.
    """
    opened = open_file(pdf)
    located = [locate(opened, name, value) for name, value in opened.fields]
    if len(opened.fields) + _ROOM_SIGNATURES > MOST_SIGNATURES:
        raise Refused(Code.NOT_SEALABLE, "there are too many signatures in it")
    if pdf.count(b"startxref") + _ROOM_REVISIONS > MOST_REVISIONS:
        raise Refused(Code.NOT_SEALABLE, "it has too many revisions")
    container = located[0].embedded.pkcs7_content
    size_bytes = len(container)
    prepared = prepare_seal(pdf, _AT, size_bytes, "sha256", beside_others=True, provenance=b"{}")
    whole = added(prepare_stamp(added(prepared.fill(container), _DATA), size_bytes).fill(container), _DATA)
    after = open_file(whole)
    placed = sorted((locate(after, name, value) for name, value in after.fields), key=lambda each: each.end)
    Updates(after).after(placed[-2])  # our seal
    Updates(after).after(placed[-1])
    if disturbed(PdfFileReader(BytesIO(whole))) - disturbed(PdfFileReader(BytesIO(pdf))):
        raise Refused(Code.NOT_SEALABLE, "a seal would disturb a signature that is in it")
