"""What a PNG's samples mean: colour, transparency, resolution and which way is up (W3C PNG, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from receipts.pdfa import colour, exif, flate
from receipts.pdfa.png_chunks import Png, unpacking

_PROFILE_MOST: Final = 16 * 1024 * 1024
_SRGB_GAMMA: Final = 45455


def set_transparency(pdf: Pdf, png: Png, image: Stream) -> None:
    """What tRNS makes transparent: a colour key, or alpha for each colour of the palette."""
    content = png.chunks.get(b"tRNS", b"")
    if png.kind in (0, 2) and len(content) == 2 * png.colours:
        keys = [key & (1 << png.depth) - 1 for key in struct.unpack(f">{png.colours}H", content)]
        image.Mask = Array([key for key in keys for _ in range(2)])
    elif png.kind == 3 and content:
        samples = image.read_bytes()
        if int(image.BitsPerComponent) < 8:
            row, unpacked = png.row_bytes(png.width), unpacking(png.depth)
            rows = (samples[start : start + row] for start in range(0, row * png.height, row))
            samples = b"".join(b"".join(unpacked[byte] for byte in one)[: png.width] for one in rows)
        alpha = samples.translate(content[:256].ljust(256, b"\xff"))
        image.SMask = flate.image(pdf, alpha, png.width, png.height, channels=1, bits=8)


def set_colour(pdf: Pdf, png: Png, image: Stream) -> str:
    """Give the samples the meaning that the PNG gives them, in its own order of precedence; returns what that was."""
    stated = png.chunks.get(b"cICP", b"")
    profile = _profile(png)
    components = 1 if png.kind in (0, 4) else 3
    if len(stated) == 4 and components == 3:  # goes before all else
        meaning, profile = colour.by_number(stated[0], stated[1])
        space = colour.space(pdf, profile, components)
    elif profile is not None and colour.is_usable(profile, components):
        space, meaning = colour.space(pdf, profile, components), "profile-carried"
    elif b"sRGB" not in png.chunks and _is_calibrated(png):
        space, meaning = _calibrated(png, components), "gamma-carried"
    else:
        space, meaning = colour.space(pdf, None, components), "device" if profile is None else "profile-unusable"
    if png.kind == 3:
        size = 3 << png.depth
        palette = png.chunks[b"PLTE"][:size].ljust(size, b"\0")  # what it lacks libpng takes for black
        space = Array([Name.Indexed, space, size // 3 - 1, String(palette)])
    image.ColorSpace = space
    return meaning


def _profile(png: Png) -> bytes | None:
    name, _, packed = png.chunks.get(b"iCCP", b"").partition(b"\0")
    if not name or packed[:1] != b"\0":
        return None
    try:
        return zlib.decompressobj().decompress(packed[1:], _PROFILE_MOST)
    except zlib.error:
        return b""  # there, but not usable


def _is_calibrated(png: Png) -> bool:
    """Whether gAMA says something else than what sRGB is."""
    content = png.chunks.get(b"gAMA", b"")
    return len(content) == 4 and abs(int.from_bytes(content, "big") - _SRGB_GAMMA) > 500 and any(content)


def _calibrated(png: Png, components: int) -> Array:
    """CalGray or CalRGB (ISO 32000-1 8.6.5) of gAMA and cHRM; without cHRM the primaries of sRGB."""
    gamma = 100_000 / int.from_bytes(png.chunks[b"gAMA"], "big")
    points = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    if len(png.chunks.get(b"cHRM", b"")) == 32:
        points = struct.unpack(">8I", png.chunks[b"cHRM"])
    xy = [(points[at] / 100_000, points[at + 1] / 100_000) for at in range(0, 8, 2)]
    if any(y <= 0 or x + y > 1 for x, y in xy) or xy[0][0] <= 0 or sum(xy[0]) >= 1:  # ISO 32000-1 table 63
        xy = [(0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)]
    white, *primaries = [(x / y, 1.0, (1 - x - y) / y) for x, y in xy]
    if components == 1:
        return Array([Name.CalGray, Dictionary(WhitePoint=_numbers(white), Gamma=_number(gamma))])
    shares = colour.solved(primaries, white)
    matrix = [value * share for primary, share in zip(primaries, shares, strict=True) for value in primary]
    facts = Dictionary(WhitePoint=_numbers(white), Gamma=_numbers([gamma] * 3), Matrix=_numbers(matrix))
    return Array([Name.CalRGB, facts])


def _number(value: float) -> Decimal:
    return Decimal(f"{value:.5f}")


def _numbers(values: Iterable[float]) -> Array:
    return Array([_number(value) for value in values])


def dpi(png: Png) -> tuple[float, float] | None:
    """Pixels per inch across and down (W3C PNG 11.3.4.3, pHYs); None if they are not stated in metres."""
    content = png.chunks.get(b"pHYs", b"")
    if len(content) != 9 or content[8] != 1:
        return None
    across, down = struct.unpack(">II", content[:8])
    return across * 0.0254, down * 0.0254


def orientation(png: Png) -> int:
    """From eXIf, 1 where there is none that could be read."""
    return exif.orientation(png.chunks.get(b"eXIf", b""))
