"""A PDF that is PDF/A already is kept as it is: the archive file is the original and an incremental update after it.

The update adds our provenance as associated file (ISO 19005-3 6.8) and states part 3, which alone allows that. A file
of part 1 or 2 becomes one of part 3 by it, if the whole then holds as such: docs/adr/0008.
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from io import BytesIO
from typing import Any, Final

import pikepdf
from pikepdf import Pdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from receipts.appended import PlainUpdate, on_its_line
from receipts.pdfa import certain, colour, syntax, xmp
from receipts.pdfa.document import PROVENANCE, announced_by, provenance_of, values_of
from receipts.pdfa.inside import MORE
from receipts.pdfa.invoice import attached, file_name, packet_of
from receipts.pdfa.model import Facts, Shown
from receipts.pdfa.original import is_ours

_BARRED: Final = frozenset({"signature", "owner-password", "permissions", "validation-data", "form-field", MORE})
_PARTS: Final = frozenset("123")  # part 4 is of PDF 2.0: an update can't take that back
_NAMES_MOST: Final = 1000


def packet_to_go_on_from(original: bytes, opened: Pdf, found: frozenset[str]) -> bytes | None:
    """The XMP packet that the update continues, if it is certain that `original` can be kept as it is.

    Certain means: it claims to be PDF/A, its bytes are written as PDF/A wants them, nothing in it stands against a
    seal in an update, and the file with the update is PDF/A-3b for certain.

    Args:
        original: The bytes as they arrived.
        opened: The same, opened.
        found: What is in it, as `inside.found_in` says it.
    """
    packet = packet_of(opened)
    extensions = opened.Root.get("/Extensions", pikepdf.Dictionary())
    is_known = isinstance(extensions, pikepdf.Dictionary) and set(extensions.keys()) <= {"/Type", "/ADBE"}
    if (xmp.claim(packet) or "4")[0] not in _PARTS or found & _BARRED or "/AcroForm" in opened.Root or not is_known:
        return None
    if is_ours(opened) or any(file_name(file) == PROVENANCE for file in attached(opened)):
        return None  # it would be taken for ours
    try:
        syntax.check(original)
    except syntax.Unusual:
        return None
    for candidate in (xmp.reduced(packet), xmp.plain(packet)):
        if candidate is not None and _holds(original, candidate):
            return candidate
    return None


def _holds(original: bytes, packet: bytes) -> bool:
    from receipts.pades.rehearsal import check_takes_seal

    try:
        trial = _update(original, b"{}", packet, modified="D:20260101000000Z")
        check_takes_seal(trial, beside_others=False)
    except MemoryError:
        raise
    except Exception:  # pyHanko on a sender's file: what it can't update is carried whole instead
        return False
    return certain.is_certain(trial, packet_is_ours=False)


def write(shown: Shown, original: bytes, facts: Facts, media_type: str) -> bytes:
    """The original and our update after it; the same arguments give the same bytes.

    Args:
        shown: What `pdf.show` found out; `shown.kept` is the packet to go on from.
        original: The bytes as they arrived.
        facts: Where they came from.
        media_type: What they are.

    Raises:
        WrongFacts: `facts.received_at` has no time zone.
    """
    if shown.kept is None:
        raise ValueError("there is nothing to go on from")
    packet = xmp.extended(shown.kept, values_of(shown, facts, media_type), invoice=announced_by(shown))
    modified = facts.received_at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
    return _update(original, provenance_of(shown, original, facts, media_type, ""), packet, modified=modified)


def _update(original: bytes, provenance: bytes, packet: bytes, *, modified: str) -> bytes:
    output = BytesIO(on_its_line(original))
    writer = PlainUpdate(output)
    digest = hashlib.md5(provenance, usedforsecurity=False).digest()
    writer._document_id[1] = generic.ByteStringObject(digest)
    root = writer.root
    file = writer.add_object(_file_specification(writer, provenance, digest, modified))
    root[pdf_name("/AF")] = generic.ArrayObject([file, *_items(root, "/AF")])  # ours is found first
    before = root["/Names"] if "/Names" in root else generic.DictionaryObject()
    names = generic.DictionaryObject({key: before.raw_get(key) for key in before})
    names[pdf_name("/EmbeddedFiles")] = _name_tree(names, file)
    root[pdf_name("/Names")] = names
    if "/OutputIntents" not in root:
        root[pdf_name("/OutputIntents")] = generic.ArrayObject([_output_intent(writer)])
    metadata = generic.StreamObject(
        {pdf_name("/Type"): pdf_name("/Metadata"), pdf_name("/Subtype"): pdf_name("/XML")}, stream_data=packet
    )
    root[pdf_name("/Metadata")] = writer.add_object(metadata)
    writer.update_root()  # type: ignore[no-untyped-call]
    writer.write_in_place()  # type: ignore[no-untyped-call]
    return output.getvalue()


def _file_specification(
    writer: IncrementalPdfFileWriter, content: bytes, digest: bytes, modified: str
) -> generic.DictionaryObject:
    """The provenance as associated file; table 46 of ISO 32000-1 wants MD5."""
    stream = generic.StreamObject(
        {pdf_name("/Type"): pdf_name("/EmbeddedFile"), pdf_name("/Subtype"): pdf_name("/application/json")},
        stream_data=content,
    )
    stream[pdf_name("/Params")] = generic.DictionaryObject(
        {
            pdf_name("/Size"): generic.NumberObject(len(content)),
            pdf_name("/ModDate"): generic.TextStringObject(modified),
            pdf_name("/CheckSum"): generic.ByteStringObject(digest),
        }
    )
    reference = writer.add_object(stream)
    return generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Filespec"),
            pdf_name("/F"): generic.TextStringObject(PROVENANCE),
            pdf_name("/UF"): generic.TextStringObject(PROVENANCE),
            pdf_name("/AFRelationship"): pdf_name("/Supplement"),
            pdf_name("/EF"): generic.DictionaryObject({pdf_name("/F"): reference, pdf_name("/UF"): reference}),
        }
    )


def _name_tree(names: generic.DictionaryObject, file: generic.IndirectObject) -> generic.DictionaryObject:
    """The embedded files in one flat node, ours among them, sorted as ISO 32000-1 7.9.6 wants it."""
    entries: list[tuple[bytes, Any, Any]] = [(PROVENANCE.encode(), generic.TextStringObject(PROVENANCE), file)]
    waiting: list[Any] = [names["/EmbeddedFiles"]] if "/EmbeddedFiles" in names else []
    for _ in range(_NAMES_MOST):
        if not waiting:
            break
        node = waiting.pop()
        waiting += [kid.get_object() for kid in _items(node, "/Kids")]
        pairs = _items(node, "/Names")
        for name, value in zip(pairs[0::2], pairs[1::2], strict=True):
            written = name.get_object()
            entries.append((getattr(written, "original_bytes", written), written, value))
    if waiting or len(entries) > _NAMES_MOST:
        raise ValueError("too many embedded files")
    flat = [one for _, name, value in sorted(entries, key=lambda entry: bytes(entry[0])) for one in (name, value)]
    return generic.DictionaryObject({pdf_name("/Names"): generic.ArrayObject(flat)})


def _output_intent(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    """sRGB, for a file without device colours that therefore states none (ISO 19005-3 6.2.3)."""
    profile = generic.StreamObject({pdf_name("/N"): generic.NumberObject(3)}, stream_data=colour.srgb())
    return generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/OutputIntent"),
            pdf_name("/S"): pdf_name("/GTS_PDFA1"),
            pdf_name("/OutputConditionIdentifier"): generic.TextStringObject("sRGB IEC61966-2.1"),
            pdf_name("/Info"): generic.TextStringObject("sRGB IEC61966-2.1"),
            pdf_name("/DestOutputProfile"): writer.add_object(profile),
        }
    )


def _items(holder: generic.DictionaryObject, key: str) -> list[Any]:
    """The items of an array as they stand there, references unresolved; none if there is no such array."""
    if key not in holder:
        return []
    array = holder[key]
    return [array.raw_get(position) for position in range(len(array))]
