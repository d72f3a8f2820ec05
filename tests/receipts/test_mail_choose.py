"""Which of the things in a message are receipts of their own: the rule in `receipts.pdfa.mail.choose`, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import pytest
from PIL import Image

from receipts.errors import Code, Refused
from receipts.policy import Limits
from tests.receipts.mails import HEADER, attached, multipart, nested, part, pdf, photo, signed, text, tnef
from tests.receipts.pdfa_cases import made, texts

LOGO = photo(180, 60, "PNG")
INLINE = "Content-Disposition: inline"
INVOICE = b'<?xml version="1.0"?><Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>'


def chosen(message: bytes) -> list[tuple[int, str, bytes]]:
    """Position, name and content of each receipt in a message."""
    return [(one.position, one.name, one.content) for one in made(message).parts]


def names(message: bytes) -> list[str]:
    return [name for _, name, _ in chosen(message)]


def contents(message: bytes) -> list[bytes]:
    return [content for *_, content in chosen(message)]


def with_html(html: str, *parts: bytes, kind: str = "related") -> bytes:
    return multipart(text(html, "html"), *parts, kind=kind)


@pytest.mark.parametrize(
    "headers",
    [
        ("application/pdf", INLINE),
        ("application/pdf", INLINE, "Content-ID: <a@b>"),
        ("application/octet-stream; name=x.dat",),
        ("image/png; name=logo.png", "Content-Disposition: attachment"),
        ("text/plain; charset=utf-8",),
        ("application/pdf; name=", 'Content-Disposition: attachment; filename=""'),
    ],
)
def test_a_pdf_is_a_receipt_however_it_is_attached(headers: Sequence[str]) -> None:
    assert contents(multipart(text("Here you are"), part(pdf(), headers[0], *headers[1:]))) == [pdf()]


def test_positions_and_names_follow_the_message() -> None:
    message = multipart(text("x"), attached(pdf("1"), "one.pdf"), attached(photo(), "two.jpg"))
    assert chosen(message) == [(1, "one.pdf", pdf("1")), (2, "two.jpg", photo())]


def test_a_referenced_logo_is_none_and_is_shown() -> None:
    message = with_html("<p>Total 9 EUR <img src='cid:logo@x'>", part(LOGO, "image/png", "Content-ID: <logo@x>"))
    assert chosen(message) == []
    message = with_html(
        "<p>Total <img src='cid:logo@x'>",
        part(LOGO, "image/png; name=l.png", "Content-ID: <logo@x>", "Content-Disposition: attachment"),
    )
    assert chosen(message) == []


def test_a_photo_in_the_text_is_a_receipt() -> None:
    message = with_html("<p>Taxi <img src=cid:p%40x>", part(photo(), "image/jpeg", "Content-ID: <p@x>"))
    assert contents(message) == [photo()]
    assert contents(multipart(text("Taxi"), part(photo(), "image/jpeg; name=IMG_1.jpg", INLINE))) == [photo()]


@pytest.mark.parametrize("size", [(1200, 300), (390, 1200), (490, 500), (60, 60)])
def test_banners_and_small_pictures_in_the_text_are_none(size: tuple[int, int]) -> None:
    picture = part(photo(*size), "image/jpeg; name=a.jpg", INLINE)
    assert chosen(multipart(text("Regards"), picture)) == []


@pytest.mark.parametrize(("form", "mode"), [("TIFF", "L"), ("BMP", "L"), ("JPEG2000", "L"), ("JPEG", "CMYK")])
def test_a_picture_in_the_text_that_no_page_can_show_is_a_receipt_unless_it_is_small(form: str, mode: str) -> None:
    def placed(side_px: int) -> bytes:
        out = BytesIO()
        Image.linear_gradient("L").resize((side_px, 900)).convert(mode).save(out, form)
        inline = part(out.getvalue(), "image/x", "Content-ID: <one>", "Content-Disposition: inline")
        return with_html('<p>see <img src="cid:one"></p>', inline)

    assert len(contents(placed(300))) == 1
    assert not contents(placed(120))


def test_a_picture_attached_by_hand_may_be_small() -> None:
    assert names(multipart(text("x"), attached(photo(100, 75, "PNG"), "r.png"))) == ["r.png"]
    assert names(multipart(text("x"), part(photo(100, 75, "PNG"), "image/png; name=r.png"))) == ["r.png"]
    assert names(multipart(text("x"), attached(photo(49, 400, "PNG"), "r.png"))) == []


@pytest.mark.parametrize("name", ["image001.png", "Image012.JPG", "Outlook-ab12cd34.png"])
def test_what_outlook_cut_out_of_a_text_is_a_logo_unless_it_is_as_large_as_a_photo(name: str) -> None:
    assert names(multipart(text("Regards"), attached(photo(300, 90, "PNG"), name))) == []
    assert names(multipart(text("Taxi"), attached(photo(), name))) == [name]
    assert names(multipart(text("Taxi"), attached(photo(300, 390, "PNG"), "IMG_0012.png"))) == ["IMG_0012.png"]


def test_a_tracking_pixel_is_nothing() -> None:
    pixel = part(photo(1, 1, "GIF"), "image/gif; name=open.gif")
    assert names(multipart(text("Total 5"), pixel)) == []


def test_what_is_in_every_quoted_mail_is_a_signature() -> None:
    signature = part(photo(), "image/jpeg; name=s.jpg", INLINE)
    assert chosen(multipart(text("x"), signature, nested(multipart(text("y"), signature, boundary="C")))) == []


def test_the_same_bytes_are_one_receipt() -> None:
    message = multipart(text("x"), attached(pdf(), "a.pdf"), attached(pdf(), "b.pdf"))
    assert chosen(message) == [(1, "a.pdf", pdf())]


def test_a_message_without_words_is_its_pictures() -> None:
    small = photo(240, 320)
    assert contents(multipart(text(" "), part(small, "image/jpeg", INLINE))) == [small]
    assert contents(with_html("<p><img src='cid:a'></p>", part(small, "image/jpeg", "Content-ID: <a>"))) == [small]
    assert contents(multipart(text("Words"), part(small, "image/jpeg", INLINE))) == []


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "text/calendar"),
        (b"BEGIN:VCARD\r\nEND:VCARD\r\n", "text/vcard"),
        (b"Terms and conditions", "text/plain"),
        (b"<html><body>Terms</body></html>", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"\x30\x03\x02\x01\x01", "application/pkcs7-signature"),
        (b"ID3\x03\0\0\0\0\0\x21" + bytes(200), "audio/mpeg"),
    ],
)
def test_what_is_no_receipt_stays_in_the_message(content: bytes, media_type: str) -> None:
    message = multipart(text("x"), part(content, media_type, "Content-Disposition: attachment; filename=a"))
    result = made(message)
    assert result.parts == ()
    assert result.fidelity["attachments"] == 1
    assert (
        made(multipart(text("x"), attached(pdf(), "r.pdf"), attached(content, "a", media_type))).parts[0].name
        == "r.pdf"
    )


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"PK\x03\x04\x14\0\0\0\0\0" + bytes(60), "application/zip"),
        (b"", "application/pdf"),
        (b"\x01\x02\x03\xff" * 9, "image/jpeg"),
        (INVOICE, "application/octet-stream"),
        (b"\x01\x02\x03\xff" * 9, "application/vnd.ms-excel"),
    ],
)
def test_its_sender_must_not_believe_it_archived(content: bytes, media_type: str) -> None:
    """They become receipts, so that they are refused with a reason (or taken, where their kind is)."""
    assert names(multipart(text("x"), attached(content, "r.x", media_type))) == ["r.x"]


@pytest.mark.parametrize("name", ["Invoice.PDF", "scan.jpeg", "expenses.xlsx", "all.zip"])
def test_neither_must_he_of_what_only_its_name_says_to_be_one(name: str) -> None:
    assert names(multipart(text("x"), attached(b"\x01\x02\x03\xff" * 9, name))) == [name]
    assert names(multipart(text("x"), attached(b"\x01\x02\x03\xff" * 9, "sound.bin"))) == []


def test_type_is_what_the_content_is() -> None:
    assert names(multipart(text("x"), attached(b"just words", "invoice.pdf", "application/pdf"))) == []
    assert names(multipart(text("x"), attached(pdf(), "logo.png", "image/png"))) == ["logo.png"]


def test_text_that_is_attached_is_shown_when_nothing_else_is_the_receipt() -> None:
    attachment = attached(b"<html><body><p>Paid 7,50</p></body></html>", "receipt.html", "text/html")
    assert "Paid 7,50" in texts(made(multipart(text("x"), attachment)).pdf, 1)
    assert made(multipart(text("x"), attachment, attached(pdf(), "r.pdf"))).pages == 1


def test_a_pdf_hides_in_the_alternative_that_is_not_shown() -> None:
    plain = multipart(text("plain"), part(pdf("a"), "application/pdf"), boundary="P", header="")
    rich = multipart(text("<p>rich", "html"), part(pdf("b"), "application/pdf"), boundary="R", header="")
    result = made(multipart(plain, rich, kind="alternative"))
    assert [one.content for one in result.parts] == [pdf("a"), pdf("b")]
    assert "plain" not in texts(result.pdf)


def test_messages_in_messages_to_any_depth() -> None:
    inner = multipart(text("deep words"), attached(pdf(), "deep.pdf"), boundary="D")
    message = multipart(text("outer words"), nested(multipart(text("mid"), nested(inner), boundary="C")))
    result = made(message)
    assert [one.name for one in result.parts] == ["deep.pdf"]
    assert result.fidelity["messages"] == 3
    assert [text for page in range(3) for text in ("outer", "mid", "deep") if f"{text}" in texts(result.pdf, page)]


def test_a_message_attached_under_another_type_or_in_base64() -> None:
    inner = multipart(text("inner"), attached(pdf(), "i.pdf"), boundary="D")
    assert names(multipart(text("x"), attached(inner, "fw.eml"))) == ["i.pdf"]
    assert names(multipart(text("x"), part(inner, "message/rfc822"))) == ["i.pdf"]


def test_wrappings_within_a_mail() -> None:
    assert names(multipart(text("x"), attached(tnef("y", [("t.pdf", pdf())]), "winmail.dat"))) == ["t.pdf"]
    assert names(multipart(text("x"), attached(signed(pdf()), "fattura.pdf.p7m"))) == ["fattura.pdf"]


def test_too_many_receipts() -> None:
    message = multipart(text("x"), *(attached(pdf(str(number)), f"{number}.pdf") for number in range(4)))
    assert len(made(message, Limits(parts=4)).parts) == 4
    with pytest.raises(Refused) as refused:
        made(message, Limits(parts=3))
    assert refused.value.code is Code.TOO_MANY_PARTS


def test_nothing_at_all() -> None:
    for message in (
        multipart(text(" \r\n"), attached(b"BEGIN:VCARD\r\n", "me.vcf")),
        f"{HEADER}Content-Type: text/html\r\n\r\n<html><style>p {{}}</style><p>&nbsp;</p>".encode(),
    ):
        with pytest.raises(Refused) as refused:
            made(message)
        assert refused.value.code is Code.NO_CONTENT
