"""Puts a signature container into a PDF: one incremental update, everything before it unaltered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Final, TypeAlias

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers import constants
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import PdfSignedData, SignatureObject

from receipts import carried
from receipts.appended import PlainUpdate, on_its_line
from receipts.errors import Code, Refused
from receipts.pades.mark import marked
from receipts.pades.permissions import FIELD, field_for_seal

ESIC: Final = constants.ESIC_EXTENSION_1
"""ISO 32000-1 files say so when they use PAdES structures."""
Dress: TypeAlias = Callable[[IncrementalPdfFileWriter, generic.DictionaryObject], None]
"""Gives a signature field its appearance."""
_BLANK: Final = {
    pdf_name("/Type"): pdf_name("/XObject"),
    pdf_name("/Subtype"): pdf_name("/Form"),
    pdf_name("/BBox"): generic.ArrayObject([generic.NumberObject(0)] * 4),
}


class AlreadySealed(Exception):
    """The PDF carries a signature: sealing it again is never right here."""


class Prepared:
    """A PDF with a signature but for its container, and the digest over all the rest.

    Attributes:
        digest: Of all bytes but the container.
    """

    def __init__(
        self, writer: PlainUpdate, field: str, signature: PdfSignedData, algorithm: str, dress: Dress | None = None
    ) -> None:
        self._steps = PdfCMSEmbedder(new_field_spec=SigFieldSpec(field)).write_cms(field, writer)
        field_dictionary = next(self._steps).get_object()
        if dress:
            dress(writer, field_dictionary)
        self._steps.send(SigObjSetup(sig_placeholder=signature))
        # In place: the unaltered bytes are copied once.
        prepared, self._output = self._steps.send(SigIOSetup(md_algorithm=algorithm, in_place=True))
        self.digest: bytes = prepared.document_digest

    def fill(self, container: bytes) -> bytes:
        """The PDF with its container."""
        self._steps.send(container)
        return bytes(self._output.getvalue())


def blank(writer: IncrementalPdfFileWriter, field: generic.DictionaryObject) -> None:
    """Give a field an appearance that shows nothing."""
    nothing = writer.add_object(generic.StreamObject(_BLANK, stream_data=b""))
    field[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): nothing})


def prepare_seal(
    pdf: bytes,
    at: datetime,
    reserved_bytes: int,
    algorithm: str,
    *,
    beside_others: bool,
    mark: str = "",
    provenance: bytes | None = None,
) -> Prepared:
    """Make room for a seal: an approval signature in a field of its own, invisible unless there is a mark.

    Args:
        pdf: The file.
        at: For /M.
        reserved_bytes: The longest container that will fit.
        algorithm: Digest algorithm, such as `sha256`.
        beside_others: Whether the file is a stranger's that may carry signatures, which stay what they are.
        mark: A line for the margin of the first page; none is shown beside signatures of others.
        provenance: What the signature dictionary is to carry, only beside others: nothing else may be added there.

    Raises:
        AlreadySealed: The file carries a signature, and it wasn't said that it may.
        Refused: A stranger's file can't be sealed.
    """
    signature = SignatureObject(
        timestamp=at.astimezone(UTC), subfilter=SigSeedSubFilter.PADES, bytes_reserved=2 * reserved_bytes
    )
    if beside_others:
        return _beside_others(pdf, signature, algorithm, mark, provenance)
    writer = PlainUpdate(BytesIO(pdf))
    if any(enumerate_sig_fields(writer, filled_status=True)):
        raise AlreadySealed("the PDF carries a signature")
    writer.register_extension(ESIC)
    return Prepared(writer, FIELD, signature, algorithm, marked(mark) if mark else None)


def _beside_others(
    pdf: bytes, signature: SignatureObject, algorithm: str, mark: str, provenance: bytes | None
) -> Prepared:
    if not pdf.startswith(b"%PDF-"):
        code = Code.UNKNOWN_TYPE if b"%PDF-" not in pdf[:1024] else Code.NOT_SEALABLE
        raise Refused(code, "the file doesn't start as a PDF")
    try:
        writer = PlainUpdate(BytesIO(on_its_line(pdf)))
        field = field_for_seal(writer.prev)
        writer.register_extension(ESIC)
        if provenance is not None:
            signature[pdf_name(carried.KEY)] = carried.written(provenance)
        shown = mark and not any(enumerate_sig_fields(writer.prev, filled_status=True))
        # ISO 19005-1, 6.9: in PDF/A-1 each field has an appearance, however small it is.
        return Prepared(writer, field, signature, algorithm, marked(mark) if shown else blank)
    except Refused:
        raise
    except Exception as error:  # pyHanko on a stranger's file
        text = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise Refused(Code.NOT_SEALABLE, f"its structure can't be updated with certainty: {text}") from error
