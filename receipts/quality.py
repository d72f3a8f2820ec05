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
from typing import Final

import numpy as np
import pypdfium2
from PIL import Image

from receipts.evidence import Json
from receipts.measures import Plane, colour, percentile, sharpness, strokes_cut

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
_PAGES_MOST: Final = 10
_DECODED_MOST_PX: Final = 100_000_000


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
    sharp = worst["sharpness"]
    if sharp is None:
        yield Flag.BLANK
    elif sharp < SHARPNESS_LEAST:
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
    light: Plane = np.asarray(luminance)
    chroma = (np.asarray(small.getchannel(band)) for band in range(1, len(small.getbands())))
    return {
        "short_side_px": short_side_px,
        "sharpness": sharpness(light),
        "strokes_cut": strokes_cut(light, percentile(luminance.histogram(), 95)),
        "colour": max(map(colour, chroma), default=0),
    }
