"""What a time-stamp token must be before it is used in a seal (RFC 3161, RFC 5816, EN 319 422)."""

from __future__ import annotations

import hashlib
from typing import Final

from asn1crypto import algos, cms, core, x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator, SignatureValidationContext

DIGESTS: Final = frozenset({"sha256", "sha384", "sha512"})


class BadToken(Exception):
    """The time-stamping authority's token is not one that may be used."""


class BadSignature(Exception):
    """A signature is not the certificate's over what was to be signed."""


def check_token(der: bytes, imprint: bytes, algorithm: str) -> None:
    """Check everything about a token but whether its issuer is trusted, which `validate` does.

    Args:
        der: The token as it came.
        imprint: The digest that was to be stamped.
        algorithm: How it was computed, such as `sha256`.

    Raises:
        BadToken: It breaks a rule; the message says which.
    """
    try:
        _check_token(cms.ContentInfo.load(der)["content"], imprint, algorithm)
    except BadToken:
        raise
    except Exception as error:
        raise BadToken(f"the time-stamp token is malformed: {error}") from error


def _check_token(signed: cms.SignedData, imprint: bytes, algorithm: str) -> None:
    content = signed["encap_content_info"]["content"]
    if signed["encap_content_info"]["content_type"].native != "tst_info":
        raise BadToken("the token holds no TSTInfo")
    stamped = content.parsed["message_imprint"]
    if (stamped["hash_algorithm"]["algorithm"].native, stamped["hashed_message"].native) != (algorithm, imprint):
        raise BadToken("the token stamps something else")  # RFC 3161, 2.2
    if len(signed["signer_infos"]) != 1:
        raise BadToken("the token must have exactly one signer")  # RFC 3161, 2.4.2; ISO 19005-3, 6.4.3
    signer = signed["signer_infos"][0]
    signed_bytes = b"\x31" + signer["signed_attrs"].dump()[1:]  # as a SET (RFC 5652, 5.4), before anyone looks inside
    attributes = {each["type"].native: each["values"] for each in signer["signed_attrs"]}
    certificate = _certificate(signed, attributes)
    check_purpose(certificate)
    used = signer["digest_algorithm"]["algorithm"].native
    if used not in DIGESTS:
        raise BadToken(f"the token is signed over {used}")
    [digest], [kind] = attributes["message_digest"], attributes["content_type"]
    if digest.native != hashlib.new(used, bytes(content)).digest() or kind.native != "tst_info":
        raise BadToken("the token's signature is over something else")
    verify(certificate, signer["signature"].native, signed_bytes, signer["signature_algorithm"], used)


def _certificate(signed: cms.SignedData, attributes: dict[str, core.SetOf]) -> x509.Certificate:
    """The time-stamping unit's certificate, which certReq put into the token (RFC 3161, 2.4.1)."""
    if "signing_certificate_v2" not in attributes:
        raise BadToken("the token has no ESSCertIDv2")  # RFC 5816, 2.2.1; with ESSCertID only, it rests on SHA-1
    [value] = attributes["signing_certificate_v2"]
    named = value["certs"][0]
    algorithm = named["hash_algorithm"]["algorithm"].native
    if algorithm not in DIGESTS:
        raise BadToken(f"the token's ESSCertIDv2 rests on {algorithm}")
    sid = signed["signer_infos"][0]["sid"].chosen
    for choice in signed["certificates"]:
        certificate = choice.chosen
        if hashlib.new(algorithm, certificate.dump()).digest() == named["cert_hash"].native:
            if isinstance(sid, cms.IssuerAndSerialNumber):
                same = sid["serial_number"].native == certificate.serial_number
            else:
                same = sid.native == certificate.key_identifier
            if same:
                return certificate
    raise BadToken("the token doesn't carry the certificate that its ESSCertIDv2 and signer name")


def check_purpose(certificate: x509.Certificate) -> None:
    """Check that time-stamping is the certificate's sole purpose, and critical (RFC 3161, 2.3).

    Raises:
        BadToken: It isn't.
    """
    for extension in certificate["tbs_certificate"]["extensions"]:
        if extension["extn_id"].native == "extended_key_usage":
            if extension["extn_value"].parsed.native == ["time_stamping"] and extension["critical"].native:
                return
            break
    raise BadToken("time-stamping is not the sole and critical purpose of the token's certificate")


def verify(
    certificate: x509.Certificate, signature: bytes, signed: bytes, mechanism: algos.SignedDigestAlgorithm, digest: str
) -> None:
    """Check that `signature` over `signed` is `certificate`'s.

    Raises:
        BadSignature: It isn't.
    """
    context = SignatureValidationContext(contextual_md_algorithm=digest, prehashed=False)
    try:
        DefaultSignatureValidator().validate_signature(signature, signed, certificate.public_key, mechanism, context)
    except InvalidSignature as error:
        raise BadSignature(f"the signature is not {certificate.subject.human_friendly}'s") from error
