"""What a PNG's chunks say (W3C PNG, third edition), checked."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from receipts.errors import Code, Refused
from receipts.pdfa.document import check_pixels
from receipts.policy import Limits

_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True, kw_only=True)
class Png:
    """What a PNG's chunks say (W3C PNG, third edition).

    Attributes:
        width: Pixels across.
        height: Pixels down.
        depth: Bits of a sample: 1, 2, 4, 8 or 16.
        kind: Colour type: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
        interlaced: Whether its rows come in the seven passes of Adam7.
        chunks: Content of each other chunk by its name, the first of that name.
        data: Content of all IDAT chunks together: a zlib stream of filtered rows.
    """

    width: int
    height: int
    depth: int
    kind: int
    interlaced: bool
    chunks: dict[bytes, bytes]
    data: bytes

    @property
    def channels(self) -> int:
        """Samples of a pixel, alpha included."""
        return _CHANNELS[self.kind]

    @property
    def has_alpha(self) -> bool:
        """Whether the last of them is alpha."""
        return self.kind in (4, 6)

    @property
    def colours(self) -> int:
        """Channels without alpha."""
        return self.channels - self.has_alpha

    def row_bytes(self, width: int) -> int:
        """Bytes of a row of so many pixels, without its filter's."""
        return (width * self.channels * self.depth + 7) // 8


def parse(original: bytes, limits: Limits) -> Png:
    """What the chunks up to IEND say; what follows it is not looked at.

    Raises:
        Refused: TRUNCATED, DAMAGED, TOO_MANY_PIXELS, or UNSUPPORTED_TYPE for what only Apple's tools read.
    """
    chunks: dict[bytes, bytes] = {}
    data: list[bytes] = []
    position = 8
    while b"IEND" not in chunks:
        if position + 12 > len(original):
            raise Refused(Code.TRUNCATED, "PNG without an IEND chunk")
        length, name = struct.unpack(">I4s", original[position : position + 8])
        end = position + 12 + length
        if end > len(original):
            raise Refused(Code.TRUNCATED, "PNG ends within a chunk")
        content = original[position + 8 : end - 4]
        intact = zlib.crc32(name + content) == int.from_bytes(original[end - 4 : end], "big")
        position = end
        if not intact and name[0] & 0x20 == 0:
            raise Refused(Code.DAMAGED, f"PNG chunk {name!r} does not have its checksum")
        if name == b"IDAT":
            data.append(content)
        elif intact:
            chunks.setdefault(name, content)
    return _header(chunks, b"".join(data), limits)


def _header(chunks: dict[bytes, bytes], data: bytes, limits: Limits) -> Png:
    if b"CgBI" in chunks:
        raise Refused(Code.UNSUPPORTED_TYPE, "PNG in the form that Xcode makes for iOS alone")
    if len(chunks.get(b"IHDR", b"")) != 13:
        raise Refused(Code.DAMAGED, "PNG without a header")
    width, height, depth, kind, compression, filtering, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if depth not in _DEPTHS.get(kind, ()) or compression or filtering or interlace > 1:
        raise Refused(Code.DAMAGED, "PNG header with unknown values")
    palette = len(chunks.get(b"PLTE", b""))
    if kind == 3 and (palette < 3 or palette % 3 or palette > 768):
        raise Refused(Code.DAMAGED, "PNG without a palette that fits")
    check_pixels(width, height, limits.pixels)
    return Png(width=width, height=height, depth=depth, kind=kind, interlaced=bool(interlace), chunks=chunks, data=data)


def passes(png: Png) -> list[tuple[int, int, int, int, int, int]]:
    """(x, y, step x, step y, width, height) of each pass that has pixels; one pass if it is not interlaced."""
    steps = _ADAM7 if png.interlaced else ((0, 0, 1, 1),)
    sized = ((x, y, dx, dy, -((x - png.width) // dx), -((y - png.height) // dy)) for x, y, dx, dy in steps)
    return [one for one in sized if one[4] > 0 and one[5] > 0]


def raw(png: Png) -> tuple[bytes, bool]:
    """The filtered rows in the IDAT chunks, and whether these hold exactly that: no more, and with its checksum.

    Raises:
        Refused: TRUNCATED, or DAMAGED: not what was packed, or a row with a filter that isn't one.
    """
    blocks = [(png.row_bytes(width) + 1, height) for *_, width, height in passes(png)]
    expected = sum(row * height for row, height in blocks)
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(png.data, expected)
        more = unpacker.decompress(unpacker.unconsumed_tail, 1)  # goes on to the checksum (RFC 1950 2.2)
    except zlib.error as error:
        raise Refused(Code.DAMAGED, f"PNG: {error}") from error
    if len(data) < expected:
        raise Refused(Code.TRUNCATED, f"PNG data of {len(data)} bytes instead of {expected}")
    position = 0
    for row, height in blocks:
        if max(data[position : position + row * height : row]) > 4:
            raise Refused(Code.DAMAGED, "PNG row with an unknown filter")
        position += row * height
    return data, unpacker.eof and not more


def unpacking(depth: int) -> list[bytes]:
    """For each byte its samples of `depth` bits, in a byte each; nothing for whole bytes."""
    if depth >= 8:
        return []
    shifts = range(8 - depth, -1, -depth)
    return [bytes(byte >> shift & (1 << depth) - 1 for shift in shifts) for byte in range(256)]
