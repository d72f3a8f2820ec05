"""PDFs of which the files inside alone are encrypted (ISO 32000-1 7.6.5): everyone can read their pages."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any, Final

import pikepdf
from pikepdf import Dictionary, Name

_KEY: Final = re.compile(rb"/Encrypt(?=[\0\t\n\f\r ()<>\[\]{}/%])")
_HIDDEN: Final = b"/EncrypX"  # as long as the key: no offset changes


def readable(original: bytes) -> bytes | None:
    """A copy without encryption, its files inside left as they are; None if anything else of it is encrypted.

    Args:
        original: A PDF that asks for a password.
    """
    try:
        with pikepdf.open(BytesIO(_KEY.sub(_HIDDEN, original)), suppress_warnings=True) as pdf:
            encryption: Any = pdf.trailer.get(_HIDDEN.decode())
            if not isinstance(encryption, Dictionary) or not _spares_pages(encryption):
                return None
            del pdf.trailer[_HIDDEN.decode()]
            copy = BytesIO()
            pdf.save(copy, stream_decode_level=pikepdf.StreamDecodeLevel.none, static_id=True)
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return None
    return copy.getvalue()


def _spares_pages(encryption: Dictionary) -> bool:
    """Whether it names a filter for embedded files, and none for other streams and strings (table 20)."""
    is_for_files = encryption.get("/V") in (4, 5) and isinstance(encryption.get("/EFF"), Name)
    return is_for_files and all(encryption.get(key, Name.Identity) == Name.Identity for key in ("/StmF", "/StrF"))
