"""PDFs that others signed before us, made with pyHanko, in every way that matters to a further seal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter

from connectors import signing
from connectors.devpki import DevPki
from receipts import pades
from tests.pki import anchors_of, fetch, signer_of

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


def sign(pdf: bytes, pki: DevPki, field: str = "Approval", *, lock: FieldMDPSpec | None = None, **meta: Any) -> bytes:
    """The PDF with an approval or certification signature (B-LT) by the PKI's key."""

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
            )
            output = await signer.async_sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)))
            return bytes(output.getvalue())

    signed = asyncio.run(run())
    return pades.augment(signed, fetch([signed], anchors_of(pki)))


def seal_beside(pdf: bytes, pki: DevPki) -> bytes:
    """The PDF with our seal (B-LT) after what is there."""

    async def run() -> bytes:
        async with signing.open_session() as session:
            timestamper = signing.open_timestamper(pki.tsa_url, session)
            sealer = pades.Sealer(signer=signer_of(pki), timestamper=timestamper)
            return await pades.seal(pdf, sealer, at=datetime.now(UTC), beside_others=True)

    sealed = asyncio.run(run())
    return pades.augment(sealed, fetch([sealed], anchors_of(pki)))
