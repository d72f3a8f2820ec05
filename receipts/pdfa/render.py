"""Pages of any PDF as pictures, stored without loss."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final

import pikepdf
import pypdfium2

from receipts.errors import Code, Refused
from receipts.pdfa import flate, pdfium
from receipts.pdfa.document import add_image_page
from receipts.policy import Limits

DPI: Final = 300
GLANCED_DPI: Final = 36
_DEEPEST: Final = 28  # forms within forms
_LOSSLESS: Final = frozenset({"ASCIIHexDecode", "ASCII85Decode", "FlateDecode", "LZWDecode", "RunLengthDecode"})
_ADDRESS: Final = re.compile(r" <[^>]*>")
PAGE_PIXELS_MOST: Final = 40_000_000  # A2 at 300 dpi; larger pages get fewer dots per inch, which the report says
RENDERER: Final = pdfium.NAME

logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it warns of what it can't draw; what lies inside is reported


def add_pages(pdf: pikepdf.Pdf, document: pypdfium2.PdfDocument, limits: Limits) -> list[int]:
    """Add every page of `document` to `pdf` as a picture.

    Returns:
        The dots per inch of each page, rounded down.

    Raises:
        Refused: DAMAGED, if a page can't be rendered.
    """
    document.init_forms()
    return [_add_page(pdf, document, number, limits) for number in range(len(document))]


def pixels(document: pypdfium2.PdfDocument, number: int, dpi: int, limits: Limits) -> tuple[int, int, bytes]:
    """Width, height and pixels of a page as it looks; to be compared, for the form of the bytes is PDFium's own.

    Raises:
        pypdfium2.PdfiumError: It can't be rendered.
    """
    page = document[number]
    width_pt, height_pt = page.get_size()
    bitmap = page.render(scale=_scale(width_pt, height_pt, dpi, limits), may_draw_forms=True)
    compared = bitmap.width, bitmap.height, bytes(bitmap.buffer)
    page.close()
    return compared


def blank_pages(document: pypdfium2.PdfDocument, limits: Limits) -> Iterator[int]:
    """The numbers, from 1, of the pages that show one colour and nothing else.

    Raises:
        Refused: DAMAGED, if a page can't be rendered.
    """
    for number in range(len(document)):
        with _drawing(number):
            page = document[number]
            width_pt, height_pt = page.get_size()
            scale = _scale(width_pt, height_pt, GLANCED_DPI, limits)
            image = page.render(scale=scale, may_draw_forms=True).to_pil()
            page.close()
        if image.getcolors(1):
            yield number + 1


def check_pictures(document: pypdfium2.PdfDocument, pages: Iterable[int]) -> None:
    """Decode each picture on these pages, numbered from 0: PDFium shows nothing where it can't.

    Raises:
        Refused: DAMAGED.
    """
    for number in pages:
        with _drawing(number):
            page = document[number]
            for picture in page.get_objects([pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=_DEEPEST):
                _decode(picture)
            page.close()


def _decode(picture: pypdfium2.PdfImage) -> None:
    try:
        picture.get_bitmap().close()
    except pypdfium2.PdfiumError:
        is_plain = _LOSSLESS.issuperset(picture.get_filters()) and picture.get_metadata().bits_per_pixel > 0
        if not is_plain:  # PDFium draws these, also those within the page's content that it can't hand out
            raise


@contextmanager
def _drawing(number: int) -> Iterator[None]:
    try:
        yield
    except pypdfium2.PdfiumError as error:
        raise Refused(Code.DAMAGED, f"PDF page {number + 1}: {_ADDRESS.sub('', str(error))}"[:200]) from error


def _scale(width_pt: float, height_pt: float, dpi: int, limits: Limits) -> float:
    if not (0 < width_pt < math.inf and 0 < height_pt < math.inf):
        raise Refused(Code.DAMAGED, "PDF page without a size")
    most = min(limits.pixels, PAGE_PIXELS_MOST)
    return min(dpi / 72, math.sqrt(most / (width_pt * height_pt)), 65_000 / max(width_pt, height_pt))


def _add_page(pdf: pikepdf.Pdf, document: pypdfium2.PdfDocument, number: int, limits: Limits) -> int:
    with _drawing(number):
        page = document[number]
        width_pt, height_pt = page.get_size()
        scale = _scale(width_pt, height_pt, DPI, limits)
        bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=True)
        samples, width, height = bytes(bitmap.buffer), bitmap.width, bitmap.height
        samples = _packed(samples, width, height, bitmap.stride, bitmap.n_channels)
        page.close()
    red, green, blue = samples[0::3], samples[1::3], samples[2::3]
    is_grey = red == green == blue  # the same colours in a third of the room
    image = flate.image(pdf, red if is_grey else samples, width, height, channels=1 if is_grey else 3, bits=8)
    add_image_page(pdf, image, dpi=(width * 72 / width_pt, height * 72 / height_pt))
    return int(scale * 72)


def _packed(buffer: bytes, width: int, height: int, stride: int, channels: int) -> bytes:
    """Rows of RGB without padding."""
    if stride != width * channels:
        rows = (buffer[start : start + width * channels] for start in range(0, stride * height, stride))
        buffer = b"".join(rows)
    if channels == 3:
        return buffer
    out = bytearray(width * height * 3)
    for plane in range(3):
        out[plane::3] = buffer[plane if channels == 4 else 0 :: channels]
    return bytes(out)


def pictures_of(pdf: pikepdf.Pdf, limits: Limits) -> tuple[pikepdf.Pdf, list[int]]:
    """The pages of `pdf` as pictures, and the dots per inch of each."""
    copy, pictures = BytesIO(), pikepdf.new()
    pdf.save(copy)
    document = pypdfium2.PdfDocument(copy.getvalue())
    try:
        return pictures, add_pages(pictures, document, limits)
    finally:
        document.close()
