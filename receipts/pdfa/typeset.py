"""HTML -> pages, by PlutoPrint: no network, no files, no scripts, and only the fonts that come with this package."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Final
from urllib.parse import unquote

import pikepdf
import plutoprint
import pypdfium2
from pikepdf import Dictionary, Name, Pdf, pdfa
from PIL import Image, UnidentifiedImageError

from receipts.errors import Code, Refused
from receipts.pdfa import sober, typefaces

RENDERER: Final = f"PlutoPrint {plutoprint.__version__}, PlutoBook {plutoprint.plutobook_version_string()}"
_MARGINS: Final = plutoprint.PAGE_MARGINS_NARROW
_A4: Final = plutoprint.PAGE_SIZE_A4
_PIXELS_MOST: Final = 25_000_000  # shown in a text at some inches; a larger one stays in the message
_PX_PT: Final = 0.75  # CSS: 96 px are 72 pt
_RADICAL: Final = re.compile(rb"(?<=> )<(2[ef][0-9a-f]{2})>(?=\n)", re.IGNORECASE)
_NO_TABLES: Final = "table, caption, thead, tbody, tfoot, tr, td, th { display: block !important }"
_STYLE: Final = (
    "@page { size: A4; margin: 36pt } pre { white-space: pre-wrap } body { overflow-wrap: break-word }"
    "img { max-width: 100%; max-height: 720pt; object-fit: contain }"
    "img:not([src^='cid:']):not([src^='data:']):not([width='1']):not([height='1']) {"
    " display: inline-block; outline: 0.5pt solid #999999; background-color: #eeeeee; font: 8pt sans-serif }"
)
_QUOTES: Final = (
    f"{'blockquote ' * 5} {{ margin-left: 4pt !important; margin-right: 0 !important; padding-left: 2pt !important }}"
    f"{'blockquote ' * 40} {{ margin-left: 0 !important; padding-left: 0 !important; border-left: 0 !important }}"
)
"""What is quoted in quotes stands further right, up to a point: else it would not fit on the page."""
_WIDEST: Final = 2.0  # of the page; what is wider than this would be too small to read once it fits
_WRAPPED: Final = "[nowrap], [style*=nowrap] { white-space: normal !important }"
_NO_TAG: Final = re.compile(r"<(?![a-zA-Z/!?])")  # the renderer's memory grows by the square of their number
_RAW: Final = re.compile(r"(</?(?:style|script|title|textarea)\b)", re.IGNORECASE)
_LONG: Final = re.compile(r"<[^<>]*>|&[^;\s]{1,32};|[^\s<>&]{40}")


class Inside(plutoprint.ResourceFetcher):
    """Gives the pictures that lie in the message itself, and nothing for everything else that is asked for.

    Instead of a picture from outside its grey place is shown, with the words that its sender gave it for that case.
    """

    def __init__(self, inline: Mapping[str, tuple[str, bytes]]) -> None:
        super().__init__()
        self.inline = inline
        self.blocked: set[str] = set()

    def fetch_url(self, url: str) -> plutoprint.ResourceData:
        """A picture of the message by its address (RFC 2392, RFC 2557); never anything from outside of it."""
        known = unquote(url) if url.startswith("cid:") else url
        media_type, content = self.inline.get(known, ("", b""))
        if content and _is_picture(content):
            return plutoprint.ResourceData(content, media_type)
        self.blocked.add(url)
        return plutoprint.ResourceData(b"", "image/png")


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Rendered HTML.

    Attributes:
        pdf: The pages, fit for PDF/A-3.
        blocked: How many things outside the message it asked for, in vain.
        without_glyph: How many different characters the fonts lack; they show as U+FFFD.
        tables_as_blocks: Whether tables lay too deep within each other to be laid out as such.
        scale_percent: How large the pages are shown, so that what is wider than a page is not cut off.
        is_blank: Whether the body shows neither text nor picture.
        body: The pages without the strip, as a file.
    """

    pdf: Pdf
    blocked: int
    without_glyph: int
    tables_as_blocks: bool
    scale_percent: int
    is_blank: bool
    body: bytes


def pages(header: str, body: str, inline: Mapping[str, tuple[str, bytes]], pages_most: int) -> Pages:
    """Pages that show `header` in a strip above the first page of `body`, where nothing in `body` can reach.

    Args:
        header: HTML of our own.
        body: HTML of the sender.
        inline: Pictures of the message by address (`cid:...`): (media type, bytes).
        pages_most: How many pages we accept.

    Returns:
        The pages, made fit for PDF/A-3, and what is to be said of them.

    Raises:
        Refused: TOO_MANY_PAGES, HOSTILE, or DAMAGED if it can't be rendered.
    """
    typefaces.load()
    fetcher = Inside(inline)
    missing = typefaces.without_glyph(header + body)
    header, body = typefaces.replaced(header, missing), typefaces.replaced(body, missing)
    body = _NO_TAG.sub("&lt;", body)
    tables = sober.check(body)
    body = sober.eased(body)
    try:
        top = _strip(header)
        book = _laid_out(body, fetcher, _STYLE + _QUOTES if tables else _STYLE + _QUOTES + _NO_TABLES)
        if book.get_page_count() > pages_most:
            raise Refused(
                Code.TOO_MANY_PAGES, f"mail with {book.get_page_count()} pages where {pages_most} are still accepted"
            )
        strip, shown = BytesIO(), BytesIO()
        top.write_to_pdf_stream(strip)
        book.write_to_pdf_stream(shown)
    except plutoprint.Error as error:
        raise Refused(Code.DAMAGED, f"mail that can't be rendered: {error}"[:200]) from error
    pdf = _made_fit(pikepdf.open(shown))
    _put_above(pdf, _made_fit(pikepdf.open(strip)))
    return Pages(
        pdf=pdf,
        blocked=len(fetcher.blocked),
        without_glyph=len(missing),
        tables_as_blocks=not tables,
        scale_percent=min(100, round(100 / _overflow(book))),
        is_blank=_is_blank(shown.getvalue()),
        body=shown.getvalue(),
    )


def _strip(header: str) -> plutoprint.Book:
    """One page as high as what it shows."""
    top = _book(_A4, plutoprint.MEDIA_TYPE_PRINT)
    top.load_html(header, user_style=_STYLE)
    height = top.get_document_height() * _PX_PT + 36
    top = _book(plutoprint.PageSize(_A4.width, height), plutoprint.MEDIA_TYPE_PRINT)
    top.load_html(header, user_style=_STYLE.replace("size: A4; margin: 36pt", "margin: 36pt 36pt 0"))
    return top


def _laid_out(body: str, fetcher: Inside, style: str) -> plutoprint.Book:
    """As a mail program shows it on its screen; PlutoBook makes what is too wide smaller until it fits on the page."""
    book = _book(_A4, plutoprint.MEDIA_TYPE_SCREEN, fetcher)
    book.load_html(body, user_style=style)
    if _overflow(book) > _WIDEST:
        book = _book(_A4, plutoprint.MEDIA_TYPE_SCREEN, fetcher)
        book.load_html(_breakable(body), user_style=style + _WRAPPED)
    return book


def _breakable(body: str) -> str:
    """HTML in which words without end may be broken, also where a table would rather grow."""
    pieces, is_raw = _RAW.split(body), False
    for number, piece in enumerate(pieces):
        if number % 2:
            is_raw = not piece.startswith("</")
        elif not is_raw:
            pieces[number] = _LONG.sub(lambda word: word[0] + ("" if word[0][0] in "<&" else "<wbr>"), piece)
    return "".join(pieces)


def _book(size: plutoprint.PageSize, medium: plutoprint.MediaType, fetcher: Inside | None = None) -> plutoprint.Book:
    book = plutoprint.Book(size, _MARGINS, medium)
    book.custom_resource_fetcher = fetcher or Inside({})
    return book


def _overflow(book: plutoprint.Book) -> float:
    """How many times as wide as the page what is shown is."""
    return max(1.0, float(book.get_document_width()) / (float(book.get_viewport_width()) + 1))


def sheet(body: str) -> Pdf:
    """One or more A4 pages of our own words in HTML, fit for PDF/A-3; what the fonts lack shows as U+FFFD."""
    typefaces.load()
    shown = BytesIO()
    body = typefaces.replaced(body, typefaces.without_glyph(body))
    book = _book(_A4, plutoprint.MEDIA_TYPE_PRINT)
    book.load_html(body, user_style=_STYLE)
    book.write_to_pdf_stream(shown)
    return _made_fit(pikepdf.open(shown))


def line(words: str, size_pt: float) -> bytes:
    """A PDF whose one page is a line of our own words, no larger than that, its font embedded.

    Args:
        words: The line; what the fonts lack shows as U+FFFD.
        size_pt: Size of the letters.
    """
    typefaces.load()
    words = html.escape(words)
    body = f'<p id="line">{typefaces.replaced(words, typefaces.without_glyph(words))}</p>'
    style = f"p {{ font: {size_pt}pt sans-serif; color: #444444; white-space: nowrap; margin: 0 }}"
    book = plutoprint.Book(plutoprint.PageSize(1, 1), plutoprint.PAGE_MARGINS_NONE, plutoprint.MEDIA_TYPE_SCREEN)
    book.load_html(body, user_style=f"body {{ margin: 0; width: max-content }} {style}")
    width, height = book.get_document_width() * _PX_PT, book.get_document_height() * _PX_PT
    shown, written = BytesIO(), BytesIO()
    size = plutoprint.PageSize(math.ceil(width) + 1, math.ceil(height))
    book = plutoprint.Book(size, plutoprint.PAGE_MARGINS_NONE, plutoprint.MEDIA_TYPE_PRINT)
    book.load_html(body, user_style=f"@page {{ margin: 0 }} body {{ margin: 0 }} {style}")
    book.write_to_pdf_stream(shown)
    _made_fit(pikepdf.open(shown)).save(written, deterministic_id=True)
    return written.getvalue()


def is_certain(pdf: Pdf) -> bool:
    """Whether pikepdf's allow-list validator is certain that these pages can stand in a PDF/A-3b file."""
    copy = BytesIO()
    pdf.save(copy)
    try:
        with pikepdf.open(copy) as candidate:
            pdfa.save(candidate, BytesIO(), "3b")
    except pdfa.PdfaError:
        return False
    return True


def text(content: str) -> str:
    """Plain text as HTML."""
    return f'<pre style="font: 9pt monospace">{html.escape(content)}</pre>'


def _is_blank(pdf: bytes) -> bool:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return not any(_shows_something(page) for page in document)
    finally:
        document.close()


def _shows_something(page: pypdfium2.PdfPage) -> bool:
    if page.get_textpage().get_text_bounded().strip():
        return True
    return any(True for _ in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]))


def _is_picture(content: bytes) -> bool:
    try:
        with Image.open(BytesIO(content), formats=("JPEG", "PNG", "GIF", "WEBP")) as image:
            return image.width * image.height <= _PIXELS_MOST
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return False


def _made_fit(pdf: Pdf) -> Pdf:
    """What PlutoBook and cairo leave to do for PDF/A-3: pages only, inert, with every glyph mapping stated."""
    for key in set(pdf.Root.keys()) - {"/Type", "/Pages"}:
        del pdf.Root[key]
    for page in pdf.pages:
        for key in ("/Annots", "/StructParents", "/Tabs", "/AA"):
            if key in page.obj:
                del page.obj[key]  # links are in the attached message; here they are only shown
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Stream) and "/Interpolate" in thing:
            thing.Interpolate = False  # ISO 19005-3 6.2.8
        if isinstance(thing, Dictionary) and thing.get("/Subtype") == Name.CIDFontType2:
            thing.CIDToGIDMap = Name.Identity  # ISO 19005-3 6.2.11.3.2; cairo means it and doesn't say it
        if isinstance(thing, Dictionary) and isinstance(mapping := thing.get("/ToUnicode"), pikepdf.Stream):
            mapping.write(_RADICAL.sub(_written, mapping.read_bytes()))
    return pdf


def _written(radical: re.Match[bytes]) -> bytes:
    """The character that is written in words: a face has the same glyph for it and for the radical it is called by."""
    character = unicodedata.normalize("NFKC", chr(int(radical.group(1), 16)))
    return b"<%04x>" % ord(character)


def _put_above(pdf: Pdf, strip: Pdf) -> None:
    """Lengthen the first page and show the strip in the room above it."""
    first, top = pdf.pages[0], strip.pages[0]
    left, bottom, right, upper = (float(edge) for edge in first.mediabox)
    height = float(top.mediabox[3]) - float(top.mediabox[1])
    first.obj.MediaBox = pikepdf.Array([left, bottom, right, round(upper + height, 3)])
    form = pdf.copy_foreign(top.as_form_xobject())
    first.add_resource(form, Name.XObject, Name.ProbantHeader)  # a name of its own choice would be random
    first.contents_add(
        f"q {left:.3f} {bottom:.3f} {right - left:.3f} {upper - bottom:.3f} re W n".encode(), prepend=True
    )
    first.contents_add(f"Q q 1 0 0 1 {left:.3f} {upper:.3f} cm /ProbantHeader Do Q".encode())
