"""Bytes as received -> a PDF/A-3b file that shows them, carries them untouched and says where they came from.

One module per kind of input (`jpeg`, `png`, `pdf`, `mail`) gives pages; `document` makes the archive file of them.
"""

from receipts.pdfa.media import detect
from receipts.pdfa.model import Facts, Normalised, Part
from receipts.pdfa.original import original_of, provenance_of
from receipts.pdfa.routes import normalise

__all__ = ["Facts", "Normalised", "Part", "detect", "normalise", "original_of", "provenance_of"]
