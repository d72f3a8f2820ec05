"""Opens the sealing key that a URI names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from asn1crypto import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore

from connectors.signing.mechanism import HASHES, digest_for, pss, signature_size_bytes
from connectors.signing.pkcs11_signer import Pkcs11Signer


def open_signer(
    uri: str, secret: str | None = None, *, certificates: Sequence[x509.Certificate] = ()
) -> KeySigner | Pkcs11Signer:
    """The key that `uri` names, ready to sign; a file is read and parsed once.

    Args:
        uri: `file:///path/to/key.p12`: a PKCS#12 file with one key, its certificate and the chain above it; or
            `pkcs11:token=...;object=...?module-path=...` (RFC 7512): a key on a token. For a remote provider's see
            `open_remote_signer`.
        secret: Password of the file or PIN of the token. It is never part of the URI, which may be logged.
        certificates: For a token that holds none: the sealing certificate first, then those above it.

    Raises:
        ValueError: The scheme is unknown, the URI carries a secret, or the file holds no key with certificate or
            doesn't open with this secret.
        KeyUnusable: The token, its key or the PIN isn't right.
        OSError: The file can't be read.
    """
    if uri.startswith("pkcs11:"):
        return Pkcs11Signer(uri, secret, certificates)
    parts = urlsplit(uri)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("a signer's URI carries nothing but scheme and path; its secret is given apart")
    if parts.scheme != "file":
        raise ValueError(f"no signer is known for the URI scheme {parts.scheme!r}; known: file, pkcs11, csc")
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ValueError("a file signer's URI is file:///absolute/path")
    return _open_pkcs12(Path(unquote(parts.path)).read_bytes(), secret)


class KeySigner(Signer):
    """Signs with a key in memory; unlike pyHanko's SimpleSigner it parses the key only once (165 ms for RSA-3072)."""

    def __init__(
        self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, certificate: x509.Certificate, chain: list[bytes]
    ) -> None:
        store = SimpleCertificateStore()
        for der in chain:
            store.register(x509.Certificate.load(der))
        mechanism = pss(digest_for(certificate)) if isinstance(key, rsa.RSAPrivateKey) else None
        super().__init__(signing_cert=certificate, cert_registry=store, signature_mechanism=mechanism)
        self._key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The signature over `data`; in a dry run as many zero bytes as it may take."""
        if dry_run:
            return bytes(signature_size_bytes(self._signing_cert))
        digest = HASHES[digest_algorithm]
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        return self._key.sign(data, ec.ECDSA(digest))

    async def check(self) -> x509.Certificate:
        """The certificate: a key in memory can be used as long as the process lives."""
        return self._signing_cert

    async def close(self) -> None:
        """Nothing to close."""


def _open_pkcs12(content: bytes, secret: str | None) -> KeySigner:
    bundle = pkcs12.load_pkcs12(content, None if secret is None else secret.encode())
    if bundle.key is None or bundle.cert is None:
        raise ValueError("the PKCS#12 file holds no key with its certificate")
    if not isinstance(bundle.key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the sealing key must be RSA or ECDSA")
    der = serialization.Encoding.DER
    certificate = x509.Certificate.load(bundle.cert.certificate.public_bytes(der))
    chain = [each.certificate.public_bytes(der) for each in bundle.additional_certs]
    return KeySigner(bundle.key, certificate, chain)
