"""Metadata that programs renew with every update: dates and producer may change, all that a reader shows may not."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.metadata import model
from pyhanko.pdf_utils.metadata.xmp_xml import parse_xmp
from pyhanko.pdf_utils.reader import HistoricalResolver

from receipts.pades.update import refuse

_RENEWED_INFO: Final = frozenset({"/ModDate", "/Producer"})
_RENEWED_XMP: Final = frozenset(
    {
        model.XMP_MODDATE,
        model.ExpandedName(ns=model.NS["xmp"], local_name="MetadataDate"),
        model.PDF_PRODUCER,
    }
)
_STREAM_KEYS: Final = frozenset({"/Type", "/Subtype", "/Length", "/Filter", "/DecodeParms"})
_LARGEST_BYTES: Final = 4 * 1024**2


def renewed_metadata(
    old: HistoricalResolver, new: HistoricalResolver, references: set[generic.Reference]
) -> set[generic.Reference]:
    """The objects of an update that renew XMP (/Metadata) and the information dictionary (/Info).

    Raises:
        Finding: They change more than dates and producer.
        Exception: They are malformed.
    """
    renewed = set()
    before, after = (_reference(each.root, "/Metadata") for each in (old, new))
    if before and after and (before != after or after in references):
        _check_xmp(old(before), new(after))
        renewed.add(after)
    elif ("/Metadata" in old.root or "/Metadata" in new.root) and not (before and after):
        refuse("the metadata is added, removed or no stream of its own")
    before, after = (_reference(each.trailer_view, "/Info") for each in (old, new))
    if after and (before != after or after in references):
        _check_info(old(before) if before else {}, new(after))
        renewed.add(after)
    elif before and not after:
        refuse("the document's information is removed after the seal")
    return renewed


def _reference(holder: generic.DictionaryObject, key: str) -> generic.Reference | None:
    value = holder.raw_get(key) if key in holder else None
    return value.reference if isinstance(value, generic.IndirectObject) else None


def _check_xmp(before: generic.PdfObject, after: generic.PdfObject) -> None:
    if _lasting(before) != _lasting(after):
        refuse("the metadata is changed after the seal")


def _lasting(stream: generic.PdfObject) -> dict[model.ExpandedName, model.XmpValue]:
    """What XMP says but for what is renewed."""
    if not isinstance(stream, generic.StreamObject) or not set(stream) <= _STREAM_KEYS:
        refuse("the metadata is no plain stream")
    xmp = stream.data
    if len(xmp) > _LARGEST_BYTES:
        refuse("the metadata is too large to compare")
    fields = [field for root in parse_xmp(BytesIO(xmp)) for field in root]
    if len({name for name, _ in fields}) != len(fields):
        refuse("the metadata says a thing twice")
    return {name: value for name, value in fields if name not in _RENEWED_XMP}


def _check_info(before: Mapping[str, generic.PdfObject], after: Mapping[str, generic.PdfObject]) -> None:
    if not isinstance(after, generic.DictionaryObject):
        refuse("the document's information is changed after the seal")
    for key in (set(before) | set(after)) - _RENEWED_INFO:
        if key not in before or key not in after or before[key] != after[key]:
            refuse(f"the document's information {key} is changed after the seal")
    if not all(isinstance(after[key], generic.TextStringObject) for key in _RENEWED_INFO & set(after)):
        refuse("the document's information is changed after the seal")
