"""The development PKI's time-stamping unit (RFC 3161, 5816).

Certomancer's TSA names its certificate by SHA-1 (no RFC 5816) and parses its key for every token, hence this one.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.devpki.certificates import QC_STATEMENTS, QTST_STATEMENT, Identity, qc_statements

_POLICY: Final = "1.3.6.1.4.1.99999.1.1"  # a private number that nobody registered: it means nothing
_DIGEST_SIZES: Final = {"sha256": 32, "sha384": 48, "sha512": 64}


class TimeStampingUnit:
    """Stamps digests with the time."""

    def __init__(self, identity: Identity, ca: x509.Certificate) -> None:
        self._key = identity.key
        self._certificate, self._ca = (_asn1(c) for c in (identity.certificate, ca))

    def answer(self, request: bytes, now: datetime) -> bytes:
        """DER time-stamp response for a DER time-stamp request; genTime is `now` in whole seconds."""
        try:
            query = tsp.TimeStampReq.load(request, strict=True)
            imprint = query["message_imprint"]
            algorithm = imprint["hash_algorithm"]["algorithm"].native
            if len(imprint["hashed_message"].native) != _DIGEST_SIZES.get(algorithm):
                return _refusal("bad_alg")
            token = self._token(query, now)
        except (ValueError, TypeError, KeyError):
            return _refusal("bad_data_format")
        status = tsp.PKIStatusInfo({"status": "granted"})
        return bytes(tsp.TimeStampResp({"status": status, "time_stamp_token": token}).dump())

    def _token(self, query: tsp.TimeStampReq, now: datetime) -> cms.ContentInfo:
        content = self._statement(query, now)
        signed = {
            "version": "v3",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
            "signer_infos": [self._signature(content)],
        }
        if query["cert_req"].native:
            signed["certificates"] = [self._certificate, self._ca]
        return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})

    def _statement(self, query: tsp.TimeStampReq, now: datetime) -> bytes:
        """What is signed: the digest was there at this time; with the statement of EN 319 422, 9.1."""
        statement = {
            "extn_id": QC_STATEMENTS.dotted_string,
            "critical": False,
            "extn_value": qc_statements([(QTST_STATEMENT, None)]),
        }
        info = {
            "version": "v1",
            "policy": _POLICY,
            "message_imprint": query["message_imprint"],
            "serial_number": secrets.randbits(63),
            # Whole seconds, cut off: OCSP and CRL times have no fractions, and must not lie before the time-stamp.
            "gen_time": now.replace(microsecond=0),
            "accuracy": tsp.Accuracy({"seconds": 1}),
            "tsa": asn1_x509.GeneralName(name="directory_name", value=self._certificate.subject),
            "extensions": [statement],
        }
        if query["nonce"].native is not None:
            info["nonce"] = query["nonce"]
        return bytes(tsp.TSTInfo(info).dump())

    def _signature(self, content: bytes) -> cms.SignerInfo:
        attributes = cms.CMSAttributes(
            [
                _attribute("content_type", "tst_info"),
                _attribute("message_digest", hashlib.sha256(content).digest()),
                _attribute("signing_certificate_v2", _ess_cert_id(self._certificate)),
            ]
        )
        sid = {"issuer": self._certificate.issuer, "serial_number": self._certificate.serial_number}
        return cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier({"issuer_and_serial_number": sid}),
                "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
                "signed_attrs": attributes,
                "signature": self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
            }
        )


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def _ess_cert_id(certificate: asn1_x509.Certificate) -> tsp.SigningCertificateV2:
    digest = hashlib.sha256(certificate.dump()).digest()
    return tsp.SigningCertificateV2({"certs": [tsp.ESSCertIDv2({"cert_hash": digest})]})


class _Refusal(core.Sequence):  # type: ignore[misc]
    """A TimeStampResp without token, which asn1crypto's own class can't write."""

    _fields = [("status", tsp.PKIStatusInfo)]  # noqa: RUF012


def _refusal(reason: str) -> bytes:
    return bytes(_Refusal({"status": {"status": "rejection", "fail_info": {reason}}}).dump())
