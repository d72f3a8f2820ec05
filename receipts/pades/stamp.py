"""From B-LT to B-LTA: a document time-stamp over the whole file, validation data included (EN 319 142-1, 5.4)."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp

from receipts.appended import PlainUpdate
from receipts.pades.embed import Prepared
from receipts.pades.permissions import free_field
from receipts.pades.seal import Sealer
from receipts.pades.token import check_token

ALGORITHM: Final = "sha512"  # TS 119 312, 5.2.2: for what must hold for more than 20 years
FIELD: Final = "Archive-time-stamp"


async def stamp(augmented: bytes, sealer: Sealer) -> bytes:
    """Add a document time-stamp to a file: PAdES B-LTA if it was B-LT, one incremental update.

    Args:
        augmented: A file as `augment` gave it.
        sealer: Whose time-stamping authority is asked.

    Returns:
        The file; it starts with the bytes of `augmented`, unaltered.

    Raises:
        Exception: Time-stamping failed, or yielded something that doesn't hold. May be repeated: nothing of a failed
            try remains.
    """
    size = sealer.stamp_size
    async with size.measuring:
        if not size.reserved_bytes:
            size.grow(len((await sealer.timestamper.async_dummy_response(ALGORITHM)).dump()))
    while True:
        prepared = prepare_stamp(augmented, size.reserved_bytes)
        token = (await sealer.timestamper.async_timestamp(prepared.digest, ALGORITHM)).dump()
        check_token(token, prepared.digest, ALGORITHM)
        if len(token) <= size.reserved_bytes:
            return prepared.fill(token)
        size.grow(len(token))


def prepare_stamp(augmented: bytes, reserved_bytes: int) -> Prepared:
    """Make room for a document time-stamp of that many bytes, invisible in a field of its own."""
    writer = PlainUpdate(BytesIO(augmented))
    field = free_field(writer.prev, FIELD)
    stamp = DocumentTimestamp(bytes_reserved=2 * reserved_bytes)
    return Prepared(writer, field, stamp, ALGORITHM, _like_the_others if _have_appearances(writer.prev) else None)


def _have_appearances(reader: PdfFileReader) -> bool:
    """Whether the fields that are there have appearances, as PDF/A-1 wants it (ISO 19005-1, 6.9)."""
    return all("/AP" in field.get_object() for field in reader.root["/AcroForm"]["/Fields"])


def _like_the_others(writer: IncrementalPdfFileWriter, field: generic.DictionaryObject) -> None:
    """Give an invisible field an appearance that is there already: a new one would be more than a time-stamp adds."""
    seal = next(each.get_object() for each in writer.root["/AcroForm"]["/Fields"] if each.get_object() is not field)
    field[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): seal["/AP"].raw_get("/N")})
