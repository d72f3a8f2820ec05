"""Takes out of an archive file what went in."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, Final

import pikepdf

from receipts import carried
from receipts.evidence import Json
from receipts.pdfa.document import IMAGE, PROVENANCE

_STUMBLES: Final = (KeyError, AttributeError, IndexError, TypeError, RecursionError, pikepdf.PdfError)


def original_of(pdf: bytes) -> bytes:
    """The original, byte for byte, from the archive file alone, sealed or not.

    Args:
        pdf: The archive file.

    Raises:
        ValueError: It is no archive file of ours, or what it carries does not have the digest that it states.
    """
    content, digest = carried_by(pdf)
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("the original in the file does not have the digest that the file states")
    return content


def carried_by(pdf: bytes) -> tuple[bytes, str]:
    """What stands where the original should, and the digest that the file states for it; the two are not compared.

    Args:
        pdf: The archive file.

    Raises:
        ValueError: It is no archive file of ours.
    """
    with _opened(pdf) as opened:
        provenance = _provenance(opened)
        try:
            where = provenance["original"]["carried_as"]
            if where == "image-stream":
                content = opened.pages[0].obj.Resources.XObject[IMAGE].read_raw_bytes()
            elif where == "prefix":
                content = pdf[: provenance["original"]["size_bytes"]]
            else:
                content = _attached(opened, provenance["original"]["name"])
            return content, str(provenance["original"]["sha256"])
        except _STUMBLES as error:
            raise ValueError("the provenance does not say where the original is") from error


def provenance_of(pdf: bytes) -> Mapping[str, Json]:
    """The provenance.

    Args:
        pdf: The archive file.

    Raises:
        ValueError: It is no archive file of ours.
    """
    with _opened(pdf) as opened:
        return _provenance(opened)


def parted(pdf: bytes) -> tuple[bytes, bytes]:
    """A file of the route `pdf-signed`, not sealed yet: the original, and the provenance for the seal to carry.

    Raises:
        ValueError: It is none.
    """
    with _opened(pdf) as opened:
        return original_of(pdf), carried.read(opened.trailer.get(carried.KEY))


def is_ours(opened: pikepdf.Pdf) -> bool:
    """Whether a file carries something that would be taken for our provenance."""
    try:
        return next(_written(opened), None) is not None
    except (ValueError, *_STUMBLES):
        return True


def _opened(pdf: bytes) -> pikepdf.Pdf:
    try:
        return pikepdf.open(BytesIO(pdf))
    except pikepdf.PasswordError as error:
        raise ValueError("an encrypted PDF") from error
    except pikepdf.PdfError as error:
        raise ValueError("not a PDF") from error


def _provenance(opened: pikepdf.Pdf) -> dict[str, Any]:
    try:
        [written] = _written(opened)  # which of several is ours can't be told
        provenance = json.loads(written, parse_float=_finite, parse_constant=_finite)
    except (ValueError, *_STUMBLES) as error:
        raise ValueError("no archive file of ours: it carries no provenance, or several") from error
    if not isinstance(provenance, dict):
        raise ValueError("no archive file of ours: its provenance is no object")
    return provenance


def _written(opened: pikepdf.Pdf) -> Iterator[bytes]:
    """What stands where a provenance is: attached, or with the trailer, or with a seal."""
    for stream in _attachments(opened, PROVENANCE):
        yield _content(stream)
    if carried.KEY in opened.trailer:
        yield carried.read(opened.trailer[carried.KEY])
    form: Any = opened.Root.get("/AcroForm", {})
    for field in form.get("/Fields", []):
        signature: Any = field.get("/V") if isinstance(field, pikepdf.Dictionary) else None
        if isinstance(signature, pikepdf.Dictionary) and carried.KEY in signature:
            yield carried.read(signature[carried.KEY])


def _attached(opened: pikepdf.Pdf, name: str) -> bytes:
    """The content of the associated file of that name."""
    for content in _attachments(opened, name):
        return _content(content)
    raise ValueError(f"nothing is attached as {name}")


def _attachments(opened: pikepdf.Pdf, name: str) -> Iterator[object]:
    """The streams of the associated files (ISO 19005-3, 6.8) of that name."""
    files: Any = opened.Root.get("/AF", [])
    for file in files:  # those of a PDF that is kept as it came are the sender's
        if isinstance(file, pikepdf.Dictionary) and file.get("/UF") == pikepdf.String(name):
            yield file.EF.F


def _content(stream: object) -> bytes:
    """What a stream of ours holds."""
    if not isinstance(stream, pikepdf.Stream) or "/Filter" in stream:
        # we compress nothing: what small bytes swell to is nobody's receipt
        raise ValueError("what it carries is not as we write it")
    return bytes(stream.read_raw_bytes())


def _finite(written: str) -> float:
    """A number that JSON knows (RFC 8259, 6)."""
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{written} is no number")
    return number
