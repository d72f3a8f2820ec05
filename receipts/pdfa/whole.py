"""Whether what the pages of a PDF show is all there: viewers show less, or nothing, of what they can't read."""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, Object, Pdf, PdfError, Stream
from PIL import Image, JpegImagePlugin

from receipts.errors import Code, Refused
from receipts.pdfa.geometry import SMALLEST_PT
from receipts.pdfa.graph import written
from receipts.policy import Limits

CONTENT_MOST_BYTES: Final = 128 * 1024 * 1024
PAINTED_MOST: Final = 1_000_000
_DEEPEST: Final = 28  # forms within forms; PDFium draws no deeper ones
_TREE_DEEPEST: Final = 100
_PIECE: Final = 1024 * 1024
_TAIL: Final = 4096
_PAINTED: Final = re.compile(rb"/([^\0\t\n\f\r ()<>\[\]{}/%]+)[\0\t\n\f\r ]+Do(?![^\0\t\n\f\r ()<>\[\]{}/%])")
_SET_IN: Final = re.compile(rb"/([^\0\t\n\f\r ()<>\[\]{}/%]+)[\0\t\n\f\r ]+[0-9.+-]+[\0\t\n\f\r ]+Tf")
_START_OF_JPEG2000: Final = b"\xff\x4f\xff\x51"
_END_OF_JPEG: Final = b"\xff\xd9"
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_LOSSLESS: Final = frozenset({"/ASCIIHexDecode", "/ASCII85Decode", "/FlateDecode", "/LZWDecode", "/RunLengthDecode"})

_BITS: Final = (1, 2, 4, 8, 16)


class Missing(Exception):
    """Something of what a page shows is not there, or can't be read whole."""


def check(pdf: Pdf, limits: Limits) -> list[int]:
    """Check the content of every page and the pictures that it paints.

    Returns:
        The numbers, from 0, of the pages with pictures that only a decoder can check: `render.check_pictures`.

    Raises:
        Missing: A content stream or a picture is not there, or ends before it should, or can't be decoded.
        Refused: TOO_COSTLY for a page with more than `CONTENT_MOST_BYTES` of content, or that paints more than
            `PAINTED_MOST` things; TOO_MANY_PIXELS.
    """
    known: dict[tuple[int, int], _Seen] = {}
    doubtful = []
    for number, page in enumerate(pdf.pages):
        try:
            seen = _Page(limits, known).look(page.obj)
        except Missing as missing:
            raise Missing(f"page {number + 1}: {missing}") from missing
        if seen.is_doubtful:
            doubtful.append(number)
    return doubtful


@dataclass(frozen=True)
class _Seen:
    """What comes of painting something: how many things, and whether a decoder must look."""

    painted: int = 1
    is_doubtful: bool = False


@dataclass
class _Page:
    limits: Limits
    known: dict[tuple[int, int], _Seen]
    left_bytes: int = field(default=CONTENT_MOST_BYTES)

    def look(self, page: Dictionary) -> _Seen:
        content = b"\n".join(self._contents(page))
        if content.strip() and _is_too_narrow(_inherited(page, "/MediaBox")):
            raise Missing("too narrow for what is on it")
        return self._content(content, _inherited(page, "/Resources"), 0)

    def _contents(self, page: Dictionary) -> Iterator[bytes]:
        items = dict(page.items())  # a key that refers to nothing is in it, as None
        if "/Contents" not in items:
            return
        streams: Any = items["/Contents"]
        for stream in list(streams) if isinstance(streams, Array) else [streams]:
            if not isinstance(stream, Stream):
                raise Missing("its content is not there")
            yield self._decoded(stream, "content")

    def _content(self, content: bytes, resources: object, depth: int) -> _Seen:
        _check_fonts(content, resources)
        painted, is_doubtful = 0, False
        for thing, count in _painted_by(content, resources):
            seen = self._thing(thing, resources, depth)
            painted += count * seen.painted
            is_doubtful |= seen.is_doubtful
            if painted > PAINTED_MOST:
                raise Refused(Code.TOO_COSTLY, f"PDF page that paints more than {PAINTED_MOST} things")
        return _Seen(painted + 1, is_doubtful)

    def _thing(self, thing: Stream, resources: object, depth: int) -> _Seen:
        if thing.objgen not in self.known:
            self.known[thing.objgen] = _Seen()  # for what paints itself: viewers stop there
            if thing.get("/Subtype") == Name.Image:
                self.known[thing.objgen] = _Seen(is_doubtful=_check_picture(thing, self.limits))
            elif thing.get("/Subtype") == Name.Form and depth < _DEEPEST:
                content = self._decoded(thing, "form")
                self.known[thing.objgen] = self._content(content, thing.get("/Resources", resources), depth + 1)
        return self.known[thing.objgen]

    def _decoded(self, stream: Stream, what: str) -> bytes:
        filters = _filters(stream)
        try:
            content = stream.read_raw_bytes()
            if filters[:1] == ["/FlateDecode"]:
                content = _inflated(content, self.left_bytes, what)
            if filters and (len(filters) > 1 or filters[0] != "/FlateDecode" or "/DecodeParms" in stream):
                content = stream.read_bytes()
        except (PdfError, RuntimeError) as error:
            raise Missing(f"{what} that can't be decoded") from error
        self.left_bytes -= len(content)
        if self.left_bytes < 0:
            raise Refused(Code.TOO_COSTLY, f"PDF page with more than {CONTENT_MOST_BYTES} bytes of content")
        return content


def _painted_by(content: bytes, resources: object) -> Iterator[tuple[Stream, int]]:
    """The pictures and forms that `content` paints, and how often it says so."""
    named: Any = resources.get("/XObject") if isinstance(resources, Dictionary) else None
    counts = Counter(_plain(name[1]) for name in _PAINTED.finditer(content)) if isinstance(named, Dictionary) else {}
    for name, thing in named.items() if counts else ():
        count = counts.get(name[1:].encode("utf-8", "surrogateescape"), 0)
        if count and isinstance(thing, Stream):
            yield thing, count
        elif count and thing is None:
            raise Missing("what it paints is not there")


def _check_fonts(content: bytes, resources: object) -> None:
    named: Any = resources.get("/Font") if isinstance(resources, Dictionary) else None
    fonts = named.items() if isinstance(named, Dictionary) else ()
    gone = {name[1:].encode("utf-8", "surrogateescape") for name, font in fonts if font is None}
    if gone and any(_plain(name[1]) in gone for name in _SET_IN.finditer(content)):
        raise Missing("a font of its text is not there")


def _plain(name: bytes) -> bytes:
    """A name without escapes (ISO 32000-1 7.3.5)."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), name)


def _inherited(page: Dictionary, key: str) -> object:
    node: Any = page
    for _ in range(_TREE_DEEPEST):
        if not isinstance(node, Dictionary) or key in node:
            break
        node = node.get("/Parent")
    return node.get(key) if isinstance(node, Dictionary) else None


def _is_too_narrow(box: object) -> bool:
    """Whether a page can't be one (ISO 32000-1 Annex C.2); of none or an empty one viewers make a sheet of paper."""
    if not isinstance(box, Array) or len(box) != 4:
        return False
    left, bottom, right, top = (float(side) if isinstance(side, int | Decimal) else 0.0 for side in box)
    return 0 < min(abs(right - left), abs(top - bottom)) < SMALLEST_PT


def _check_picture(image: Stream, limits: Limits) -> bool:
    """Check a picture; whether a decoder must look at it."""
    width, height = image.get("/Width"), image.get("/Height")
    if not isinstance(width, int) or not isinstance(height, int) or width < 1 or height < 1:
        raise Missing("a picture without a size")
    if width * height > limits.pixels:
        raise Refused(Code.TOO_MANY_PIXELS, f"{width} x {height} pixels, at most {limits.pixels} are accepted")
    filters, data = _filters(image), image.read_raw_bytes()
    if filters == ["/JPXDecode"]:
        _check_jpeg2000(data, limits)
    mask: Any = image.get("/SMask")
    is_doubtful = isinstance(mask, Stream) and "/SMask" not in mask and _check_picture(mask, limits)
    if filters[:1] == ["/FlateDecode"]:
        _inflated(data, None, "picture")
    if filters == ["/DCTDecode"]:
        _check_jpeg(data)
        return is_doubtful
    is_usual = image.get("/BitsPerComponent", 1) in _BITS and _LOSSLESS.issuperset(filters)
    return is_doubtful or not is_usual


def _check_jpeg2000(data: bytes, limits: Limits) -> None:
    """Refuse what says in itself that it is huge, whatever the PDF says of it: decoders take room for it."""
    at = data.find(_START_OF_JPEG2000)
    if at >= 0 and len(data) >= at + 16:
        width, height = struct.unpack(">II", data[at + 8 : at + 16])  # ISO 15444-1 A.5.1: Xsiz, Ysiz
        if width * height > limits.pixels:
            raise Refused(Code.TOO_MANY_PIXELS, f"{width} x {height} pixels, at most {limits.pixels} are accepted")


def _check_jpeg(data: bytes) -> None:
    if _END_OF_JPEG not in data[-_TAIL:]:
        raise Missing("a picture that ends before its end")
    try:
        JpegImagePlugin.JpegImageFile(BytesIO(data))
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, Image.DecompressionBombError) as error:
        raise Missing("a picture that can't be decoded") from error


def _inflated(packed: bytes, most: int | None, what: str) -> bytes:
    """The content of a Flate stream (RFC 1950); its checksum, which no viewer reads, does not count.

    Args:
        packed: The stream.
        most: How many bytes may come of it; if None, it is only checked, and what comes of it is let go.
        what: What it is, for the refusal.
    """
    if not packed.strip():
        return b""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces, size, rest = [], 0, packed[2:]
    try:
        while not inflater.eof:
            piece = inflater.decompress(rest, _PIECE)
            rest = inflater.unconsumed_tail
            if not piece and not rest and not inflater.eof:
                raise Missing(f"{what} that ends before its end")
            if most is not None:
                pieces.append(piece)
                size += len(piece)
                if size > most:
                    raise Refused(Code.TOO_COSTLY, f"PDF page with more than {CONTENT_MOST_BYTES} bytes of content")
    except zlib.error as error:
        raise Missing(f"{what} that can't be decoded") from error
    return b"".join(pieces)


def _filters(stream: Stream) -> list[str]:
    stated: Any = stream.get("/Filter")
    names = list(stated) if isinstance(stated, Array) else [stated] if isinstance(stated, Object) else []
    return [written(name) for name in names if isinstance(name, Name)]
