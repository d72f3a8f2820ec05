"""What the signatures that a message came with are worth: what was checked, with which certificate, and what was not.

Nothing here says that a certificate is to be trusted: that needs anchors and revocation data of the day of signing. An
intact signature proves that who holds the key of that certificate signed these bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from asn1crypto import cms, core, x509

from receipts.evidence import Json

SIGNATURES_MOST: Final = 20
_NO_ANCHOR: Final = "certificate not checked: no anchor and no revocation data for it"
_NAMED: Final = re.compile(r"(?:^|;)\s*([ds])\s*=\s*([^;\s]{1,255})")
_BROKEN: Final = (ValueError, TypeError, KeyError, AttributeError, LookupError, RecursionError)


def smime(content: bytes, forms: tuple[bytes, ...] | None = None) -> list[Mapping[str, Json]]:
    """What each signer of CMS SignedData (RFC 5652, RFC 8551) is worth.

    Args:
        content: The CMS structure, DER or BER.
        forms: The bytes that were signed if they stand beside the signature, as they may have been written; else the
            structure holds them.
    """
    try:
        info = cms.ContentInfo.load(content)
        if info["content_type"].native != "signed_data":
            return []
        data = info["content"]
        kind, inner = data["encap_content_info"]["content_type"].native, data["encap_content_info"]["content"]
        known = forms or ((bytes(inner),) if inner.native is not None else ())
        certificates = [one.chosen for one in data["certificates"] if isinstance(one.chosen, x509.Certificate)]
        return [_signer(one, certificates, kind, known) for one in list(data["signer_infos"])[:SIGNATURES_MOST]]
    except _BROKEN as error:
        return [_unproved("s/mime", f"can't be read: {type(error).__name__}")]


def _signer(
    signer: cms.SignerInfo, certificates: list[x509.Certificate], kind: str, forms: tuple[bytes, ...]
) -> Mapping[str, Json]:
    certificate = next((one for one in certificates if _is_of(one, signer["sid"].chosen)), None)
    if certificate is None:
        return _unproved("s/mime", "the signer's certificate is not in the message")
    said: dict[str, Json] = {
        "kind": "s/mime",
        "certificate": {
            "subject": certificate.subject.human_friendly,
            "issuer": certificate.issuer.human_friendly,
            "serial": f"{certificate.serial_number:x}",
            "sha256": hashlib.sha256(certificate.dump()).hexdigest(),
        },
    }
    if not forms:
        return said | {"integrity": "not-verified", "reason": "what was signed is not in the message"}
    try:
        is_intact = any(_is_intact(signer, certificate, kind, form) for form in forms)
    except Exception as error:  # algorithms nobody trusts any more, and structures that no standard allows
        return said | {"integrity": "not-verified", "reason": f"{type(error).__name__}"}
    return said | {"integrity": "intact" if is_intact else "broken", "reason": _NO_ANCHOR}


def _is_intact(signer: cms.SignerInfo, certificate: x509.Certificate, kind: str, form: bytes) -> bool:
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity  # costly, and few messages are signed

    digest = hashlib.new(signer["digest_algorithm"]["algorithm"].native, form).digest()
    if isinstance(signer["signed_attrs"], core.Void):
        return _is_signed_bare(signer, certificate, form)
    is_of_these_bytes, is_valid = validate_sig_integrity(signer, certificate, kind, digest)
    return is_of_these_bytes and is_valid


def _is_signed_bare(signer: cms.SignerInfo, certificate: x509.Certificate, form: bytes) -> bool:
    """Without signed attributes the signature is over the content itself (RFC 5652 5.4)."""
    from cryptography.exceptions import InvalidSignature
    from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator, SignatureValidationContext

    context = SignatureValidationContext(
        contextual_md_algorithm=signer["digest_algorithm"]["algorithm"].native, prehashed=False
    )
    try:
        DefaultSignatureValidator().validate_signature(
            signer["signature"].native, form, certificate.public_key, signer["signature_algorithm"], context=context
        )
    except InvalidSignature:
        return False
    return True


def _is_of(certificate: x509.Certificate, sid: core.Asn1Value) -> bool:
    if isinstance(sid, cms.IssuerAndSerialNumber):
        same_issuer = bool(certificate.issuer == sid["issuer"])
        return same_issuer and bool(certificate.serial_number == sid["serial_number"].native)
    return bool(certificate.key_identifier == sid.native)


def written(fields: list[tuple[str, str]]) -> Iterator[Mapping[str, Json]]:
    """What the DKIM signatures in a header (RFC 6376) are worth here: nothing, their keys are in the DNS."""
    for name, value in fields:
        if name.lower() == "dkim-signature":
            tags = dict(_NAMED.findall(value))
            reason = "the key is in the DNS, which is not asked: nothing leaves while a message is read"
            yield _unproved("dkim", reason) | {"domain": tags.get("d", ""), "selector": tags.get("s", "")}


def openpgp() -> Mapping[str, Json]:
    """What an OpenPGP signature (RFC 9580, RFC 3156) is worth here."""
    return _unproved("openpgp", "nobody's OpenPGP key is known here")


def _unproved(kind: str, reason: str) -> dict[str, Json]:
    return {"kind": kind, "integrity": "not-verified", "reason": reason}
