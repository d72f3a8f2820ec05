"""Files that are two things at once, and the virus test file, are refused; genuine oddities are not."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Callable
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from receipts.errors import Code, Refused
from receipts.pdfa import original_of
from receipts.threats import EICAR, refuse_evident, refuse_hidden
from tests.receipts import pdf_cases
from tests.receipts.pdfa_cases import chunk, made, picture

JPEG = picture(Image.effect_noise((40, 30), 50).convert("RGB"), "JPEG")
PNG = picture(Image.effect_noise((40, 30), 50), "PNG")


def zipped(**files: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def pdf_of(attached: bytes = b"", *, compress: bool = True) -> bytes:
    pdf, out = pikepdf.new(), BytesIO()
    pdf.add_blank_page(page_size=(100, 100))
    if attached:
        pdf.attachments["invoice.txt"] = pikepdf.AttachedFileSpec(pdf, attached)
    pdf.save(out, compress_streams=compress, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def pdf_with(change: Callable[[pikepdf.Pdf], object], **options: Any) -> bytes:
    pdf, out = pikepdf.new(), BytesIO()
    pdf.add_blank_page(page_size=(100, 100))
    pdf.Root.Own = pdf.make_indirect(pikepdf.Array([change(pdf)]))
    if "encryption" not in options:
        options |= {"stream_decode_level": pikepdf.StreamDecodeLevel.none}
    pdf.save(out, compress_streams=False, **options)
    return out.getvalue()


def packed_with(filters: list[str], data: bytes) -> bytes:
    return pdf_with(
        lambda pdf: pdf.make_indirect(
            pikepdf.Stream(pdf, data, Filter=pikepdf.Array([pikepdf.Name(name) for name in filters]))
        )
    )


def invoice_with(attached: bytes) -> bytes:
    content = b"<cbc:EmbeddedDocumentBinaryObject>%s</cbc:EmbeddedDocumentBinaryObject>" % b64encode(attached)
    return pdf_cases.UBL.replace(b"<cbc:IssueDate>", content + b"<cbc:IssueDate>")


def mail_of(attached: bytes, name: str = "a.bin") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.example", "c@d.example", "receipt"
    message.set_content("see attached")
    message.add_attachment(attached, maintype="application", subtype="octet-stream", filename=name)
    return bytes(message)


HOSTILE = {
    "eicar": EICAR,
    "eicar and a newline": EICAR + b"\r\n",
    "eicar in a comment of a jpeg": JPEG[:2] + b"\xff\xfe" + (len(EICAR) + 2).to_bytes(2, "big") + EICAR + JPEG[2:],
    "eicar behind a png": PNG + EICAR,
    "eicar attached to a pdf": pdf_of(EICAR),
    "eicar attached to a pdf, plain": pdf_of(EICAR, compress=False),
    "eicar attached to a mail": mail_of(EICAR),
    "eicar in a zip": zipped(a=EICAR),
    "eicar in a zip in a zip": zipped(a=zipped(b=EICAR)),
    "eicar in a zip attached to a mail": mail_of(zipped(a=EICAR)),
    "eicar in a pdf attached to a mail": mail_of(pdf_of(EICAR)),
    "eicar far down in an attachment of a pdf": pdf_of(bytes(200_000) + EICAR),
    "eicar in a string of a pdf": pdf_with(
        lambda _: pikepdf.String(EICAR), object_stream_mode=pikepdf.ObjectStreamMode.generate
    ),
    "eicar in a hidden string of a pdf": pdf_with(
        lambda _: pikepdf.String(EICAR), encryption=pikepdf.Encryption(user="", owner="o")
    ),
    "eicar in any stream of a pdf": packed_with(["/FlateDecode"], zlib.compress(EICAR)),
    "eicar in a stream of a pdf, twice packed": packed_with(
        ["/ASCIIHexDecode", "/FlateDecode"], zlib.compress(EICAR).hex().encode() + b">"
    ),
    "eicar in a zip in a pdf": pdf_of(zipped(a=EICAR)),
    "eicar in a zip in a zip in a pdf": pdf_of(zipped(a=zipped(b=EICAR))),
    "eicar in a pdf in a pdf": pdf_of(pdf_of(EICAR)),
    "eicar in a pdf in a zip in a pdf in a mail": mail_of(pdf_of(zipped(a=pdf_of(EICAR)))),
    "eicar in a gzip in a pdf": pdf_of(gzip.compress(EICAR)),
    "eicar in an invoice": invoice_with(EICAR),
    "eicar in a pdf in an invoice": invoice_with(pdf_of(EICAR)),
    "jpeg and zip": JPEG + zipped(a=b"x"),
    "png and zip": PNG + zipped(a=b"x"),
    "pdf and zip": pdf_of() + zipped(a=b"x"),
    "jpeg and pdf": JPEG[:2] + b"\xff\xfe\x00\x40" + pdf_of()[:62] + JPEG[2:],
    "gif and pdf": b"GIF89a" + bytes(20) + pdf_of(),
    "program and pdf": b"MZ" + bytes(60) + pdf_of(),
    "page and pdf": b"<!DOCTYPE html><script>alert(1)</script>" + pdf_of(),
    "jpeg and phar": JPEG + b"<?php __HALT_COMPILER(); ?>" + bytes(20),
    "pdf and phar": pdf_of() + b"<?php __HALT_COMPILER(); ?>",
    "png and php": PNG[:33] + chunk(b"tEXt", b"Comment\0<?php system($_GET['c']); ?>") + PNG[33:],
    "jpeg and html": JPEG + b"<html><script>alert(1)</script></html>",
    "jpeg and html after a line": JPEG + b"\r\n <!DOCTYPE html><html></html>",
    "html in a comment of a jpeg": JPEG[:2] + b"\xff\xfe\0\x20<script>alert(1)</script>     " + JPEG[2:],
    "php far behind a jpeg": JPEG + bytes(5000) + b"<?php system($_GET['c']); ?>",
}
GENUINE = {
    "a film behind a photo": JPEG + b"\0\0\0\x18ftypmp42" + bytes(200),
    "a second photo behind a photo": JPEG + JPEG,
    "zeros behind a photo": JPEG + bytes(4096),
    "a page that the card held before": JPEG + bytes(900) + b"<html><script>1</script></html>" + bytes(300),
    "half a page that the card held before": JPEG + b"k</td><script>1</script></html>" + bytes(300),
    "words before a pdf": b"%!PS-Adobe\r\n" + pdf_of(),
    "a print job's head before a pdf": b"\x1b%-12345X@PJL ENTER LANGUAGE=PDF\r\n" + pdf_of(),
    "a zip attached to a pdf": pdf_of(zipped(a=b"x"), compress=False),
    "a zip attached to a mail": mail_of(zipped(a=b"x")),
    "html in a mail": b"From: a@b.example\nTo: c@d.example\nContent-Type: text/html\n\n<html><script>1</script>paid",
    "a packet in a photo": JPEG[:2] + b"\xff\xfe\x00\x20" + b"<?xpacket begin='' id=''?>    " + JPEG[2:],
}
KINDS = ["image/jpeg", "application/pdf", "message/rfc822", "application/zip", "application/gzip", "application/xml"]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_could_do_harm_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        made(HOSTILE[name])
    assert refused.value.code == Code.HOSTILE, refused.value.detail


@pytest.mark.parametrize("name", GENUINE)
def test_what_is_merely_odd_is_archived(name: str) -> None:
    assert original_of(made(GENUINE[name]).pdf) == GENUINE[name]


def refusal(original: bytes, *media_types: str) -> Code | None:
    """The code with which it is refused, looked at as a file of these types; `None` if it is not."""
    try:
        refuse_evident(original)
        for media_type in media_types:
            refuse_hidden(original, media_type)
    except Refused as refused:
        return refused.code
    return None


def test_no_real_sample_is_taken_for_hostile(samples: Path) -> None:
    types = {"images": ["image/jpeg"], "mail": ["message/rfc822"], "pdf": ["application/pdf", "application/zip"]}
    found = {path: refusal(path.read_bytes(), *types.get(path.parent.name, [])) for path in samples.glob("*/*.*")}
    assert len(found) > 50
    assert {path.name: code for path, code in found.items() if code} == {}


def test_a_zip_that_unpacks_without_end_is_not_unpacked() -> None:
    with pytest.raises(Refused) as refused:
        made(zipped(bomb=bytes(300 << 20)))
    assert refused.value.code == Code.UNSUPPORTED_TYPE


def test_a_pdf_attachment_that_unpacks_without_end_is_not_unpacked() -> None:
    original = pdf_of(bytes(200 << 20))
    assert len(original) < 1 << 20
    assert original_of(made(original).pdf) == original


@given(st.binary(max_size=300), st.sampled_from(KINDS))
def test_looking_never_fails_otherwise(content: bytes, media_type: str) -> None:
    for head in (b"", b"PK\x03\x04", b"%PDF-1.4\n", JPEG[:40]):
        assert refusal(head + content, media_type) in {None, *Code}
