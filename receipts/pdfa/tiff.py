"""TIFF: each of its pages, as libtiff decodes it; the original is attached."""

from __future__ import annotations

from io import BytesIO

import pikepdf
from PIL import TiffImagePlugin

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import raster
from receipts.pdfa.document import check_pixels
from receipts.pdfa.model import Shown
from receipts.pdfa.still import decoder_version
from receipts.policy import Limits

ORIENTATION = 274
BITS_PER_SAMPLE = 258


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
    with raster.decoding("tiff"):
        image = Unturned(BytesIO(original))
        pages = image.n_frames
    if pages > limits.pages:
        raise Refused(Code.TOO_MANY_PAGES, f"{pages} pages, at most {limits.pages} are accepted")
    pdf = pikepdf.new()
    shown = [_add_page(pdf, image, number, limits) for number in range(pages)]
    fidelity: dict[str, Json] = {
        "claim": "samples-equal",
        "stream": "each page, image Im0, FlateDecode",
        "is_precision_reduced": any(bool(page["is_precision_reduced"]) for page in shown),
        "decoded_by": decoder_version("libtiff"),
        "shown": shown,
    }
    return Shown(pdf=pdf, route="tiff-decoded", fidelity=fidelity)


def _add_page(pdf: pikepdf.Pdf, image: Unturned, number: int, limits: Limits) -> dict[str, Json]:
    with raster.decoding("tiff"):
        image.seek(number)
        turned = image.tag_v2.get(ORIENTATION, 1)
        bits = image.tag_v2.get(BITS_PER_SAMPLE, (1,))
        most = max(bits) if isinstance(bits, tuple) else int(bits)
        compression = str(image.info.get("compression", "raw"))
    check_pixels(image.width, image.height, limits.pixels)
    with raster.decoding("tiff"):
        image.load()
    said = raster.add_page(pdf, image, exif_orientation=turned)
    shown = said["bits"]
    return {
        **said,
        "compression": compression,
        "bits_in_original": most,
        "is_precision_reduced": isinstance(shown, int) and most > shown,
    }
