"""TIFF: each of its pages, a fax as its own stream, all others as libtiff decodes them; the original is attached."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import pikepdf
from PIL import TiffImagePlugin

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import raster, tiff_fax, tiff_samples
from receipts.pdfa import tiff_directory as tiff
from receipts.pdfa.document import add_image_page, check_pixels
from receipts.pdfa.model import Shown
from receipts.pdfa.render import RENDERER
from receipts.pdfa.still import decoder_version
from receipts.pdfa.tiff_directory import Directory
from receipts.policy import Limits

_REDUCED: Final = 1
_CANON_RAW: Final = b"CR"
_YCBCR: Final = 6


class Unturned(TiffImagePlugin.TiffImageFile):
    """A TIFF whose pixels stay where they are: Pillow would turn them by the orientation tag; `/Rotate` does it."""

    def load_end(self) -> None:
        """Take the size from the pixels, not from the tag."""
        self._size = self.im.size


def show(original: bytes, limits: Limits) -> Shown:
    """All pages of the TIFF.

    Raises:
        Refused: TRUNCATED, DAMAGED, TOO_MANY_PAGES, TOO_MANY_PIXELS or UNSUPPORTED_TYPE.
    """
    pages = tiff.read(original, limits.pages)
    if not pages:
        raise Refused(Code.DAMAGED, "TIFF without a directory")
    first = pages[0]
    is_preview = first.one(tiff.SUBFILE) & _REDUCED and first.all(tiff.SUBDIRECTORIES)
    if first.all(tiff.DNG_VERSION) or original[8:10] == _CANON_RAW or is_preview:
        raise Refused(Code.UNSUPPORTED_TYPE, "what a camera's sensor measured, not a picture yet (raw)")
    TiffImagePlugin.READ_LIBTIFF = any(_is_for_libtiff(page) for page in pages)
    pdf = pikepdf.new()
    shown = [_add_page(pdf, original, page, limits) for page in pages]
    is_stream = all(page["filter"] == "CCITTFaxDecode" for page in shown)
    fidelity: dict[str, Json] = {
        "claim": "strips-identical" if is_stream else "samples-equal",
        "stream": "each page, image Im0, its filter",
        "is_precision_reduced": False,
        "decoded_by": f"{decoder_version('libtiff')}; faxes by {RENDERER} as well",
        "shown": shown,
    }
    return Shown(pdf=pdf, route="tiff-stream" if is_stream else "tiff-decoded", fidelity=fidelity)


def _is_for_libtiff(page: Directory) -> bool:
    """Whether Pillow takes it for cut when it unpacks it itself: colours at half size, tiles that reach beyond it."""
    return page.one(tiff.PHOTOMETRIC) == _YCBCR or page.one(tiff.TILE_WIDTH) > 0


def _add_page(pdf: pikepdf.Pdf, original: bytes, page: Directory, limits: Limits) -> dict[str, Json]:
    check_pixels(page.one(tiff.WIDTH), page.one(tiff.HEIGHT), limits.pixels)
    tiff_samples.refuse_other(page)
    said: dict[str, Json] = {
        "compression": page.one(tiff.COMPRESSION, 1),
        "bits_in_original": max(page.all(tiff.BITS, (1,))),
    }
    if tiff_samples.is_wanted(page):
        return {**said, "filter": "FlateDecode", **_add_samples(pdf, original, page)}
    try:
        decoded = _decoded(original, page, limits)
    except Refused as refused:
        strips = zip(page.all(tiff.STRIPS), page.all(tiff.STRIP_LENGTHS), strict=False)
        if refused.code is Code.DAMAGED and any(place + length > len(original) for place, length in strips):
            raise Refused(Code.TRUNCATED, "TIFF ends before its pixels") from refused
        raise
    if decoded.mode == "1" and tiff_fax.is_read_alike(original, page, decoded):
        return {**said, "filter": "CCITTFaxDecode", **_add_fax(pdf, original, page)}
    turned = page.one(tiff.ORIENTATION, 1)
    return {**said, "filter": "FlateDecode", **raster.add_page(pdf, decoded, exif_orientation=turned)}


def _decoded(original: bytes, page: Directory, limits: Limits) -> Unturned:
    """The page as Pillow decodes it: opened by a header that names its directory first."""
    at, size = (8, 8) if original[2:4] in (b"+\0", b"\0+") else (4, 4)
    place = page.offset.to_bytes(size, "little" if page.order == "<" else "big")
    file = BytesIO(original)
    if original[at : at + size] != place:
        file.seek(at)
        file.write(place)
        file.seek(0)
    with raster.decoding("tiff"):
        image = Unturned(file)
    check_pixels(image.width, image.height, limits.pixels)
    with raster.decoding("tiff"):
        image.load()
    return image


def _add_samples(pdf: pikepdf.Pdf, original: bytes, page: Directory) -> dict[str, Json]:
    stream, colours = tiff_samples.stream(pdf, original, page)
    meaning = raster.set_colour(pdf, stream, bytes(page.all(tiff.PROFILE)), colours)
    return _placed(pdf, stream, page, colour=meaning, alpha="/SMask" in stream)


def _add_fax(pdf: pikepdf.Pdf, original: bytes, page: Directory) -> dict[str, Json]:
    made = tiff_fax.stream(pdf, original, page)
    if made is None:
        raise AssertionError("a fax that was read can't be written")
    stream, (start, end) = made
    return {**_placed(pdf, stream, page, colour="device", alpha=False), "bytes_of_original": [start, end]}


def _placed(pdf: pikepdf.Pdf, stream: pikepdf.Stream, page: Directory, *, colour: str, alpha: bool) -> dict[str, Json]:
    turned = page.one(tiff.ORIENTATION, 1)
    add_image_page(pdf, stream, dpi=page.dpi, exif_orientation=turned)
    return {
        "width_px": int(stream.Width),
        "height_px": int(stream.Height),
        "bits": int(stream.BitsPerComponent),
        "colour": colour,
        "alpha": alpha,
        "exif_orientation": turned if turned < 1 << 16 else 1,
    }
