"""PDF: carried whole and untouched as associated file; its pages are shown as rendered without loss.

Signatures, scripts, forms and files inside keep their bytes in the original and are inert in what is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final

import pikepdf
import pypdfium2
from pikepdf import Array, Dictionary, Name

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import render
from receipts.pdfa.model import Shown
from receipts.policy import Limits

_TAIL: Final = 2048
_FIELDS_MOST: Final = 1000


def show(original: bytes, limits: Limits) -> Shown:
    """The pages of the PDF, each as one picture.

    Raises:
        Refused: ENCRYPTED, TRUNCATED, DAMAGED, NO_CONTENT or TOO_MANY_PAGES.
    """
    found = _look_into(original)
    pdf = pikepdf.new()
    with _opened(original) as document:
        if len(document) > limits.pages:
            raise Refused(Code.TOO_MANY_PAGES, f"{len(document)} pages, at most {limits.pages} are accepted")
        dpi = render.add_pages(pdf, document, limits)
    fidelity: dict[str, Json] = {
        "claim": "original-attached",
        "shown": "pages rendered, stored without loss",
        "rendered_by": render.RENDERER,
        "dpi": dpi,
        **found,
    }
    return Shown(pdf=pdf, route="pdf-rendered", fidelity=fidelity)


def _look_into(original: bytes) -> dict[str, Json]:
    """What is inside that pages don't show: yes or no, never in the sender's words."""
    try:
        with pikepdf.open(BytesIO(original), suppress_warnings=True) as opened:
            root, was_repaired = opened.Root, bool(opened.get_warnings())
            if not len(opened.pages):
                raise Refused(Code.NO_CONTENT, "PDF without a page")
            form, names = _dictionary(root.get("/AcroForm")), _dictionary(root.get("/Names"))
            fields = form.get("/Fields")
            found: dict[str, Json] = {
                "version": opened.pdf_version,
                "is_encrypted_for_owner": opened.is_encrypted,
                "was_repaired_to_read": was_repaired,
                "is_signed": _is_signed(fields),
                "has_form": isinstance(fields, Array) and len(fields) > 0,
                "has_xfa": "/XFA" in form,
                "has_action": "/OpenAction" in root or "/AA" in root or "/JavaScript" in names,
                "has_embedded_files": "/EmbeddedFiles" in names or "/AF" in root,
                "is_portfolio": "/Collection" in root,
            }
    except pikepdf.PasswordError as error:
        raise Refused(Code.ENCRYPTED, "PDF that asks for a password to be opened") from error
    except pikepdf.PdfError as error:
        raise Refused(_reason(original), f"PDF: {error}"[:200]) from error
    if was_repaired and b"%%EOF" not in original[-_TAIL:]:
        raise Refused(Code.TRUNCATED, "PDF without its end")
    return found


def _dictionary(value: object) -> Dictionary:
    """`value` if it is a dictionary, else an empty one: a sender's file may say anything."""
    return value if isinstance(value, Dictionary) else Dictionary()


def _is_signed(fields: object) -> bool:
    if not isinstance(fields, Array):
        return False
    some = [_dictionary(field) for field, _ in zip(fields, range(_FIELDS_MOST), strict=False)]
    return any(field.get("/FT") == Name.Sig and "/V" in field for field in some)


def _reason(original: bytes) -> Code:
    return Code.DAMAGED if b"%%EOF" in original[-_TAIL:] else Code.TRUNCATED


@contextmanager
def _opened(original: bytes) -> Iterator[pypdfium2.PdfDocument]:
    try:
        document = pypdfium2.PdfDocument(original)
    except pypdfium2.PdfiumError as error:
        code = Code.ENCRYPTED if "password" in str(error).lower() else _reason(original)
        raise Refused(code, f"PDF: {error}"[:200]) from error
    try:
        yield document
    finally:
        document.close()
