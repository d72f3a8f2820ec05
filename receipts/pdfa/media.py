"""What kind of file it is, by its content alone: names and announced types lie."""

from __future__ import annotations

import re
from typing import Final

from receipts.errors import Code, Refused
from receipts.pdfa import einvoice

try:
    import magic
except ImportError:  # the system has no libmagic: take the one from the wheel
    import magic  # noqa: E402,I001,RUF100
    import pylibmagic  # noqa: F401

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
PDF: Final = "application/pdf"
MAIL: Final = "message/rfc822"
MAILBOX: Final = "application/mbox"
PKCS7: Final = "application/pkcs7-mime"
XML: Final = "application/xml"

_PDF_HEADER_WITHIN: Final = 1024  # ISO 32000-1 Annex H, implementation note 13
_FIELD: Final = re.compile(rb"[!-9;-~]{1,76}:[^\r\n]*\r?\n")  # RFC 5322 2.2
_ENVELOPE: Final = re.compile(rb"From [^\r\n]*\r?\n")  # RFC 4155: what a mail file may start with
_PKCS7_OID: Final = bytes.fromhex("2a864886f70d0107")
_FOLDED: Final = re.compile(rb"[ \t][^\r\n]*\r?\n")
_UNKNOWN: Final = frozenset({"application/octet-stream", "application/x-empty", "text/plain"})
_ORIGIN: Final = frozenset({b"from", b"sender", b"return-path", b"received", b"delivered-to", b"x-sender"})
_OTHER: Final = frozenset(
    {b"to", b"cc", b"date", b"subject", b"message-id", b"mime-version", b"content-type", b"received", b"x-mailer"}
)


def detect(original: bytes) -> str:
    """The media type of `original` by its content, never by name.

    Raises:
        Refused: EMPTY, or UNKNOWN_TYPE if nobody can tell what it is.
    """
    if not original:
        raise Refused(Code.EMPTY, "0 bytes")
    if original.startswith(b"\xff\xd8\xff"):
        return JPEG
    if original.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if b"%PDF-" in original[:_PDF_HEADER_WITHIN]:
        return PDF
    if (envelope := _ENVELOPE.match(original)) and is_mail(original, envelope.end()):
        return MAILBOX if is_mailbox(original, envelope.end()) else MAIL
    if is_mail(original):
        return MAIL
    if einvoice.is_invoice(original):
        return XML
    if original[:1] == b"\x30" and _PKCS7_OID in original[:40]:
        return PKCS7
    media_type = str(magic.from_buffer(original[:65536], mime=True))
    if media_type in _UNKNOWN:
        raise Refused(Code.UNKNOWN_TYPE, f"{media_type}, {len(original)} bytes")
    return media_type


def is_mail(original: bytes, position: int = 0) -> bool:
    """Whether a message (RFC 5322) starts at `position`: fields alone, one that names an origin and one more known."""
    names = set()
    while field := _FIELD.match(original, position):
        names.add(field.group().split(b":", 1)[0].lower())
        position = field.end()
        while folded := _FOLDED.match(original, position):
            position = folded.end()
    ended = position == len(original) or original.startswith((b"\n", b"\r\n"), position)
    return ended and bool(names & _ORIGIN) and len(names & (_ORIGIN | _OTHER)) >= 2


def is_mailbox(original: bytes, position: int) -> bool:
    """Whether a second message follows after `position`."""
    while (position := original.find(b"\nFrom ", position)) >= 0:
        envelope = _ENVELOPE.match(original, position + 1)
        if envelope and is_mail(original, envelope.end()):
            return True
        position += 1
    return False
