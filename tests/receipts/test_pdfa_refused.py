"""Bad input is refused with the right reason, whatever it is called; never a crash."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from receipts.errors import Code, Refused
from receipts.pdfa import detect, original_of
from receipts.policy import Limits
from tests.conftest import SAMPLES
from tests.receipts.pdfa_cases import chunk, made, picture, png_of

JPEG = picture(Image.effect_noise((40, 30), 50), "JPEG")
PNG = picture(Image.effect_noise((40, 30), 50).convert("RGBA"), "PNG")


def pdf_of(pages: int, **options: object) -> bytes:
    pdf = pikepdf.new()
    for _ in range(pages):
        pdf.add_blank_page(page_size=(100, 100))
    out = BytesIO()
    pdf.save(out, **options)
    return out.getvalue()


def mail_of(body: str, more: str = "") -> bytes:
    return f"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n{more}\r\n{body}".encode()


MADE_UP = {
    "empty": (b"", Code.EMPTY),
    "random": (bytes(range(128, 256)) * 9, Code.UNKNOWN_TYPE),
    "text": (b"just some words\n", Code.UNKNOWN_TYPE),
    "html": (b"<!DOCTYPE html><html><body>x</body></html>", Code.UNSUPPORTED_TYPE),
    "jpeg without end": (JPEG[:-2], Code.TRUNCATED),
    "half a jpeg": (JPEG[: len(JPEG) // 2], Code.TRUNCATED),
    "jpeg start only": (b"\xff\xd8\xff\xe0", Code.TRUNCATED),
    "jpeg without frame": (b"\xff\xd8\xff\xd9", Code.DAMAGED),
    "jpeg without tables": (JPEG.replace(b"\xff\xdb", b"\xff\xed"), Code.DAMAGED),
    "jpeg of 12 bit": (JPEG.replace(b"\xff\xc0\x00\x0b\x08", b"\xff\xc1\x00\x0b\x0c"), Code.UNSUPPORTED_TYPE),
    "jpeg bomb": (JPEG.replace(b"\x00\x1e\x00\x28\x01", b"\xff\xff\xff\xff\x01", 1), Code.TOO_MANY_PIXELS),
    "png without end": (PNG[:-12], Code.TRUNCATED),
    "half a png": (PNG[: len(PNG) // 2], Code.TRUNCATED),
    "png flipped": (PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:], Code.DAMAGED),
    "png short data": (png_of(4, 4, 8, 0, b"\0\1\2\3\4" * 3), Code.TRUNCATED),
    "png bad filter": (png_of(4, 4, 8, 0, b"\7\1\2\3\4" * 4), Code.DAMAGED),
    "png bad depth": (png_of(4, 4, 3, 0, b"\0\1\2" * 4), Code.DAMAGED),
    "png no palette": (png_of(4, 4, 8, 3, b"\0\1\2\3\4" * 4), Code.DAMAGED),
    "png bomb": (png_of(60_000, 60_000, 8, 6, b"\0"), Code.TOO_MANY_PIXELS),
    "png zero": (png_of(0, 4, 8, 0, b""), Code.DAMAGED),
    "pdf of nothing": (b"%PDF-1.7\n", Code.TRUNCATED),
    "pdf of garbage": (b"%PDF-1.7\n" + b"garbage " * 50 + b"%%EOF\n", Code.DAMAGED),
    "pdf cut": (pdf_of(3)[:-200], Code.TRUNCATED),
    "pdf of which an update was cut": (pdf_of(1) + b"9 0 obj\n(%s)\nendobj\n" % (b"x" * 3000), Code.TRUNCATED),
    "outlook mailbox": (b"!BDN" + bytes(600), Code.UNSUPPORTED_TYPE),
    "pdf without pages": (pdf_of(0), Code.NO_CONTENT),
    "pdf locked": (pdf_of(1, encryption=pikepdf.Encryption(user="u", owner="o")), Code.ENCRYPTED),
    "pdf too long": (pdf_of(21), Code.TOO_MANY_PAGES),
    "mail without content": (mail_of(" \r\n"), Code.NO_CONTENT),
    "mail with empty html": (mail_of("<p>&nbsp;</p>", "Content-Type: text/html\r\n"), Code.NO_CONTENT),
    "mail encrypted": (
        mail_of("MIAG", "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n"),
        Code.ENCRYPTED,
    ),
    "mail too long": (mail_of("x\r\n" * 5000), Code.TOO_MANY_PAGES),
    "too large": (b"\xff\xd8\xff" + bytes(2_000_001), Code.TOO_LARGE),
}

FROM_SAMPLES = {
    "images/sharp__corrupt-header.jpg": Code.TRUNCATED,
    "images/sharp__truncated.png": Code.TRUNCATED,
    "pdf/pdfminer.six__aes-256.pdf": Code.ENCRYPTED,
    "pdf/pdfminer.six__rc4-128.pdf": Code.ENCRYPTED,
    "pdf/pypdf__encrypted-file.pdf": Code.ENCRYPTED,
    "pdf/pypdf__r3-user-password.pdf": Code.ENCRYPTED,
    "pdf/pypdf__r6-both-passwords.pdf": Code.ENCRYPTED,
    "pdf/tika__testPDF_no_extract_no_accessibility_owner_user.pdf": Code.ENCRYPTED,
    "pdf/tika__testUnicodePassword.pdf": Code.ENCRYPTED,
    "mail/tika__complex.mbox": Code.UNSUPPORTED_TYPE,
    "mail/tika__quoted.mbox": Code.UNKNOWN_TYPE,
    "hostile/tika__droste.zip": Code.UNSUPPORTED_TYPE,
    "hostile/tika__testZIP_corrupted_oom.zip": Code.UNSUPPORTED_TYPE,
    "hostile/tika__testZipEncrypted.zip": Code.UNSUPPORTED_TYPE,
    "hostile/tika__testZip_absolutePath.zip": Code.UNSUPPORTED_TYPE,
    "hostile/tika__testZip_relative.zip": Code.UNSUPPORTED_TYPE,
}


@pytest.mark.parametrize("name", MADE_UP)
def test_made_up_files_are_refused(name: str) -> None:
    original, code = MADE_UP[name]
    with pytest.raises(Refused) as refused:
        made(original, Limits(size_bytes=2_000_000, pages=20))
    assert refused.value.code == code, refused.value.detail


@pytest.mark.parametrize("name", FROM_SAMPLES)
def test_samples_are_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        made((SAMPLES / name).read_bytes())
    assert refused.value.code == FROM_SAMPLES[name], refused.value.detail


def test_content_decides_not_the_name(samples: Path) -> None:
    assert (
        detect((samples / "images/azure-samples__receipt.png").read_bytes()) == "image/jpeg"
    )  # a JPEG by another name
    assert detect(b"\0" * 20 + pdf_of(1)) == "application/pdf"


def test_a_pdf_that_only_its_owner_can_change_is_accepted() -> None:
    original = pdf_of(1, encryption=pikepdf.Encryption(user="", owner="o"))
    result = made(original)
    assert result.fidelity["found"] == {"owner-password": 1}
    assert original_of(result.pdf) == original


@settings(max_examples=150)
@given(st.sampled_from([JPEG, PNG, pdf_of(2), mail_of("Bonjour <b>x</b>")]), st.data())
def test_a_mutated_file_is_archived_whole_or_refused(original: bytes, data: st.DataObject) -> None:
    mutated = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        mutated[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not mutated:
            break
    try:
        result = made(bytes(mutated))
    except Refused:
        return
    assert original_of(result.pdf) == bytes(mutated)


def test_a_png_bomb_is_not_unpacked() -> None:
    header = struct.pack(">IIBBBBB", 10, 10, 8, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    original = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    assert original_of(made(original).pdf) == original
