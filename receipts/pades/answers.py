"""Which revocation information a verdict may rest on, before anyone looks at who issued it."""

from __future__ import annotations

from datetime import datetime

from asn1crypto import algos, crl, keys, ocsp

from receipts.pades.algorithms import Algorithms
from receipts.pades.material import Material


def reliable(material: Material, at: datetime) -> Material:
    """The material with only such revocation information as is signed strongly enough and whose scope is plain.

    Args:
        material: What the file holds.
        at: The time by which the information is known to have existed (ETSI TS 119 312).
    """
    policy = Algorithms(at)
    return Material(
        certificates=material.certificates,
        ocsps=tuple(each for each in material.ocsps if _is_strong(each, policy)),
        crls=tuple(each for each in material.crls if _is_plain(each) and _is_strong_list(each, policy)),
    )


def _is_strong(response: ocsp.OCSPResponse, policy: Algorithms) -> bool:
    basic = response.basic_ocsp_response
    responders = [certificate.public_key for certificate in basic["certs"] or ()]
    return all(_allowed(policy, basic["signature_algorithm"], key) for key in [None, *responders])


def _is_strong_list(revocation_list: crl.CertificateList, policy: Algorithms) -> bool:
    return _allowed(policy, revocation_list["signature_algorithm"], None)


def _allowed(policy: Algorithms, mechanism: algos.SignedDigestAlgorithm, key: keys.PublicKeyInfo | None) -> bool:
    if key is not None:  # an EC key under an RSA signature, or the reverse, is another certificate's
        return bool(policy.judge_key(key).allowed)
    return bool(policy.signature_algorithm_allowed(mechanism, None, None).allowed)


def _is_plain(revocation_list: crl.CertificateList) -> bool:
    """Whether a CRL names the place that its scope belongs to, if it has a scope, and is of its own issuer only.

    RFC 5280, 5.2.5, has the extension critical: whoever can't tell the scope must not use the list.
    """
    scope = revocation_list.issuing_distribution_point_value
    if scope is None:
        return True
    return scope["distribution_point"].native is not None and not scope["indirect_crl"].native
