"""A PDF's own pages made fit for PDF/A-3: structure alone is changed, and only if every page then looks the same."""

from __future__ import annotations

import logging
from io import BytesIO
from typing import Any, Final

import pikepdf
import pypdfium2
from pikepdf import Dictionary, Name, Pdf, Stream, pdfa

from receipts.pdfa import render
from receipts.policy import Limits

VALIDATOR: Final = f"pikepdf.pdfa {pikepdf.__version__}"
COMPARED_DPI: Final = 100
_OBJECTS_MOST: Final = 100_000
_PAGE_KEYS: Final = frozenset(
    {"/Type", "/Parent", "/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Contents", "/Group", "/UserUnit"}
)
_TREE_KEYS: Final = frozenset({"/Type", "/Parent", "/Kids", "/Count", "/MediaBox", "/CropBox", "/Rotate", "/Resources"})
# What says nothing about how a page looks, and what only some writers get right.
_SILENT: Final = ("/Metadata", "/PieceInfo", "/LastModified", "/StructParent", "/StructParents", "/OPI", "/Alternates")
_OPTIONAL: Final = ("/CIDSet", "/CharSet")  # ISO 19005-3 6.2.11.4.2: need not be there

logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of dates in a sender's fonts


def repaired(original: bytes, document: pypdfium2.PdfDocument, limits: Limits) -> Pdf | None:
    """The pages of `original` with nothing else in the catalog, inert; None if they would not look the same.

    Args:
        original: The bytes as they arrived.
        document: The same, opened to be rendered.
        limits: What we accept.
    """
    pdf = pikepdf.open(BytesIO(original), suppress_warnings=True)
    if len(pdf.objects) > _OBJECTS_MOST:
        return None
    try:
        pdf.flatten_annotations("screen")  # what stands on the page stays, as part of it
        _strip(pdf)
        pdfa.prepare(pdf, "3b", output_intent=None)
        _complete(pdf)
        copy = BytesIO()
        pdf.save(copy)
        look_the_same = _look_the_same(document, copy.getvalue(), limits)
    except (pikepdf.PdfError, pypdfium2.PdfiumError, ValueError, TypeError, AttributeError, KeyError):
        return None  # a sender's file may say anything: its pages are rendered instead
    return pdf if look_the_same else None


def _strip(pdf: Pdf) -> None:
    """Leave the pages alone in the file: no action, script, form, layer, structure or file stays."""
    for key in set(pdf.Root.keys()) - {"/Type", "/Pages"}:
        del pdf.Root[key]
    for page in pdf.pages:
        for key in set(page.obj.keys()) - _PAGE_KEYS:
            del page.obj[key]
        node: Any = page.obj.get("/Parent")
        while isinstance(node, Dictionary) and not set(node.keys()) <= _TREE_KEYS:
            for key in set(node.keys()) - _TREE_KEYS:
                del node[key]
            node = node.get("/Parent")


def _complete(pdf: Pdf) -> None:
    """Say what was meant, and leave out what need not be said."""
    for thing in pdf.objects:
        if isinstance(thing, Stream | Dictionary) and thing.get("/Type") != Name.Catalog:
            for key in _SILENT:
                if key in thing:
                    del thing[key]
        if isinstance(thing, Stream):
            _without_lzw(thing)
        elif isinstance(thing, Dictionary):
            for key in _OPTIONAL:
                if key in thing:
                    del thing[key]
            if thing.get("/Subtype") == Name.CIDFontType2 and "/CIDToGIDMap" not in thing:
                thing.CIDToGIDMap = Name.Identity  # ISO 32000-1 table 117: its default; PDF/A wants it said


def _without_lzw(stream: Stream) -> None:
    """LZW is barred from PDF/A (ISO 19005-3 6.1.7.2); the same bytes are stored without it."""
    filters = stream.get("/Filter")
    named = [filters] if isinstance(filters, Name) else list(filters) if isinstance(filters, pikepdf.Array) else []
    if any(one in (Name.LZWDecode, Name.LZW) for one in named):
        stream.write(stream.read_bytes())


def _look_the_same(document: pypdfium2.PdfDocument, copy: bytes, limits: Limits) -> bool:
    """Whether every page gives the same pixels as in the original, forms drawn."""
    other = pypdfium2.PdfDocument(copy)
    try:
        if len(other) != len(document):
            return False
        return all(
            render.pixels(document, number, COMPARED_DPI, limits) == render.pixels(other, number, COMPARED_DPI, limits)
            for number in range(len(document))
        )
    finally:
        other.close()
