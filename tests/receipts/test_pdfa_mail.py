"""Mails: carried whole, shown without asking anyone anything, with a header that the sender can't paint over."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from receipts.errors import Code, Refused
from receipts.pdfa import Normalised, original_of, typeset
from tasks.isolation import Bounds, isolation
from tests import judge
from tests.receipts.pdfa_cases import LIMITS, facts, made, picture, rendered, texts

LOGO = base64.encodebytes(picture(Image.new("RGB", (40, 40), (200, 0, 0)), "PNG")).decode()


def message(html: str, subject: str = "=?utf-8?q?Re=C3=A7u?=") -> bytes:
    return (
        "From: =?utf-8?q?Caf=C3=A9?= <billing@cafe.example>\r\nTo: Me <me@acme.example>\r\n"
        f"Date: Mon, 23 Nov 2026 12:00:00 +0100\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/related; boundary="B"\r\n\r\n--B\r\nContent-Type: text/html; charset=utf-8\r\n\r\n'
        f"{html}\r\n--B\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        f"{LOGO}\r\n--B--\r\n"
    ).encode()


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A server that notes whoever calls."""
    calls: list[bytes] = []

    class Note(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            calls.append(self.rfile.readline())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Note) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1], calls
        server.shutdown()
        thread.join(5)


def test_nobody_is_called_and_no_file_is_read(listener: tuple[int, list[bytes]]) -> None:
    port, calls = listener
    url = f"http://127.0.0.1:{port}"
    html = (
        f"<html><head><link rel=stylesheet href={url}/a.css><base href='{url}/'>"
        f"<style>@import url({url}/b.css); @font-face{{font-family:f;src:url({url}/f.ttf)}} body{{font-family:f;"
        f"background:url({url}/c.png)}}</style></head><body>Total 12 EUR<img src={url}/d.png><img src=e.png>"
        f"<iframe src={url}/g></iframe><object data={url}/h></object><embed src={url}/i><img src=file:///etc/passwd>"
        f"<svg><image href={url}/j.png width=9 height=9 /><use href='{url}/k.svg#x' /></svg>"
        f"<script>fetch('{url}/l')</script><video poster={url}/m></video></body></html>"
    )
    result = made(message(html))
    laid_out = BytesIO()
    typeset.pages("<p>header</p>", html, {}, LIMITS.pages).pdf.save(laid_out)
    assert calls == []
    assert result.fidelity["outside_content_blocked"] >= 5
    assert "Total 12 EUR" in texts(laid_out.getvalue())
    assert "root:" not in texts(laid_out.getvalue())


def test_header_and_body_are_shown_and_the_message_is_carried() -> None:
    original = message("<p>Merci, 2,50 €</p><img src='cid:logo@x'>")
    result = made(original)
    assert result.route == "mail-body"
    assert original_of(result.pdf) == original
    shown = texts(result.pdf)
    for words in ("Café <billing@cafe.example>", "Me <me@acme.example>", "Mon, 23 Nov 2026", "Reçu", "Merci, 2,50 €"):
        assert words in shown
    colours = rendered(result.pdf).getcolors(1 << 24) or []
    assert any(colour[0] > 180 and max(colour[1:]) < 30 for _, colour in colours)  # the inline picture


def test_the_sender_can_not_paint_over_the_header() -> None:
    plain = rendered(made(message("<p>x</p>")).pdf)
    attack = (
        "<style>@page{margin:0} table,td{display:none!important} body{margin:0}</style>"
        "<div style='position:fixed;top:-500px;left:0;width:900px;height:900px;background:red'>From: boss</div>x"
    )
    attacked = rendered(made(message(attack)).pdf)
    head = (0, 0, plain.width, 110)
    assert attacked.crop(head).tobytes() == plain.crop(head).tobytes()


def test_text_is_shown_when_there_is_no_html() -> None:
    original = (
        b"From: a@b.example\nSubject: caf\xe9\nContent-Type: text/plain; charset=no-such\n\nTotal\xc3\xa9 <b> 5\n"
    )
    shown = texts(made(original).pdf)
    assert "Totalé <b> 5" in shown
    assert "café" in shown


def test_of_alternatives_html_is_shown_once() -> None:
    original = (
        b"From: a@b.example\nDate: x\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=B\n\n"
        b"--B\nContent-Type: text/plain\n\nplain words\n--B\nContent-Type: text/html\n\n<p>rich words</p>\n--B--\n"
    )
    shown = texts(made(original).pdf)
    assert "rich words" in shown
    assert "plain words" not in shown


def test_what_is_attached_is_named() -> None:
    original = (
        b"From: a@b.example\nDate: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
        b"--B\nContent-Type: application/pdf; name=receipt.pdf\nContent-Disposition: attachment\n\nabc\n--B--\n"
    )
    result = made(original)
    assert result.fidelity["attachments"] == 1
    assert "receipt.pdf" in texts(result.pdf)


SCRIPTS = {
    "chinese": "收据 ￥12 元", "japanese": "領収書 ひらがな カタカナ ㈱", "korean": "영수증 합계", "arabic": "إيصال",
    "hebrew": "קבלה", "thai": "ใบเสร็จ", "hindi": "रसीद", "bengali": "রসিদ", "tamil": "ரசீது", "telugu": "రసీదు",
    "kannada": "ರಸೀದಿ", "malayalam": "രസീത്", "gujarati": "રસીદ", "punjabi": "ਰਸੀਦ", "sinhala": "රිසිට්පත",
    "khmer": "បង្កាន់ដៃ", "burmese": "ပြေစာ", "lao": "ໃບຮັບເງິນ", "amharic": "ደረሰኝ", "georgian": "ქვითარი",
    "armenian": "Անդորրագիր", "greek": "Απόδειξη", "russian": "Квитанция", "emoji": "🧾✅👍🏽👨‍👩‍👧🇫🇷☎️",
    "signs": "€ ₹ ₽ ₩ ₪ ₺ ₦ ₫ ₴ ₿ № ™ ①",
    "bold letters of advertisements": "𝗧𝗼𝘁𝗮𝗹",
}  # fmt: skip


def test_every_script_is_shown(tmp_path: Path) -> None:
    written = []
    for script, words in SCRIPTS.items():
        result = made(message(f"<p style='font-family: Arial'>{words} <b>{words}</b> <i>{words}</i></p>", words))
        assert (script, result.fidelity["characters_without_glyph"], result.route) == (script, 0, "mail-body")
        written.append(tmp_path / f"{script}.pdf")
        written[-1].write_bytes(result.pdf)
    verdicts = judge.verapdf(written)
    assert [path for path in map(str, written) if not verdicts[path]["compliant"]] == []
    assert "収書" in texts(written[1].read_bytes())  # not the radical that a face has the same glyph for


def test_the_list_marks_of_word_are_shown_as_what_they_are() -> None:
    result = made(message("<p><span style='font-family: Symbol'>&#61623;</span> one</p><p>\uf0d8 two</p>"))
    assert result.fidelity["characters_without_glyph"] == 0
    assert "• one" in texts(result.pdf)


def test_characters_that_no_font_has_are_counted_and_said_on_the_page() -> None:
    result = made(message("<p>&#xE000;\ue001\ue001\U00012000 ok\u200d\ufe0f</p>"))
    assert result.fidelity["characters_without_glyph"] == 3
    assert result.route == "mail-body"
    shown = texts(result.pdf)
    assert "\ufffd\ufffd\ufffd\ufffd ok" in shown
    assert "3 characters" in shown


@pytest.mark.parametrize("levels", [60, 3000])
def test_parts_within_parts_have_an_end(levels: int) -> None:
    original = b"From: a@b.example\nDate: x\nMIME-Version: 1.0\n"
    for depth in range(levels):
        original += b"Content-Type: multipart/mixed; boundary=B%d\n\n--B%d\n" % (depth, depth)
    with pytest.raises(Refused) as refused:
        made(original + b"Content-Type: text/plain\n\nx\n")
    assert refused.value.code == Code.HOSTILE


def test_nothing_in_it_acts() -> None:
    result = made(message("<a href='https://example.org'>x</a><form action=/x><input value=y></form>"))
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        assert all("/Annots" not in page.obj and "/AA" not in page.obj for page in pdf.pages)
        assert "/OpenAction" not in pdf.Root


HURTFUL = [
    ("<div>" * 50_000, Code.HOSTILE),
    ("<svg>" + "<g>" * 50_000, Code.HOSTILE),
    ("<style>" + "@media print{" * 50_000, Code.HOSTILE),
    ("<p style='width: " + "calc(" * 100_000, Code.HOSTILE),
    ("<svg>" + "".join(f"<g id=a{n}>" + f"<use href='#a{n - 1}'/>" * 9 + "</g>" for n in range(9)), Code.HOSTILE),
    ("<svg>" + "".join(f"<mask id=m{n}>" + f"<rect mask='url(#m{n + 1})' />" * 2 for n in range(25)), Code.HOSTILE),
    ("<td colspan=100000000>", Code.HOSTILE),
    ("<table>" + "<tr><td rowspan='1000' colspan=1000>" * 300, Code.TOO_COSTLY),
    ("<table>" + "<tr><td colspan=1000 rowspan=0>" * 300, Code.TOO_COSTLY),
    ("<style>" + ":nth-child(2n) ~ p {}" * 2000 + "</style>" + "<p>" * 2000, Code.TOO_COSTLY),
    ("<p>" * 600_000, Code.TOO_COSTLY),
    ("<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">", Code.HOSTILE),
    (f"<style>p::before {{ content: '{'x' * 20_000}' }}</style>" + "<p>" * 3000, Code.TOO_COSTLY),
    ("<" * 2_000_000, Code.TOO_MANY_PAGES),
]


@pytest.mark.parametrize(("html", "code"), HURTFUL, ids=[f"{html[:24]} {code}" for html, code in HURTFUL])
def test_html_that_would_hurt_the_renderer_is_refused(html: str, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        made(message(f"{html} x"))
    assert refused.value.code == code


@pytest.mark.parametrize("sheet", ["", "<style>td:nth-child(2n), li ~ li { color: black }</style>"])
def test_html_that_only_looks_like_it_is_shown(sheet: str) -> None:
    table = "".join(f"<tr><td rowspan=2 colspan=3>:( {n}<td>b<tr><td>c" for n in range(800))
    assert made(message(f"{sheet}<table>{table}</table>")).fidelity["tables_as_blocks"] is False


def test_tables_too_deep_within_each_other_are_still_readable() -> None:
    result = made(message("<table><tr><td>" * 300 + "Total 7 EUR"))
    assert result.fidelity["tables_as_blocks"] is True
    assert "Total 7 EUR" in " ".join(texts(result.pdf).split())


def test_endless_headers_are_cut_in_what_is_shown() -> None:
    many = ", ".join(f"someone{number}@acme.example" for number in range(20_000))
    original = f"From: a\0b@c.example\r\nTo: {many}\r\n{'Cc: x@y.example' + chr(13) + chr(10)}\r\nTotal\r\n".encode()
    result = made(original)
    assert result.pages == 1
    assert "…" in texts(result.pdf)
    assert original_of(result.pdf) == original


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Type: text/plain" + ";" * 2_000_000,
        "Content-Type: text/plain; " + "; ".join(f"a{number}=b" for number in range(100_000)),
        "Cc: " + "=?utf-8?q?=41?= " * 200_000,
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n"
        + "\r\n--B\r\n\r\nx" * 10_000
        + "\r\n--B\r\n",
    ],
    ids=lambda fields: fields[:26],
)
def test_endless_fields_and_parts_are_read_within_the_bounds_of_a_process(fields: str) -> None:
    original = f"From: a@b.example\r\nDate: x\r\n{fields}\r\n\r\nTotal 5 EUR\r\n".encode()
    result, _ = isolation(Bounds(cpu_s=60)).measure(original, facts(original), LIMITS)
    assert isinstance(result, Normalised), result
    assert "Total 5 EUR" in texts(result.pdf, result.pages - 1)


def test_a_body_shows_as_on_a_screen() -> None:
    hidden = (
        "<p style='display:none'>preheader</p><p style='font-size:0'>zero</p><p style='visibility:hidden'>unseen</p>"
    )
    media = "<style>@media print { .a { display: none } } @media screen { .b { display: none } }</style>"
    shown = texts(made(message(f"{media}{hidden}<p class=a>Total 5</p><p class=b>only on paper</p>")).pdf)
    assert "Total 5" in shown
    for unseen in ("preheader", "zero", "unseen", "only on paper"):
        assert unseen not in shown


def test_what_is_wider_than_a_page_is_not_cut_off() -> None:
    wide = made(message("<table width=1200><tr><td>left<td align=right>Total 12,50</table>"))
    assert 50 <= int(str(wide.fidelity["scale_percent"])) < 65
    page = rendered(wide.pdf, dpi=100)
    right = page.crop((page.width - 200, 150, page.width - 40, 400))
    assert right.convert("L").getextrema()[0] < 128  # the right end of the table is on the page
    long = made(message(f"<table><tr><td>{'x' * 3000}<td>Total</table><pre>{'y' * 3000}</pre><p nowrap>{'z ' * 900}"))
    assert long.fidelity["scale_percent"] == 100
    assert made(message("<p>short")).fidelity["scale_percent"] == 100


def test_what_was_quoted_many_times_fits_on_the_page() -> None:
    quoted = made(message("".join(f"<blockquote>answer {number}" for number in range(60))))
    assert (quoted.fidelity["scale_percent"], quoted.fidelity["hidden_text"]) == (100, "")


def test_pictures_keep_their_shape_and_fit_on_a_page() -> None:
    result = made(message("<img src='cid:logo@x' width=3000 height=100><img src='cid:logo@x' width=9 height=90000>end"))
    assert result.pages <= 2
    page = rendered(result.pdf, dpi=72).crop((0, 150, 595, 400))
    red = page.point(lambda v: v).convert("RGB").split()[2].point(lambda v: 255 if v < 30 else 0).getbbox()
    assert red is not None
    assert red[2] - red[0] <= 110  # a square logo stays one, however wide its sender wants it


def test_a_picture_from_outside_shows_the_words_given_for_it() -> None:
    shown = texts(
        made(message("<p>Thanks<img src='https://shop.example/logo.png' alt='Shop & Sons' width=90></p>")).pdf
    )
    assert "Shop & Sons" in shown


@pytest.mark.parametrize("trap", ["<!-- ", "<style>", "<div style='display:none'>", "<style>pre{display:none}</style>"])
def test_no_part_of_a_body_hides_another(trap: str) -> None:
    parts = ((f"<p>one</p>{trap}", "html"), ("two", "plain"), ("<p>three</p>", "html"))
    body = "".join(f"--B\r\nContent-Type: text/{kind}\r\n\r\n{words}\r\n" for words, kind in parts)
    header = "From: a@b.example\r\nDate: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
    result = made(f"{header}{body}--B--\r\n".encode())
    everything = "".join(texts(result.pdf, page) for page in range(result.pages))
    for words in ("one", "two", "three"):
        assert words in everything


def test_style_sheets_that_refer_to_themselves_come_to_an_end() -> None:
    circle = ":root { --a: var(--b); --b: var(--a) } p { color: var(--a) }"
    doubling = "".join(f":root {{ --v{n}: var(--v{n + 1}) var(--v{n + 1}) }}" for n in range(60))
    html = f"<style>{circle}{doubling} div {{ font-family: var(--v0) }}</style><p>Total</p><div>5 EUR</div>"
    assert "5 EUR" in texts(made(message(html)).pdf)


@pytest.mark.parametrize(
    "content",
    ["<" * 400_000, "word " * 200_000, "&#x" * 40_000, "<b>x</b>" * 60_000],
    ids=["tags", "line", "entities", "elements"],
)
@pytest.mark.parametrize("kind", ["html", "plain"])
def test_words_without_end_are_shown_within_the_bounds_of_a_process(content: str, kind: str) -> None:
    original = f"From: a@b.example\r\nDate: x\r\nContent-Type: text/{kind}\r\n\r\n{content}".encode()
    result, _ = isolation(Bounds()).measure(original, facts(original), LIMITS)
    assert isinstance(result, Normalised), result
