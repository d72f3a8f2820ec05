"""The document security store of a revision (/DSS; ISO 32000-2, 12.8.4.3): what it consists of, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from receipts.pades.update import refuse

_STORE_KEYS: Final = frozenset({"/Type", "/Certs", "/OCSPs", "/CRLs", "/VRI"})
_VRI_KEYS: Final = frozenset({"/Type", "/Cert", "/CRL", "/OCSP", "/TU", "/TS"})


@dataclass(frozen=True)
class Store:
    """The objects of a /DSS.

    Attributes:
        frame: Its dictionaries and arrays.
        data: Its streams: certificates, OCSP responses, CRLs.
    """

    frame: set[generic.Reference] = field(default_factory=set)
    data: set[generic.Reference] = field(default_factory=set)


def read_store(resolver: HistoricalResolver) -> Store:
    """What a revision's /DSS consists of; empty if it has none.

    Raises:
        Finding: It holds something else than validation data.
        Exception: It is malformed.
    """
    store, root = Store(), resolver.root
    if "/DSS" not in root:
        return store
    top = _dictionary(root, "/DSS", _STORE_KEYS, store)
    _collect(top, ("/Certs", "/OCSPs", "/CRLs"), store)
    if "/VRI" in top:
        entries = _dictionary(top, "/VRI", None, store)
        for key in entries:
            if key == "/Type":
                continue
            entry = _dictionary(entries, key, _VRI_KEYS, store)
            _collect(entry, ("/Cert", "/OCSP", "/CRL"), store)
            if "/TS" in entry:
                _stream(entry.raw_get("/TS"), store)
    return store


def _collect(holder: generic.DictionaryObject, keys: tuple[str, ...], store: Store) -> None:
    for key in keys:
        if key in holder:
            items = holder.raw_get(key)
            if isinstance(items, generic.IndirectObject):
                store.frame.add(items.reference)
                items = items.get_object()
            if not isinstance(items, generic.ArrayObject):
                refuse(f"/DSS {key} is no array")
            for position in range(len(items)):
                _stream(items.raw_get(position), store)


def _stream(item: object, store: Store) -> None:
    if not isinstance(item, generic.IndirectObject):
        refuse("/DSS holds something else than streams")
    content = item.get_object()
    if not isinstance(content, generic.StreamObject) or not set(content) <= {"/Length", "/Filter", "/DecodeParms"}:
        refuse("/DSS holds something else than plain streams")
    store.data.add(item.reference)


def _dictionary(
    holder: generic.DictionaryObject, key: str, keys: frozenset[str] | None, store: Store
) -> generic.DictionaryObject:
    value = holder.raw_get(key)
    if isinstance(value, generic.IndirectObject):
        store.frame.add(value.reference)
        value = value.get_object()
    if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
        refuse(f"{key} of the validation data is no dictionary")
    if keys is not None and not set(value) <= keys:
        refuse(f"{key} holds {sorted(set(value) - keys)}")
    return value
