"""The signature container (CMS SignedData, RFC 5652), put together from DER that is the same for all seals of a key.

pyHanko's own assembly encodes everything anew several times through asn1crypto and takes ten times the CPU.
"""

from __future__ import annotations

import hashlib

from asn1crypto import algos, cms, core
from pyhanko.sign.general import as_signing_certificate_v2
from pyhanko.sign.signers.pdf_cms import Signer, select_suitable_signing_md

_SEQUENCE, _SET, _OCTETS = 0x30, 0x31, 0x04


class ContainerForm:
    """What every container of one signer has in common.

    Attributes:
        algorithm: Digest algorithm, such as `sha256`.
        mechanism: Signature algorithm with its parameters.
    """

    def __init__(self, signer: Signer) -> None:
        certificate = signer.signing_cert
        if certificate is None:
            raise ValueError("the signer has no certificate")
        self.algorithm: str = select_suitable_signing_md(certificate.public_key)
        self.mechanism: algos.SignedDigestAlgorithm = signer.get_signature_mechanism_for_digest(self.algorithm)
        self._digest_algorithm = algos.DigestAlgorithm({"algorithm": self.algorithm}).dump()
        self._mechanism = self.mechanism.dump()
        self._sid = _tlv(_SEQUENCE, certificate.issuer.dump(), core.Integer(certificate.serial_number).dump())
        self._certificates = sorted({certificate.dump(), *(each.dump() for each in signer.cert_registry)})
        # EN 319 142-1, table 1: signing-certificate-v2, and no signing-time.
        self._attributes = (
            _attribute("content_type", core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()),
            _attribute("signing_certificate_v2", as_signing_certificate_v2(certificate, self.algorithm).dump()),
        )

    def attributes(self, digest: bytes) -> bytes:
        """DER of the signed attributes as a SET, which is what is signed (RFC 5652, 5.4), for a document's digest."""
        of_document = _attribute("message_digest", _tlv(_OCTETS, digest))
        return _tlv(_SET, *sorted((of_document, *self._attributes)))

    def imprint(self, signature: bytes) -> bytes:
        """What a signature time-stamp stamps (EN 319 122-1, 5.3)."""
        return hashlib.new(self.algorithm, signature).digest()

    def build(self, attributes: bytes, signature: bytes, token: bytes) -> bytes:
        """DER of the whole container.

        Args:
            attributes: From `attributes`.
            signature: Over them.
            token: DER of the time-stamp token over the signature.
        """
        signer = _tlv(
            _SEQUENCE,
            core.Integer(1).dump(),
            self._sid,
            self._digest_algorithm,
            b"\xa0" + attributes[1:],
            self._mechanism,
            _tlv(_OCTETS, signature),
            _tlv(0xA1, _attribute("signature_time_stamp_token", token)),
        )
        signed = _tlv(
            _SEQUENCE,
            core.Integer(1).dump(),
            _tlv(_SET, self._digest_algorithm),
            _tlv(_SEQUENCE, cms.ContentType("data").dump()),
            _tlv(0xA0, *self._certificates),
            _tlv(_SET, signer),
        )
        return _tlv(_SEQUENCE, cms.ContentType("signed_data").dump(), _tlv(0xA0, signed))


def _attribute(kind: str, value: bytes) -> bytes:
    return _tlv(_SEQUENCE, cms.CMSAttributeType(kind).dump(), _tlv(_SET, value))


def _tlv(tag: int, *parts: bytes) -> bytes:
    """DER of one value: tag, length, contents (X.690, 8.1)."""
    length = sum(map(len, parts))
    if length < 0x80:
        head = bytes((tag, length))
    else:
        octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
        head = bytes((tag, 0x80 | len(octets))) + octets
    return head + b"".join(parts)
