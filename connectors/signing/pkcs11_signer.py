"""Seals with a key in an HSM or a smart card (PKCS#11); the key never leaves it."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, Final

from asn1crypto import x509
from pkcs11 import Attribute, Mechanism, ObjectClass, Session
from pyhanko.sign.pkcs11 import select_pkcs11_signing_params
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore

from connectors.signing.mechanism import Verifier, digest_for, mechanism_for, signature_size_bytes
from connectors.signing.pkcs11_session import KeptSession, KeyUnusable, query
from connectors.signing.pkcs11_uri import Pkcs11Uri

TIMEOUT_S: Final = 60


class Pkcs11Signer(Signer):
    """Signs on the token; survives the token's loss and return.

    Args:
        uri: RFC 7512.
        pin: The user PIN; never part of the URI.
        certificates: Where the token doesn't hold them: the sealing certificate first, then those above it.

    Raises:
        ValueError: The URI is not one.
        KeyUnusable: The token, the key or the PIN isn't right, or the certificate is missing or another key's.
    """

    def __init__(self, uri: str, pin: str | None, certificates: Sequence[x509.Certificate] = ()) -> None:
        self._uri = Pkcs11Uri.parse(uri)
        self._session = KeptSession(self._uri, pin)
        try:
            mechanisms, certificate, chain = self._session.use(lambda session, _: self._look(session, certificates))
            self._raw = certificate.public_key.algorithm == "ec"  # hashed by us: few tokens offer CKM_ECDSA_SHA256
            mechanism = mechanism_for(certificate, offers_pss=_pss(certificate) in mechanisms)
            store = SimpleCertificateStore()
            store.register_multiple([certificate, *chain])
            super().__init__(signing_cert=certificate, cert_registry=store, signature_mechanism=mechanism)
            self._probe()
        except Exception:
            self._session.forget()
            raise

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The signature over `data`; in a dry run as many zero bytes as it may take.

        Raises:
            KeyUnusable: The token is gone or refuses; may be repeated.
        """
        if dry_run:
            return bytes(signature_size_bytes(self._signing_cert))
        work = asyncio.get_running_loop().run_in_executor(self._session.thread, self._sign, data, digest_algorithm)
        return await asyncio.wait_for(work, TIMEOUT_S)

    async def check(self) -> x509.Certificate:
        """Prove that the key can be used now, by a signature over random bytes; returns the certificate.

        Raises:
            KeyUnusable: It can't.
        """
        work = asyncio.get_running_loop().run_in_executor(self._session.thread, self._probe)
        await asyncio.wait_for(work, TIMEOUT_S)
        return self._signing_cert

    async def close(self) -> None:
        """Log out."""
        await asyncio.get_running_loop().run_in_executor(self._session.thread, self._session.forget)

    def _sign(self, data: bytes, digest: str) -> bytes:
        spec = select_pkcs11_signing_params(
            self.signature_mechanism, digest, use_raw_mechanism=self._raw, sign_kwargs={}
        )
        if spec.pre_sign_transform:
            data = spec.pre_sign_transform(data)
        signature = self._session.use(lambda _, key: key.sign(data, **spec.sign_kwargs))
        return bytes(spec.post_sign_transform(signature) if spec.post_sign_transform else signature)

    def _probe(self) -> None:
        data, digest = secrets.token_bytes(32), digest_for(self._signing_cert)
        verifier = Verifier(self._signing_cert, self.signature_mechanism)
        if not verifier.holds(self._sign(data, digest), hashlib.new(digest, data).digest(), digest):
            raise KeyUnusable("the certificate is not that of the key on the token")

    def _look(
        self, session: Session, given: Sequence[x509.Certificate]
    ) -> tuple[frozenset[Any], x509.Certificate, list[x509.Certificate]]:
        """The token's mechanisms, the key's certificate and those above it."""
        mechanisms = frozenset(session.token.slot.get_mechanisms())
        mine = _certificates(session, query(self._uri, ObjectClass.CERTIFICATE))
        others = [*given, *_certificates(session, {Attribute.CLASS: ObjectClass.CERTIFICATE})]
        if len(mine) > 1:
            raise KeyUnusable("more than one certificate on the token matches the PKCS#11 URI")
        if not mine and not given:
            raise KeyUnusable(
                "the token holds no certificate under the key's label or id; set PROBANT_SIGNER_CERTIFICATES"
            )
        certificate = mine[0] if mine else given[0]
        return mechanisms, certificate, above(certificate, others)


def above(certificate: x509.Certificate, others: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Those of `others` that lead from the certificate up, nearest first, each once."""
    chain: list[x509.Certificate] = []
    current = certificate
    while current.issuer != current.subject:
        issuer = next((each for each in others if each.subject == current.issuer and each not in chain), None)
        if issuer is None:
            break
        chain.append(issuer)
        current = issuer
    return chain


def _certificates(session: Session, template: dict[Attribute, Any]) -> list[x509.Certificate]:
    return [x509.Certificate.load(found[Attribute.VALUE]) for found in list(session.get_objects(template))]


def _pss(certificate: x509.Certificate) -> Mechanism:
    return Mechanism[f"{digest_for(certificate).upper()}_RSA_PKCS_PSS"]
