"""Sealing with a key in an HSM: the URI, the sessions, and the token that goes away and comes back."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pkcs11
import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from connectors.devpki import Service
from connectors.signing import KeyUnusable, PinRefused, open_signer
from connectors.signing.mechanism import Verifier, digest_for
from connectors.signing.pkcs11_uri import Pkcs11Uri
from tests.servers.softhsm import PIN, Token, put_key

MODULE = "?module-path=/usr/lib/softhsm/libsofthsm2.so"


def test_a_uri_names_module_token_and_key() -> None:
    uri = Pkcs11Uri.parse("pkcs11:token=The%20seal;serial=ab12;object=k%3b1;id=%01%ff;type=private" + MODULE)
    assert uri == Pkcs11Uri(
        module="/usr/lib/softhsm/libsofthsm2.so", token="The seal", serial="ab12", label="k;1", id=b"\x01\xff"
    )
    assert Pkcs11Uri.parse("pkcs11:token=a;id=%01?module-name=softhsm2").module == "libsofthsm2.so"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("pkcs11:token=a;object=b?module-path=/m.so&pin-value=VERYSECRET", "pin-value"),
        ("pkcs11:token=a;object=b;pin-value=VERYSECRET?module-path=/m.so", "pin-value"),
        ("pkcs11:token=a;object=b?module-path=/m.so&pin-source=file:VERYSECRET", "pin-source"),
        ("pkcs11:token=a;object=b?module-path=m.so", "absolute"),
        ("pkcs11:token=a;object=b", "module"),
        ("pkcs11:token=a;object=b?module-path=/m.so&module-name=m", "module"),
        ("pkcs11:token=a;object=b?module-name=..%2Fm", "module-name"),
        ("pkcs11:token=a?module-path=/m.so", "object or id"),
        ("pkcs11:object=a?module-path=/m.so", "token or serial"),
        ("pkcs11:token=a;object=b;type=cert?module-path=/m.so", "type"),
        ("pkcs11:token=a;token=b;object=c?module-path=/m.so", "once"),
        ("pkcs11:token=a;object=b;slot-description=x?module-path=/m.so", "unknown"),
        ("pkcs11:token=a b;object=b?module-path=/m.so", "percent"),
        ("pkcs11:token=;object=b?module-path=/m.so", "empty"),
    ],
)
def test_what_is_not_understood_is_refused_without_repeating_secrets(uri: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        open_signer(uri)
    assert "VERYSECRET" not in str(caught.value)


@given(st.text(min_size=1), st.binary(min_size=1))
def test_every_label_and_id_can_be_named(label: str, identifier: bytes) -> None:
    from urllib.parse import quote, quote_from_bytes

    try:
        named = quote(label, safe="")
    except UnicodeEncodeError:
        return
    uri = Pkcs11Uri.parse(f"pkcs11:token=t;object={named};id={quote_from_bytes(identifier, safe='')}{MODULE}")
    assert (uri.label, uri.id) == (label, identifier)


@pytest.mark.needs("softhsm")
@pytest.mark.parametrize("kind", ["rsa3072", "p256"])
def test_a_key_in_the_hsm_signs_many_at_once(softhsm: Token, devpki: Service, kind: str) -> None:
    certificate = put_key(softhsm, devpki.pki, f"many-{kind}", kind)
    signer = open_signer(softhsm.uri(f"many-{kind}"), PIN)
    assert signer.signing_cert.dump() == certificate.public_bytes(Encoding.DER)
    names = {each.subject.native["common_name"].split()[0] for each in signer.cert_registry}
    assert names == {"Seal", "Issuing", "Root"}
    digest = digest_for(signer.signing_cert)
    mechanism = signer.get_signature_mechanism_for_digest(digest)
    assert mechanism["algorithm"].native == ("rsassa_pss" if kind == "rsa3072" else "sha256_ecdsa")
    verifier = Verifier(signer.signing_cert, mechanism)

    async def run() -> None:
        datas = [f"document {number}".encode() for number in range(24)]
        signatures = await asyncio.gather(*(signer.async_sign_raw(data, digest) for data in datas))
        longest = len(await signer.async_sign_raw(b"", digest, dry_run=True))
        for data, signature in zip(datas, signatures, strict=True):
            assert verifier.holds(signature, hashlib.new(digest, data).digest(), digest)
            assert len(signature) <= longest
        assert await signer.check() is signer.signing_cert
        await signer.close()

    asyncio.run(run())


@pytest.mark.needs("softhsm")
def test_the_certificate_may_lie_beside_the_token(softhsm: Token, devpki: Service) -> None:
    certificate = _asn1(put_key(softhsm, devpki.pki, "bare", "p256", certificate_label="elsewhere"))
    with pytest.raises(KeyUnusable, match="no certificate"):
        open_signer(softhsm.uri("bare"), PIN)
    signer = open_signer(softhsm.uri("bare"), PIN, certificates=[certificate])
    assert signer.signing_cert.dump() == certificate.dump()
    other = _asn1(put_key(softhsm, devpki.pki, "other", "p256"))
    with pytest.raises(KeyUnusable, match="not that of the key"):
        open_signer(softhsm.uri("bare"), PIN, certificates=[other])


@pytest.mark.needs("softhsm")
def test_a_wrong_pin_is_tried_once(softhsm: Token, devpki: Service) -> None:
    put_key(softhsm, devpki.pki, "pin", "p256")
    # Whoever is logged in already would not be asked.
    pkcs11.lib(softhsm.module).reinitialize()
    with pytest.raises(PinRefused, match="PinIncorrect") as caught:
        open_signer(softhsm.uri("pin"), "wrong-and-secret")
    assert "wrong-and-secret" not in f"{caught.value!r}"
    with pytest.raises(PinRefused, match="not tried again"):
        open_signer(softhsm.uri("pin"), "wrong-and-secret")
    with pytest.raises(KeyUnusable, match="no private key"):
        open_signer(softhsm.uri("pin"), None)
    assert open_signer(softhsm.uri("pin"), PIN)


@pytest.mark.needs("softhsm")
def test_unknown_keys_tokens_and_modules_are_named(softhsm: Token) -> None:
    for uri, said in (
        (softhsm.uri("nobody"), "no private key"),
        (f"pkcs11:token=nowhere;object=a?module-path={softhsm.module}", "no token"),
        ("pkcs11:token=a;object=b?module-path=/nowhere/libmodule.so", "can't be loaded"),
    ):
        with pytest.raises(KeyUnusable, match=said):
            open_signer(uri, PIN)


@pytest.mark.needs("softhsm")
def test_a_lost_token_is_logged_into_again(softhsm: Token, devpki: Service, tmp_path: Path) -> None:
    put_key(softhsm, devpki.pki, "lost", "p256")
    signer = open_signer(softhsm.uri("lost"), PIN)
    verifier = Verifier(signer.signing_cert, signer.get_signature_mechanism_for_digest("sha256"))
    library = pkcs11.lib(softhsm.module)
    tokens = softhsm.folder / "tokens"

    async def signs(times: int = 12) -> None:
        for signature in await asyncio.gather(*(signer.async_sign_raw(b"x", "sha256") for _ in range(times))):
            assert verifier.holds(signature, hashlib.sha256(b"x").digest(), "sha256")

    async def run() -> None:
        await signs()
        library.reinitialize()  # every session handle is invalid now, nobody is logged in
        await signs()
        another = open_signer(softhsm.uri("lost"), PIN)
        await another.close()  # which logs out this one too
        await signs()
        tokens.rename(tmp_path / "away")  # the token is pulled
        tokens.mkdir()
        library.reinitialize()
        with pytest.raises(KeyUnusable, match="no token"):
            await signs(1)
        tokens.rmdir()
        (tmp_path / "away").rename(tokens)  # and put back
        await signs()
        await signer.close()

    asyncio.run(run())


def _asn1(certificate: object) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(Encoding.DER))  # type: ignore[attr-defined]
