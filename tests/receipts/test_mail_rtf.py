"""RTF bodies are shown with their layout, and as the HTML that they were made of where that is hidden in them."""

from __future__ import annotations

from compressed_rtf import compress
from hypothesis import given
from hypothesis import strategies as st

from receipts.pdfa.mail import rtf
from tests.receipts import mails
from tests.receipts.pdfa_cases import made, texts

HIDDEN = rb"""{\rtf1\ansi\ansicpg1252\fromhtml1 \fbidi \deff0{\fonttbl
{\f0\fswiss\fcharset0 Arial;}{\f1\fmodern Courier;}{\f2\fnil\fcharset128 MS Gothic;}}
{\colortbl\red0\green0\blue0;}{\*\generator Microsoft Exchange Server;}\uc1\pard\plain\deftab360 \f0\fs24
{\*\htmltag19 <html>}{\*\htmltag50 <body>}
{\*\htmltag64 <p style="color:#102030">}\htmlrtf {\b\htmlrtf0 Total \'80 5 {\f2 \'97\'cc} {\*\htmltag84 &lt;}b
{\*\htmltag84 &amp;}c
{\*\mhtmltag84 <img src="http://elsewhere">}{\*\htmltag84 <img src="cid:logo">}\u8364?\u-10179?
\u-8704?\htmlrtf\par}\htmlrtf0
{\*\htmltag72 </p>}\line\tab end{\*\htmltag58 </body>}{\*\htmltag27 </html>}}"""

NATIVE = rb"""{\rtf1\ansi\ansicpg1250\deff0{\fonttbl{\f0 Arial;}}{\info{\author nobody}}\viewkind4\uc1
\pard\qc\f0\fs40 Rachunek\par
\pard\fs24 Za\'bf\'f3\'b3\'e6 {\b grubo {\i i krzywo}} {\v hidden}\line druga\par
\trowd\cellx1000\cellx2000\pard\intbl Taxi\cell\pard\intbl\qr 12,50\cell\row
\trowd\cellx1000\cellx2000\pard\intbl Hotel\cell\pard\intbl\qr 80,00\cell\row
\pard {\field{\*\fldinst{HYPERLINK "http://x"}}{\fldrslt link}}{\pict\wmetafile8 0123}
{\*\unknown gone}\{a\}\~\'7e\emdash\bin4 }}}}x\par}"""


def test_hidden_html_comes_out_as_it_went_in() -> None:
    found = rtf.as_html(HIDDEN)
    assert '<p style="color:#102030">Total € 5 領 &lt;b&amp;c' in found.replace("\n", "")
    assert '<img src="cid:logo">€' in found
    assert "elsewhere" not in found
    assert "Arial" not in found
    assert "\n\tend" in found


def test_other_rtf_keeps_paragraphs_tables_and_faces() -> None:
    found = rtf.as_html(NATIVE)
    assert '<p style="margin: 0; text-align: center"><span style="font-size: 20pt">Rachunek</span></p>' in found
    assert "Zażółć <b>grubo </b><b><i>i krzywo</i></b>" in found
    assert "<br>druga" in found
    assert "<tr><td>Taxi</td><td>12,50</td></tr><tr><td>Hotel</td><td>80,00</td></tr></table>" in found
    assert "link{a}\xa0~—x" in found
    for unseen in ("hidden", "nobody", "HYPERLINK", "0123", "gone"):
        assert unseen not in found


def test_a_message_shows_its_rtf_rather_than_its_plain_text() -> None:
    shown = texts(made(mails.msg("S", "plain words", p10090102=compress(HIDDEN))).pdf)
    assert "Total € 5 領 <b&c" in shown
    assert "😀" in shown
    assert "plain words" not in shown
    made_of_text = rb"{\rtf1\ansi\fromtext \fs20 a  b\par}"
    result = made(mails.msg("S", "a  b", p10090102=compress(made_of_text)))
    assert result.fidelity["body"] == "text"
    assert result.fidelity["characters_without_glyph"] == 0
    assert "Za" in texts(made(mails.msg("S", "", p10090102=compress(NATIVE))).pdf)
    assert "kept" in texts(made(mails.msg("S", "kept", p10090102=b"rubbish that is no RTF at all")).pdf)


@given(
    st.lists(st.sampled_from([HIDDEN, NATIVE, b"{", b"}", b"\\u", b"\\bin99999999 ", b"\\'", b"\\cell\\row", b"\\f9"]))
)
def test_broken_rtf_says_what_it_can(pieces: list[bytes]) -> None:
    content = b"".join(piece[: 40 + 97 * number] for number, piece in enumerate(pieces))
    assert isinstance(rtf.as_html(b"{\\rtf1 words" + content), str)


def test_groups_within_groups_have_an_end() -> None:
    assert "x" in rtf.as_html(b"{" * 100_000 + b"x" + b"}" * 100_000)
