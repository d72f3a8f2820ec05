"""Sealing with a remote provider's key: what is sent, what is believed, and what is not."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from connectors.devpki import Service
from connectors.signing import CscFault, CscSecrets, CscSigner, KeyUnusable, open_remote_signer, open_session
from connectors.signing.csc_client import CscClient
from connectors.signing.csc_uri import CscUri
from connectors.signing.mechanism import Verifier, digest_for
from tests.servers.csc import Remote, start_remote

pytestmark = pytest.mark.needs("softhsm")


@pytest.fixture(scope="module", params=[(1, "p256"), (2, "rsa3072"), (2, "p256")], ids=["v1-p256", "v2-rsa", "v2-p256"])
def service(request: Any, servers: Any, tmp_path_factory: Any, devpki: Service) -> Remote:
    version, kind = request.param
    return start_remote(servers, tmp_path_factory.mktemp("qtsp"), devpki.pki, version=version, kind=kind)


@pytest.fixture
def remote(service: Remote) -> Remote:
    service.control("", scal=2, multisign=10, mode="explicit", credentials=["seal-1"], token_s=3600)
    return service


def secrets_of(remote: Remote) -> CscSecrets:
    return CscSecrets(client_id=remote.client_id, client_secret=remote.client_secret, pin=remote.pin)


def run(
    remote: Remote, do: Callable[[CscSigner], Awaitable[Any]], secrets: CscSecrets | None = None, uri: str = ""
) -> Any:
    async def inside() -> Any:
        async with open_session() as session:
            signer = await open_remote_signer(uri or remote.uri, secrets or secrets_of(remote), session)
            try:
                return await do(signer)
            finally:
                await signer.close()

    return asyncio.run(inside())


async def sign_all(signer: CscSigner, number: int = 7) -> list[bytes]:
    digest = digest_for(signer.signing_cert)
    datas = [f"attributes {n}".encode() for n in range(number)]
    answers = await asyncio.gather(*(signer.async_sign_raw(data, digest) for data in datas), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            assert all(isinstance(each, CscFault) for each in answers), "a batch is believed whole or not at all"
            raise answer
    verifier = Verifier(signer.signing_cert, signer.signature_mechanism)
    for data, signature in zip(datas, answers, strict=True):
        assert verifier.holds(signature, hashlib.new(digest, data).digest(), digest)
        assert len(signature) <= len(await signer.async_sign_raw(b"", digest, dry_run=True))
    return answers


def test_what_is_asked_for_together_is_authorized_and_signed_together(remote: Remote) -> None:
    run(remote, sign_all)
    seen = remote.control()
    assert seen["calls"].count("credentials/authorize") == seen["calls"].count("signatures/signHash") == 1
    assert seen["signed"] == 7
    assert seen["largest_body"] < 1500  # only digests leave


def test_more_than_one_authorization_allows_goes_in_several(remote: Remote) -> None:
    run(remote, lambda signer: sign_all(signer, 23))
    assert remote.control()["calls"].count("credentials/authorize") == 3
    remote.control("", multisign=1)
    run(remote, lambda signer: sign_all(signer, 3))
    assert remote.control()["calls"].count("credentials/authorize") == 3


def test_scal1_is_served_too(remote: Remote) -> None:
    remote.control("", scal=1, mode="implicit")
    run(remote, sign_all, secrets=replace(secrets_of(remote), pin=""))
    seen = remote.control()
    assert seen["calls"].count("credentials/authorize") == seen["calls"].count("signatures/signHash") == 1
    assert seen["signed"] == 7


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("swapped", "not the certificate's"),
        ("same for all", "not the certificate's"),
        ("wrong key", "not the certificate's"),
        ("one too few", "6 signatures for 7 digests"),
        ("500 signatures/signHash", "HTTP 500"),
        ("500 credentials/authorize", "HTTP 500"),
        ("blocked credentials/authorize", "again in 3600 s"),
        ("SAD expires", "SAD expired"),
        ("other SAD", "Invalid parameter SAD"),
    ],
)
def test_a_provider_that_fails_or_lies_gets_nothing_embedded(remote: Remote, fault: str, said: str) -> None:
    async def do(signer: CscSigner) -> None:
        remote.control(fault)
        with pytest.raises(CscFault, match=said):
            await sign_all(signer)
        remote.control("")
        await sign_all(signer)  # and it is believed again when it does right

    run(remote, do)


def test_a_slow_provider_is_not_waited_for_for_ever(remote: Remote) -> None:
    async def inside() -> None:
        async with open_session() as session:
            client = CscClient(CscUri.parse(remote.uri), session, secrets_of(remote), timeout_s=1)
            await client.discover()
            signer = CscSigner(client, await client.credential("seal-1"))
            remote.control("slow signatures/signHash")
            with pytest.raises(CscFault, match="too long"):
                await sign_all(signer)

    asyncio.run(inside())


def test_a_token_that_expired_is_renewed_and_retry_after_respected(remote: Remote) -> None:
    async def do(signer: CscSigner) -> None:
        for fault in ("token expires", "busy credentials/authorize", "busy signatures/signHash"):
            remote.control(fault)
            await sign_all(signer)
        remote.control("token expires")
        await sign_all(signer)
        assert remote.control()["calls"].count("oauth2/token") == 1

    run(remote, do)


def test_the_state_of_the_key_is_asked_anew(remote: Remote) -> None:
    async def do(signer: CscSigner) -> None:
        assert (await signer.check()).dump() == signer.signing_cert.dump()
        for fault in ("disabled", "expired"):
            remote.control(fault)
            with pytest.raises(KeyUnusable, match=fault):
                await signer.check()
        remote.control("disabled")
        with pytest.raises(CscFault, match="disabled"):
            await sign_all(signer)

    run(remote, do)


@pytest.mark.parametrize("scal", [1, 2])
def test_the_server_refuses_what_the_specification_refuses(remote: Remote, scal: int) -> None:
    """Not a test of ours, but of what the others stand on."""
    remote.control("", scal=scal)

    async def inside() -> None:
        async with open_session() as session:
            client = CscClient(CscUri.parse(remote.uri), session, secrets_of(remote))
            await client.discover()
            credential = await client.credential("seal-1")
            mechanism = CscSigner(client, credential).signature_mechanism
            name = digest_for(credential.certificate)
            one, two = (hashlib.new(name, data).digest() for data in (b"1", b"2"))
            sad = await client.authorize(credential, [one], name)
            with pytest.raises(CscFault, match="fewer signatures"):
                await client.sign(credential, sad, [one, two], name, mechanism)
            if scal == 2:
                with pytest.raises(CscFault, match="not authorized"):
                    await client.sign(credential, sad, [two], name, mechanism)
            await client.sign(credential, sad, [one], name, mechanism)
            with pytest.raises(CscFault, match="SAD"):
                await client.sign(credential, sad, [one], name, mechanism)  # replayed
            with pytest.raises(CscFault, match="numSignatures"):
                await client.authorize(credential, [one] * 11, name)
            sad = await client.authorize(credential, [one[:-1]], name)
            with pytest.raises(CscFault, match="length"):
                await client.sign(credential, sad, [one[:-1]], name, mechanism)

    asyncio.run(inside())


def test_wrong_secrets_are_refused_and_never_repeated(remote: Remote) -> None:
    wrong = replace(secrets_of(remote), client_secret="wrong-client-secret")
    with pytest.raises(CscFault, match="invalid_client") as caught:
        run(remote, sign_all, secrets=wrong)
    assert "wrong-client-secret" not in f"{caught.value!r} {wrong!r}"
    wrong = replace(secrets_of(remote), pin="wrong-credential-pin")
    with pytest.raises(CscFault, match="invalid_pin") as caught:
        run(remote, sign_all, secrets=wrong)
    assert "wrong-credential-pin" not in f"{caught.value!r} {wrong!r}"


def test_only_a_credential_that_a_machine_may_use_is_opened(remote: Remote) -> None:
    with pytest.raises(KeyUnusable, match="PIN"):
        run(remote, sign_all, secrets=replace(secrets_of(remote), pin=""))
    remote.control("", mode="oauth2code")
    with pytest.raises(KeyUnusable, match="by a person"):
        run(remote, sign_all)
    remote.control("", mode="explicit", credentials=["seal-1", "seal-2"])
    with pytest.raises(KeyUnusable, match="2 credentials"):
        run(remote, sign_all)
    run(remote, sign_all, uri=f"{remote.uri}?credential=seal-2")
    with pytest.raises(CscFault, match="credentialID"):
        run(remote, sign_all, uri=f"{remote.uri}?credential=unknown")
    remote.control("no signHash")
    with pytest.raises(CscFault, match="doesn't offer signatures/signHash"):
        run(remote, sign_all)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("csc:http://qtsp.example/csc/v2", "https"),
        ("csc:https://qtsp.example/csc/v3", "version"),
        ("csc:https://user:VERYSECRET@qtsp.example/csc/v2", "secret"),
        ("csc:https://qtsp.example/csc/v2?client_secret=VERYSECRET", "parameters"),
        ("csc:https://qtsp.example/csc/v2?token=http://evil.example/", "https"),
        ("csc:/csc/v2", "csc:https"),
        ("csc:ftp://qtsp.example/csc/v1", "https"),
    ],
)
def test_a_uri_carries_no_secret_and_sends_none_in_the_clear(uri: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        CscUri.parse(uri)
    assert "VERYSECRET" not in str(caught.value)


def test_an_unreachable_service_is_said_to_be_so() -> None:
    async def inside() -> None:
        async with aiohttp.ClientSession() as session:
            await open_remote_signer("csc:http://127.0.0.1:9/csc/v2", CscSecrets(), session)

    with pytest.raises(CscFault, match="can't be reached"):
        asyncio.run(inside())
