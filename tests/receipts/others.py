"""PDFs that others signed before us, made with pyHanko, in every way that matters to a further seal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Pdf, String
from pyhanko.pdf_utils.content import PdfContent, PdfResources, RawContent
from pyhanko.pdf_utils.generic import DictionaryObject, PdfObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.sign import signers
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp
from pyhanko.stamp import StaticStampStyle

from connectors import signing
from connectors.devpki import DevPki
from receipts import pades
from receipts.appended import PlainUpdate
from tests.pki import anchors_of, fetch, signer_of
from tests.receipts import pdf_cases

GREY = RawContent(b"q 0.8 g 0 0 90 30 re f Q", box=BoxConstraints(90, 30))
_COURIER = {"Type": "Font", "Subtype": "Type1", "BaseFont": "Courier"}
WORDS = RawContent(b"BT /F 9 Tf 2 9 Td (Signed) Tj ET", PdfResources(), BoxConstraints(90, 30))
WORDS.resources.font[pdf_name("/F")] = DictionaryObject(
    {pdf_name(f"/{key}"): pdf_name(f"/{value}") for key, value in _COURIER.items()}
)
CERTIFIED: Mapping[str, MDPPerm] = {
    "certified, no changes": MDPPerm.NO_CHANGES,
    "certified, signing allowed": MDPPerm.FILL_FORMS,
    "certified, comments allowed": MDPPerm.ANNOTATE,
}
LOCKS: Mapping[str, FieldMDPSpec] = {
    "locks all fields": FieldMDPSpec(FieldMDPAction.ALL),
    "locks our field": FieldMDPSpec(FieldMDPAction.INCLUDE, ["Seal"]),
    "locks all but our field": FieldMDPSpec(FieldMDPAction.EXCLUDE, ["Seal"]),
    "locks all but another": FieldMDPSpec(FieldMDPAction.EXCLUDE, ["Total"]),
}


def signed_before(pdf: bytes, pki: DevPki) -> dict[str, bytes]:
    """The PDF as others signed it, by how they did."""
    files = {"approved": sign(pdf, pki)}
    files["approved twice"] = sign(files["approved"], pki, "Second")
    for name, permission in CERTIFIED.items():
        files[name] = sign(pdf, pki, certify=True, docmdp_permissions=permission)
    for name, lock in LOCKS.items():
        files[name] = sign(pdf, pki, lock=lock)
    return files


def sign(
    pdf: bytes,
    pki: DevPki,
    field: str = "Approval",
    *,
    lock: FieldMDPSpec | None = None,
    shown: PdfContent = GREY,
    is_augmented: bool = True,
    **meta: Any,
) -> bytes:
    """The PDF with an approval or certification signature by the PKI's key; `shown` if its field has a size."""

    async def run() -> bytes:
        async with signing.open_session() as session:
            told = signers.PdfSignatureMetadata(
                field_name=field, subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256", **meta
            )
            signer = signers.PdfSigner(
                told,
                signer=signer_of(pki),
                timestamper=signing.open_timestamper(pki.tsa_url, session),
                new_field_spec=SigFieldSpec(field, field_mdp_spec=lock),
                stamp_style=StaticStampStyle(background=shown, border_width=0),
            )
            output = await signer.async_sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)))
            return bytes(output.getvalue())

    signed = asyncio.run(run())
    if not is_augmented:
        return signed
    return pades.augment(signed, fetch([signed], anchors_of(pki)))


def signed_pdf_a_3(pki: DevPki, change: Callable[[Pdf, Dictionary], None] | None = None, **signing: Any) -> bytes:
    """A PDF/A-3 with a signature in a field that shows something: `change` is made before it is signed.

    No stream of it can end in half of a line end, of which readers make two things: they are the same each time.
    """
    pdf = pdf_cases.page()
    pdf_cases.prepare(pdf)
    page = pdf.pages[0].obj
    field = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String("Approval"), F=4, Rect=Array([20, 20, 110, 50]),
        P=page,
    )  # fmt: skip
    page.Annots = Array([pdf.make_indirect(field)])
    pdf.Root.AcroForm = Dictionary(Fields=Array([page.Annots[0]]), SigFlags=3)
    if change:
        change(pdf, page.Annots[0])
    writing = pikepdf.pdfa.resolve_save_kwargs("3b", static_id=True) | {"object_stream_mode": ObjectStreamMode.disable}
    return sign(pdf_cases.written(pdf, **writing), pki, is_augmented=False, **signing)


def seal_beside(pdf: bytes, pki: DevPki, provenance: bytes | None = None) -> bytes:
    """The PDF with our seal (B-LT) after what is there."""

    async def run() -> bytes:
        async with signing.open_session() as session:
            timestamper = signing.open_timestamper(pki.tsa_url, session)
            sealer = pades.Sealer(signer=signer_of(pki), timestamper=timestamper)
            return await pades.seal(pdf, sealer, at=datetime.now(UTC), beside_others=True, provenance=provenance)

    sealed = asyncio.run(run())
    return pades.augment(sealed, fetch([sealed], anchors_of(pki)))


def stamp_with(pdf: bytes, pki: DevPki, field: str, entries: Mapping[str, PdfObject]) -> bytes:
    """The PDF with a document time-stamp in a field that it has, `entries` in its dictionary."""

    async def run() -> bytes:
        async with signing.open_session() as session:
            writer = PlainUpdate(BytesIO(pdf))
            stamp = DocumentTimestamp(bytes_reserved=16384)
            stamp.update({pdf_name(key): value for key, value in entries.items()})
            steps = PdfCMSEmbedder().write_cms(field, writer)
            next(steps)
            steps.send(SigObjSetup(sig_placeholder=stamp))
            prepared, output = steps.send(SigIOSetup(md_algorithm="sha256", in_place=True))
            timestamper = signing.open_timestamper(pki.tsa_url, session)
            steps.send(await timestamper.async_timestamp(prepared.document_digest, "sha256"))
            return bytes(output.getvalue())

    return asyncio.run(run())
