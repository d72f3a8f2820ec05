"""What came after the seal: nothing, or one update that adds validation data (/DSS) and not a byte more.

PDF readers show whatever the last update says, so this is where a sealed document would be forged. pyHanko's difference
analysis and these checks, which read the update's bytes one by one, must both agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Final, NoReturn

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel

from receipts.pades.report import Finding, SubIndication
from receipts.pades.structure import Located

CHANGES: Final = "changes after the seal"
_HEAD: Final = re.compile(rb"\s*(\d+) (\d+) obj\s")
_FOOT: Final = re.compile(rb"\s*startxref\s+(\d+)\s+%%EOF\s{0,2}")
_TRAILER_SAME: Final = ("/Root", "/Info", "/Encrypt")
_TRAILER_KEYS: Final = frozenset({"/Root", "/Info", "/ID", "/Size", "/Prev"})
_XREF_STREAM_KEYS: Final = _TRAILER_KEYS | {"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"}
_STORE_KEYS: Final = frozenset({"/Type", "/Certs", "/OCSPs", "/CRLs", "/VRI"})
_VRI_KEYS: Final = frozenset({"/Type", "/Cert", "/CRL", "/OCSP", "/TU", "/TS"})


def check_changes(located: Located) -> bool:
    """Check what follows the sealed bytes; True if there is an update that adds validation data.

    Raises:
        Finding: Something else follows.
    """
    tail = located.pdf[located.end :]
    if not tail:
        return False
    try:
        _check_update(located, tail)
        _check_difference(located)
    except Finding:
        raise
    except Exception as error:
        _refuse(f"what follows the seal can't be read: {error or type(error).__name__}")
    return True


def _check_update(located: Located, tail: bytes) -> None:
    reader, revision = located.reader, located.revision
    if reader.total_revisions != revision + 2:
        _refuse(f"{len(tail)} bytes follow the seal, in {reader.total_revisions - revision - 1} updates")
    old, new = reader.get_historical_resolver(revision), reader.get_historical_resolver(revision + 1)
    if reader.xrefs.refs_freed_in_revision(revision + 1):
        _refuse("objects are removed after the seal")
    _check_trailer(old, new)
    offsets = {}
    for reference in reader.xrefs.explicit_refs_in_revision(revision + 1):
        place = reader.xrefs.get_historical_ref(reference, revision + 1)
        if not isinstance(place, int):
            _refuse("objects are hidden in streams after the seal")
        offsets[place - located.end] = reference
    root = new.root_ref
    for reference in offsets.values():
        if reference != root and not old.is_ref_unassignable(reference):
            _refuse(f"object {reference.idnum} is replaced after the seal")
    allowed = _check_store(old, new)
    container = reader.xrefs.get_xref_container_info(revision + 1)
    allowed |= {root} | ({container.stream_ref} if container.stream_ref else set())
    strangers = sorted(reference.idnum for reference in offsets.values() if reference not in allowed)
    if strangers:
        _refuse(f"objects that are no validation data are added after the seal: {strangers}")
    _check_bytes(tail, located.end, offsets, container.stream_ref)


def _check_trailer(old: HistoricalResolver, new: HistoricalResolver) -> None:
    before, after = old.trailer_view, new.trailer_view
    for key in _TRAILER_SAME:
        if before.get_value_as_reference(key, optional=True) != after.get_value_as_reference(key, optional=True):
            _refuse(f"the trailer's {key} is changed after the seal")
    if "/ID" in before and before["/ID"][0] != after["/ID"][0]:
        _refuse("the file's identity is changed after the seal")


def _check_store(old: HistoricalResolver, new: HistoricalResolver) -> set[generic.Reference]:
    """Check that the catalog gained /DSS and nothing else; returns the references of the validation data."""
    before, after = old.root, new.root
    for key in (set(before) | set(after)) - {"/DSS"}:
        if key not in before or key not in after or before.raw_get(key) != after.raw_get(key):
            _refuse(f"the catalog's {key} is changed after the seal")
    if "/DSS" in before or "/DSS" not in after:
        _refuse("the update doesn't add validation data")
    seen: set[generic.Reference] = set()
    store = _dictionary(after, "/DSS", _STORE_KEYS, seen)
    _collect(store, ("/Certs", "/OCSPs", "/CRLs"), seen)
    if "/VRI" in store:
        entries = _dictionary(store, "/VRI", None, seen)
        for key in entries:
            if key == "/Type":
                continue
            entry = _dictionary(entries, key, _VRI_KEYS, seen)
            _collect(entry, ("/Cert", "/OCSP", "/CRL"), seen)
            if "/TS" in entry:
                _stream(entry.raw_get("/TS"), seen)
    return seen


def _collect(holder: generic.DictionaryObject, keys: tuple[str, ...], seen: set[generic.Reference]) -> None:
    for key in keys:
        if key in holder:
            items = holder.raw_get(key)
            if isinstance(items, generic.IndirectObject):
                seen.add(items.reference)
                items = items.get_object()
            if not isinstance(items, generic.ArrayObject):
                _refuse(f"/DSS {key} is no array")
            for position in range(len(items)):
                _stream(items.raw_get(position), seen)


def _stream(item: object, seen: set[generic.Reference]) -> None:
    if not isinstance(item, generic.IndirectObject):
        _refuse("/DSS holds something else than streams")
    content = item.get_object()
    if not isinstance(content, generic.StreamObject) or not set(content) <= {"/Length", "/Filter", "/DecodeParms"}:
        _refuse("/DSS holds something else than plain streams")
    seen.add(item.reference)


def _dictionary(
    holder: generic.DictionaryObject, key: str, keys: frozenset[str] | None, seen: set[generic.Reference]
) -> generic.DictionaryObject:
    value = holder.raw_get(key)
    if isinstance(value, generic.IndirectObject):
        seen.add(value.reference)
        value = value.get_object()
    if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
        _refuse(f"{key} of the validation data is no dictionary")
    if keys is not None and not set(value) <= keys:
        _refuse(f"{key} holds {sorted(set(value) - keys)}")
    return value


def _check_bytes(
    tail: bytes, base: int, offsets: Mapping[int, generic.Reference], xref_stream: generic.Reference | None
) -> None:
    """Check that the update's bytes are its objects, its cross-references and its end, with nothing between."""
    position = 0
    for offset in sorted(offsets):
        if offset < 0 or tail[position:offset].strip():
            _refuse("there are bytes between the objects that follow the seal")
        head = _HEAD.match(tail, offset)
        if not head or (int(head[1]), int(head[2])) != (offsets[offset].idnum, offsets[offset].generation):
            _refuse("an object that follows the seal is not where it should be")
        position, value = _object_end(tail, head.end())
        if offsets[offset] == xref_stream and not (
            isinstance(value, generic.StreamObject) and set(value) <= _XREF_STREAM_KEYS
        ):
            _refuse("the cross-references that follow the seal hold more than they should")
    last = max(offsets)
    rest = tail[position:]
    start = last if xref_stream else position + len(rest) - len(rest.lstrip())
    if not xref_stream:
        rest = _after_table(rest.lstrip())
    foot = _FOOT.fullmatch(rest)
    if not foot or int(foot[1]) != base + start:
        _refuse("the update that follows the seal doesn't end as it should")


def _object_end(tail: bytes, position: int) -> tuple[int, generic.PdfObject]:
    stream = BytesIO(tail)
    stream.seek(position)
    value = generic.read_object(stream, generic.TrailerReference(None))
    ending = re.compile(rb"\s*endobj(?=\s)").match(tail, stream.tell())
    if not ending:
        _refuse("there are bytes inside the objects that follow the seal")
    return ending.end(), value


def _after_table(rest: bytes) -> bytes:
    table = re.compile(rb"xref\s+(?:\d+ \d+\s+(?:\d{10} \d{5} [nf]\s{1,2})+)+\s*trailer\s+").match(rest)
    if not table:
        _refuse("the update that follows the seal has no cross-reference table")
    stream = BytesIO(rest)
    stream.seek(table.end())
    trailer = generic.read_object(stream, generic.TrailerReference(None))
    if not isinstance(trailer, generic.DictionaryObject) or not set(trailer) <= _TRAILER_KEYS:
        _refuse("the trailer that follows the seal holds more than it should")
    return rest[stream.tell() :]


def _check_difference(located: Located) -> None:
    embedded = located.embedded
    result = DEFAULT_DIFF_POLICY.review_file(
        located.reader, located.revision, field_mdp_spec=embedded.fieldmdp, doc_mdp=embedded.docmdp_level
    )
    if not isinstance(result, DiffResult):
        _refuse(f"suspicious change after the seal: {result}")
    if result.modification_level > ModificationLevel.LTA_UPDATES:
        _refuse("more than validation data is added after the seal")


def _refuse(evidence: str) -> NoReturn:
    raise Finding(CHANGES, SubIndication.FORMAT_FAILURE, evidence.splitlines()[0][:300])
