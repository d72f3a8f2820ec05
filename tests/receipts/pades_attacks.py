"""Sealed files that were damaged or attacked. None of them may pass, here or with DSS."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pikepdf
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from connectors.devpki import DevPki
from connectors.devpki.revocation import CrlIssuer, OcspResponder
from receipts import pades
from receipts.appended import PlainUpdate

BYTE_RANGE = re.compile(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]")


def update(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """Append an incremental update."""
    output = io.BytesIO(pdf)
    writer = PlainUpdate(output)
    change(writer)
    writer.write_in_place()
    return output.getvalue()


def gap(pdf: bytes) -> tuple[int, int]:
    """Start and end of the container's hex digits."""
    found = list(BYTE_RANGE.finditer(pdf))[-1]
    return int(found[1]) + 1, int(found[2]) - 1


def flip(pdf: bytes, position: int, mask: int = 1) -> bytes:
    """One byte altered."""
    return pdf[:position] + bytes([pdf[position] ^ mask]) + pdf[position + 1 :]


def container(pdf: bytes) -> cms.ContentInfo:
    """The seal's container."""
    start, end = gap(pdf)
    return cms.ContentInfo.load(bytes.fromhex(pdf[start:end].decode()))


def with_container(pdf: bytes, message: cms.ContentInfo) -> bytes:
    """The same file with another container."""
    start, end = gap(pdf)
    text = message.dump().hex().encode()
    assert len(text) <= end - start
    return pdf[:start] + text.ljust(end - start, b"0") + pdf[end:]


def show_something_else(writer: IncrementalPdfFileWriter) -> None:
    """Replace what page 1 shows."""
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"1 0 0 rg 0 0 500 500 re f"))
    writer.update_container(page)


def overwrite_contents(writer: IncrementalPdfFileWriter) -> None:
    """Replace the content stream itself, under its old number."""
    page = writer.root["/Pages"]["/Kids"][0]
    reference = page.raw_get("/Contents").reference
    writer.objects[(reference.generation, reference.idnum)] = generic.StreamObject(stream_data=b"0 0 9 9 re f")


def annotate(writer: IncrementalPdfFileWriter) -> None:
    """Cover the page with a note."""
    page = writer.root["/Pages"]["/Kids"][0]
    rect = generic.ArrayObject(map(generic.NumberObject, (0, 0, 100, 100)))
    note = {
        "/Type": pdf_name("/Annot"),
        "/Subtype": pdf_name("/FreeText"),
        "/Rect": rect,
        "/F": generic.NumberObject(4),
    }
    note["/Contents"] = generic.pdf_string("paid 1000")
    annotations = generic.ArrayObject(page["/Annots"]) if "/Annots" in page else generic.ArrayObject()
    annotations.append(writer.add_object(generic.DictionaryObject({pdf_name(k): v for k, v in note.items()})))
    page["/Annots"] = annotations
    writer.update_container(page)


def detach(writer: IncrementalPdfFileWriter) -> None:
    """Remove the attachments."""
    for key in ("/Names", "/AF"):
        if key in writer.root:
            del writer.root[key]
    writer.update_root()


def new_metadata(writer: IncrementalPdfFileWriter) -> None:
    """Rewrite the XMP, as pyHanko does when nobody stops it."""
    old = writer.root["/Metadata"].data
    writer.root["/Metadata"] = writer.add_object(generic.StreamObject(stream_data=old.replace(b"Probant", b"Forgery")))
    writer.update_root()


def open_action(writer: IncrementalPdfFileWriter) -> None:
    """Do something when the file is opened."""
    action = {pdf_name("/S"): pdf_name("/URI"), pdf_name("/URI"): generic.pdf_string("https://example.invalid/")}
    writer.root["/OpenAction"] = writer.add_object(generic.DictionaryObject(action))
    writer.update_root()


def info(writer: IncrementalPdfFileWriter) -> None:
    """Give the file another title."""
    title = generic.DictionaryObject({pdf_name("/Title"): generic.pdf_string("Something else")})
    writer.set_info(writer.add_object(title))


def stowaway(writer: IncrementalPdfFileWriter) -> None:
    """Add an object that nothing refers to."""
    writer.add_object(generic.StreamObject(stream_data=b"hidden"))


def data_and(change: Callable[[IncrementalPdfFileWriter], None], sealed: bytes, data: pades.ValidationData) -> bytes:
    """Add validation data and do something else in the same update."""

    def both(writer: IncrementalPdfFileWriter) -> None:
        store = generic.DictionaryObject()
        for key, items in (("/Certs", data.certificates), ("/OCSPs", data.ocsps), ("/CRLs", data.crls)):
            streams = [writer.add_object(generic.StreamObject(stream_data=item)) for item in items]
            store[pdf_name(key)] = generic.ArrayObject(streams)
        writer.root[pdf_name("/DSS")] = writer.add_object(store)
        writer.update_root()
        change(writer)

    return update(sealed, both)


def tampered(sealed: bytes, augmented: bytes, data: pades.ValidationData) -> dict[str, bytes]:
    """Everything one can do to bytes without any key.

    Args:
        sealed: A B-T file.
        augmented: The same as B-LT.
        data: Its validation data.
    """
    start, end = gap(augmented)
    length = len(container(augmented).dump())
    picture = augmented.index(b"\xff\xd8\xff") + 40
    page = augmented.index(b"/MediaBox") + 12
    response = augmented.index(data.ocsps[0])
    tail = augmented[len(sealed) :]
    files = {
        "flip-picture": flip(augmented, picture),
        "flip-page": flip(augmented, page),
        "flip-first-byte": flip(augmented, 0),
        "flip-byte-range": augmented.replace(b"/ByteRange [0 ", b"/ByteRange [1 ", 1),
        "flip-signing-date": flip(augmented, augmented.index(b"/M (D") + 12),
        "flip-after-container": flip(augmented, end + 40),
        "flip-container-start": flip(augmented, start + 3),
        "flip-container-end": flip(augmented, start + 2 * length - 5),
        "flip-padding": flip(augmented, end - 1),
        "flip-ocsp-signature": flip(augmented, response + len(data.ocsps[0]) // 2),
        "trailing-comment": augmented + b"% more\n",
        "trailing-garbage": augmented + b"\n\0\0\0",
        "trailing-garbage-after-seal": sealed + b"\n%more\n" + tail,
        "truncated": augmented[:-40],
        "half": augmented[: len(augmented) // 2],
        "rewritten": rewritten(augmented),
        "update-nothing-but-metadata": update(augmented, new_metadata),
        "twice-augmented": update(augmented, lambda writer: store_again(writer, data)),
        "no-signature-value": augmented[:start] + b"0" * (end - start) + augmented[end:],
        "comment-before-end": before_end(augmented),
    }
    changes = (show_something_else, overwrite_contents, annotate, detach, new_metadata, open_action, info, stowaway)
    for change in changes:
        name = change.__name__.replace("_", "-")
        files[f"after-seal-{name}"] = update(sealed, change)
        files[f"after-data-{name}"] = update(augmented, change)
        files[f"with-data-{name}"] = data_and(change, sealed, data)
    return files


def store_again(writer: IncrementalPdfFileWriter, data: pades.ValidationData) -> None:
    store = writer.root["/DSS"]
    store["/Certs"].append(writer.add_object(generic.StreamObject(stream_data=data.certificates[0])))
    writer.update_container(store["/Certs"])
    writer.mark_update(writer.root.raw_get("/DSS"))


def before_end(augmented: bytes) -> bytes:
    """Put a comment between the last update's trailer and startxref."""
    position = augmented.rindex(b"startxref")
    return augmented[:position] + b"% hidden\n" + augmented[position:]


def rewritten(pdf: bytes) -> bytes:
    """The same document, saved anew by another program."""
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.save(output)
    return output.getvalue()


def other_time_stamp(sealed: bytes, other: bytes) -> bytes:
    """The time-stamp of another seal, moved over."""
    message = container(sealed)
    message["content"]["signer_infos"][0]["unsigned_attrs"] = container(other)["content"]["signer_infos"][0][
        "unsigned_attrs"
    ]
    return with_container(sealed, message)


def no_time_stamp(sealed: bytes) -> bytes:
    """The unsigned attributes taken away."""
    message = container(sealed)
    signer = message["content"]["signer_infos"][0]
    signer["unsigned_attrs"] = cms.CMSAttributes([])
    return with_container(sealed, message)


def answers(pki: DevPki, now: datetime, *, ocsp_at: datetime | None = None) -> pades.ValidationData:
    """Validation data straight from the authorities, at any time, whatever they say; unchecked."""
    encoding = serialization.Encoding.DER
    responder, ca = OcspResponder(pki), pki.certificate("ca")
    responses = []
    for name in ("seal", "tsu"):
        request = ocsp.OCSPRequestBuilder().add_certificate(pki.certificate(name), ca, hashes.SHA256()).build()
        responses.append(responder.answer(request.public_bytes(encoding), ocsp_at or now))
    certificates = [pki.certificate(name).public_bytes(encoding) for name in ("root", "ca", "seal", "tsu", "ocsp")]
    ends = frozenset(pki.certificate(name).public_bytes(encoding) for name in ("seal", "tsu"))
    return pades.ValidationData(
        certificates=tuple(certificates),
        ocsps=tuple(responses),
        crls=(CrlIssuer(pki, "root").answer(now),),
        issued_at=now + timedelta(days=9999),
        served=ends,
    )
