"""Pictures that PDF can't hold as they come: decoded once, samples stored without loss; the original is attached."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from pikepdf import Array, Name, Pdf, Stream, String
from PIL import Image

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import boxes, colour, flate
from receipts.pdfa.document import add_image_page

PARSER_ERRORS: Final = (
    OSError, SyntaxError, ValueError, LookupError, TypeError, AttributeError, AssertionError, EOFError,
    ArithmeticError, RuntimeError, SystemError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow and the libraries below it raise on files that are wrong."""

_CUT: Final = ("truncated", "unexpected end", "end of file", "not enough", "index out of range", "requires a buffer")
_ZEROS_LEAST: Final = 256  # coded pictures have few in a row, HEVC at most two (ITU-T H.265 7.4.2)
_TOO_LARGE: Final = "security limit exceeded: image size"  # libheif, of what a grid says that it has
_UNKNOWN: Final = ("unsupported", "not been built in", "security limit", "unknown pixel mode")
PALETTE_BYTES: Final = 3 * 256
_BANDS: Final = {"1": 1, "L": 1, "LA": 1, "P": 1, "PA": 1, "RGB": 3, "RGBA": 3, "RGBX": 3, "CMYK": 4}
_BANDS_16: Final = {"I;16": 1, "I;16L": 1, "I;16B": 1, "I;16N": 1}


@contextmanager
def decoding(kind: str) -> Iterator[None]:
    """Around calls of a decoder alone: what it raises on a wrong file becomes a refusal."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise Refused(Code.TOO_MANY_PIXELS, f"{kind}: {error}"[:200]) from error
    except PARSER_ERRORS as error:
        raise Refused(_code(error), " ".join(f"{kind}: {error}".split())[:200]) from error


def _code(error: Exception) -> Code:
    """Why, as far as the decoder's words tell."""
    said = str(error).lower()
    if _TOO_LARGE in said:
        return Code.TOO_MANY_PIXELS
    if isinstance(error, EOFError) or any(word in said for word in _CUT):
        return Code.TRUNCATED
    is_known = "non-existing" in said or not any(word in said for word in _UNKNOWN)
    return Code.DAMAGED if is_known else Code.UNSUPPORTED_TYPE


def refuse_filled_up(packed: bytes, kind: str, *, share: int = 16) -> None:
    """Refuse a packed picture whose end is zeros: storage that was reserved for what then never arrived.

    Args:
        packed: The picture's file, without what follows it.
        kind: Of which format it is.
        share: Which part of it must be zeros at least, 16 for a sixteenth.

    Raises:
        Refused: TRUNCATED. Decoders would show grey there, and say nothing.
    """
    zeros = len(packed) - len(packed.rstrip(b"\0"))
    if zeros >= _ZEROS_LEAST and zeros * share >= len(packed):
        raise Refused(Code.TRUNCATED, f"{kind} whose last {zeros} bytes are zeros")


def add_page(pdf: Pdf, image: Image.Image, *, exif_orientation: object = 1) -> dict[str, Json]:
    """A page that shows a decoded picture.

    Returns:
        What the report says of it.

    Raises:
        Refused: UNSUPPORTED_TYPE, if its samples are of a kind that can't be shown unaltered.
    """
    stream, has_alpha = _stream(pdf, image)
    turned = exif_orientation if isinstance(exif_orientation, int) and 0 <= exif_orientation < 1 << 16 else 1
    palette = image.getpalette("RGB") if image.mode in ("P", "PA") else None
    meaning = set_colour(pdf, stream, image.info.get("icc_profile"), 3 if palette else int(_bands(image.mode)))
    if palette:
        lookup = bytes(palette).ljust(PALETTE_BYTES, b"\0")  # what a palette lacks decoders take for black
        stream.ColorSpace = Array([Name.Indexed, stream.ColorSpace, 255, String(lookup)])
    add_image_page(pdf, stream, dpi=dpi_of(image.info), exif_orientation=turned)
    return {
        "width_px": image.width,
        "height_px": image.height,
        "bits": int(stream.BitsPerComponent),
        "colour": meaning,
        "alpha": has_alpha,
        "exif_orientation": turned,
    }


def set_colour(pdf: Pdf, stream: Stream, profile: object, components: int) -> str:
    """Give samples the meaning of the picture's own profile, if it is one and PDF/A lets it; returns what was given."""
    meaning, usable = meaning_of(profile, components)
    stream.ColorSpace = colour.space(pdf, usable, components)
    return meaning


def numbered(original: bytes, profile: object, components: int) -> tuple[str | None, object]:
    """What a HEIF or AVIF without a profile says of its colours by number, in a word, and the profile of that."""
    numbers = None if profile or components != len("RGB") else boxes.primaries(original)
    return (None, profile) if numbers is None else colour.by_number(*numbers)


def meaning_of(profile: object, components: int) -> tuple[str, bytes | None]:
    """What gives samples their meaning, in a word, and the profile that does it; None: the output intent does."""
    if isinstance(profile, bytes) and colour.is_usable(profile, components):
        return "profile-carried", profile
    if components == 4:
        return "cmyk-without-profile", colour.plain_cmyk()
    return "profile-unusable" if profile else "device", None


def planes(pdf: Pdf, samples: bytes, width: int, height: int, *, channels: int, alpha: bool, bits: int) -> Stream:
    """An image stream of interleaved samples of whole bytes; alpha, the last of the channels, as a soft mask."""
    if not alpha:
        return flate.image(pdf, samples, width, height, channels=channels, bits=bits)
    pixels = np.frombuffer(samples, "u1").reshape(width * height, channels, bits // 8)
    colours, mask = pixels[:, :-1].tobytes(), pixels[:, -1].tobytes()
    stream = flate.image(pdf, colours, width, height, channels=channels - 1, bits=bits)
    if mask.strip(b"\xff"):  # else all of it is opaque: nothing to say
        stream.SMask = flate.image(pdf, mask, width, height, channels=1, bits=bits)
    return stream


def dpi_of(info: dict[Any, Any]) -> tuple[float, float] | None:
    """Pixels per inch as Pillow found them, if they make sense."""
    try:
        across, down = info["dpi"]
        return float(across), float(down)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None


def _bands(mode: str) -> int:
    bands = _BANDS.get(mode) or _BANDS_16.get(mode)
    if bands is None:
        raise Refused(Code.UNSUPPORTED_TYPE, f"picture with samples of kind {mode}")
    return bands


def _stream(pdf: Pdf, image: Image.Image) -> tuple[Stream, bool]:
    """Its samples as image stream, in device colours, and whether some of it is transparent."""
    bands, (width, height), samples = _bands(image.mode), image.size, image.tobytes()
    if image.mode in _BANDS_16:
        if image.mode != "I;16B":
            samples = swapped(samples)
        return flate.image(pdf, samples, width, height, channels=1, bits=16), False
    if image.mode == "1":
        return flate.image(pdf, samples, width, height, channels=1, bits=1), False
    if image.mode == "RGBX":
        samples = _without_fourth(samples)
    has_alpha = image.mode in ("LA", "PA", "RGBA")
    channels = bands + has_alpha
    stream = planes(pdf, samples, width, height, channels=channels, alpha=has_alpha, bits=8)
    clear = image.info.get("transparency")
    if (image.mode == "P" and clear is not None) or (image.mode == "L" and isinstance(clear, int)):
        table = _alpha_table(clear)
        stream.SMask = flate.image(pdf, samples.translate(table), width, height, channels=1, bits=8)
    return stream, "/SMask" in stream


def _alpha_table(clear: int | bytes) -> bytes:
    """Alpha of each of the 256 colours of a palette."""
    if isinstance(clear, bytes):
        return clear[:256].ljust(256, b"\xff")
    return bytes(0 if index == clear else 255 for index in range(256))


def swapped(samples: bytes) -> bytes:
    """16-bit samples with the high byte first."""
    return np.frombuffer(samples, "<u2").byteswap().tobytes()


def _without_fourth(samples: bytes) -> bytes:
    return np.frombuffer(samples, "u1").reshape(-1, 4)[:, :3].tobytes()
