"""Seals of every provider, algorithm and level, what the judges say of each, and the page that tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PublicFormat, pkcs12
from pyhanko.sign.signers.pdf_cms import Signer

from connectors import signing
from connectors.devpki import DevPki
from receipts import pades
from tests import judge
from tests.pki import anchors_of, archive_file
from tests.servers.csc import Remote
from tests.servers.softhsm import PIN, Token, certify, put_key

PAGE = Path(__file__).parents[2] / "docs" / "seals.md"
PSS, V15, P256, P384 = "RSASSA-PSS, RSA-3072", "RSA PKCS#1 v1.5, RSA-3072", "ECDSA, P-256", "ECDSA, P-384"
LEVELS = ("B-T", "B-LT", "B-LTA")
_KINDS = {PSS: "rsa3072", V15: "rsa3072", P256: "p256", P384: "p384"}
_HEAD = """# Seals, and what the judges say of them

Drawn from a run of `tests/judges/test_seals.py`, which holds this page to what it found: one file for each line, sealed
by the code that seals receipts, with keys made for the run. DSS is the EU's validator under its strict policy, offline;
veraPDF judges PDF/A-3b.

"""
_FOOT = """
A B-T file holds no revocation information yet. Our verification never goes on line, so it says INDETERMINATE /
TRY_LATER, which is right; DSS was let on line for these. Probant archives none of them: they wait until they are B-LT.

PKCS#1 v1.5 is used only where the provider offers nothing better, which a key in a file always does. Keys for anything
but RSA (3000 bits at least) and ECDSA (P-256 at least), Ed25519 among them, are refused before anything is sealed.
"""


@dataclass(frozen=True, kw_only=True)
class Providers:
    """Where keys are."""

    pki: DevPki
    token: Token
    remotes: Mapping[str, Remote]
    folder: Path


def page(providers: Providers) -> str:
    """The text of docs/seals.md, from a run over everything."""
    files = dict(_made(providers))
    for (provider, algorithm, level), content in files.items():
        _path(providers, provider, algorithm, level).write_bytes(content)
    told = _told(providers, files)
    lines = [f"| {' | '.join((*cell, *told[cell]))} |" for cell in files]
    table = "\n".join(
        ["| provider | algorithm | level | our verify | DSS | veraPDF |", "|---|---|---|---|---|---|", *lines]
    )
    return f"{_HEAD}{table}\n{_FOOT}"


Cell = tuple[str, str, str]


def _made(providers: Providers) -> Iterator[tuple[Cell, bytes]]:
    for provider, algorithms in (
        ("`file:`", (PSS, P256, P384)),
        ("`pkcs11:`", (PSS, V15, P256, P384)),
        ("`csc:` v1", (PSS, V15, P256, P384)),
        ("`csc:` v2", (PSS, V15, P256, P384)),
    ):
        for algorithm in algorithms:
            made = asyncio.run(_seal(providers, provider, algorithm))
            yield from (((provider, algorithm, level), pdf) for level, pdf in zip(LEVELS, made, strict=True))


async def _seal(providers: Providers, provider: str, algorithm: str) -> tuple[bytes, bytes, bytes]:
    """The same file at each level."""
    async with signing.open_session() as session, _signer(providers, provider, algorithm, session) as signer:
        timestamper = signing.open_timestamper(providers.pki.tsa_url, session)
        sealer = pades.Sealer(signer=signer, timestamper=timestamper)
        sealed = await pades.seal(archive_file(), sealer, at=datetime.now(UTC))
        fetchers, anchors = signing.open_fetchers(session), anchors_of(providers.pki)
        while True:  # the authorities count whole seconds
            try:
                data = await pades.validation_data([sealed], anchors, fetchers, at=datetime.now(UTC))
                break
            except pades.NotFresh:
                await asyncio.sleep(0.2)
        augmented = pades.augment(sealed, data)
        return sealed, augmented, await pades.stamp(augmented, sealer)


@asynccontextmanager
async def _signer(
    providers: Providers, provider: str, algorithm: str, session: aiohttp.ClientSession
) -> AsyncIterator[Signer]:
    kind, signer = _KINDS[algorithm], None
    if provider == "`file:`":
        signer = signing.open_signer(*_file(providers, kind))
    elif provider == "`pkcs11:`":
        label = f"table-{kind}-{'v15' if algorithm == V15 else 'best'}"
        put_key(providers.token, providers.pki, label, kind)
        offered = "connectors.signing.pkcs11_signer._pss"
        with patch(offered, lambda _: None) if algorithm == V15 else nullcontext():  # a token without PSS
            signer = signing.open_signer(providers.token.uri(label), PIN)
    else:
        remote = providers.remotes[provider]
        remote.use(kind)
        remote.control("", offers_pss=algorithm != V15)
        secrets = signing.CscSecrets(client_id=remote.client_id, client_secret=remote.client_secret, pin=remote.pin)
        signer = await signing.open_remote_signer(remote.uri, secrets, session)
    try:
        yield signer
    finally:
        await signer.close()


def _file(providers: Providers, kind: str) -> tuple[str, str]:
    """URI and password of a PKCS#12 file."""
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}
    key = ec.generate_private_key(curves[kind]) if kind in curves else rsa.generate_private_key(65537, 3072)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    chain = [providers.pki.certificate("ca"), providers.pki.certificate("root")]
    path = providers.folder / f"{kind}.p12"
    certificate = certify(providers.pki, spki)
    sealed = BestAvailableEncryption(b"secret")
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", key, certificate, chain, sealed))
    return path.as_uri(), "secret"


def _told(providers: Providers, files: Mapping[Cell, bytes]) -> dict[Cell, tuple[str, str, str]]:
    paths = {cell: _path(providers, *cell) for cell in files}
    whole = [path for cell, path in paths.items() if cell[2] != "B-T"]
    early = [path for cell, path in paths.items() if cell[2] == "B-T"]
    trust = [providers.pki.anchors]
    dss = judge.dss(whole, trust) | judge.dss(early, trust, level="T", options=["--online"])
    vera = judge.verapdf(paths.values())
    told = {}
    for cell, path in paths.items():
        ours = pades.validate(files[cell], anchors_of(providers.pki), at=datetime.now(UTC))
        verdict = dss[str(path)]
        [seal] = verdict["signatures"]
        told[cell] = (
            f"{ours.indication}, {_short(ours.headline.level)}"
            if ours.passed
            else f"{ours.indication} / {ours.sub_indication}",
            f"{seal['indication']}, {_short(seal['format'])}" if verdict["passed"] else f"**{seal['errors']}**",
            "compliant" if vera[str(path)]["compliant"] else "**not compliant**",
        )
    return told


def _short(level: str | None) -> str:
    return str(level).replace("PAdES-BASELINE-", "B-")


def _path(providers: Providers, provider: str, algorithm: str, level: str) -> Path:
    kept = "".join(char for char in f"{provider}-{algorithm}-{level}" if char.isalnum() or char == "-")
    return providers.folder / f"{kept}.pdf"
