"""Keys that are the same in every run, made from their names. Worth nothing, of course."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from typing import Final

from asn1crypto import algos
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
}
CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "p192": ec.SECP192R1(),
    "p224": ec.SECP224R1(),
    "p256": ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "p521": ec.SECP521R1(),
    "k256": ec.SECP256K1(),
    "brainpool256": ec.BrainpoolP256R1(),
}


@functools.cache
def key(name: str, kind: str = "p256") -> Key:
    """The key of that name: `ed25519`, a curve, or `rsa` and the number of bits."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    if kind.startswith("rsa"):
        return _rsa(name, int(kind.removeprefix("rsa")))
    return ec.derive_private_key(next(_numbers(name, CURVES[kind].key_size - 1)), CURVES[kind])


def sign(signer: Key, data: bytes, scheme: str, digest: str) -> bytes:
    """A signature: `pkcs1`, `pss`, `ecdsa` or `ed25519`."""
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return signer.sign(data)
    if isinstance(signer, ec.EllipticCurvePrivateKey):
        return signer.sign(data, ec.ECDSA(HASHES[digest], deterministic_signing=digest in _RFC_6979))
    filling: padding.AsymmetricPadding = padding.PKCS1v15()
    if scheme == "pss":
        filling = padding.PSS(padding.MGF1(HASHES[digest]), HASHES[digest].digest_size)
    return signer.sign(data, filling, HASHES[digest])


def scheme_of(signer: Key) -> str:
    """What a key signs with unless it is told otherwise."""
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return "ed25519"
    return "ecdsa" if isinstance(signer, ec.EllipticCurvePrivateKey) else "pkcs1"


def algorithm(scheme: str, digest: str) -> algos.SignedDigestAlgorithm:
    """How the signature is named in certificates and containers."""
    if scheme == "ed25519":
        return algos.SignedDigestAlgorithm({"algorithm": "ed25519"})
    if (scheme, digest) == ("pkcs1", "sha3_256"):
        return algos.SignedDigestAlgorithm({"algorithm": "2.16.840.1.101.3.4.3.14"})  # asn1crypto has no name for it
    if scheme != "pss":
        return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_{'rsa' if scheme == 'pkcs1' else scheme}"})
    hashing = algos.DigestAlgorithm({"algorithm": digest})
    masking = algos.MaskGenAlgorithm({"algorithm": "mgf1", "parameters": hashing})
    parameters = algos.RSASSAPSSParams(
        {"hash_algorithm": hashing, "mask_gen_algorithm": masking, "salt_length": HASHES[digest].digest_size}
    )
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


_RFC_6979: Final = frozenset(HASHES) - {"md5", "sha3_256"}


def _rsa(name: str, bits: int) -> rsa.RSAPrivateKey:
    candidates = (number | 3 << bits // 2 - 2 | 1 for number in _numbers(name, bits // 2))
    primes = (each for each in candidates if each % 65537 != 1 and _prime(each))
    p, q = next(primes), next(primes)
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    ).private_key()


def _numbers(name: str, bits: int) -> Iterator[int]:
    counter = 0
    while True:
        yield int.from_bytes(hashlib.shake_256(f"{name} {counter}".encode()).digest(bits // 8 + 1)) % (1 << bits)
        counter += 1


def _prime(number: int) -> bool:
    return all(number % small for small in (3, 5, 7, 11, 13, 17, 19, 23)) and all(
        pow(base, number - 1, number) == 1 for base in (2, 3, 5)
    )
