"""What lies within a file, taken out as far as is bearable: to be searched, never to be shown or run."""

from __future__ import annotations

import binascii
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from io import BytesIO
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream, String

DEEPEST: Final = 5
TOTAL_MOST_BYTES: Final = 512 * 1024 * 1024
PIECE_MOST_BYTES: Final = 16 * 1024 * 1024
PIECES_MOST: Final = 50_000
_HEAD_BYTES: Final = 64 * 1024
_PACKED_MOST_BYTES: Final = 256 * 1024  # of what only qpdf can unpack, and not in pieces
_TEXT_LEAST_BYTES: Final = 64
_BASE64: Final = re.compile(rb">\s*([A-Za-z0-9+/][A-Za-z0-9+/=\s]{80,}?)\s*<")
_UNREADABLE: Final = (
    pikepdf.PdfError, pikepdf.PasswordError, zipfile.BadZipFile, zlib.error, struct.error, binascii.Error, OSError,
    EOFError, ValueError, LookupError, TypeError, AttributeError, RuntimeError,
)  # fmt: skip


def pieces_of(original: bytes, media_type: str) -> Iterator[bytes]:
    """Streams and strings of a PDF, entries of a ZIP archive, parts of a mail, attachments of a structured invoice, and
    what lies in these in turn, each up to `PIECE_MOST_BYTES`; what can't be read is passed over."""
    yield from _Search().pieces(original, media_type, DEEPEST)


class _Search:
    """One search: how much it has taken out."""

    def __init__(self) -> None:
        self.left_bytes, self.left = TOTAL_MOST_BYTES, PIECES_MOST

    def pieces(self, content: bytes, media_type: str, depth: int) -> Iterator[bytes]:
        takers = {
            "application/pdf": _of_pdf, "message/rfc822": _of_mail, "application/zip": _of_zip,
            "application/gzip": _of_gzip, "application/xml": _of_xml,
        }  # fmt: skip
        taker = takers.get(media_type)
        try:
            for piece in taker(content) if taker and depth else ():
                self.left_bytes, self.left = self.left_bytes - len(piece), self.left - 1
                if self.left_bytes < 0 or self.left < 0:
                    return
                yield piece
                yield from self.pieces(piece, _kind_of(piece), depth - 1)
        except _UNREADABLE:
            return  # reading it is for the route to do, and refusing it if it can't


def _kind_of(piece: bytes) -> str:
    """What a piece is by its start, of those kinds that hold others."""
    if piece.startswith(b"PK\x03\x04"):
        return "application/zip"
    if piece.startswith(b"\x1f\x8b\x08"):
        return "application/gzip"
    return "application/pdf" if piece.startswith(b"%PDF-") else ""


def _of_pdf(content: bytes) -> Iterator[bytes]:
    with pikepdf.open(BytesIO(content), suppress_warnings=True) as pdf:
        for top in pdf.objects:
            waiting: list[Any] = [top]
            while waiting:
                node = waiting.pop()
                if isinstance(node, Stream):
                    yield _unpacked(node)
                    node = node.stream_dict
                if isinstance(node, String) and len(text := bytes(node)) >= _TEXT_LEAST_BYTES:
                    yield text
                elif isinstance(node, Dictionary):
                    waiting += [value for _, value in node.items() if _is_within(value)]
                elif isinstance(node, Array):
                    waiting += [value for value in node if _is_within(value)]


def _is_within(value: object) -> bool:
    return isinstance(value, Object) and not value.is_indirect


def _unpacked(stream: Stream) -> bytes:
    """The beginning of a stream: of pictures their head, for more could not be run."""
    raw, form = stream.read_raw_bytes(), stream.get("/Filter")
    most = _HEAD_BYTES if stream.get("/Subtype") == Name.Image else PIECE_MOST_BYTES
    if form is None:
        return raw[:most]
    try:
        if form in (Name.FlateDecode, Array([Name.FlateDecode])) and "/DecodeParms" not in stream:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw[2:], most)
        return stream.read_bytes()[:most] if len(raw) <= _PACKED_MOST_BYTES else raw[:most]
    except _UNREADABLE:
        return raw[:most]


def _of_mail(content: bytes) -> Iterator[bytes]:
    for part in BytesParser(policy=policy.compat32).parsebytes(content).walk():
        payload = None if part.is_multipart() else part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield payload


def _of_zip(content: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for entry in archive.infolist():
            if not entry.flag_bits & 1:  # not encrypted
                try:
                    with archive.open(entry) as file:
                        yield file.read(PIECE_MOST_BYTES)
                except _UNREADABLE:
                    continue


def _of_gzip(content: bytes) -> Iterator[bytes]:
    yield zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, PIECE_MOST_BYTES)


def _of_xml(content: bytes) -> Iterator[bytes]:
    for found in _BASE64.finditer(content):
        try:
            yield binascii.a2b_base64(found[1])
        except binascii.Error:
            continue
