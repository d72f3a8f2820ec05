"""What kind of file it is, by its content alone: names and announced types lie."""

from __future__ import annotations

import importlib
from typing import Final

from receipts.errors import Code, Refused
from receipts.pdfa import einvoice, saved

try:
    import magic
except ImportError:  # the system has no libmagic: pylibmagic's wheel brings one, and has to be there first
    importlib.import_module("pylibmagic")
    import magic

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
PDF: Final = "application/pdf"
TIFF: Final = "image/tiff"
HEIF: Final = "image/heic"
AVIF: Final = "image/avif"
WEBP: Final = "image/webp"
GIF: Final = "image/gif"
JP2: Final = "image/jp2"
BMP: Final = "image/bmp"
MAIL: Final = "message/rfc822"
MAILBOX: Final = "application/mbox"
PKCS7: Final = "application/pkcs7-mime"
TNEF: Final = "application/ms-tnef"
OUTLOOK: Final = "application/vnd.ms-outlook"
STARTS: Final = (b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""How the files begin that a message may carry where it announces text."""
XML: Final = "application/xml"

CODESTREAM: Final = b"\xff\x4f\xff\x51"  # JPEG 2000 without a file around it
_STARTS: Final = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"\0\0\0\x0cjP  \r\n\x87\n", JP2),
    (CODESTREAM, JP2),
    (b"IIU\0", "image/x-panasonic-rw2"),  # cameras' raw files, to be told apart from what nobody knows
    (b"FUJIFILMCCD-RAW", "image/x-fuji-raf"),
    (b"\0MRM", "image/x-minolta-mrw"),
    (b"!BDN", "application/vnd.ms-outlook-pst"),  # [MS-PST 2.2.2.6]: a whole mailbox, which is no message
)
_HEIF_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_BMP_HEADERS: Final = frozenset({12, 40, 52, 56, 64, 108, 124})
_PDF_HEADER_WITHIN: Final = 1024  # ISO 32000-1 Annex H, implementation note 13
_PKCS7_OIDS: Final = (bytes.fromhex("06092a864886f70d0107"), bytes.fromhex("060b2a864886f70d01091001"))  # RFC 5652
_TNEF_START: Final = bytes.fromhex("789f3e22")  # [MS-OXTNEF 2.1.1]
_OLE_START: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_OUTLOOK_STREAM: Final = "__properties_version1.0".encode("utf-16-le")  # [MS-OXMSG 2.4]
_UNKNOWN: Final = frozenset({"application/octet-stream", "application/x-empty", "text/plain"})


def detect(original: bytes) -> str:
    """The media type of `original` by its content, never by name.

    Raises:
        Refused: EMPTY, or UNKNOWN_TYPE if nobody can tell what it is.
    """
    if not original:
        raise Refused(Code.EMPTY, "0 bytes")
    for start, media_type in _STARTS:
        if original.startswith(start):
            return media_type
    if (picture := _in_container(original)) is not None:
        return picture
    if original.startswith(b"%PDF-"):
        return PDF
    if saved.is_message(original):
        return MAILBOX if saved.is_mailbox(original) else MAIL
    if einvoice.is_invoice(original):
        return XML
    if original[:1] == b"\x30" and any(original.find(oid, 2, 7 + len(oid)) > 0 for oid in _PKCS7_OIDS):
        return PKCS7
    if original.startswith(_TNEF_START):
        return TNEF
    if original.startswith(_OLE_START) and _OUTLOOK_STREAM in original:
        return OUTLOOK
    if b"%PDF-" in original[:_PDF_HEADER_WITHIN]:  # last: what is above may begin with a PDF inside
        return PDF
    other = str(magic.from_buffer(original[:65536], mime=True))
    if other in _UNKNOWN:
        raise Refused(Code.UNKNOWN_TYPE, f"{other}, {len(original)} bytes")
    return other


def _in_container(original: bytes) -> str | None:
    """Pictures that are known by more than how they start."""
    if original[:4] == b"RIFF" and original[8:12] == b"WEBP":
        return WEBP
    if original[:2] == b"BM" and int.from_bytes(original[14:18], "little") in _BMP_HEADERS:
        return BMP
    if original[4:8] == b"ftyp":
        length = min(int.from_bytes(original[:4], "big"), 512)
        brands = [original[8:12], *(original[at : at + 4] for at in range(16, length, 4))]  # ISO 14496-12 4.3
        if b"avif" in brands or b"avis" in brands:
            return AVIF
        if _HEIF_BRANDS & set(brands):
            return HEIF
        if brands[0] == b"crx ":
            return "image/x-canon-cr3"
    return None
