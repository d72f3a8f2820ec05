"""Files with several signatures and document time-stamps, made by pyHanko's own signer, not by what is tested."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pikepdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfTimeStamper

from connectors import signing
from connectors.devpki import DevPki
from receipts import pades
from receipts.appended import PlainUpdate
from receipts.pdfa.document import PROVENANCE
from tests.pki import archive_file, signer_of
from tests.receipts.pades_attacks import answers, update

Change = Callable[[IncrementalPdfFileWriter], None]


def time_stamp(
    pdf: bytes,
    pki: DevPki,
    name: str = "TimeStamp1",
    *changes: Change,
    update_as: type[IncrementalPdfFileWriter] = PlainUpdate,
) -> bytes:
    """Add a document time-stamp, and in the same revision what `changes` do; `update_as` pyHanko's own renews dates."""

    async def run() -> bytes:
        async with signing.open_session() as session:
            writer, output = update_as(io.BytesIO(pdf)), io.BytesIO()
            for change in changes:
                change(writer)
            stamper = PdfTimeStamper(signing.open_timestamper(pki.tsa_url, session), field_name=name)
            await stamper.async_timestamp_pdf(writer, "sha256", output=output)
            return output.getvalue()

    return asyncio.run(run())


def sign(pdf: bytes, pki: DevPki, name: str, *, tsa: DevPki | None = None, box: tuple[int, ...] | None = None) -> bytes:
    """Add a signature, with a signature time-stamp if there is a TSA to ask, shown if there is a box."""

    async def run() -> bytes:
        async with signing.open_session() as session:
            timestamper = signing.open_timestamper(tsa.tsa_url, session) if tsa else None
            about = signers.PdfSignatureMetadata(
                field_name=name, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
            )
            output = io.BytesIO()
            field = SigFieldSpec(name, box=box) if box else None  # type: ignore[arg-type]
            await signers.async_sign_pdf(
                PlainUpdate(io.BytesIO(pdf)),
                about,
                signer=signer_of(pki),
                timestamper=timestamper,
                new_field_spec=field,
                output=output,
            )
            return output.getvalue()

    return asyncio.run(run())


def add_data(pdf: bytes, data: pades.ValidationData) -> bytes:
    """Add validation data to that which is there, in an update of its own."""
    return update(pdf, partial(store, data=data))


def add_provenance(writer: IncrementalPdfFileWriter) -> None:
    """Attach a provenance, which makes an archive file of whatever there was."""
    content = writer.add_object(generic.StreamObject(stream_data=b"{}"))
    specification = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Filespec"),
            pdf_name("/UF"): generic.pdf_string(PROVENANCE),
            pdf_name("/EF"): generic.DictionaryObject({pdf_name("/F"): content}),
        }
    )
    writer.root[pdf_name("/AF")] = generic.ArrayObject([writer.add_object(specification)])
    writer.update_root()


def strangers_file() -> bytes:
    """A PDF that is no archive file."""
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(archive_file())) as opened:
        del opened.Root.AF
        opened.save(output)
    return output.getvalue()


def fresh_data(pdf: bytes, pki: DevPki) -> bytes:
    """Add what the authorities say now, after the second in which the newest time-stamp was made has ended."""
    time.sleep(1.1)
    return add_data(pdf, answers(pki, datetime.now(UTC)))


def store(writer: IncrementalPdfFileWriter, data: pades.ValidationData) -> None:
    """Write validation data into /DSS, new or not."""
    if "/DSS" not in writer.root:
        writer.root[pdf_name("/DSS")] = writer.add_object(generic.DictionaryObject())
        writer.update_root()
    holder = writer.root["/DSS"]
    for key, items in (("/Certs", data.certificates), ("/OCSPs", data.ocsps), ("/CRLs", data.crls)):
        streams = [writer.add_object(generic.StreamObject(stream_data=item)) for item in items]
        old = [holder[key].raw_get(each) for each in range(len(holder[key]))] if key in holder else []
        holder[pdf_name(key)] = generic.ArrayObject([*old, *streams])
    writer.mark_update(writer.root.raw_get("/DSS"))
