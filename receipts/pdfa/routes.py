"""Which module shows which kind of input."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from receipts import quality, threats
from receipts.errors import Code, Refused, WrongFacts
from receipts.pdfa import document, jpeg, mail, media, pdf, png
from receipts.pdfa.model import Facts, Normalised, Shown
from receipts.pdfa.original import original_of
from receipts.policy import Limits

ROUTES: Final = MappingProxyType[str, Callable[[bytes, Limits], Shown]](
    {
        media.JPEG: jpeg.show,
        media.PNG: png.show,
        media.PDF: pdf.show,
        media.MAIL: mail.show,
    }
)


def normalise(original: bytes, facts: Facts, limits: Limits) -> Normalised:
    """Make the archive file of `original`: the same input gives the same bytes, so it may be repeated.

    Args:
        original: The bytes as they arrived.
        facts: Where they came from; `facts.original_sha256` must be their digest.
        limits: What we accept.

    Returns:
        A PDF/A-3b file (ISO 19005-3) that gives `original` back, byte for byte; that was checked on the file itself.

    Raises:
        Refused: The receipt is wrong.
        WrongFacts: The facts don't belong to these bytes, or their time has no zone.
    """
    if len(original) > limits.size_bytes:
        raise Refused(Code.TOO_LARGE, f"{len(original)} bytes, at most {limits.size_bytes} are accepted")
    threats.refuse_evident(original)
    media_type = media.detect(original)
    threats.refuse_hidden(original, media_type)
    if media_type not in ROUTES:
        raise Refused(Code.UNSUPPORTED_TYPE, media_type)
    if hashlib.sha256(original).hexdigest() != facts.original_sha256:
        raise WrongFacts("the facts are those of other bytes")
    shown = ROUTES[media_type](original, limits)
    pages = len(shown.pdf.pages)
    measured = quality.measure(original, media_type)
    archive_file = document.write(shown, original, facts, media_type, measured)
    if original_of(archive_file) != original:  # A102 B-2 I: true copy, proved on what was written
        raise AssertionError("the archive file does not give the original back")
    return Normalised(
        pdf=archive_file,
        media_type=media_type,
        route=shown.route,
        pages=pages,
        fidelity=shown.fidelity,
        quality=measured,
    )
