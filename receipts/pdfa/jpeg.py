"""JPEG: the file's own bytes become the image stream, untouched (DCTDecode, ISO 32000-1 7.4.8)."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import PIL
from PIL import JpegImagePlugin

from receipts import quality
from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import colour, exif, jpeg_whole, raster, still
from receipts.pdfa.document import check_pixels
from receipts.pdfa.model import Picture, Shown
from receipts.policy import Limits

_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in coded data: neither a stuffed FF nor a restart
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DCT: Final = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive Huffman: what DCTDecode knows
_PROGRESSIVE: Final = 0xC2
_ARITHMETIC: Final = frozenset({0xC9, 0xCA})  # Pillow decodes these, PDF readers do not
_RGB_IDS: Final = b"RGB"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a JPEG's markers say (ITU-T T.81 annex B)."""

    kind: int
    precision: int
    width: int
    height: int
    ids: bytes
    is_adobe: bool
    is_jfif: bool
    scans: tuple[bytes, ...]
    has_restarts: bool
    end: int


def show(original: bytes, limits: Limits) -> Shown:
    """One page with the JPEG as it is; what follows its end (a second picture, a film) stays in the stream, unseen.

    Raises:
        Refused: TRUNCATED, DAMAGED, TOO_MANY_PIXELS, or UNSUPPORTED_TYPE for a coding that PDF does not know.
    """
    frame = _frame(original)
    check_pixels(frame.width, frame.height, limits.pixels)
    if frame.kind in _ARITHMETIC:
        return still.show(original, limits)
    if frame.kind not in _DCT or frame.precision != 8 or len(frame.ids) not in colour.SPACES:
        raise Refused(
            Code.UNSUPPORTED_TYPE, f"JPEG of kind {frame.kind:#x}, {frame.precision} bit, {len(frame.ids)} planes"
        )
    jpeg_whole.refuse_unfinished(frame.ids, frame.scans, is_progressive=frame.kind == _PROGRESSIVE)
    image = _decoded(original)
    jpeg_whole.refuse_cut(
        original[: frame.end],
        image,
        pixels=frame.width * frame.height,
        scans=len(frame.scans),
        has_restarts=frame.has_restarts,
    )
    exif_orientation = exif.orientation(image.info.get("exif", b""))
    meaning, profile = raster.meaning_of(image.info.get("icc_profile"), len(frame.ids))
    fidelity: dict[str, Json] = {
        "claim": "stream-identical",
        "stream": "page 1, image Im0, DCTDecode",
        "width_px": frame.width,
        "height_px": frame.height,
        "colour": meaning,
        "exif_orientation": exif_orientation,
        "bytes_after_end": len(original) - frame.end,
        "decoded_by": f"Pillow {PIL.__version__}",
    }
    picture = _picture(frame, profile, raster.dpi_of(image.info), exif_orientation)
    seen = quality.Seen(image=image, short_side_px=min(frame.width, frame.height))
    return Shown(route="jpeg-stream", fidelity=fidelity, picture=picture, seen=seen)


def _picture(frame: Frame, profile: bytes | None, dpi: tuple[float, float] | None, exif_orientation: object) -> Picture:
    return Picture(
        coding="DCTDecode",
        width_px=frame.width,
        height_px=frame.height,
        components=len(frame.ids),
        profile=profile,
        dpi=dpi,
        exif_orientation=exif_orientation,
        is_inverted=len(frame.ids) == 4 and frame.is_adobe,
        is_untransformed=frame.ids == _RGB_IDS and not frame.is_adobe and not frame.is_jfif,
    )


def _decoded(original: bytes) -> JpegImagePlugin.JpegImageFile:
    """Decode all its data once, no larger than it is looked at: what comes out is measured and thrown away."""
    with suppress(*raster.PARSER_ERRORS):
        return _loaded(original, "YCbCr")  # as most are stored
    with raster.decoding("JPEG"):
        return _loaded(original, None)


def _loaded(original: bytes, mode: str | None) -> JpegImagePlugin.JpegImageFile:
    image = JpegImagePlugin.JpegImageFile(BytesIO(original))
    image.draft(mode, quality.size_looked_at(*image.size))
    image.load()
    return image


def _frame(original: bytes) -> Frame:
    """Walk the markers up to the end of the first picture."""
    found: dict[str, Any] = {"is_adobe": False, "is_jfif": False, "scans": (), "has_restarts": False}
    position = 2
    while True:
        marker = _NEXT_MARKER.search(original, position)
        if marker is None:
            raise Refused(Code.TRUNCATED, "JPEG without an end-of-image marker")
        kind, position = original[marker.end() - 1], marker.end()
        if kind == 0xD9:
            break
        if kind == 0xD8 and "kind" in found:
            raise Refused(Code.TRUNCATED, "JPEG in which another one begins before it ends")
        if kind in (0x01, 0xD8):
            continue
        length = int.from_bytes(original[position : position + 2], "big")
        segment = original[position + 2 : position + length]
        if position + max(length, 2) > len(original):
            raise Refused(Code.TRUNCATED, "JPEG ends within a segment")
        if length < 2:
            raise Refused(Code.DAMAGED, "JPEG segment without a length")
        position += length
        if kind in _FRAMES and "kind" not in found:
            if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
                raise Refused(Code.DAMAGED, "JPEG frame header is too short")
            precision, height, width, planes = struct.unpack(">BHHB", segment[:6])
            found |= {"kind": kind, "precision": precision, "width": width, "height": height}
            found["ids"] = segment[6 : 6 + 3 * planes : 3]
        elif kind == 0xDA:
            found["scans"] += (segment,)
        elif kind == 0xDD:
            found["has_restarts"] |= any(segment)
        elif found["scans"]:  # what stands between scans says nothing of colours any more, as libjpeg reads it
            continue
        elif kind == 0xEE and segment.startswith(b"Adobe"):
            found["is_adobe"] = True
        elif kind == 0xE0 and segment.startswith(b"JFIF\0"):
            found["is_jfif"] = True
    if "kind" not in found:
        raise Refused(Code.DAMAGED, "JPEG without a frame")
    return Frame(end=position, **found)
