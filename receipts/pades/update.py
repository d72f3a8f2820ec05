"""Reads an incremental update byte by byte: its objects, its cross-references, its end, and nothing between them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Final, NoReturn, TypeAlias

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType

from receipts.pades.report import Finding, SubIndication

CHANGES: Final = "changes after the seal"
_HEAD: Final = re.compile(rb"\s*(\d+) (\d+) obj(?:\s+|(?=[<\[(/]))")
# Of comments, the one by which iText signs its cross-references.
_FOOT: Final = re.compile(rb"\s*(?:%iText[\w.\- ]{0,80}\s+)?startxref\s+(\d+)\s+%%EOF\s{0,2}")
_TABLE: Final = re.compile(rb"xref\s+(?:\d+ \d+\s+(?:\d{10} \d{5} [nf]\s{1,2})+)+\s*trailer\s+")
_SECTION: Final = re.compile(rb"(\d+) (\d+)\s+(?=\d{10} )")
_SPACE: Final = re.compile(rb"\s*")
_OBJECT_END: Final = re.compile(rb"\s*endobj(?=\s)")
_TRAILER_KEYS: Final = frozenset({"/Root", "/Info", "/ID", "/Size", "/Prev"})
_STREAM_KEYS: Final = frozenset({"/Type", "/Length", "/Filter", "/DecodeParms"})
_XREF_STREAM_KEYS: Final = _TRAILER_KEYS | _STREAM_KEYS | {"/W", "/Index"}
_OBJECT_STREAM_KEYS: Final = _STREAM_KEYS | {"/N", "/First"}
Packed: TypeAlias = dict[int, dict[int, int]]
"""By number of an object stream: the numbers of the objects in it, by their place."""


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
    container = reader.xrefs.get_xref_container_info(revision)
    if container.xref_section_type is XRefSectionType.HYBRID_MAIN:
        refuse("two cross-reference tables at once follow the seal")  # readers may see either
    objects, packed = _places(reader, revision)
    if container.stream_ref and container.stream_ref not in objects.values():  # it need not name itself
        objects[container.start_location] = container.stream_ref
    trailer = reader.get_historical_resolver(revision - 1).trailer_view
    named = {key: trailer.raw_get(key) for key in set(trailer) - _XREF_STREAM_KEYS - {"/XRefStm"}}
    kept = {key: _written(value) for key, value in named.items()}
    position = _read_objects(pdf, start, objects, packed, container.stream_ref, kept)
    table = max(objects) if container.stream_ref else _skip_space(pdf, position)
    if not container.stream_ref:
        position = _read_table(pdf, table, kept)
    _check_entries(_sections(pdf, table), len(reader.xrefs.explicit_refs_in_revision(revision)))
    foot = _FOOT.match(pdf, position)
    if not foot or not _position_is(pdf, int(foot[1]), table):
        refuse("the update that follows the seal doesn't end as it should")
    return foot.end()


def _places(reader: PdfFileReader, revision: int) -> tuple[dict[int, generic.Reference], Packed]:
    """Where the objects of a revision are: in the file, and in object streams (ISO 32000-1, 7.5.7)."""
    objects: dict[int, generic.Reference] = {}
    packed: Packed = {}
    for reference in reader.xrefs.explicit_refs_in_revision(revision):
        place = reader.xrefs.get_historical_ref(reference, revision)
        if isinstance(place, int):
            objects[place] = reference
        elif place is not None:
            packed.setdefault(place.obj_stream_id, {})[place.ix_in_stream] = reference.idnum
    return objects, packed


def _read_objects(
    pdf: bytes,
    start: int,
    objects: Mapping[int, generic.Reference],
    packed: Packed,
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
        if inside := packed.pop(objects[offset].idnum, None):
            _read_object_stream(value, inside)
    if packed:
        refuse("objects that follow the seal are in streams of before")
    return position


def _read_object_stream(value: generic.PdfObject, inside: Mapping[int, int]) -> None:
    """Check that an object stream holds what the cross-references name, in that order, and nothing else."""
    if not isinstance(value, generic.StreamObject) or not set(value) <= _OBJECT_STREAM_KEYS:
        refuse("an object stream that follows the seal is none, or continues another")
    first = int(value["/First"])
    heads = [int(word) for word in value.data[:first].split()]
    numbers, places = heads[::2], heads[1::2]
    if value["/Type"] != "/ObjStm" or int(value["/N"]) != len(places) or dict(enumerate(numbers)) != inside:
        refuse("an object stream that follows the seal holds other objects than are named")
    stream, position = BytesIO(value.data[first:]), 0
    for place in places:
        stream.seek(position)
        if place < position or stream.read(place - position).strip():
            refuse("there are bytes between the objects in a stream that follows the seal")
        stream.seek(place)
        generic.read_object(stream, generic.TrailerReference(None))
        position = stream.tell()
    if stream.read().strip():
        refuse("there are bytes behind the objects in a stream that follows the seal")


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


def _sections(pdf: bytes, table: int) -> list[tuple[int, int]]:
    """First number and count of each section of a cross-reference table or stream."""
    if found := _TABLE.match(pdf, table):
        return [(int(first), int(count)) for first, count in _SECTION.findall(found[0])]
    head = _HEAD.match(pdf, table)
    _, value = _read_object(pdf, head.end()) if head else (0, None)
    if not isinstance(value, generic.StreamObject):
        refuse("the update that follows the seal has no cross-references")
    index = [int(each) for each in value.get("/Index", (0, value["/Size"]))]
    return list(zip(index[::2], index[1::2], strict=True))


def _check_entries(sections: Sequence[tuple[int, int]], understood: int) -> None:
    """Check that a table names no object twice, and none in an unknown way (ISO 32000-1, 7.5.4 and 7.5.8.3): readers
    would differ in which entry they follow, or take the object for gone."""
    free = 0
    for first, count in sorted(sections):
        if first < free:
            refuse(f"object {first} is named twice in the cross-references that follow the seal")
        free = first + count
    named = sum(count for _, count in sections) - any(first == 0 < count for first, count in sections)
    if named != understood:
        refuse("the cross-references that follow the seal have entries of an unknown kind")


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


def refuse(evidence: str) -> NoReturn:
    """Raise that something follows the seal that may not."""
    raise Finding(CHANGES, SubIndication.FORMAT_FAILURE, evidence.splitlines()[0][:300])
