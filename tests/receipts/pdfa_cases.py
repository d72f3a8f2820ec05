"""What the tests of the normaliser share."""

from __future__ import annotations

import hashlib
import struct
import zlib
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pypdfium2
from PIL import Image

from receipts.pdfa import Facts, Normalised, normalise
from receipts.policy import Limits

LIMITS = Limits()


def facts(original: bytes, **others: Any) -> Facts:
    digest = hashlib.sha256(original).hexdigest()
    known = {
        "receipt": f"acme/{digest}",
        "tenant": "acme",
        "channel": "folder",
        "source_name": "Reçu <n° 1> & co.jpg",
        "sender": None,
        "received_at": datetime(2026, 11, 23, 12, 30, 15, 123456, tzinfo=UTC),
        "original_sha256": digest,
        "software": "Probant 0.1.0",
    }
    return Facts(**{**known, **others})


def made(original: bytes, limits: Limits = LIMITS) -> Normalised:
    return normalise(original, facts(original), limits)


def picture(image: Image.Image, form: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def rendered(pdf: bytes, page: int = 0, dpi: float = 72) -> Image.Image:
    """A page as PDFium shows it."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return document[page].render(scale=dpi / 72).to_pil().convert("RGB")
    finally:
        document.close()


def texts(pdf: bytes, page: int = 0) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return str(document[page].get_textpage().get_text_bounded())
    finally:
        document.close()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of(
    width: int, height: int, depth: int, kind: int, raw: bytes, *, interlace: int = 0, more: bytes = b""
) -> bytes:
    """A PNG from its unfiltered or filtered rows, each with its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)
    data = chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def with_orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif
