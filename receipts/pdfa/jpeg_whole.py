"""Whether all of a JPEG's pixels are in it: what its coded data lacks decoders fill with grey, and say nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from io import BytesIO
from typing import Final

import pikepdf
from pikepdf import Name, Stream, StreamDecodeLevel
from PIL import Image, JpegImagePlugin

from receipts.errors import Code, Refused
from receipts.pdfa import raster

_GREY: Final = range(126, 130)  # what comes of no coefficients (ITU-T T.81 A.3.1: samples are shifted by 128)
_DECODED_MOST_PX: Final = 100_000_000
_CORRUPT: Final = "JPEG data is corrupt"  # what qpdf says where libjpeg warns
_LAST: Final = 63  # of the coefficients, from 0
_END: Final = b"\xff\xd9"


def refuse_unfinished(ids: bytes, scans: Sequence[bytes], *, is_progressive: bool) -> None:
    """Refuse a picture of which scans are missing: decoders show it without some of its colours or detail.

    Args:
        ids: Of its components.
        scans: The header of each scan (ITU-T T.81 B.2.3).
        is_progressive: Whether scans hold some of the 64 coefficients, or some bits of them, alone (G.1.1.1).

    Raises:
        Refused: TRUNCATED.
    """
    bits_left: dict[tuple[int, int], int] = {}
    for scan in scans:
        count = scan[0] if scan else 0
        first, last, bits = scan[1 + 2 * count : 4 + 2 * count].ljust(3, b"\0") if is_progressive else b"\0\x3f\0"
        for coefficient in range(first, min(last, _LAST) + 1):
            bits_left |= {(component, coefficient): bits & 15 for component in scan[1 : 1 + 2 * count : 2]}
    if any(bits_left.get((component, each), 1) for component in ids for each in range(_LAST + 1)):
        raise Refused(Code.TRUNCATED, f"JPEG of which scans are missing: it has {len(scans)}")


def refuse_cut(picture: bytes, image: Image.Image, *, pixels: int, scans: int, has_restarts: bool) -> None:
    """Refuse a picture whose coded data ends before its pixels do, though an end marker is there.

    One scan that is cut ends grey, so one that does not is whole; of several, each may lack something.

    Args:
        picture: The JPEG up to its end marker.
        image: The same, decoded at any size.
        pixels: How many pixels it has.
        scans: How many scans.
        has_restarts: Whether there are restart markers in its data.

    Raises:
        Refused: TRUNCATED.
    """
    last = image.getpixel((image.width - 1, image.height - 1))
    light = last[0] if isinstance(last, tuple) else last
    if (scans == 1 and light not in _GREY) or pixels > _DECODED_MOST_PX or not _is_odd(picture):
        return
    with_more = picture.removesuffix(_END) + bytes(pixels) + _END  # which changes nothing where nothing lacks
    if has_restarts or _decoded(picture) != _decoded(with_more):
        raise Refused(Code.TRUNCATED, "JPEG whose coded data ends before its pixels do")


def _is_odd(picture: bytes) -> bool:
    """Whether libjpeg warns as it decodes all of it: of lacking data, or of other things."""
    with pikepdf.new() as scratch:
        stream = Stream(scratch, picture, Filter=Name.DCTDecode)
        try:
            stream.read_bytes(StreamDecodeLevel.all)
        except pikepdf.PdfError as error:
            return _CORRUPT in str(error)
    return False


def _decoded(picture: bytes) -> bytes:
    """A digest of its pixels."""
    with raster.decoding("JPEG"):
        return hashlib.sha256(JpegImagePlugin.JpegImageFile(BytesIO(picture)).tobytes()).digest()
