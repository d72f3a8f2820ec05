"""How readable a capture is: measured on a small copy that is then thrown away, flagged, never corrected.

Everything is counted in whole numbers, so that every machine finds the same. The thresholds were set on real receipts
and on blurred, cropped and shrunk copies of them; docs/adr/0010 says how far apart the two lie.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
import pypdfium2
from PIL import Image

from receipts.evidence import Json

SCALE_PX: Final = 1_000_000  # a page is looked at with about 100 dots per inch, whatever took it
SCALE_LEAST_PX: Final = 750_000  # where a decoder offers few sizes
SHARPNESS_LEAST: Final = 120  # sharp receipts have 300 to 6000; a blur of 3 px on a page of 1200 leaves at most 40
SHORT_SIDE_LEAST_PX: Final = 300  # an 80 mm till receipt at 100 dots per inch
CUT_STROKES_MOST: Final = 3  # whole receipts have at most 2 strokes that run off one side, cut ones 7 to 40
COLOUR_LEAST: Final = 3  # of 128: what rounding alone makes of grey is 1 or 2

_UNREADABLE: Final = (
    OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, AssertionError, MemoryError,
    ArithmeticError, RuntimeError, SystemError, struct.error, zlib.error, ImportError, Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)  # fmt: skip
_TILE: Final = 32
_BAND: Final = 4  # rows of tiles that are looked at together: what they take stays in the processor's cache
_CONTRAST_LEAST: Final = 150  # variance of a tile that shows more than paper and shadow
_INK: Final = 60
_PAGES_MOST: Final = 10
_DECODED_MOST_PX: Final = 100_000_000
_Plane: TypeAlias = "np.ndarray[Any, np.dtype[np.signedinteger[Any]]]"


class Flag(StrEnum):
    """What is wrong with a capture; stable, like the codes of a refusal."""

    BLURRED = "blurred"
    BLANK = "blank"
    TOO_SMALL = "too-small"
    CUT_OFF = "cut-off"
    NO_COLOUR = "no-colour"
    NOT_MEASURED = "not-measured"


WORDS: Final = MappingProxyType(
    {
        Flag.BLURRED: "the picture is blurred",
        Flag.BLANK: "nothing can be read on the picture",
        Flag.TOO_SMALL: "the picture is too small to be read",
        Flag.CUT_OFF: "the receipt is cut off at the edge of the picture",
        Flag.NO_COLOUR: "the picture has no colour, and the paper may have had",
        Flag.NOT_MEASURED: "it could not be measured how readable the picture is",
    }
)
"""Why the paper must be kept, for its sender."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A picture that was decoded to be shown or checked, to be looked at here and thrown away.

    Attributes:
        image: Its pixels, or a smaller version of them.
        short_side_px: Pixels of the short side as it was taken.
    """

    image: Image.Image
    short_side_px: int


def measure(original: bytes, media_type: str, seen: Seen | None = None) -> dict[str, Json]:
    """How readable `original` is; a file that no paper went into (a born-digital PDF, a mail) is not measured.

    Args:
        original: The bytes as they arrived.
        media_type: What they are.
        seen: The one picture in them, where it has been decoded already.

    Returns:
        `measured`, `flags` (empty: nothing is wrong) and, of the worst picture, `short_side_px`, `sharpness`
        (variance of the Laplacian over variance of the luminance, per mille, in the sharpest tenth of what has
        contrast), `strokes_cut` (at one side) and, of the most colourful, `colour` (0 to 128).
    """
    if not media_type.startswith("image/") and media_type != "application/pdf":
        return {"measured": False, "flags": []}
    try:
        found = [_measured(*each) for each in _pictures(original, media_type, seen)]
    except _UNREADABLE:
        return {"measured": False, "flags": [Flag.NOT_MEASURED.value]}
    if not found:
        return {"measured": False, "flags": []}
    sharp = [each["sharpness"] for each in found if each["sharpness"] is not None]
    worst = {
        "short_side_px": min(each["short_side_px"] or 0 for each in found),
        "sharpness": min(sharp) if sharp else None,
        "strokes_cut": max(each["strokes_cut"] or 0 for each in found),
        "colour": max(each["colour"] or 0 for each in found),
    }
    return {"measured": True, "pictures": len(found), **worst, "flags": [flag.value for flag in _flags(worst)]}


def size_looked_at(width: int, height: int) -> tuple[int, int]:
    """The least size in pixels at which a picture of that size is looked at: a decoder may stop there."""
    scale = min(1.0, math.sqrt(SCALE_LEAST_PX / (width * height)))
    return max(1, int(width * scale)), max(1, int(height * scale))


def reasons(quality: Mapping[str, Json]) -> list[str]:
    """Why the paper must be kept, in words; empty if nothing is wrong.

    Args:
        quality: As `measure` gave it, or empty for a receipt from before it was measured.
    """
    flags = quality.get("flags", [Flag.NOT_MEASURED.value])
    return [WORDS[Flag(str(flag))] for flag in flags] if isinstance(flags, list | tuple) else []


def _flags(worst: Mapping[str, int | None]) -> Iterator[Flag]:
    sharpness = worst["sharpness"]
    if sharpness is None:
        yield Flag.BLANK
    elif sharpness < SHARPNESS_LEAST:
        yield Flag.BLURRED
    if (worst["short_side_px"] or 0) < SHORT_SIDE_LEAST_PX:
        yield Flag.TOO_SMALL
    if (worst["strokes_cut"] or 0) > CUT_STROKES_MOST:
        yield Flag.CUT_OFF
    if (worst["colour"] or 0) < COLOUR_LEAST:
        yield Flag.NO_COLOUR  # LPF art. A102 B-2 I: in colour where the original is; a grey copy can't tell


def _pictures(original: bytes, media_type: str, seen: Seen | None) -> Iterator[tuple[Image.Image, int]]:
    """Each page that came from a camera or scanner, and the pixels of its short side as it was taken."""
    if seen is not None:
        yield _bounded(seen.image), seen.short_side_px
        return
    if media_type == "application/pdf":
        yield from _scanned_pages(original)
        return
    if media_type in ("image/heic", "image/heif"):
        import pi_heif

        pi_heif.register_heif_opener()
    with Image.open(BytesIO(original)) as image:
        width, height = image.size
        image.draft("YCbCr", size_looked_at(width, height))  # JPEG alone: decoded no larger than is looked at
        _bounded(image)
        frames = 1 if media_type == "image/jpeg" else min(getattr(image, "n_frames", 1), _PAGES_MOST)
        for frame in range(frames):
            if frame:
                image.seek(frame)
                width, height = image.size
            yield image, min(width, height)


def _scanned_pages(original: bytes) -> Iterator[tuple[Image.Image, int]]:
    """Pages that one picture covers for the most part, rendered; what is set in type is no capture."""
    document = pypdfium2.PdfDocument(original)
    try:
        for number in range(min(len(document), _PAGES_MOST)):
            page = document[number]
            width, height = page.get_size()
            sides = [
                min(image.get_px_size())
                for image in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
                if _area(image.get_bounds()) >= 0.7 * width * height
            ]
            if sides:
                scale = math.sqrt(SCALE_PX / (width * height))
                yield page.render(scale=scale).to_pil(), max(sides)
    finally:
        document.close()


def _area(bounds: tuple[float, float, float, float]) -> float:
    left, bottom, right, top = bounds
    return abs(right - left) * abs(top - bottom)


def _bounded(image: Image.Image) -> Image.Image:
    if image.width * image.height > _DECODED_MOST_PX:
        raise ValueError("too large to be looked at")
    return image


def _measured(image: Image.Image, short_side_px: int) -> dict[str, int | None]:
    if image.mode.startswith("I"):  # 16 bit: the upper half is enough to look at
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode not in ("L", "YCbCr"):
        image = image.convert("L" if image.mode == "1" else "RGB").convert("L" if image.mode in ("1", "L") else "YCbCr")
    factor = round(math.sqrt(image.width * image.height / SCALE_PX))
    small = image.reduce(factor) if factor > 1 else image
    luminance = small.getchannel(0)
    light: _Plane = np.asarray(luminance)
    return {
        "short_side_px": short_side_px,
        "sharpness": _sharpness(light),
        "strokes_cut": _strokes_cut(light, _percentile(luminance.histogram(), 95)),
        "colour": max((_from_grey(small.getchannel(band)) for band in range(1, len(small.getbands()))), default=0),
    }


def _from_grey(chroma: Image.Image) -> int:
    values: _Plane = np.asarray(chroma)
    return max(int(values.max()) - 128, 128 - int(values.min()))


def _percentile(histogram: list[int], percent: int) -> int:
    seen, wanted = 0, sum(histogram) * percent // 100
    for value, count in enumerate(histogram):
        seen += count
        if seen > wanted:
            return value
    return 255


def _sharpness(light: _Plane) -> int | None:
    """Of tiles with contrast, how much of it lies between neighbouring pixels; `None` if no tile has any."""
    if min(light.shape) < 5:
        return None
    step = _BAND * min(_TILE, light.shape[0] - 2)
    bands = [_ratios(light[top : top + step + 2]) for top in range(0, _whole_tiles(light.shape[0] - 2), step)]
    ratios = np.sort(np.concatenate(bands))
    return int(ratios[len(ratios) * 9 // 10]) if len(ratios) else None


def _whole_tiles(side: int) -> int:
    return side // min(_TILE, side) * min(_TILE, side)


def _ratios(light: _Plane) -> _Plane:
    """Of each tile with contrast, how much of it lies between neighbouring pixels, per mille."""
    light = light.astype(np.int16)
    inner = light[1:-1, 1:-1]
    edges = 4 * inner  # from here on at most 1020, up or down, which 16 bits hold
    for neighbour in (light[:-2, 1:-1], light[2:, 1:-1], light[1:-1, :-2], light[1:-1, 2:]):
        edges -= neighbour
    contrast, detail = _variances(inner), _variances(edges)
    telling = contrast >= _CONTRAST_LEAST
    ratios: _Plane = detail[telling] * 1000 // contrast[telling]
    return ratios


def _variances(plane: _Plane) -> _Plane:
    """The variance of each tile, rounded down."""
    high, wide = (min(_TILE, side) for side in plane.shape)
    rows, columns = plane.shape[0] // high, plane.shape[1] // wide
    tiles = np.ascontiguousarray(plane[: rows * high, : columns * wide]).reshape(rows, high, columns * wide)

    def across(lines: _Plane) -> _Plane:  # at most 1024 * 1020 ** 2, which 32 bits hold
        tile: _Plane = lines.reshape(rows, columns, wide).sum(2, dtype=np.int32).astype(np.int64)
        return tile

    count, total = high * wide, across(tiles.sum(1, dtype=np.int16))  # at most 32 * 1020, which 16 bits hold
    squares = across(np.einsum("rhc,rhc->rc", tiles, tiles, dtype=np.int32))  # without a plane of squares in between
    result: _Plane = (count * squares - total * total) // (count * count)
    return result


def _strokes_cut(light: _Plane, paper: int) -> int:
    """How many strokes run off the side where most do; sides where something darker than the paper lies don't count."""
    most = 0
    for side in (light[:3], light[-3:], light[:, :3].T, light[:, -3:].T):
        darkest = side.min(0).astype(np.int16)
        background = int(np.sort(darkest)[len(darkest) // 2])
        if background * 10 >= paper * 7:
            ink = np.concatenate(([0], (darkest < background - _INK).astype(np.int64), [0]))
            turns = np.flatnonzero(np.diff(ink))
            lengths = turns[1::2] - turns[::2]
            most = max(most, int(((lengths >= 2) & (lengths <= 30)).sum()))
    return most
