"""Where the signatures of a file are, and whether each byte range is what it must be (ISO 32000-1, 12.8.1; PA-6.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import ObjStreamRef
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from receipts.pades.bounds import check_form
from receipts.pades.numbers import check_numbers
from receipts.pades.report import Finding, SubIndication

FOUND: Final = "signature found"
FORMAT: Final = "file structure"
COVERAGE: Final = "bytes covered"
MOST_REVISIONS: Final = 1000
MOST_SIGNATURES: Final = 64  # each costs time: what has more is no receipt
_HEX: Final = re.compile(rb"[0-9A-Fa-f]*")
_WHOLE: Final = (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A file that can be read.

    Attributes:
        pdf: The file.
        reader: The file, opened.
        fields: Name and dictionary of each form field that holds a signature.
    """

    pdf: bytes = field(repr=False)
    reader: PdfFileReader = field(repr=False)
    fields: tuple[tuple[str, generic.DictionaryObject], ...]


@dataclass(frozen=True, kw_only=True)
class Located:
    """One signature or document time-stamp in its file.

    Attributes:
        file: The file.
        embedded: The signature.
        end: Where the bytes that it covers end.
        revision: Number of the revision that it is in, from 0.
    """

    file: Opened
    embedded: EmbeddedPdfSignature
    end: int
    revision: int

    @property
    def is_time_stamp(self) -> bool:
        """Whether it is a document time-stamp (ISO 32000-2, 12.8.5)."""
        return is_time_stamp(self.embedded.sig_object)


def is_time_stamp(dictionary: generic.PdfObject) -> bool:
    """Whether a signature dictionary says that it is a document time-stamp, in either of the two ways."""
    if not isinstance(dictionary, generic.DictionaryObject):
        return False
    return dictionary.get("/Type") == "/DocTimeStamp" or dictionary.get("/SubFilter") == "/ETSI.RFC3161"


def open_file(pdf: bytes) -> Opened:
    """Open a file and find its signatures.

    Raises:
        Finding: It can't be read, or has no signature, or more signatures or revisions than anyone needs.
    """
    if not pdf.startswith(b"%PDF-"):
        raise Finding(FORMAT, SubIndication.FORMAT_FAILURE, "the file doesn't start as a PDF")
    if pdf.count(b"startxref") > MOST_REVISIONS:
        raise Finding(FORMAT, SubIndication.GENERIC, f"it has more than {MOST_REVISIONS} revisions")
    try:
        reader = PdfFileReader(BytesIO(pdf), strict=True)
        if reader.encrypted:
            raise Finding(FORMAT, SubIndication.FORMAT_FAILURE, "it is encrypted")
        check_numbers(reader)
        check_form(reader.root)
        found = tuple((n, each.get_object()) for n, _, each in enumerate_sig_fields(reader, filled_status=True))
    except Finding:
        raise
    except Exception as error:
        raise Finding(FORMAT, SubIndication.FORMAT_FAILURE, f"not a readable PDF: {_brief(error)}") from error
    if not found:
        raise Finding(FOUND, SubIndication.NO_SIGNATURE, "the file has no signature")
    if len(found) > MOST_SIGNATURES:
        evidence = f"the file has {len(found)} signatures; more than {MOST_SIGNATURES} are not judged"
        raise Finding(FOUND, SubIndication.GENERIC, evidence)
    return Opened(pdf=pdf, reader=reader, fields=found)


def locate(file: Opened, name: str, value: generic.DictionaryObject) -> Located:
    """Find the bytes that a signature covers.

    Raises:
        Finding: It can't be read, or does not cover what it must.
    """
    try:
        embedded = EmbeddedPdfSignature(file.reader, value, name)
        end = _check_range(file.pdf, embedded)
        _check_coverage(file.reader, embedded, end)
    except Finding:
        raise
    except Exception as error:
        raise Finding(FORMAT, SubIndication.FORMAT_FAILURE, f"unreadable signature: {_brief(error)}") from error
    return Located(file=file, embedded=embedded, end=end, revision=embedded.signed_revision)


def _check_range(pdf: bytes, embedded: EmbeddedPdfSignature) -> int:
    """Check that all bytes up to `end` are covered but for the container, which holds one CMS object and zeros."""
    numbers = [int(each) for each in embedded.byte_range]
    if len(numbers) != 4 or any(type(each) is not generic.NumberObject for each in embedded.byte_range):
        raise Finding(COVERAGE, SubIndication.FORMAT_FAILURE, "the byte range is not two pairs of numbers")
    start, gap_start, gap_end, length = numbers
    end = gap_end + length
    if start != 0 or length <= 0 or not 0 < gap_start < gap_end <= end <= len(pdf):
        raise Finding(COVERAGE, SubIndication.FORMAT_FAILURE, f"the byte range {numbers} is not from start to end")
    gap = pdf[gap_start:gap_end]
    inner = gap[1:-1]
    if gap[:1] != b"<" or gap[-1:] != b">" or len(inner) % 2 or not _HEX.fullmatch(inner):
        raise Finding(COVERAGE, SubIndication.FORMAT_FAILURE, "what the byte range leaves out is not a hex string")
    content = bytes.fromhex(inner.decode("ascii"))
    if content != embedded.pkcs7_content:
        raise Finding(COVERAGE, SubIndication.FORMAT_FAILURE, "what the byte range leaves out is not this signature")
    if content[_der_length(content) :].strip(b"\0"):
        raise Finding(COVERAGE, SubIndication.FORMAT_FAILURE, "there is something after the signature container")
    return end


def _check_coverage(reader: PdfFileReader, embedded: EmbeddedPdfSignature, end: int) -> None:
    """Check that the signed revision and all before it lie within the covered bytes."""
    if embedded.evaluate_signature_coverage() not in _WHOLE:
        raise Finding(COVERAGE, SubIndication.FORMAT_FAILURE, "the seal doesn't cover its whole revision")
    for revision in range(embedded.signed_revision + 1):
        hybrid = reader.xrefs.get_xref_data(revision).hybrid
        if hybrid and hybrid.meta_info.end_location > end:
            raise Finding(COVERAGE, SubIndication.FORMAT_FAILURE, "a sealed table lies outside the sealed bytes")
        for reference in reader.xrefs.explicit_refs_in_revision(revision):
            place = reader.xrefs.get_historical_ref(reference, revision)
            if isinstance(place, ObjStreamRef):  # pyHanko takes the stream as it is now
                holder = generic.Reference(place.obj_stream_id, pdf=reader)
                place = reader.xrefs.get_historical_ref(holder, revision)
                if not isinstance(place, int):
                    evidence = f"object {reference.idnum} is in a stream that isn't there yet"
                    raise Finding(COVERAGE, SubIndication.FORMAT_FAILURE, evidence)
            if isinstance(place, int) and place >= end:
                raise Finding(COVERAGE, SubIndication.FORMAT_FAILURE, "a sealed object lies outside the sealed bytes")


def _der_length(content: bytes) -> int:
    """Length of the DER object that `content` starts with (X.690, 8.1.3)."""
    if content[:1] != b"\x30" or len(content) < 6:
        raise ValueError("no DER sequence")
    if content[1] < 0x80:
        return 2 + content[1]
    octets = content[1] & 0x7F
    if not 1 <= octets <= 4:
        raise ValueError("indefinite or huge length")
    total = 2 + octets + int.from_bytes(content[2 : 2 + octets], "big")
    if total > len(content):
        raise ValueError("cut off")
    return total


def _brief(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
