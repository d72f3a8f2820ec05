"""JPEG 2000: the file's own bytes become the image stream where PDF/A-3 allows it, else it is decoded (`still`)."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Jpeg2KImagePlugin

from receipts import quality
from receipts.evidence import Json
from receipts.pdfa import boxes, media, raster, still
from receipts.pdfa.document import check_pixels
from receipts.pdfa.model import Picture, Shown
from receipts.policy import Limits

_SRGB: Final = 16  # ISO 15444-1 table I.10
_GREY: Final = 17
_PLAIN: Final = {(1, _GREY): 1, (3, _SRGB): 3}


def show(original: bytes, limits: Limits) -> Shown:
    """One page with the picture.

    Raises:
        Refused: TRUNCATED, DAMAGED, TOO_MANY_PIXELS or UNSUPPORTED_TYPE.
    """
    components = 0 if original.startswith(media.CODESTREAM) else components_of(original)
    if not components:
        return still.show(original, limits)
    with raster.decoding("jp2"):
        image = Jpeg2KImagePlugin.Jpeg2KImageFile(BytesIO(original))
    check_pixels(image.width, image.height, limits.pixels)
    with raster.decoding("jp2"):
        image.load()
    if image.mode != {1: "L", 3: "RGB"}[components]:
        return still.show(original, limits)
    meaning, profile = raster.meaning_of(None, components)
    picture = Picture(
        coding="JPXDecode",
        width_px=image.width,
        height_px=image.height,
        components=components,
        profile=profile,
        dpi=raster.dpi_of(image.info),
    )
    fidelity: dict[str, Json] = {
        "claim": "stream-identical",
        "stream": "page 1, image Im0, JPXDecode",
        "width_px": image.width,
        "height_px": image.height,
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
    boxes.check(original)
    outer = boxes.within(original)
    inner = boxes.within(next((content for name, content in outer if name == b"jp2h"), b""))
    names = [name for name, _ in inner]
    if names != [b"ihdr", b"colr"] and names != [b"ihdr", b"colr", b"res "]:
        return 0  # palettes, channels with other roles, several colour statements
    header, colour = inner[0][1], inner[1][1]
    if len(header) != 14 or header[10] != 7 or len(colour) < 7 or colour[0] != 1:
        return 0
    return _PLAIN.get((int.from_bytes(header[8:10], "big"), int.from_bytes(colour[3:7], "big")), 0)
