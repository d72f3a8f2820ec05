"""A message is read however it was saved and coded, and what is kept is what arrived."""

from __future__ import annotations

import base64
import binascii
import quopri
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.errors import Code, Refused
from receipts.pdfa import media, original_of, saved
from receipts.pdfa.mail import coded
from tests.receipts.mails import HEADER, attached, multipart, pdf, text
from tests.receipts.pdfa_cases import made, texts

UTF8 = "Content-Type: text/plain; charset=utf-8\r\n"
MESSAGE = multipart(text("Total 12,50 €"), attached(pdf(), "r.pdf"))
LF = MESSAGE.replace(b"\r\n", b"\n")
PLIST = b'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict/></plist>\n'


def with_header(*lines: bytes) -> bytes:
    """The message with lines put into its header, after its first field."""
    first, _, rest = MESSAGE.partition(b"\r\n")
    return b"\r\n".join([first, *lines, rest])


SAVED = {
    "as it was sent": MESSAGE,
    "bare LF": LF,
    "CR alone": LF.replace(b"\n", b"\r"),
    "CR CR LF": MESSAGE.replace(b"\r\n", b"\r\r\n"),
    "mbox": b"From jo@shop.example Mon Nov 23 12:00:00 2026\n" + LF,
    "mbox, quoted": b">From jo@shop.example Mon Nov 23 12:00:00 2026\r\n" + MESSAGE,
    "byte order mark": b"\xef\xbb\xbf" + MESSAGE,
    "UTF-16, little": MESSAGE.decode().encode("utf-16"),
    "UTF-16, big": b"\xfe\xff" + MESSAGE.decode().encode("utf-16-be"),
    "UTF-16 without a mark": MESSAGE.decode().encode("utf-16-le"),
    "emlx": b"%d      \n" % len(LF) + LF + PLIST,
    "emlx without its end": b"%d\n" % len(LF) + LF,
    "blank lines before": b"\r\n\r\n" + MESSAGE,
    "blanks before": b"    \n" + MESSAGE,
    "fields of a filter before": b"X-Scanned: yes\r\nX-Score: 0\r\n\r\n" + MESSAGE,
    "a blank line after every field": b"\r\n\r\n".join(
        [*HEADER.encode().split(b"\r\n"), MESSAGE.removeprefix(HEADER.encode())]
    ).replace(b"\r\n\r\n\r\n\r\n", b"\r\n\r\n"),
    "blanks before colons": re.sub(rb"(?m)^(From|To|Date|Subject):", rb"\1 \t:", MESSAGE),
    "a field broken without folding": with_header(b"X-Long: one", b"two", b"three: four five"),
    "8-bit in a field": with_header("X-Name: Café".encode("latin-1")),
    "blanks alone within a field": with_header(b"X-Long: one", b"   ", b" two"),
    "no blank line before the body": b"From: a@b.example\r\n"
    + MESSAGE.partition(b"\r\n")[2].replace(b"\r\n\r\n", b"\r\n", 1),
    "no end": MESSAGE.removesuffix(b"--B--\r\n"),
    "an entity without header": MESSAGE.removeprefix(HEADER.encode()),
    "a boundary that nothing names": MESSAGE.replace(b'; boundary="B"', b""),
    "another boundary than the one named": MESSAGE.replace(b'boundary="B"', b'boundary="C"'),
    "no content type": re.sub(rb"Content-Type: multipart[^\r]*\r\n", b"", MESSAGE),
    "a content type that is none": MESSAGE.replace(b"multipart/mixed", b"multipart"),
}


@pytest.mark.parametrize("form", SAVED)
def test_a_message_is_read_however_it_was_saved(form: str) -> None:
    original = SAVED[form]
    result = made(original)
    assert result.media_type == media.MAIL
    assert [one.content for one in result.parts] == [pdf()]
    assert "Total 12,50 €" in texts(result.pdf)
    assert original_of(result.pdf) == original
    attached_so = made(multipart(text("see below"), attached(original, "mail.eml"), boundary="outer"))
    assert pdf() in [one.content for one in attached_so.parts]


@pytest.mark.parametrize(
    "content",
    [b"Hello\n\nFrom: someone\n", b"From here to there\n", b"123\nwords\n", b"Note: buy milk\nTo: do\n", b"\xff\xfe"],
)
def test_what_is_no_message_is_taken_for_none(content: bytes) -> None:
    assert not saved.is_message(content)


def test_messages_one_after_the_other_are_a_mailbox() -> None:
    further = b"\nFrom jo@shop.example Mon Nov 23 12:00:00 2026\n"
    for mailbox in (further.lstrip() + LF + further + LF, LF + further + LF):
        with pytest.raises(Refused) as refused:
            made(mailbox)
        assert refused.value.code is Code.UNSUPPORTED_TYPE
    forwarded = multipart(text("see below"), b"Content-Type: message/rfc822\r\n" + further + LF, boundary="outer")
    assert media.detect(forwarded) == media.MAIL


def test_words_that_look_like_fields_stay_words() -> None:
    quoted = f"{HEADER}{UTF8}\r\nFrom: Shop\r\nTo: You\r\nSubject: Old receipt\r\n\r\nTotal 7\r\n".encode()
    shown = texts(made(quoted).pdf)
    assert "Old receipt" in shown.replace("\r\n", " ")
    assert "Subject Your receipt" in shown


@given(st.binary(max_size=600))
def test_reading_never_fails(data: bytes) -> None:
    for content in (data, b"From: a\nTo: b\n" + data):
        saved.is_message(content)
        assert saved.as_message(saved.as_message(content)) is not None


def encoded(body: bytes, encoding: str) -> bytes:
    header = f"Content-Type: application/octet-stream; name=r.pdf\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return multipart(text("x"), header.encode() + body)


LINES = base64.encodebytes(pdf())
HALF = 57 * (len(pdf()) // 114)
UU = b"".join(binascii.b2a_uu(pdf()[at : at + 45]) for at in range(0, len(pdf()), 45))
CODED = {
    "base64": (LINES, "base64"),
    "capitals and a comment": (LINES, "BASE64 (as usual)"),
    "a semicolon": (LINES, "base64;"),
    "no padding": (LINES.rstrip(b"=\n"), "base64"),
    "on one line": (base64.b64encode(pdf()), "base64"),
    "pieces, each padded": (
        base64.b64encode(pdf()[:HALF - 1]) + b"\n" + base64.b64encode(pdf()[HALF - 1 :]), "base64",
    ),
    "a footer below": (LINES.rstrip() + b"==\r\n\r\n--\r\nThis list is for members only.\r\n", "base64"),
    "blanks at the ends of lines": (LINES.replace(b"\n", b"  \r\n"), "base64"),
    "signs between": (LINES[:100] + b"!\x00" + LINES[100:], "base64"),
    "base64 in name only": (pdf(), "base64"),
    "binary": (pdf(), "binary"),
    "unknown": (pdf(), "x-none"),
    "quoted-printable": (quopri.encodestring(pdf()), "Quoted-Printable"),
    "uuencode": (b"begin 644 r.pdf\n" + UU + b"`\nend\n", "x-uuencode"),
    "uuencode without its frame": (UU, "uuencode"),
}  # fmt: skip


@pytest.mark.parametrize("form", CODED)
def test_an_attachment_is_decoded_however_it_was_coded(form: str) -> None:
    content, encoding = CODED[form]
    assert [one.content for one in made(encoded(content, encoding)).parts] == [pdf()]


@given(st.binary(max_size=2000), st.integers(0, 3))
def test_base64_gives_every_byte_back(content: bytes, cut: int) -> None:
    lines = base64.encodebytes(content)
    assert coded.decoded(lines, "base64") == content
    assert content.startswith(coded.decoded(lines[: len(lines) - cut], "base64")[:-3])


def test_files_within_a_text_are_attachments() -> None:
    body = (
        b"Here it is.\r\n\r\nbegin 644 my receipt.pdf\r\n"
        + UU.replace(b"\n", b"\r\n")
        + b"`\r\nend\r\nBye.\r\nbegin 1\r\n"
    )
    result = made(f"{HEADER}{UTF8}\r\n".encode() + body)
    assert [(one.name, one.content) for one in result.parts] == [("my receipt.pdf", pdf())]
    shown = texts(result.pdf)
    assert "Here it is." in shown
    assert "begin 1" in shown
    assert "begin 644" not in shown


def test_one_piece_of_a_mail_is_refused_until_it_comes_whole() -> None:
    piece = HEADER + 'Content-Type: message/partial; id="x@y"; number=2; total=3\r\n\r\nJVBERi0xLjQK\r\n'
    with pytest.raises(Refused) as refused:
        made(piece.encode())
    assert refused.value.code is Code.TRUNCATED


def test_a_text_with_some_broken_letters_is_still_in_its_charset() -> None:
    content = "収入印紙 領収書 合計 1,200円 ".encode("cp932") * 20
    shown = texts(
        made(HEADER.encode() + b"Content-Type: text/plain; charset=shift_jis\r\n\r\n" + content + b"\x81").pdf
    )
    assert "領収書" in shown
