"""Seals a stranger's file for trial: whether our seal, what the archive adds later and what others signed hold."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Final

from asn1crypto import cms, x509
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


_CONTAINER: Final = cms.ContentInfo(
    {
        "content_type": "signed_data",
        "content": {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "data"},
            "signer_infos": [
                {
                    "version": "v1",
                    "sid": {"issuer_and_serial_number": {"issuer": x509.Name.build({}), "serial_number": 1}},
                    "digest_algorithm": {"algorithm": "sha256"},
                    "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                    "signature": b"none",
                }
            ],
        },
    }
).dump()


def check_takes_seal(pdf: bytes, *, beside_others: bool) -> None:
    """Check that a seal on a stranger's file would hold, up to B-LTA, and leave the signatures in it undisturbed.

    Nothing is signed, and no signature is verified.

    Args:
        pdf: The file.
        beside_others: Whether it carries signatures; each of them has to cover its revision.

    Raises:
        Finding: What we add would not be taken for a seal, validation data and a document time-stamp by `validate`.
        Refused: It bars a seal, would disturb a signature, or leaves no room for those that are to come.
        Exception: It is malformed.
    """
    if beside_others:
        opened = open_file(pdf)
        for name, value in opened.fields:
            locate(opened, name, value)
        if len(opened.fields) + _ROOM_SIGNATURES > MOST_SIGNATURES:
            raise Refused(Code.NOT_SEALABLE, "there are too many signatures in it")
    if pdf.count(b"startxref") + _ROOM_REVISIONS > MOST_REVISIONS:
        raise Refused(Code.NOT_SEALABLE, "it has too many revisions")
    whole = _sealed(pdf, beside_others=beside_others)
    after = open_file(whole)
    placed = sorted((locate(after, name, value) for name, value in after.fields), key=lambda each: each.end)
    updates = Updates(after)
    for ours in placed[-2:]:  # the seal and the document time-stamp
        updates.after(ours)
    if beside_others and disturbed(PdfFileReader(BytesIO(whole))) - disturbed(PdfFileReader(BytesIO(pdf))):
        raise Refused(Code.NOT_SEALABLE, "a seal would disturb a signature that is in it")


def _sealed(pdf: bytes, *, beside_others: bool) -> bytes:
    provenance, size_bytes = (b"{}" if beside_others else None), len(_CONTAINER)
    prepared = prepare_seal(pdf, _AT, size_bytes, "sha256", beside_others=beside_others, provenance=provenance)
    augmented = added(prepared.fill(_CONTAINER), _DATA)
    return added(prepare_stamp(augmented, size_bytes).fill(_CONTAINER), _DATA)
