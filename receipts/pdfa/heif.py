"""HEIC and HEIF: each picture, as libheif decodes it, 10 and 12 bits kept; the original is attached."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

import pi_heif
import pikepdf
from PIL import Image

from receipts import quality
from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import boxes, raster
from receipts.pdfa.document import add_image_page, check_pixels
from receipts.pdfa.model import Shown
from receipts.policy import Limits

_CODINGS: Final = frozenset({b"hvc1", b"unci", b"j2k1", b"jpeg", b"vvc1", b"evc1", b"avc1", b"av01", b"mski"})
_WITH_A_TYPE: Final = b"mime"
_MODES: Final = {
    "L": (1, False, 8), "LA": (2, True, 8), "RGB": (3, False, 8), "RGBA": (4, True, 8),
    "I;16": (1, False, 16), "LA;16": (2, True, 16), "RGB;16": (3, False, 16), "RGBA;16": (4, True, 16),
}  # fmt: skip


def show(original: bytes, limits: Limits) -> Shown:
    """A page for each picture; the file's own turning (`irot`, `imir`) is part of its decoding (ISO 23008-12).

    Raises:
        Refused: TRUNCATED, DAMAGED, TOO_MANY_PAGES, TOO_MANY_PIXELS or UNSUPPORTED_TYPE.
    """
    raster.refuse_filled_up(original[: boxes.check(original)], "HEIF")
    boxes.check_extents(original, limits.pixels)
    _check_coding(original)
    with raster.decoding("heif"):
        opened = pi_heif.open_heif(BytesIO(original), convert_hdr_to_8bit=False)
    if len(opened) > limits.pages:
        raise Refused(Code.TOO_MANY_PAGES, f"{len(opened)} pictures, at most {limits.pages} are accepted")
    if not len(opened):
        raise Refused(Code.DAMAGED, "HEIF without a picture")
    pdf = pikepdf.new()
    shown = [_add_page(pdf, original, picture, limits) for picture in opened]
    seen = _seen(opened[0]) if len(opened) == 1 else None
    fidelity: dict[str, Json] = {
        "claim": "samples-equal",
        "stream": "each page, image Im0, FlateDecode",
        "is_precision_reduced": False,
        "decoded_by": f"pi_heif {pi_heif.__version__}, libheif {pi_heif.libheif_version()}",
        "shown": shown,
    }
    return Shown(pdf=pdf, route="heif-decoded", fidelity=fidelity, seen=seen)


def _seen(picture: Any) -> quality.Seen | None:  # noqa: ANN401
    """A picture that has been decoded, to be looked at; None if it has more bits than are looked at."""
    if _MODES[picture.mode][2] != 8:
        return None
    image = Image.frombuffer(picture.mode, picture.size, picture.data, "raw", picture.mode, picture.stride, 1)
    return quality.Seen(image=image, short_side_px=min(picture.size))


def _check_coding(original: bytes) -> None:
    """That there is a still picture in HEVC, the one coding that libheif is built with here."""
    if not any(name == b"meta" for name, _ in boxes.within(original)) and b"moov" in original:
        raise Refused(Code.UNSUPPORTED_TYPE, "HEIF with a film and no picture")
    items = boxes.items(original)
    if not all(kind.isascii() and (kind != _WITH_A_TYPE or more.isascii()) for kind, more in items):
        raise Refused(Code.DAMAGED, "HEIF with an item whose type is no text")  # pi_heif 1.4.0 would crash
    codings = {kind for kind, _ in items} & _CODINGS
    if codings and b"hvc1" not in codings:
        raise Refused(Code.UNSUPPORTED_TYPE, f"HEIF with pictures coded as {b', '.join(sorted(codings)).decode()}")


def _add_page(pdf: pikepdf.Pdf, original: bytes, picture: Any, limits: Limits) -> dict[str, Json]:  # noqa: ANN401
    width, height = picture.size
    check_pixels(width, height, limits.pixels)
    if picture.mode not in _MODES:
        raise Refused(Code.UNSUPPORTED_TYPE, f"HEIF with samples of kind {picture.mode}")
    channels, has_alpha, bits = _MODES[picture.mode]
    with raster.decoding("heif"):
        data, stride = bytes(picture.data), picture.stride
    width, height = picture.size  # may change with decoding
    row = width * channels * bits // 8
    if stride != row:
        data = b"".join(data[start : start + row] for start in range(0, stride * height, stride))
    if bits == 16:
        data = raster.swapped(data)
    stream = raster.planes(pdf, data, width, height, channels=channels, alpha=has_alpha, bits=bits)
    word, profile = raster.numbered(original, picture.info.get("icc_profile"), channels - has_alpha)
    meaning = raster.set_colour(pdf, stream, profile, channels - has_alpha)
    add_image_page(pdf, stream)
    return {
        "width_px": width,
        "height_px": height,
        "bits": bits,
        "bits_in_original": int(picture.info.get("bit_depth", 8)),
        "colour": word or meaning,
        "alpha": "/SMask" in stream,
    }
