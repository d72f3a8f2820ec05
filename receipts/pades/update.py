"""Reads an incremental update byte by byte: its objects, its cross-references, its end, and nothing between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Final, NoReturn

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from receipts.pades.report import Finding, SubIndication

CHANGES: Final = "changes after the seal"
_HEAD: Final = re.compile(rb"\s*(\d+) (\d+) obj\s")
# Of comments, the one by which iText signs its cross-references.
_FOOT: Final = re.compile(rb"\s*(?:%iText[\w.\- ]{0,80}\s+)?startxref\s+(\d+)\s+%%EOF\s{0,2}")
_TABLE: Final = re.compile(rb"xref\s+(?:\d+ \d+\s+(?:\d{10} \d{5} [nf]\s{1,2})+)+\s*trailer\s+")
_SPACE: Final = re.compile(rb"\s*")
_OBJECT_END: Final = re.compile(rb"\s*endobj(?=\s)")
_TRAILER_KEYS: Final = frozenset({"/Root", "/Info", "/ID", "/Size", "/Prev"})
_XREF_STREAM_KEYS: Final = _TRAILER_KEYS | {"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"}


def read_update(pdf: bytes, reader: PdfFileReader, revision: int, start: int) -> int:
    """Check that the bytes of a revision are its objects and its cross-references.

    Args:
        pdf: The file.
        reader: The file, opened.
        revision: Number of the revision, from 0.
        start: Where the revision before it ends.

    Returns:
        Where it ends.

    Raises:
        Finding: There is something else.
        Exception: It is malformed.
    """
    objects = {}
    for reference in reader.xrefs.explicit_refs_in_revision(revision):
        place = reader.xrefs.get_historical_ref(reference, revision)
        if not isinstance(place, int):
            refuse("objects are hidden in streams after the seal")
        objects[place] = reference
    container = reader.xrefs.get_xref_container_info(revision)
    trailer = reader.get_historical_resolver(revision - 1).trailer_view
    kept = {key: _written(trailer.raw_get(key)) for key in trailer if key not in _XREF_STREAM_KEYS}
    position = _read_objects(pdf, start, objects, container.stream_ref, kept)
    table = max(objects) if container.stream_ref else _skip_space(pdf, position)
    if not container.stream_ref:
        position = _read_table(pdf, table, kept)
    foot = _FOOT.match(pdf, position)
    if not foot or not _position_is(pdf, int(foot[1]), table):
        refuse("the update that follows the seal doesn't end as it should")
    return foot.end()


def _read_objects(
    pdf: bytes,
    start: int,
    objects: Mapping[int, generic.Reference],
    xref_stream: generic.Reference | None,
    kept: Mapping[str, bytes],
) -> int:
    position = start
    for offset in sorted(objects):
        if offset < position or pdf[position:offset].strip():
            refuse("there are bytes between the objects that follow the seal")
        head = _HEAD.match(pdf, offset)
        if not head or (int(head[1]), int(head[2])) != (objects[offset].idnum, objects[offset].generation):
            refuse("an object that follows the seal is not where it should be")
        position, value = _read_object(pdf, head.end())
        if objects[offset] == xref_stream and not (
            isinstance(value, generic.StreamObject) and _adds_nothing(value, _XREF_STREAM_KEYS, kept)
        ):
            refuse("the cross-references that follow the seal hold more than they should")
    return position


def _read_object(pdf: bytes, position: int) -> tuple[int, generic.PdfObject]:
    stream = BytesIO(pdf)
    stream.seek(position)
    value = generic.read_object(stream, generic.TrailerReference(None))
    ending = _OBJECT_END.match(pdf, stream.tell())
    if not ending:
        refuse("there are bytes inside the objects that follow the seal")
    return ending.end(), value


def _read_table(pdf: bytes, position: int, kept: Mapping[str, bytes]) -> int:
    table = _TABLE.match(pdf, position)
    if not table:
        refuse("the update that follows the seal has no cross-reference table")
    stream = BytesIO(pdf)
    stream.seek(table.end())
    trailer = generic.read_object(stream, generic.TrailerReference(None))
    if not isinstance(trailer, generic.DictionaryObject) or not _adds_nothing(trailer, _TRAILER_KEYS, kept):
        refuse("the trailer that follows the seal holds more than it should")
    return stream.tell()


def _adds_nothing(trailer: generic.DictionaryObject, known: frozenset[str], kept: Mapping[str, bytes]) -> bool:
    """Whether a trailer holds only what it must, and what the one before it held, such as LibreOffice's streams."""
    return all(key in known or kept.get(key) == _written(trailer.raw_get(key)) for key in trailer)


def _written(value: generic.PdfObject) -> bytes:
    output = BytesIO()
    value.write_to_stream(output, None)
    return output.getvalue()


def _position_is(pdf: bytes, stated: int, found: int) -> bool:
    """Whether a stated position is that of what was found, or of an end of line before it."""
    return found - 2 <= stated <= found and not pdf[stated:found].strip()


def _skip_space(pdf: bytes, position: int) -> int:
    found = _SPACE.match(pdf, position)
    return found.end() if found else position


def is_same(one: generic.PdfObject, other: generic.PdfObject) -> bool:
    """Whether two objects say the same, however they are written; what they refer to is not looked at."""
    if type(one) is not type(other):
        return False
    if isinstance(one, generic.DictionaryObject) and isinstance(other, generic.DictionaryObject):
        data = [each.encoded_data for each in (one, other) if isinstance(each, generic.StreamObject)]
        if len(set(data)) > 1 or set(one) != set(other):
            return False
        return all(is_same(one.raw_get(key), other.raw_get(key)) for key in one)
    if isinstance(one, generic.ArrayObject) and isinstance(other, generic.ArrayObject):
        pairs = ((one.raw_get(at), other.raw_get(at)) for at in range(min(len(one), len(other))))
        return len(one) == len(other) and all(is_same(*pair) for pair in pairs)
    return bool(one == other)


def refuse(evidence: str) -> NoReturn:
    """Raise that something follows the seal that may not."""
    raise Finding(CHANGES, SubIndication.FORMAT_FAILURE, evidence.splitlines()[0][:300])
