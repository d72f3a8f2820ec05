"""A signed PDF/A-3 file is kept as it is, and so are its signatures: nothing follows it but our seal.

The seal's signature dictionary carries the provenance: an attachment would be a change to what others signed, a further
signature is none (ISO 32000-1 12.8.2.2). Until it is sealed, the provenance is an object of an update of its own, which
nothing but the trailer refers to: docs/adr/0008.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

import pikepdf
from pikepdf import Pdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from receipts import carried
from receipts.appended import PlainUpdate, on_its_line
from receipts.pdfa import certain, fields, schemas, syntax, xmp
from receipts.pdfa.document import provenance_of
from receipts.pdfa.inside import MORE
from receipts.pdfa.invoice import packet_of
from receipts.pdfa.model import Facts, Shown
from receipts.pdfa.original import is_ours

SIGNED: Final = "pdf-signed"
"""The route."""
_BARRED: Final = frozenset({"owner-password", MORE})


def can_be_kept(original: bytes, opened: Pdf, found: Mapping[str, int]) -> bool:
    """Whether `original` is certain to be PDF/A-3 with its signatures, and they leave room for our seal.

    Args:
        original: The bytes as they arrived.
        opened: The same, opened.
        found: What is in it, as `inside.found_in` says it.
    """
    if not found.get("signature") or found["signature"] != fields.signatures_in(opened) or _BARRED & set(found):
        return False
    # Part 3 alone: a file of part 1 or 2 could become one only by a change to what is signed.
    if (xmp.claim(packet_of(opened)) or "")[:1] != "3" or is_ours(opened):
        return False
    try:
        syntax.check(original)
    except syntax.Unusual:
        return False
    return _is_certain(original, packet_of(opened)) and _takes_a_seal(original)


def _is_certain(original: bytes, packet: bytes) -> bool:
    """Whether the file is PDF/A-3, extension schemas of its XMP packet included."""
    if certain.is_certain(original, packet_is_ours=False):
        return True
    reduced = xmp.reduced(packet)
    if reduced is None or not schemas.conform(packet):
        return False
    rest = BytesIO()
    with pikepdf.open(BytesIO(original), suppress_warnings=True, inherit_page_attributes=False) as copy:
        metadata: Any = copy.Root.Metadata
        metadata.write(reduced)
        copy.save(rest, fix_metadata_version=False)
    return certain.is_certain(rest.getvalue(), packet_is_ours=False)


def _takes_a_seal(original: bytes) -> bool:
    """Whether the signatures cover what they must (6.4.3), and what they lock and permit leaves room for one more."""
    from receipts.pades.rehearsal import check_takes_seal

    try:
        check_takes_seal(original, beside_others=True)
        _update(original, b"{}")
    except MemoryError:
        raise
    except Exception:  # pyHanko on a sender's file: what it can't update is carried whole instead
        return False
    return True


def write(shown: Shown, original: bytes, facts: Facts, media_type: str) -> bytes:
    """The original and the update that holds its provenance; the same arguments give the same bytes.

    Args:
        shown: What `pdf.show` found out.
        original: The bytes as they arrived.
        facts: Where they came from.
        media_type: What they are.

    Raises:
        WrongFacts: `facts.received_at` has no time zone.
    """
    return _update(original, provenance_of(shown, original, facts, media_type, ""))


def _update(original: bytes, provenance: bytes) -> bytes:
    output = BytesIO(on_its_line(original))
    writer = PlainUpdate(output)
    digest = hashlib.md5(provenance, usedforsecurity=False).digest()
    writer._document_id[1] = generic.ByteStringObject(digest)
    writer.set_custom_trailer_entry(pdf_name(carried.KEY), writer.add_object(carried.written(provenance)))
    writer.write_in_place()  # type: ignore[no-untyped-call]
    return output.getvalue()
