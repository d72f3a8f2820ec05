"""Which module shows which kind of input."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from receipts import quality, threats
from receipts.errors import Code, Refused, WrongFacts
from receipts.pdfa import (
    certain,
    direct,
    document,
    einvoice,
    heif,
    jp2,
    jpeg,
    kept,
    mail,
    media,
    pdf,
    png,
    signed,
    still,
    tiff,
)
from receipts.pdfa.model import Facts, Normalised, Shown
from receipts.pdfa.original import carried_by
from receipts.policy import Limits

ROUTES: Final = MappingProxyType[str, Callable[[bytes, Limits], Shown]](
    {
        media.JPEG: jpeg.show,
        media.PNG: png.show,
        media.TIFF: tiff.show,
        media.HEIF: heif.show,
        media.AVIF: still.show,
        media.WEBP: still.show,
        media.GIF: still.show,
        media.JP2: jp2.show,
        media.BMP: still.show,
        media.PDF: pdf.show,
        media.MAIL: mail.show,
        media.TNEF: mail.show,
        media.OUTLOOK: mail.show,
        media.PKCS7: mail.show,
        media.XML: einvoice.show,
    }
)

PICTURES: Final = frozenset(
    {media.JPEG, media.PNG, media.TIFF, media.HEIF, media.AVIF, media.WEBP, media.GIF, media.JP2, media.BMP}
)
_ONE_AT_A_TIME: Final = threading.Lock()  # PDFium and PlutoBook must not be called from two threads at once


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
    with _ONE_AT_A_TIME if media_type not in PICTURES - {media.TIFF} else nullcontext():
        shown = ROUTES[media_type](original, limits)
        measured = quality.measure(original, media_type, shown.seen)  # after: what can't be shown is refused
        shown = replace(shown, quality=measured, seen=None)
        archive_file = _write(shown, original, facts, media_type)
        while shown.otherwise and not certain.is_certain(archive_file, packet_is_ours=True):
            shown = replace(shown.otherwise(), quality=measured)
            archive_file = _write(shown, original, facts, media_type)
    if not shown.pages:
        raise AssertionError("an archive file without pages")
    if carried_by(archive_file) != (original, facts.original_sha256):  # A102 B-2 I: a true copy, proved
        raise AssertionError("the archive file does not give the original back")
    return Normalised(
        pdf=archive_file,
        media_type=media_type,
        route=shown.route,
        pages=shown.pages,
        fidelity=shown.fidelity,
        quality=measured,
        parts=shown.parts,
    )


def _write(shown: Shown, original: bytes, facts: Facts, media_type: str) -> bytes:
    if shown.picture is not None:
        return direct.write(shown, shown.picture, original, facts, media_type)
    if shown.kept is not None:
        return kept.write(shown, original, facts, media_type)
    if shown.is_signed:
        return signed.write(shown, original, facts, media_type)
    return document.write(shown, original, facts, media_type)
