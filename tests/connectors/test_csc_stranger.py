"""The client against a CSC v1.0.4 server that others wrote (certomancer-csc-dummy): no OAuth2, no SAD replay check."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.signing import CscFault, CscSecrets, KeyUnusable, open_remote_signer, open_session
from connectors.signing.mechanism import Verifier, digest_for
from tests.conftest import free_port

CONFIG = """
external-url-prefix: "http://localhost:9"
keysets:
  keys:
    path-prefix: {folder}
    keys:
      root: {{path: root.pem}}
      rsa: {{path: rsa.pem}}
      ec: {{path: ec.pem}}
pki-architectures:
  test:
    keyset: keys
    entity-defaults: {{country-name: FR, organization-name: Test}}
    entities:
      root: {{common-name: Root}}
      rsa: {{common-name: RSA seal}}
      ec: {{common-name: EC seal}}
    certs:
      root:
        subject: root
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2050-01-01T00:00:00+0000"}}
      rsa:
        subject: rsa
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2050-01-01T00:00:00+0000"}}
      ec:
        subject: ec
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2050-01-01T00:00:00+0000"}}
"""


@pytest.fixture(scope="module", params=[1, 2], ids=["scal1", "scal2"])
def base(request: Any, servers: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("stranger")
    for name, key in (
        ("root", ec.generate_private_key(ec.SECP256R1())),
        ("ec", ec.generate_private_key(ec.SECP256R1())),
        ("rsa", rsa.generate_private_key(65537, 3072)),
    ):
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)
    (folder / "certomancer.yml").write_text(CONFIG.format(folder=folder))
    port = free_port()
    command = [sys.executable, "-c", "from csc_dummy.__main__ import launch; launch()"]
    servers(
        *command, str(folder / "certomancer.yml"), str(port), str(request.param),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://localhost:{port}/csc/v1"
    deadline = time.monotonic() + 120
    while True:
        try:
            assert requests.post(f"{url}/info", json={}, timeout=10).status_code == 200
            return f"csc:{url}"
        except requests.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.mark.parametrize("name", ["rsa", "ec"])
def test_its_signatures_are_taken_and_hold(base: str, name: str) -> None:
    async def run() -> None:
        async with open_session() as session:
            signer = await open_remote_signer(f"{base}?credential=test/{name}", CscSecrets(), session)
            digest = digest_for(signer.signing_cert)
            datas = [b"%d" % number for number in range(5)]
            signatures = await asyncio.gather(*(signer.async_sign_raw(data, digest) for data in datas))
            verifier = Verifier(signer.signing_cert, signer.signature_mechanism)
            for data, signature in zip(datas, signatures, strict=True):
                assert verifier.holds(signature, hashlib.new(digest, data).digest(), digest)
            assert (await signer.check()).subject == signer.signing_cert.subject

    asyncio.run(run())


def test_which_of_its_credentials_must_be_said_and_be_right(base: str) -> None:
    async def run(uri: str) -> None:
        async with open_session() as session:
            await open_remote_signer(uri, CscSecrets(), session)

    with pytest.raises(KeyUnusable, match="3 credentials"):
        asyncio.run(run(base))
    with pytest.raises(CscFault, match="HTTP 404"):
        asyncio.run(run(f"{base}?credential=test/nobody"))
    with pytest.raises(CscFault, match="HTTP 404"):
        asyncio.run(run(f"{base.replace('/v1', '/v2')}?credential=test/rsa"))
