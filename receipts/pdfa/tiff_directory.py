"""What a TIFF's directories say of its pages (TIFF 6.0 section 2, BigTIFF): whole numbers, and nothing decoded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from receipts.errors import Code, Refused

SUBFILE: Final = 254
WIDTH: Final = 256
HEIGHT: Final = 257
BITS: Final = 258
COMPRESSION: Final = 259
PHOTOMETRIC: Final = 262
FILL_ORDER: Final = 266
STRIPS: Final = 273
ORIENTATION: Final = 274
SAMPLES: Final = 277
ROWS_PER_STRIP: Final = 278
STRIP_LENGTHS: Final = 279
DPI: Final = (282, 283)
PLANAR: Final = 284
T4_OPTIONS: Final = 292
T6_OPTIONS: Final = 293
UNIT: Final = 296
PREDICTOR: Final = 317
TILE_WIDTH: Final = 322
TILE_HEIGHT: Final = 323
TILES: Final = 324
TILE_LENGTHS: Final = 325
SUBDIRECTORIES: Final = 330
EXTRA_SAMPLES: Final = 338
SAMPLE_FORMAT: Final = 339
PROFILE: Final = 34675
DNG_VERSION: Final = 50706

_SIZES: Final = {1: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 18: 8}  # types that hold whole numbers
_FORMATS: Final = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q", 18: "Q"}
_RATIONAL: Final = 5
_WANTED: Final = frozenset(
    {value for name, value in list(globals().items()) if name.isupper() and isinstance(value, int)} | set(DPI)
)
_DPI_OF_UNIT: Final = {2: 1.0, 3: 2.54}


@dataclass(frozen=True, kw_only=True)
class Directory:
    """One page.

    Attributes:
        offset: Where its directory begins in the file.
        order: `<` or `>`, as `struct` writes it.
        values: Tag -> its values; a tag whose values lie outside of the file is left out.
    """

    offset: int
    order: str
    values: dict[int, tuple[int, ...]]

    def all(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Every value of `tag`."""
        return self.values.get(tag) or default

    def one(self, tag: int, default: int = 0) -> int:
        """The first value of `tag`."""
        return self.all(tag, (default,))[0]

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Pixels per inch across and down, as stated."""
        unit, sides = _DPI_OF_UNIT.get(self.one(UNIT, 2)), [self.all(tag) for tag in DPI]
        if unit is None or not all(len(side) >= 2 and side[1] for side in sides):
            return None
        return unit * sides[0][0] / sides[0][1], unit * sides[1][0] / sides[1][1]


def read(original: bytes, most: int) -> list[Directory]:
    """The directories in order; a chain that loops ends where it does.

    Raises:
        Refused: TRUNCATED or DAMAGED, if there is none; TOO_MANY_PAGES, if there are more than `most`.
    """
    order = "<" if original.startswith(b"II") else ">"
    is_big = original[2:4] in (b"+\0", b"\0+")
    found: dict[int, Directory] = {}
    offset = _number(original, 8, 8, order) if is_big else _number(original, 4, 4, order)
    while offset and offset not in found:
        if offset >= len(original):
            raise Refused(Code.TRUNCATED, f"TIFF ends before the directory of page {len(found) + 1}")
        if len(found) == most:
            raise Refused(Code.TOO_MANY_PAGES, f"more than {most} pages, at most {most} are accepted")
        found[offset], offset = _directory(original, offset, order, is_big=is_big)
    return list(found.values())


def _directory(original: bytes, offset: int, order: str, *, is_big: bool) -> tuple[Directory, int]:
    """A directory and where the next one is."""
    head, entry, place = (8, 20, 8) if is_big else (2, 12, 4)
    count = _number(original, offset, head, order)
    end = offset + head + count * entry
    if end + place > len(original):
        raise Refused(Code.TRUNCATED, "TIFF ends within a directory")
    values = dict(_entries(original, offset + head, end, order, is_big=is_big))
    return Directory(offset=offset, order=order, values=values), _number(original, end, place, order)


def _entries(
    original: bytes, start: int, end: int, order: str, *, is_big: bool
) -> Iterator[tuple[int, tuple[int, ...]]]:
    entry, place = (20, 8) if is_big else (12, 4)
    for at in range(start, end, entry):
        tag, kind = struct.unpack_from(f"{order}HH", original, at)
        count = _number(original, at + 4, place, order)
        size = 8 if kind == _RATIONAL else _SIZES.get(kind, 0)
        if tag not in _WANTED or not size or not count or count * size > len(original):
            continue
        inline = at + 4 + place
        where = inline if count * size <= place else _number(original, inline, place, order)
        if where + count * size <= len(original):
            numbers, letter = (2 * count, "I") if kind == _RATIONAL else (count, _FORMATS[kind])
            yield tag, struct.unpack_from(f"{order}{numbers}{letter}", original, where)


def _number(original: bytes, at: int, size: int, order: str) -> int:
    """A number of `size` bytes; 0 beyond the end."""
    content = original[at : at + size]
    return int.from_bytes(content, "little" if order == "<" else "big") if len(content) == size else 0
