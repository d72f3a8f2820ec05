"""PDF: kept as it is if it is PDF/A already, else carried whole as associated file with its pages shown.

The pages are shown as they are if they can be made fit for PDF/A-3 without a change to their looks, else as rendered
without loss. Signatures, scripts, forms and files inside keep their bytes in the original and are inert in what is
shown: docs/adr/0008.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from types import MappingProxyType
from typing import Final

import pikepdf
import pypdfium2

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import inside, kept, locked, render, repair, signed, whole, xmp
from receipts.pdfa.invoice import Structured, packet_of, structured_in
from receipts.pdfa.model import Shown
from receipts.policy import Limits

_UNREADABLE: Final = (
    pikepdf.PdfError, pikepdf.DeletedObjectError, pikepdf.ForeignObjectError, pikepdf.QpdfRuntimeError,
    pypdfium2.PdfiumError, UnicodeError, OverflowError,
)  # fmt: skip
_ADDRESS: Final = re.compile(r"stream <[^>]*>:? ?")
_KEPT: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "claim": "original-is-prefix",
        "shown": "the original itself, kept as it is",
        "proved_by": repair.VALIDATOR,
    }
)
_REPAIRED: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "claim": "original-attached",
        "shown": "the pages of the original, their structure made fit for PDF/A-3",
        "pixels": "equal to those of the original",
        "compared_by": render.RENDERER,
        "compared_dpi": repair.COMPARED_DPI,
        "proved_by": repair.VALIDATOR,
    }
)
_PICTURES: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "claim": "original-attached",
        "shown": "pages rendered, stored without loss",
        "rendered_by": render.RENDERER,
    }
)


def show(original: bytes, limits: Limits) -> Shown:
    """The original itself, its pages repaired, or each page as one picture.

    Raises:
        Refused: ENCRYPTED, TRUNCATED, DAMAGED, NO_CONTENT, TOO_MANY_PAGES, TOO_MANY_PIXELS, TOO_COSTLY or HOSTILE.
    """
    try:
        return _shown(original, limits)
    except RecursionError as error:
        raise Refused(Code.HOSTILE, "PDF of things within things, deeper than anything genuine") from error
    except _UNREADABLE as error:
        raise Refused(_reason(original, error), _detail(error)) from error


def _shown(original: bytes, limits: Limits) -> Shown:
    readable, opened = _read(original)
    was_repaired = bool(opened.get_warnings())
    pages = _count(original, opened, limits)
    was_repaired |= bool(opened.get_warnings())
    if was_repaired and not _has_end(original):
        raise Refused(Code.TRUNCATED, "PDF without its end")
    doubtful = _check_whole(original, opened, limits)
    found, invoice = inside.found_in(opened), structured_in(opened)
    was_repaired |= bool(opened.get_warnings())  # that has read every object
    if readable is not original:
        found, invoice = {**found, "encrypted-file": 1}, None  # nobody can read the files inside
    source = _to_render(readable, opened, pages)
    with _rendering(source, original) as document:
        if len(document) > limits.pages:
            raise Refused(Code.TOO_MANY_PAGES, f"{len(document)} pages, at most {limits.pages} are accepted")
        render.check_pictures(document, doubtful)
        said: dict[str, Json] = {
            "version": opened.pdf_version,
            "claims": xmp.claim(packet_of(opened)),
            "was_repaired_to_read": was_repaired,
            "found": {**found},
            "structured_invoice": None if invoice is None else invoice.kind,
            "blank_pages": [*render.blank_pages(document, limits)],
        }
        if readable is original and not was_repaired and signed.can_be_kept(original, opened, found):
            return Shown(pdf=opened, route=signed.SIGNED, fidelity={**_KEPT, **said}, is_signed=True)
        if readable is original and not was_repaired and (invoice is None or invoice.namespace):
            packet = kept.packet_to_go_on_from(original, opened, frozenset(found))
            if packet is not None:
                fidelity = {**_KEPT, **said}
                return Shown(pdf=opened, route="pdf-kept", fidelity=fidelity, kept=packet, invoice=invoice)
        shown = repair.repaired(readable, document, limits)
    pictures = partial(_pictures, source, original, said, invoice, limits)
    if shown is None:
        return pictures()
    return Shown(pdf=shown, route="pdf-repaired", fidelity={**_REPAIRED, **said}, invoice=invoice, otherwise=pictures)


def _pictures(
    source: bytes, original: bytes, said: Mapping[str, Json], invoice: Structured | None, limits: Limits
) -> Shown:
    pdf = pikepdf.new()
    with _rendering(source, original) as document:
        dpi = render.add_pages(pdf, document, limits)
    return Shown(pdf=pdf, route="pdf-rendered", fidelity={**_PICTURES, "dpi": dpi, **said}, invoice=invoice)


def _read(original: bytes) -> tuple[bytes, pikepdf.Pdf]:
    """What can be read without a password, the original in most cases, and the same, opened."""
    try:
        return original, _open(original)
    except pikepdf.PasswordError as error:
        readable = locked.readable(original)
        if readable is None:
            raise Refused(Code.ENCRYPTED, "PDF that asks for a password to be opened") from error
        return readable, _open(readable)
    except pikepdf.PdfError as error:
        raise Refused(_reason(original, error), _detail(error)) from error


def _open(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(pdf), suppress_warnings=True, inherit_page_attributes=False)


def _count(original: bytes, opened: pikepdf.Pdf, limits: Limits) -> int:
    try:
        inside.check_page_tree(opened, limits.pages)
        inside.check_fields(opened)
        return len(opened.pages)
    except pikepdf.PdfError as error:
        raise Refused(_reason(original, error), _detail(error)) from error


def _check_whole(original: bytes, opened: pikepdf.Pdf, limits: Limits) -> list[int]:
    """Refuse a file of which a page would show less than was in it; the numbers of pages to be looked at further."""
    try:
        return whole.check(opened, limits)
    except whole.Missing as error:
        code = Code.DAMAGED if _has_end(original) else Code.TRUNCATED
        raise Refused(code, f"PDF, {error}"[:200]) from error


def _to_render(original: bytes, opened: pikepdf.Pdf, pages: int) -> bytes:
    """The original, or a copy by qpdf where PDFium would show fewer of its pages, or none."""
    try:
        with _rendering(original, original) as document:
            if len(document) >= pages:
                return original
    except Refused as refused:
        if refused.code is Code.ENCRYPTED:
            raise
    copy = BytesIO()
    opened.save(copy)
    return copy.getvalue()


def _has_end(original: bytes) -> bool:
    """Whether the last end of file is the file's; padding may follow it, but objects are of an update that was cut."""
    end = original.rfind(b"%%EOF")
    return end >= 0 and b" obj" not in original[end:]


def _reason(original: bytes, error: Exception) -> Code:
    if "encrypt" in str(error).lower() or "password" in str(error).lower():
        return Code.ENCRYPTED
    return Code.DAMAGED if _has_end(original) else Code.TRUNCATED


def _detail(error: Exception) -> str:
    """What the parser says, without where the bytes lay in memory."""
    return f"PDF: {_ADDRESS.sub('', str(error))}"[:200]


@contextmanager
def _rendering(source: bytes, original: bytes) -> Iterator[pypdfium2.PdfDocument]:
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        raise Refused(_reason(original, error), _detail(error)) from error
    try:
        document.init_forms()
        yield document
    finally:
        document.close()
