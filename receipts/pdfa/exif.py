"""The one thing in EXIF that concerns a page: which way is up."""

from __future__ import annotations

import struct

from PIL import Image

ORIENTATION = 0x0112


def orientation(content: bytes) -> int:
    """The orientation as written (CIPA DC-008 4.6.4 A), be it nonsense; 1 where there is none that could be read.

    Args:
        content: An EXIF block, with or without `Exif` before its TIFF header.
    """
    if not content:
        return 1
    block = Image.Exif()
    try:
        block.load(content)
        value = block.get(ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, IndexError, TypeError, KeyError, EOFError, struct.error):
        return 1
    return value if isinstance(value, int) else 1
