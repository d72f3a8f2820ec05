"""Which algorithms and keys a verdict may rest on at a time (ETSI TS 119 312 V2.1.1)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from asn1crypto import algos, keys
from pyhanko.sign.validation.utils import CMSAlgorithmUsagePolicy
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint

DIGESTS: Final = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})  # clause 5
_MECHANISMS: Final = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa"})  # clause 6; PKCS#1 v1.5 is legacy, not out
_LEAST_RSA_BITS: Final = 1900
_LASTING_RSA_BITS: Final = 3000
_LEAST_EC_BITS: Final = 256
_RSA_2048_ENDS: Final = datetime(2029, 1, 1, tzinfo=UTC)  # clause 8.4: 1900 to 2999 bits until 2028-12-31


class Algorithms(CMSAlgorithmUsagePolicy):
    """Judges algorithms at one time, whatever time the caller names.

    Args:
        at: The time by which what rests on the algorithms is known to have existed.
    """

    def __init__(self, at: datetime) -> None:
        self._at = at

    def digest_algorithm_allowed(
        self, algo: algos.DigestAlgorithm, moment: datetime | None
    ) -> AlgorithmUsageConstraint:
        """Whether a digest algorithm is good."""
        name = algo["algorithm"].native
        return AlgorithmUsageConstraint(name in DIGESTS, failure_reason=f"{name} is too weak")

    def signature_algorithm_allowed(
        self, algo: algos.SignedDigestAlgorithm, moment: datetime | None, public_key: keys.PublicKeyInfo | None
    ) -> AlgorithmUsageConstraint:
        """Whether a signature algorithm with this key is good."""
        try:
            mechanism, digest = algo.signature_algo, algo.hash_algo
        except ValueError:
            mechanism, digest = algo["algorithm"].native, None
        if mechanism not in _MECHANISMS or (digest is not None and digest not in DIGESTS):
            return AlgorithmUsageConstraint(False, failure_reason=f"{algo['algorithm'].native} is not good enough")
        return self.judge_key(public_key) if public_key is not None else AlgorithmUsageConstraint(True)

    def judge_key(self, key: keys.PublicKeyInfo) -> AlgorithmUsageConstraint:
        """Whether a key is good."""
        least = {"rsa": _LEAST_RSA_BITS, "rsassa_pss": _LEAST_RSA_BITS, "ec": _LEAST_EC_BITS}.get(key.algorithm)
        if least is None:
            return AlgorithmUsageConstraint(False, failure_reason=f"keys for {key.algorithm} are not accepted")
        reason = f"a key of {key.bit_size} bits is too weak"
        if key.bit_size < least:
            return AlgorithmUsageConstraint(False, failure_reason=reason)
        if key.algorithm != "ec" and key.bit_size < _LASTING_RSA_BITS and self._at >= _RSA_2048_ENDS:
            # It was good once: an older proof of existence would do (EN 319 102-1: _NO_POE).
            return AlgorithmUsageConstraint(False, not_allowed_after=_RSA_2048_ENDS, failure_reason=reason)
        return AlgorithmUsageConstraint(True)
