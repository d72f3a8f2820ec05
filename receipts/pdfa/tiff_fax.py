"""Fax pages of a TIFF: the strip's own bytes become the image stream, untouched (CCITTFaxDecode, ISO 32000-1 7.4.6)."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import numpy as np
import pikepdf
import pypdfium2
from pikepdf import Dictionary, Name, Stream
from PIL import Image

from receipts.pdfa import flate
from receipts.pdfa import tiff_directory as tiff
from receipts.pdfa.document import add_image_page
from receipts.pdfa.tiff_directory import Directory

_RUNS: Final = 2  # modified Huffman, each row from a whole byte on
_T4: Final = 3
_T6: Final = 4
_TWO_DIMENSIONAL: Final = 1
_UNCOMPRESSED: Final = 2


def stream(pdf: pikepdf.Pdf, original: bytes, page: Directory) -> tuple[Stream, tuple[int, int]] | None:
    """The page's one strip as an image stream, and where its bytes begin and end; `None` for all that PDF can't read.

    That is: several strips or tiles, bits in the other order (FillOrder 2), uncompressed mode (T.4 and T.6 extensions).
    """
    parameters = _parameters(page)
    places, lengths = page.all(tiff.STRIPS), page.all(tiff.STRIP_LENGTHS)
    if parameters is None or page.all(tiff.TILES) or len(places) != 1 or len(lengths) != 1:
        return None
    start, end = places[0], places[0] + lengths[0]
    if page.one(tiff.FILL_ORDER, 1) != 1 or not start < end <= len(original):
        return None
    image = Stream(pdf, original[start:end], Filter=Name.CCITTFaxDecode, DecodeParms=parameters)
    flate.describe(image, page.one(tiff.WIDTH), page.one(tiff.HEIGHT), 1)
    image.ColorSpace = Name.DeviceGray
    return image, (start, end)


def _parameters(page: Directory) -> Dictionary | None:
    """ISO 32000-1 table 11 for what TIFF 6.0 sections 10 and 11 say of the page."""
    kind, photometric = page.one(tiff.COMPRESSION, 1), page.one(tiff.PHOTOMETRIC)
    if kind not in (_RUNS, _T4, _T6) or photometric not in (0, 1):
        return None
    if page.all(tiff.BITS, (1,)) != (1,) or page.one(tiff.SAMPLES, 1) != 1:
        return None
    options = page.one(tiff.T6_OPTIONS if kind == _T6 else tiff.T4_OPTIONS) if kind != _RUNS else 0
    if options & _UNCOMPRESSED:
        return None
    two_dimensional = kind == _T4 and bool(options & _TWO_DIMENSIONAL)
    return Dictionary(
        K=-1 if kind == _T6 else int(two_dimensional),
        Columns=page.one(tiff.WIDTH),
        Rows=page.one(tiff.HEIGHT),
        BlackIs1=photometric == 1,  # where black is zero, what faxes call black is to be shown white
        EncodedByteAlign=kind == _RUNS,
        EndOfLine=kind == _T4,
        EndOfBlock=False,  # Rows says where it ends
    )


def is_read_alike(original: bytes, page: Directory, decoded: Image.Image) -> bool:
    """Whether PDFium makes of the strip what libtiff made of it: decoders don't mend a damaged row in the same way.

    PDFium must not be called from two threads at once.
    """
    out = BytesIO()
    with pikepdf.new() as scratch:
        if (made := stream(scratch, original, page)) is None:
            return False
        add_image_page(scratch, made[0])
        scratch.save(out)
    document = pypdfium2.PdfDocument(out.getvalue())
    try:
        (shown,) = document[0].get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
        bitmap = shown.get_bitmap(render=False)
        values = bitmap.to_numpy().reshape(bitmap.height, bitmap.width, -1)[..., :3]  # black and white, no other
        wanted = np.asarray(decoded, np.uint8)[..., np.newaxis] * 255
        return values.shape[:2] == wanted.shape[:2] and bool((values == wanted).all())
    except (pypdfium2.PdfiumError, ValueError):
        return False
    finally:
        document.close()
