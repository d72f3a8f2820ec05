"""JPEG 2000: the file's own bytes become the image stream where PDF/A-3 allows it, else it is decoded (`still`)."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Jpeg2KImagePlugin

from receipts import quality
from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import boxes, media, raster, still
from receipts.pdfa.colour import is_usable
from receipts.pdfa.document import check_pixels
from receipts.pdfa.model import Picture, Shown
from receipts.policy import Limits

_SRGB: Final = 16  # ISO 15444-1 table I.10
_GREY: Final = 17
_PLAIN: Final = {(1, _GREY): 1, (3, _SRGB): 3}
_DEPTHS: Final = (7, 15)  # 8 and 16 bits, without a sign
_END: Final = b"\xff\xd9"  # ISO 15444-1 A.4.4
_NAMED: Final = 1  # ISO 15444-1 table I.9: how the colour is stated
_PROFILED: Final = 2


def show(original: bytes, limits: Limits) -> Shown:
    """One page with the picture.

    Raises:
        Refused: TRUNCATED, DAMAGED, TOO_MANY_PIXELS or UNSUPPORTED_TYPE.
    """
    try:
        return _shown(original, limits)
    except Refused as refused:
        coded = _codestream(original)
        if refused.code is Code.DAMAGED and coded.startswith(media.CODESTREAM) and _END not in coded[-64:]:
            raise Refused(Code.TRUNCATED, "JPEG 2000 without its end") from refused
        raise


def _codestream(original: bytes) -> bytes:
    return next((content for name, content in boxes.within(original) if name == b"jp2c"), original)


def _shown(original: bytes, limits: Limits) -> Shown:
    components = 0
    if not original.startswith(media.CODESTREAM):
        raster.refuse_filled_up(original[: boxes.check(original)], "jp2")
        components = _carried(original)
    if not components:
        return still.show(original, limits)
    with raster.decoding("jp2"):
        image = Jpeg2KImagePlugin.Jpeg2KImageFile(BytesIO(original))
    check_pixels(image.width, image.height, limits.pixels)
    with raster.decoding("jp2"):
        image.load()
    if image.mode not in {1: ("L", "I;16"), 3: ("RGB",)}[components]:
        return still.show(original, limits)
    bits = still.bits_of(original, media.JP2)
    meaning, profile = raster.meaning_of(boxes.jp2_profile(original), components)
    picture = Picture(
        coding="JPXDecode",
        width_px=image.width,
        height_px=image.height,
        components=components,
        bits=bits,
        profile=profile,
        dpi=raster.dpi_of(image.info),
    )
    fidelity: dict[str, Json] = {
        "claim": "stream-identical",
        "stream": "page 1, image Im0, JPXDecode",
        "width_px": image.width,
        "height_px": image.height,
        "bits": bits,
        "colour": meaning,
        "decoded_by": still.decoder_version("jpg_2000"),
    }
    seen = quality.Seen(image=image, short_side_px=min(image.size))
    return Shown(route="jp2-stream", fidelity=fidelity, picture=picture, seen=seen)


def components_of(original: bytes) -> int:
    """1 or 3 for plain grey or sRGB of 8 bits, which PDF/A-3 takes as it is (ISO 19005-3 6.2.8.3); 0 for all else.

    Raises:
        Refused: TRUNCATED or DAMAGED.
    """
    stated = _stated(original)
    if stated is None or stated[0][10] != _DEPTHS[0] or stated[1][0] != _NAMED:
        return 0
    return _named(*stated)


def _carried(original: bytes) -> int:
    """As `components_of`, and for 16 bits and colours by an ICC profile as well."""
    stated = _stated(original)
    if stated is None or stated[0][10] not in _DEPTHS:
        return 0
    header, colour = stated
    if colour[0] == _NAMED:
        return _named(header, colour)
    components = int.from_bytes(header[8:10], "big")
    return components if colour[0] == _PROFILED and components in (1, 3) and is_usable(colour[3:], components) else 0


def _named(header: bytes, colour: bytes) -> int:
    return _PLAIN.get((int.from_bytes(header[8:10], "big"), int.from_bytes(colour[3:7], "big")), 0)


def _stated(original: bytes) -> tuple[bytes, bytes] | None:
    """Image header and colour specification, if there is one of each and nothing that gives samples another role."""
    boxes.check(original)
    inner = boxes.within(next((content for name, content in boxes.within(original) if name == b"jp2h"), b""))
    names = [name for name, _ in inner]
    if names != [b"ihdr", b"colr"] and names != [b"ihdr", b"colr", b"res "]:
        return None  # palettes, channels with other roles, several colour statements
    header, colour = inner[0][1], inner[1][1]
    return (header, colour) if len(header) == 14 and len(colour) >= 7 else None
