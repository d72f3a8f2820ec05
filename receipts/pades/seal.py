"""Seals: PAdES baseline B-T (EN 319 142-1) as one incremental update of a PDF."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko.sign.timestamps import TimeStamper

from receipts.pades.container import ContainerForm
from receipts.pades.embed import prepare_seal
from receipts.pades.mark import line_of
from receipts.pades.token import check_token, verify

LARGEST_CONTAINER_BYTES: Final = 32767  # ISO 19005-3, 6.1.13 (ISO 32000-1, annex C): no longer string
LEAST_RSA_BITS: Final = 3000  # TS 119 312 V2.1.1, 8.4: for certificates issued after 2026
LEAST_EC_BITS: Final = 256
_MARGIN_BYTES: Final = 64  # the next token may be that much longer than the one that was measured


@dataclass(frozen=True, kw_only=True)
class Sealer:
    """Who seals and who tells the time. Use it in one event loop; any number of seals may be under way at once.

    Attributes:
        signer: The sealing key with its chain.
        timestamper: The time-stamping authority.
        mark: Whether the first page shows in its margin who sealed it and when.

    Raises:
        ValueError: The key is weaker than RSA-3000 or P-256, or neither RSA nor ECDSA.
    """

    signer: Signer
    timestamper: TimeStamper
    mark: bool = False
    form: ContainerForm = field(init=False, repr=False, compare=False)
    size: ContainerSize = field(init=False, repr=False, compare=False)
    stamp_size: ContainerSize = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        certificate = self.signer.signing_cert
        if certificate is None:
            raise ValueError("the signer has no certificate")
        key = certificate.public_key
        least = {"rsa": LEAST_RSA_BITS, "rsassa_pss": LEAST_RSA_BITS, "ec": LEAST_EC_BITS}.get(key.algorithm)
        if least is None:
            raise ValueError(f"a sealing key must be RSA or ECDSA, not {key.algorithm}")
        if key.bit_size < least:
            raise ValueError(f"a sealing key of {key.bit_size} bits is too weak: {key.algorithm} needs {least}")
        object.__setattr__(self, "form", ContainerForm(self.signer))
        object.__setattr__(self, "size", ContainerSize())
        object.__setattr__(self, "stamp_size", ContainerSize())


class ContainerSize:
    """How many bytes a signature container takes: measured once, grown on demand."""

    def __init__(self) -> None:
        self.reserved_bytes = 0
        self.measuring = asyncio.Lock()

    def grow(self, needed_bytes: int) -> None:
        """Make room for that many bytes and a little more.

        Raises:
            ValueError: PDF/A doesn't allow so many.
        """
        if needed_bytes > LARGEST_CONTAINER_BYTES:
            raise ValueError(f"the seal takes {needed_bytes} bytes, PDF/A allows {LARGEST_CONTAINER_BYTES}")
        size_bytes = min(needed_bytes + _MARGIN_BYTES, LARGEST_CONTAINER_BYTES)
        self.reserved_bytes = max(self.reserved_bytes, size_bytes)


async def seal(
    pdf: bytes, sealer: Sealer, *, at: datetime, beside_others: bool = False, provenance: bytes | None = None
) -> bytes:
    """Seal a PDF: PAdES B-T, an invisible approval signature in one incremental update.

    Args:
        pdf: The bytes to seal; a PDF/A stays one.
        sealer: Key and time-stamping authority.
        at: The present, UTC-aware, for the signature dictionary's /M; the time-stamp is what counts.
        beside_others: Whether the file is a stranger's, which may carry signatures: they stay what they are.
        provenance: What the signature dictionary is to carry, only beside others: nothing else may be added there.

    Returns:
        The sealed PDF; it starts with the bytes of `pdf`, unaltered.

    Raises:
        AlreadySealed: The PDF carries a signature, and it wasn't said that it may.
        Refused: A stranger's file is no PDF, or what is in it bars a seal.
        ValueError: `at` has no time zone.
        Exception: Signing or time-stamping failed, or yielded something that doesn't hold. May be repeated: nothing of
            a failed try remains.
    """
    if at.tzinfo is None:
        raise ValueError("at must be UTC-aware")
    async with sealer.size.measuring:
        if not sealer.size.reserved_bytes:
            sealer.size.grow(await _measure(sealer))
    mark = line_of(sealer.signer.signing_cert, at) if sealer.mark else ""
    while True:
        reserved_bytes = sealer.size.reserved_bytes
        prepared = prepare_seal(
            pdf,
            at,
            reserved_bytes,
            sealer.form.algorithm,
            beside_others=beside_others,
            mark=mark,
            provenance=provenance,
        )
        container = await _sign(sealer, prepared.digest)
        if len(container) <= reserved_bytes:
            return prepared.fill(container)
        sealer.size.grow(len(container))


async def _measure(sealer: Sealer) -> int:
    """How many bytes a container takes: one token is asked for, nothing is signed."""
    form = sealer.form
    signature = await sealer.signer.async_sign_raw(b"", form.algorithm, dry_run=True)
    token = await sealer.timestamper.async_dummy_response(form.algorithm)
    return len(form.build(form.attributes(form.imprint(b"")), signature, token.dump()))


async def _sign(sealer: Sealer, digest: bytes) -> bytes:
    """The DER of the signature container with its time-stamp, both checked before anyone uses them."""
    form, signer = sealer.form, sealer.signer
    attributes = form.attributes(digest)
    signature = await signer.async_sign_raw(attributes, form.algorithm)
    # A remote provider may mix up its answers (CSC API, 11.10): what doesn't verify is never embedded.
    verify(signer.signing_cert, signature, attributes, form.mechanism, form.algorithm)
    imprint = form.imprint(signature)
    token = (await sealer.timestamper.async_timestamp(imprint, form.algorithm)).dump()
    check_token(token, imprint, form.algorithm)
    return form.build(attributes, signature, token)
