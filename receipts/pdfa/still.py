"""WebP, GIF, BMP, JPEG 2000 and AVIF: the first picture is shown, as Pillow decodes it; the original is attached."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from types import MappingProxyType
from typing import Final

import pikepdf
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    WebPImagePlugin,
    features,
)

from receipts import quality
from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import boxes, exif, media, raster
from receipts.pdfa.document import check_pixels
from receipts.pdfa.model import Shown
from receipts.policy import Limits

DECODERS: Final = MappingProxyType[str, tuple[Callable[[BytesIO], Image.Image], str]](
    {
        media.WEBP: (WebPImagePlugin.WebPImageFile, "webp"),
        media.GIF: (GifImagePlugin.GifImageFile, ""),
        media.BMP: (BmpImagePlugin.BmpImageFile, ""),
        media.JP2: (Jpeg2KImagePlugin.Jpeg2KImageFile, "jpg_2000"),
        media.AVIF: (AvifImagePlugin.AvifImageFile, "avif"),
        media.JPEG: (JpegImagePlugin.JpegImageFile, "jpg"),
    }
)
"""Media type -> Pillow's decoder for it alone, and the library that it calls."""
_BMP_WRAPS: Final = MappingProxyType({4: "JPEG", 5: "PNG"})  # [MS-WMF] 2.1.1.7: BI_JPEG, BI_PNG, meant for printers
_META_WITHIN: Final = 64 * 1024
_BMP_BITS: Final = frozenset({1, 2, 4, 8, 16, 24, 32})


def show(original: bytes, limits: Limits) -> Shown:
    """One page with the picture, or the first of several.

    Raises:
        Refused: TRUNCATED, DAMAGED, TOO_MANY_PIXELS or UNSUPPORTED_TYPE.
    """
    media_type = media.detect(original)
    _check(original, media_type, limits.pixels)
    decoder, library = DECODERS[media_type]
    kind = media_type.removeprefix("image/")
    with raster.decoding(kind):
        image = decoder(BytesIO(original if media_type != media.AVIF else boxes.without_exif(original)))
    check_pixels(image.width, image.height, limits.pixels)
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        image.decodermaxblock = len(original)  # arithmetic decoding can't wait for more: all at once
    if media_type == media.JP2 and (profile := boxes.jp2_profile(original)):
        image.info["icc_profile"] = profile
    with raster.decoding(kind):
        image.load()
        pictures = int(getattr(image, "n_frames", 1))
    word = None
    if media_type == media.AVIF:
        word, image.info["icc_profile"] = raster.numbered(
            original, image.info.get("icc_profile"), len(image.getbands()) - image.has_transparency_data
        )
    pdf = pikepdf.new()
    said = raster.add_page(pdf, image, exif_orientation=exif.orientation(image.info.get("exif", b"")))
    bits = bits_of(original, media_type)
    is_reduced = bits > 8 and said["bits"] == 8
    fidelity: dict[str, Json] = {
        "claim": "samples-rounded" if is_reduced else "samples-equal",
        "stream": "page 1, image Im0, FlateDecode",
        "pictures_in_original": pictures,
        "bits_in_original": bits,
        "is_precision_reduced": is_reduced,
        "decoded_by": decoder_version(library),
        **said,
        **({"colour": word} if word else {}),
    }
    if media_type == media.AVIF and b"clap" in original[:_META_WITHIN]:
        fidelity["is_crop_ignored"] = True  # ISO 14496-12 12.1.4: more than it says is shown, nothing less
    seen = quality.Seen(image=image, short_side_px=min(image.size)) if pictures == 1 else None
    return Shown(pdf=pdf, route=f"{kind}-decoded", fidelity=fidelity, seen=seen)


def decoder_version(library: str) -> str:
    """Pillow and the library that decodes for it, with versions."""
    pillow = f"Pillow {features.version('pil')}"
    if not library:
        return pillow
    version = features.version(library)
    return f"{pillow}, {library} {version}"


def _check(original: bytes, media_type: str, pixels: int) -> None:
    """That the file is as long and as large as it says (decoders are lenient or vague about it)."""
    if media_type == media.WEBP:
        end = int.from_bytes(original[4:8], "little") + 8
        if end > len(original):
            raise Refused(Code.TRUNCATED, "WebP is shorter than it says")
        raster.refuse_filled_up(original[:end], "WebP", share=4)  # of a blank page up to a sixteenth is zeros
    if media_type == media.BMP:
        _check_bmp(original)
    if media_type == media.AVIF:
        boxes.check_extents(original, pixels)
    if media_type == media.AVIF or (media_type == media.JP2 and not original.startswith(media.CODESTREAM)):
        raster.refuse_filled_up(original[: boxes.check(original)], media_type.removeprefix("image/"))


def _check_bmp(original: bytes) -> None:
    """What a BMP's header says of its coding, and that its pixels begin within the file."""
    if int.from_bytes(original[14:18], "little") >= 40:
        bits, coding, colours = struct.unpack("<HI12xI", original[28:50].ljust(22, b"\0"))
        if coding in _BMP_WRAPS:
            raise Refused(Code.UNSUPPORTED_TYPE, f"BMP around a {_BMP_WRAPS[coding]}")
        if bits not in _BMP_BITS or (bits <= 8 and colours > 256):
            raise Refused(Code.DAMAGED, f"BMP of {bits} bits and {colours} colours")
    if int.from_bytes(original[10:14], "little") > len(original):
        raise Refused(Code.TRUNCATED, "BMP ends before its pixels")


def bits_of(original: bytes, media_type: str) -> int:
    """Bits of a sample as the file says: what is decoded may have fewer."""
    if media_type == media.AVIF and (at := original.find(b"av1C")) >= 0:
        flags = original[at + 6 : at + 7] or b"\0"  # AV1-ISOBMFF 2.3: high_bitdepth, twelve_bit
        return 8 if not flags[0] & 0x40 else 12 if flags[0] & 0x20 else 10
    if media_type == media.JP2 and (at := original.find(b"\xff\x51")) >= 0 and len(original) > at + 40:
        return (original[at + 40] & 0x7F) + 1  # ISO 15444-1 A.5.1: Ssiz of the first component
    return 8
