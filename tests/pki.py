"""The development PKI as tests use it, and sealing in one call."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import x509
from PIL import Image

from connectors import devpki as development
from connectors import signing
from connectors.devpki import DevPki, Service
from receipts import pades
from receipts.pdfa import Facts, normalise
from receipts.policy import Limits
from tests.conftest import free_port

Clock = Callable[[], datetime]


@pytest.fixture(scope="session")
def devpki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A development PKI that answers on loopback as long as the tests run."""
    folder = tmp_path_factory.mktemp("pki")
    development.make(folder, free_port(), datetime.now(UTC))
    with development.serve(folder) as service:
        yield service


@pytest.fixture
def another_pki(tmp_path: Path) -> Iterator[Service]:
    """A second one, which nobody trusts, or which may be spoilt."""
    development.make(tmp_path / "another", free_port(), datetime.now(UTC))
    with development.serve(tmp_path / "another") as service:
        yield service


def anchors_of(pki: DevPki) -> list[x509.Certificate]:
    """The trust anchors of a development PKI."""
    return signing.load_anchors([pki.anchors])


def signer_of(pki: DevPki) -> signing.KeySigner:
    """Its sealing key."""
    return signing.open_signer(pki.signer_uri, pki.p12_secret.read_text())


def seal_all(
    pdfs: Sequence[bytes], signer: DevPki, tsa: DevPki | None = None, *, at: datetime | None = None
) -> list[bytes]:
    """Seal each: B-T."""

    async def run() -> list[bytes]:
        async with signing.open_session() as session:
            timestamper = signing.open_timestamper((tsa or signer).tsa_url, session)
            sealer = pades.Sealer(signer=signer_of(signer), timestamper=timestamper)
            now = at or datetime.now(UTC)
            return await asyncio.gather(*(pades.seal(pdf, sealer, at=now) for pdf in pdfs))

    return asyncio.run(run())


def fetch(
    sealed: Sequence[bytes], anchors: Sequence[x509.Certificate], *, at: datetime | None = None
) -> pades.ValidationData:
    """Validation data for sealed files."""

    async def run() -> pades.ValidationData:
        async with signing.open_session() as session:
            fetchers = signing.open_fetchers(session)
            return await pades.validation_data(sealed, anchors, fetchers, at=at or datetime.now(UTC))

    return asyncio.run(run())


def seal_lt(pdfs: Sequence[bytes], pki: DevPki) -> list[bytes]:
    """Seal each, with validation data: B-LT."""
    sealed = seal_all(pdfs, pki)
    data = fetch(sealed, anchors_of(pki))
    return [pades.augment(pdf, data) for pdf in sealed]


@functools.cache
def archive_file(name: str = "receipt.jpg") -> bytes:
    """A small PDF/A-3 archive file, as normalising makes it, to be sealed."""
    picture = io.BytesIO()
    Image.new("RGB", (60, 80), (200, 30, 30)).save(picture, "JPEG")
    original = picture.getvalue()
    sha256 = hashlib.sha256(original).hexdigest()
    facts = Facts(
        receipt=f"default/{sha256}",
        tenant="default",
        channel="folder",
        source_name=name,
        sender=None,
        received_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        original_sha256=sha256,
        software="Probant test",
    )
    return normalise(original, facts, Limits()).pdf
