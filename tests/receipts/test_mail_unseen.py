"""What the HTML of a mail hides is told in the provenance; a picture that it hides is shown all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from receipts.pdfa import Normalised
from tests import judge
from tests.receipts.mails import multipart, part, photo, text
from tests.receipts.pdfa_cases import made, rendered, texts
from tests.receipts.test_pdfa_mail import SCRIPTS, message

PICTURE = photo(600, 380, "PNG")
COVER = "<div style='position:absolute;top:0;left:0;width:900px;height:900px;background:#fff'></div>"


def with_picture(html: str) -> Normalised:
    picture = part(PICTURE, "image/png", "Content-ID: <till@x>", "Content-Disposition: inline")
    return made(multipart(text(f"<p>Total 5 EUR</p>{html}", "html"), picture, kind="related"))


@pytest.mark.parametrize(
    "hiding",
    [
        "display:none", "visibility:hidden", "opacity:0", "color:white", "color:#fefefe", "font-size:0",
        "font-size:1px", "position:absolute;left:-9999px", "text-indent:-9999px",
        "display:block;height:0;overflow:hidden",
    ],
)  # fmt: skip
def test_hidden_text_is_told(hiding: str) -> None:
    result = made(message(f"<p>Total 12,50 EUR, thanks</p><p style='{hiding}'>Total 99 EUR</p>"))
    assert (result.fidelity["hidden_text"], result.fidelity["hidden_text_characters"]) == ("Total 99 EUR", 12)


def test_covered_text_is_told() -> None:
    result = made(message(f"<div style='position:relative'><p>Total 99 EUR</p>{COVER}</div>"))
    assert result.fidelity["hidden_text"] == "Total 99 EUR"


def test_text_that_everybody_sees_is_not_hidden() -> None:
    long = " ".join(f"item{number} {number},00" for number in range(3000))
    html = (
        f"<!-- note --><style>p {{ color: black }}</style><title>x</title><p style='text-transform:uppercase'>straße"
        f"<p style='letter-spacing:4px'>spaced out</p><p style='font-size:5px;color:#999'>small print</p>"
        f"<div style='background:black;color:white'>white on black</div><table><tr><td>a &amp; b<td>{long}</table>"
    )
    assert made(message(html)).fidelity["hidden_text_characters"] == 0


def test_text_in_every_script_is_seen() -> None:
    html = "".join(f"<p>{words} <b>{words}</b> total 12</p>" for words in SCRIPTS.values())
    assert made(message(html)).fidelity["hidden_text"] == ""


@pytest.mark.parametrize(
    ("plain", "unseen"),
    [
        ("Total 12,50 EUR", []), ("Total 99,00 EUR and 12.50", ["99,00"]),
        ("1.234,56 and 7.00 twice 7.00", ["1.234,56", "7.00"]),
        ("see http://a.example/1/22.33/x?v=1.20 on 23.11.2026 at 12:30, v1.2.34", []),
    ],
)  # fmt: skip
def test_amounts_that_only_the_other_alternative_has_are_told(plain: str, unseen: list[str]) -> None:
    result = made(multipart(text(plain), text("<p>Total 12,50 EUR", "html"), kind="alternative"))
    assert result.fidelity["amounts_not_shown"] == unseen


def test_an_alternative_without_words_is_no_reason_to_show_nothing() -> None:
    for empty in (
        "<html><body></body></html>",
        "<p>&nbsp;</p><img src='http://shop.example/all.png' width=90 height=50>",
    ):
        result = made(multipart(text("Total 5 EUR"), text(empty, "html"), kind="alternative"))
        assert "Total 5 EUR" in "".join(texts(result.pdf, page) for page in range(result.pages))


def test_more_pages_than_are_looked_at_are_said_to_be_so() -> None:
    assert made(message("<p>one</p>" * 2500)).fidelity["hidden_text_characters"] is None


@pytest.mark.parametrize(
    "html",
    [
        "<img src='cid:till@x' style='display:none'>", "<img src='cid:till@x' width=0 height=0>",
        "<img src='cid:till@x' width=8>", "<img src='cid:till@x' style='margin-left:-2000px'>",
        "<img src='cid:till@x' style='opacity:0'>", "<!-- <img src='cid:till@x'> -->",
        f"<div style='position:relative'><img src='cid:till@x'>{COVER}</div>",
    ],
)  # fmt: skip
def test_a_hidden_picture_is_shown_after_the_text(html: str) -> None:
    result = with_picture(html)
    assert (result.parts, result.fidelity["hidden_pictures_shown"]) == ((), 1)
    assert "pictures that the text refers to and hides: 1" in texts(result.pdf, result.pages - 1)
    page = rendered(result.pdf, result.pages - 1).crop((40, 100, 400, 300))
    assert page.convert("L").getextrema()[0] < 100


@pytest.mark.parametrize(
    "html",
    [
        "<img src='cid:till@x'>",
        "<img src='cid:till@x' width=150>",
        "<table width=1500><td><img src='cid:till@x'></table>",
    ],
)
def test_a_picture_that_everybody_sees_is_shown_once(html: str) -> None:
    result = with_picture(html)
    assert (result.fidelity["hidden_pictures_shown"], result.pages) == (0, 1)


def test_tracking_pixels_and_icons_stay_hidden() -> None:
    icon = part(photo(40, 40, "PNG"), "image/png", "Content-ID: <i@x>", "Content-Disposition: inline")
    html = "<p>Total 5 EUR</p><img src='cid:i@x' style='display:none'>"
    assert made(multipart(text(html, "html"), icon, kind="related")).fidelity["hidden_pictures_shown"] == 0


def test_the_page_of_hidden_pictures_conforms(tmp_path: Path) -> None:
    path = tmp_path / "hidden.pdf"
    path.write_bytes(with_picture("<img src='cid:till@x' style='display:none'>").pdf)
    assert judge.verapdf([path])[str(path)]["compliant"]
