"""Boxes of which HEIF, AVIF and JP2 files consist (ISO 14496-12 4.2, ISO 15444-1 I.4)."""

from __future__ import annotations

import re
from typing import Final

from receipts.errors import Code, Refused
from receipts.pdfa.document import check_pixels

_NAME: Final = re.compile(rb"[ -~\xa9]{4}")
_NUMBERED: Final = re.compile(rb"colrnclx(..)(..)", re.DOTALL)
_EXIF: Final = re.compile(rb"(infe\x02.{7})Exif", re.DOTALL)  # ISO 14496-12 8.11.6: version 2, id, protection, type
_EXTENT: Final = re.compile(rb"\0\0\0\x14ispe\0{4}(.{4})(.{4})", re.DOTALL)  # ISO 23008-12 6.5.3


def check(original: bytes) -> int:
    """Check that the outermost boxes are all there.

    Returns:
        Where they end; what follows is nothing that has a name, such as what a memory card held before.

    Raises:
        Refused: TRUNCATED, if the last one says that it is longer than the file; DAMAGED, if one has no size.
    """
    position = 0
    while position + 8 <= len(original) and (not position or _NAME.fullmatch(original, position + 4, position + 8)):
        size = int.from_bytes(original[position : position + 4], "big")
        if size == 0:  # up to the end of the file
            return len(original)
        if size == 1:
            size = int.from_bytes(original[position + 8 : position + 16], "big")
        if size < 8:
            raise Refused(Code.DAMAGED, "box without a size")
        position += size
    if position > len(original):
        raise Refused(Code.TRUNCATED, "file ends within a box")
    return position


def check_extents(original: bytes, pixels: int) -> None:
    """Check that no picture in a HEIF or AVIF says that it has more than `pixels` pixels; decoders allocate first.

    Raises:
        Refused: TOO_MANY_PIXELS, or DAMAGED for a picture without pixels.
    """
    for width, height in _EXTENT.findall(original):
        check_pixels(int.from_bytes(width, "big"), int.from_bytes(height, "big"), pixels)


def items(original: bytes) -> list[tuple[bytes, bytes]]:
    """(type, name and more) of each item of a HEIF or AVIF (ISO 14496-12 8.11.6)."""
    meta = next((content[4:] for name, content in within(original) if name == b"meta"), b"")
    listed = next((content for name, content in within(meta) if name == b"iinf"), b"")
    entries = within(listed[6:] if listed[:1] == b"\0" else listed[8:])
    starts = ((content, 10 if content[:1] == b"\3" else 8) for name, content in entries if name == b"infe")
    return [(content[start : start + 4], content[start + 4 :]) for content, start in starts]


def without_exif(original: bytes) -> bytes:
    """An AVIF whose Exif decoders pass over: how the picture is turned `irot` says alone (ISO 23008-12 6.5.10)."""
    return _EXIF.sub(rb"\1skip", original)


def primaries(original: bytes) -> tuple[int, int] | None:
    """Colour primaries and transfer of a HEIF or AVIF that says them by number (ISO 14496-12 12.1.5, ITU-T H.273)."""
    found = _NUMBERED.search(original)
    return (int.from_bytes(found[1], "big"), int.from_bytes(found[2], "big")) if found else None


def jp2_profile(original: bytes) -> bytes | None:
    """The ICC profile of a JP2 file, if it names one (ISO 15444-1 I.5.3.3: METH 2)."""
    header = next((content for name, content in within(original) if name == b"jp2h"), b"")
    stated = (content for name, content in within(header) if name == b"colr")
    return next((content[3:] for content in stated if content[:1] == b"\2"), None)


def within(content: bytes) -> list[tuple[bytes, bytes]]:
    """(type, content) of each box in `content`, in order; what does not fit is left out."""
    found, position = [], 0
    while position + 8 <= len(content):
        size, start = int.from_bytes(content[position : position + 4], "big"), position + 8
        if size == 1:
            size, start = int.from_bytes(content[position + 8 : position + 16], "big"), position + 16
        end = len(content) if size == 0 else position + size
        if end < start or end > len(content):
            break
        found.append((content[position + 4 : position + 8], content[start:end]))
        position = end
    return found
