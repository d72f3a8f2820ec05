"""The visible mark of a seal: one line in the margin of the first page, in an embedded font (ISO 19005-3, 6.2.11.4).

It is the appearance of the seal's form field: the page's content beneath stays what it is, and nothing covers it but
the letters themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any, Final, TypeAlias

from asn1crypto import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.rw_common import find_inherited_value_in_tree

Box: TypeAlias = tuple[float, float, float, float]
INSET_PT: Final = 4.0
SIZE_PT: Final = 5.0
_TURNED: Final = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def line_of(certificate: x509.Certificate, at: datetime) -> str:
    """What the mark says: who seals, and when by our clock; what that is worth only validation can tell."""
    subject = certificate.subject.native
    name = subject.get("common_name") or subject.get("organization_name") or certificate.subject.human_friendly
    return f"Sealed by {name}, {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC (PAdES)"


def marked(line: str) -> Callable[[IncrementalPdfFileWriter, generic.DictionaryObject], None]:
    """What has a signature field show a line in a corner of its page where no other annotation is."""
    from receipts.pdfa import typeset  # what sets lines takes long to import

    return partial(_show, typeset.line(line, SIZE_PT))


def _show(strip: bytes, writer: IncrementalPdfFileWriter, field: generic.DictionaryObject) -> None:
    page = field["/P"]
    form = writer.import_page_as_xobject(PdfFileReader(BytesIO(strip)))
    left, bottom, right, top = _box(form.get_object()["/BBox"])
    turn = int(_inherited(page, "/Rotate") or 0) % 360
    visible = _box(_inherited(page, "/CropBox") or _inherited(page, "/MediaBox"))
    taken = [_box(each.get_object()["/Rect"]) for each in page["/Annots"] if "/Rect" in each.get_object()]
    for place in _places(visible, right - left, top - bottom, turn):
        if not any(_meet(place, other) for other in taken):
            break
    else:
        return  # it stays invisible rather than in the way
    matrix = (*_TURNED[turn], 0, 0)
    form.get_object()[pdf_name("/Matrix")] = generic.ArrayObject(map(generic.NumberObject, matrix))
    field[pdf_name("/Rect")] = generic.ArrayObject(generic.FloatObject(f"{edge:.2f}") for edge in place)
    field[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): form})


def _places(page: Box, width: float, height: float, turn: int) -> Iterator[Box]:
    """The corners as one sees them: below left, below right, above left, above right; smaller if the page is small."""
    left, bottom, right, top = page
    wide, high = (right - left, top - bottom) if turn % 180 == 0 else (top - bottom, right - left)
    scale = min(1.0, (wide - 2 * INSET_PT) / width, (high - 2 * INSET_PT) / height)
    width, height = width * scale, height * scale
    for y in (INSET_PT, high - INSET_PT - height):
        for x in (INSET_PT, wide - INSET_PT - width):
            seen = {  # from a corner of the page as it is shown to a place on the page as it is written
                0: (left + x, bottom + y, left + x + width, bottom + y + height),
                90: (right - y - height, bottom + x, right - y, bottom + x + width),
                180: (right - x - width, top - y - height, right - x, top - y),
                270: (left + y, top - x - width, left + y + height, top - x),
            }
            yield seen[turn]


def _inherited(page: generic.DictionaryObject, key: str) -> Any:  # noqa: ANN401 - whatever it is
    return find_inherited_value_in_tree(page, key, "/Parent")


def _box(edges: Iterable[Any]) -> Box:
    x, y, u, v = (float(edge) for edge in edges)
    return min(x, u), min(y, v), max(x, u), max(y, v)


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
