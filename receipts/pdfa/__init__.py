"""Bytes as received -> a PDF/A-3b file that shows them, carries them untouched and says where they came from.

One module per kind of input (`jpeg`, `png`, `pdf`, `mail`) gives pages; `document` makes the archive file of them.
"""

from receipts.pdfa.media import detect
from receipts.pdfa.model import Facts, Normalised, Part
from receipts.pdfa.original import original_of, parted, provenance_of
from receipts.pdfa.routes import normalise
from receipts.pdfa.signed import SIGNED

__all__ = [
    "SIGNED",
    "Facts",
    "Normalised",
    "Part",
    "detect",
    "normalise",
    "original_of",
    "parted",
    "provenance_of",
]
