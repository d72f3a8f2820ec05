"""Whether the copies of certificates that a file brings along are what their issuers signed."""

from __future__ import annotations

from collections.abc import Sequence

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from receipts.pades.material import Material, common_name
from receipts.pades.report import Finding, SubIndication


def check_algorithms(check: str, material: Material) -> None:
    """Check that whatever is signed in the validation data names an algorithm that is known, or nobody can judge it.

    Raises:
        Finding: Something does not.
    """
    answers = [each.basic_ocsp_response for each in material.ocsps]
    for signed in (*material.certificates, *answers, *material.crls):
        try:
            signed["signature_algorithm"].signature_algo  # noqa: B018 (raises for what asn1crypto doesn't know)
        except ValueError as error:
            raise Finding(
                check, SubIndication.GENERIC, f"something in the file is signed in no known way: {error}"
            ) from error


def check_certificates(check: str, material: Material, anchors: Sequence[x509.Certificate]) -> None:
    """Check that no certificate in the file was altered: each verifies with its issuer's key, where that is known.

    Those that the verdict rests on were checked on their way to the anchors; this is about the other copies.

    Raises:
        Finding: One was.
    """
    keys: dict[bytes, list[x509.Certificate]] = {}
    signed: dict[bytes, bytes] = {}
    for certificate in (*material.certificates, *anchors):
        # No signature is that of two contents; where names were altered, nobody is known as the issuer.
        if signed.setdefault(certificate["signature_value"].native, certificate.dump()) != certificate.dump():
            problem = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
            raise Finding(check, problem, f"a certificate for {common_name(certificate)} is in the file twice, altered")
        keys.setdefault(certificate.subject.dump(), []).append(certificate)
    trusted = {anchor.dump() for anchor in anchors}
    for certificate in material.certificates:
        issuers = keys.get(certificate.issuer.dump(), [])
        if issuers and certificate.dump() not in trusted and not any(_issued(certificate, each) for each in issuers):
            problem = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
            raise Finding(check, problem, f"a certificate for {common_name(certificate)} in the file is damaged")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        DefaultSignatureValidator().validate_signature(
            certificate["signature_value"].native,
            certificate["tbs_certificate"].dump(),
            issuer.public_key,
            certificate["signature_algorithm"],
        )
    except (AssertionError, InvalidSignature, ValueError, TypeError, KeyError):  # AssertionError: a key of another kind
        return False
    return True
