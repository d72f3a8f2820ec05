"""Whether what the pages of a PDF show is all there: viewers show less, or nothing, of what they can't read."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, Object, Pdf, PdfError, Stream

from receipts.errors import Code, Refused
from receipts.pdfa.graph import written
from receipts.policy import Limits

CONTENT_MOST_BYTES: Final = 128 * 1024 * 1024
_DEEPEST: Final = 28  # forms within forms; PDFium draws no deeper ones
_THINGS_MOST: Final = 100_000
_PIECE: Final = 1024 * 1024
_PAINTED: Final = re.compile(rb"/([^\0\t\n\f\r ()<>\[\]{}/%]+)[\0\t\n\f\r ]+Do(?![^\0\t\n\f\r ()<>\[\]{}/%])")
_END_OF_IMAGE: Final = b"\xff\xd9"


class Missing(Exception):
    """Something of what a page shows is not there, or can't be read whole."""


def check(pdf: Pdf, limits: Limits) -> None:
    """Check the content of every page and the pictures that it paints.

    Raises:
        Missing: A content stream or a picture is not there, or ends before it should, or can't be decoded.
        Refused: TOO_COSTLY for content of more than `CONTENT_MOST_BYTES` a page; TOO_MANY_PIXELS.
    """
    seen: set[tuple[int, int]] = set()
    for number, page in enumerate(pdf.pages, 1):
        try:
            _check_page(page.obj, limits, seen)
        except Missing as missing:
            raise Missing(f"page {number}: {missing}") from missing


def _check_page(page: Dictionary, limits: Limits, seen: set[tuple[int, int]]) -> None:
    content, waiting = b"".join(_contents(page)), []
    waiting.append((content, _inherited(page, "/Resources"), 0))
    left = CONTENT_MOST_BYTES - len(content)
    while waiting:
        content, resources, depth = waiting.pop()
        for thing in _painted(content, resources):
            if thing.objgen in seen:
                continue
            seen.add(thing.objgen)
            if len(seen) > _THINGS_MOST:
                return
            if thing.get("/Subtype") == Name.Image:
                _check_picture(thing, limits)
            elif thing.get("/Subtype") == Name.Form and depth < _DEEPEST:
                inner = _decoded(thing, left, "form")
                left -= len(inner)
                waiting.append((inner, thing.get("/Resources", resources), depth + 1))


def _contents(page: Dictionary) -> Iterator[bytes]:
    items = dict(page.items())  # a key whose value is not there is in it, as None
    if "/Contents" not in items:
        return
    streams: Any = items["/Contents"]
    left = CONTENT_MOST_BYTES
    for stream in list(streams) if isinstance(streams, Array) else [streams]:
        if not isinstance(stream, Stream):
            raise Missing("its content is not there")
        content = _decoded(stream, left, "content")
        left -= len(content)
        yield content + b"\n"


def _painted(content: bytes, resources: object) -> Iterator[Stream]:
    """The pictures and forms that `content` paints."""
    named: Any = resources.get("/XObject") if isinstance(resources, Dictionary) else None
    if not isinstance(named, Dictionary):
        return
    names = {name[1] for name in _PAINTED.finditer(content)}
    for name, thing in named.items():
        if name[1:].encode("utf-8", "surrogateescape") in names or b"#" in b"".join(names):
            if isinstance(thing, Stream):
                yield thing
            elif thing is None:
                raise Missing("what it paints is not there")


def _inherited(page: Dictionary, key: str) -> object:
    node: Any = page
    for _ in range(_DEEPEST * 4):
        if not isinstance(node, Dictionary) or key in node:
            break
        node = node.get("/Parent")
    return node.get(key) if isinstance(node, Dictionary) else None


def _check_picture(image: Stream, limits: Limits) -> None:
    width, height = image.get("/Width"), image.get("/Height")
    if not isinstance(width, int) or not isinstance(height, int) or width < 1 or height < 1:
        raise Missing("a picture without a size")
    if width * height > limits.pixels:
        raise Refused(Code.TOO_MANY_PIXELS, f"{width} x {height} pixels, at most {limits.pixels} are accepted")
    filters = _filters(image)
    if filters[:1] == ["/FlateDecode"]:
        _inflated(image.read_raw_bytes(), None, "picture")
    elif filters == ["/DCTDecode"] and _END_OF_IMAGE not in image.read_raw_bytes()[-4096:]:
        raise Missing("a picture that ends before its end")
    mask: Any = image.get("/SMask")
    if isinstance(mask, Stream) and "/SMask" not in mask:
        _check_picture(mask, limits)


def _decoded(stream: Stream, most: int, what: str) -> bytes:
    filters = _filters(stream)
    try:
        if filters[:1] == ["/FlateDecode"]:
            content = _inflated(stream.read_raw_bytes(), most, what)
            if len(filters) == 1 and not stream.get("/DecodeParms"):
                return content
        content = stream.read_bytes()
    except (PdfError, RuntimeError) as error:
        raise Missing(f"{what} that can't be decoded") from error
    if len(content) > most:
        raise Refused(Code.TOO_COSTLY, f"PDF {what} of more than {CONTENT_MOST_BYTES} bytes")
    return content


def _inflated(packed: bytes, most: int | None, what: str) -> bytes:
    """The content of a Flate stream (RFC 1950); its checksum, which nothing reads, does not count.

    Args:
        packed: The stream.
        most: How many bytes may come of it; if None, it is only checked, and the pieces are let go.
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
                    raise Refused(Code.TOO_COSTLY, f"PDF {what} of more than {CONTENT_MOST_BYTES} bytes")
    except zlib.error as error:
        raise Missing(f"{what} that can't be decoded") from error
    return b"".join(pieces)


def _filters(stream: Stream) -> list[str]:
    stated: Any = stream.get("/Filter")
    names = list(stated) if isinstance(stated, Array) else [stated] if isinstance(stated, Object) else []
    return [written(name) for name in names if isinstance(name, Name)]
