"""Signature mechanisms that a key's provider offers, the preferred one first (ETSI TS 119 312, clause 6)."""

from __future__ import annotations

from asn1crypto import algos, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pyhanko.sign.signers.pdf_cms import select_suitable_signing_md

HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


def digest_for(certificate: x509.Certificate) -> str:
    """The digest algorithm that suits the certificate's key, such as `sha256`."""
    return str(select_suitable_signing_md(certificate.public_key))


def pss(digest: str) -> algos.SignedDigestAlgorithm:
    """RSASSA-PSS with a salt as long as the digest (RFC 8017, 9.1), which TS 119 312 prefers to PKCS#1 v1.5."""
    algorithm = {"algorithm": digest}
    parameters = {
        "hash_algorithm": algorithm,
        "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": algos.DigestAlgorithm(algorithm)},
        "salt_length": HASHES[digest].digest_size,
    }
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": algos.RSASSAPSSParams(parameters)})


def mechanism_for(certificate: x509.Certificate, *, offers_pss: bool = True) -> algos.SignedDigestAlgorithm:
    """RSASSA-PSS, PKCS#1 v1.5 where that is all there is, or ECDSA.

    Raises:
        ValueError: The key is neither RSA nor ECDSA.
    """
    digest, kind = digest_for(certificate), certificate.public_key.algorithm
    if kind == "ec":
        return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_ecdsa"})
    if kind == "rsassa_pss" or (kind == "rsa" and offers_pss):
        return pss(digest)
    if kind == "rsa":
        return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_rsa", "parameters": {}})
    raise ValueError(f"a sealing key must be RSA or ECDSA, not {kind}")


def signature_size_bytes(certificate: x509.Certificate) -> int:
    """As many bytes as a signature may take."""
    key = certificate.public_key
    return int(2 * ((key.bit_size + 7) // 8) + 10 if key.algorithm == "ec" else (key.bit_size + 7) // 8)


class Verifier:
    """Checks signatures over digests with one certificate; its key is parsed once."""

    def __init__(self, certificate: x509.Certificate, mechanism: algos.SignedDigestAlgorithm) -> None:
        key = load_der_public_key(certificate.public_key.dump())
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise ValueError("a sealing key must be RSA or ECDSA")
        self._key = key
        self._pss = mechanism["algorithm"].native == "rsassa_pss"

    def holds(self, signature: bytes, digest: bytes, algorithm: str) -> bool:
        """Whether `signature` is the certificate's over what has this digest."""
        hash_ = HASHES[algorithm]
        try:
            if isinstance(self._key, ec.EllipticCurvePublicKey):
                self._key.verify(signature, digest, ec.ECDSA(utils.Prehashed(hash_)))
            else:
                form = padding.PSS(padding.MGF1(hash_), hash_.digest_size) if self._pss else padding.PKCS1v15()
                self._key.verify(signature, digest, form, utils.Prehashed(hash_))
        except InvalidSignature:
            return False
        return True
