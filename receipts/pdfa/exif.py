"""The one thing in EXIF that concerns a page: which way is up."""

from __future__ import annotations

from PIL import Image

from receipts.pdfa.raster import PARSER_ERRORS

ORIENTATION = 0x0112


def orientation(content: bytes) -> int:
    """The orientation as written (CIPA DC-008 4.6.4 A: a SHORT), be it nonsense; 1 where none could be read.

    Args:
        content: An EXIF block, with or without `Exif` before its TIFF header.
    """
    if not content:
        return 1
    block = Image.Exif()
    try:
        block.load(content)
        value = block.get(ORIENTATION, 1)
    except PARSER_ERRORS:
        return 1
    return value if isinstance(value, int) and 0 <= value < 1 << 16 else 1
