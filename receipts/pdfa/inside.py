"""What lies in a PDF beside its pages: named in our words and counted, never run and never quoted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, Pdf

from receipts.errors import Code, Refused
from receipts.pdfa.graph import dictionaries, written

NODES_MOST: Final = 100_000
FIELDS_MOST: Final = 100_000
_FIELDS_DEEPEST: Final = 33  # PDFium goes no deeper
DEEPEST: Final = 100  # page trees of real files have 10 levels at most
MORE: Final = "more-than-was-looked-at"

# ISO 32000-1 table 198, ISO 32000-2 table 201: what an action does
_ACTIONS: Final = MappingProxyType(
    {
        "/JavaScript": "javascript",
        "/Launch": "launch-action",
        "/URI": "uri-action",
        "/SubmitForm": "submit-action",
        "/ImportData": "import-action",
        "/ResetForm": "reset-action",
        "/GoToR": "remote-action",
        "/GoToE": "embedded-action",
        "/Rendition": "media-action",
        "/Movie": "media-action",
        "/Sound": "media-action",
        "/RichMediaExecute": "media-action",
        "/GoTo3DView": "media-action",
    }
)
# ISO 32000-1 table 169: annotations that hold more than a mark on the page
_ANNOTATIONS: Final = MappingProxyType(
    {
        "/Widget": "form-field",
        "/FileAttachment": "file-attachment",
        "/RichMedia": "rich-media",
        "/Movie": "rich-media",
        "/Screen": "rich-media",
        "/Sound": "rich-media",
        "/3D": "rich-media",
    }
)
_CATALOG: Final = MappingProxyType(
    {
        "/OpenAction": "open-action",
        "/Collection": "portfolio",
        "/OCProperties": "optional-content",
        "/Perms": "permissions",
        "/DSS": "validation-data",
    }
)
_SIGNED: Final = frozenset({"/ByteRange", "/Contents"})
_NAMED: Final = frozenset({"/Type1", "/MMType1", "/TrueType", "/CIDFontType0", "/CIDFontType2"})
_PROGRAMS: Final = ("/FontFile", "/FontFile2", "/FontFile3")
_TELLING: Final = frozenset({"/S", "/JS", "/Subtype", "/EF", "/AA", "/XFA", "/ByteRange"})


def found_in(pdf: Pdf) -> Mapping[str, int]:
    """How many of which things are in the file, reachable or not; stable words in alphabetical order."""
    counts: Counter[str] = Counter({word: 1 for key, word in _CATALOG.items() if key in pdf.Root})
    if pdf.is_encrypted:
        counts["owner-password"] = 1
    for number, node in enumerate(dictionaries(pdf)):
        if number >= NODES_MOST:
            counts[MORE] = 1
            break
        counts.update(_words(node))
    return dict(sorted(counts.items()))


def check_page_tree(pdf: Pdf, pages_most: int) -> int:
    """How many pages the tree has, counted without recursion and without trust in /Count.

    Raises:
        Refused: HOSTILE if the tree leads back into itself or is absurdly deep; TOO_MANY_PAGES; NO_CONTENT; DAMAGED if
            a page is not there.
    """
    pages = 0
    waiting: list[tuple[Any, frozenset[tuple[int, int]]]] = [(pdf.Root.get("/Pages"), frozenset())]
    while waiting:
        node, above = waiting.pop()
        if not isinstance(node, Dictionary):
            raise Refused(Code.DAMAGED, "PDF whose page tree leads to nothing")
        kids = node.get("/Kids")
        if not isinstance(kids, Array):
            pages += 1
        elif node.objgen in above or len(above) > DEEPEST:
            raise Refused(Code.HOSTILE, "PDF whose page tree leads back into itself or is too deep")
        else:
            below = above | {node.objgen}
            waiting += [(kid, below) for kid, _ in zip(kids, range(pages_most + 1), strict=False)]
        if pages + len(waiting) > 2 * pages_most + DEEPEST or pages > pages_most:
            raise Refused(Code.TOO_MANY_PAGES, f"PDF of more than {pages_most} pages")
    if not pages:
        raise Refused(Code.NO_CONTENT, "PDF without a page")
    return pages


def check_fields(pdf: Pdf) -> None:
    """Check that the tree of form fields is one: PDFium follows every way through it.

    Raises:
        Refused: HOSTILE.
    """
    form: Any = pdf.Root.get("/AcroForm")
    fields: Any = form.get("/Fields") if isinstance(form, Dictionary) else None
    waiting: list[tuple[Any, int]] = [(fields, 0)]
    for _ in range(FIELDS_MOST):
        if not waiting:
            return
        kids, depth = waiting.pop()
        if isinstance(kids, Array) and depth < _FIELDS_DEEPEST:
            waiting += [(kid.get("/Kids"), depth + 1) for kid in kids if isinstance(kid, Dictionary)]
    raise Refused(Code.HOSTILE, "PDF whose form fields lead into each other")


def _words(node: Dictionary) -> Iterator[str]:
    keys = set(node.keys())
    if keys.isdisjoint(_TELLING):
        return
    kind = node.get("/S")
    if "/JS" in keys and kind != Name.Rendition:
        yield "javascript"
    elif isinstance(kind, Name) and (kind == Name.JavaScript or node.get("/Type", Name.Action) == Name.Action):
        word = _ACTIONS.get(written(kind))
        if word and "/Subtype" not in keys:
            yield word
    subtype = node.get("/Subtype")
    if isinstance(subtype, Name) and "/Rect" in keys and (word := _ANNOTATIONS.get(written(subtype))):
        yield word
    if "/BaseFont" in keys and isinstance(subtype, Name) and written(subtype) in _NAMED and not _has_program(node):
        yield "font-not-embedded"
    if "/EF" in keys:
        yield "embedded-file"
    if "/AA" in keys:
        yield "additional-actions"
    if "/XFA" in keys:
        yield "xfa"
    if keys >= _SIGNED:
        yield "signature"


def _has_program(font: Dictionary) -> bool:
    descriptor: Any = font.get("/FontDescriptor")
    return isinstance(descriptor, Dictionary) and any(key in descriptor for key in _PROGRAMS)
