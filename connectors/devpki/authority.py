"""What the development PKI's authorities answer: time-stamps (RFC 3161, 5816), OCSP (RFC 6960) and CRLs (RFC 5280).

Certomancer's TSA names its certificate by SHA-1 (no RFC 5816) and parses its key for every token, hence this one.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from connectors.devpki.certificates import QC_STATEMENTS, QTST_STATEMENT, Identity, qc_statements
from connectors.devpki.folder import DevPki

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
        content = tsp.TSTInfo(info).dump()
        attributes = cms.CMSAttributes(
            [
                _attribute("content_type", "tst_info"),
                _attribute("message_digest", hashlib.sha256(content).digest()),
                _attribute("signing_certificate_v2", _ess_cert_id(self._certificate)),
            ]
        )
        signature = self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        sid = {"issuer": self._certificate.issuer, "serial_number": self._certificate.serial_number}
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier({"issuer_and_serial_number": sid}),
                "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
                "signed_attrs": attributes,
                "signature": signature,
            }
        )
        signed = {
            "version": "v3",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
            "signer_infos": [signer],
        }
        if query["cert_req"].native:
            signed["certificates"] = [self._certificate, self._ca]
        return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})


class OcspResponder:
    """Says whether certificates that the CA issued are revoked."""

    def __init__(self, pki: DevPki) -> None:
        self._pki = pki
        self._ca = pki.certificate("ca")
        self._identity = pki.identity("ocsp")
        self._issued = {c.serial_number: c for c in (pki.certificate("seal"), pki.certificate("tsu"))}

    def answer(self, request: bytes, now: datetime) -> bytes:
        """DER OCSP response for a DER OCSP request; thisUpdate and producedAt are `now` in whole seconds."""
        try:
            query = ocsp.load_der_ocsp_request(request)
            certificate = self._issued[query.serial_number]
        except KeyError:
            return _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        except ValueError:
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        this_update = now.replace(microsecond=0)
        since = self._pki.revoked().get(query.serial_number)
        builder = ocsp.OCSPResponseBuilder().add_response(
            certificate,
            self._ca,
            query.hash_algorithm,
            ocsp.OCSPCertStatus.REVOKED if since else ocsp.OCSPCertStatus.GOOD,
            this_update,
            this_update + timedelta(hours=1),
            since,
            x509.ReasonFlags.key_compromise if since else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self._identity.certificate)
        builder = builder.certificates([self._identity.certificate])
        for extension in query.extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, critical=False)
        response = builder.sign(self._identity.key, hashes.SHA256())
        return self._produced_at(response.public_bytes(serialization.Encoding.DER), this_update)

    def _produced_at(self, response: bytes, moment: datetime) -> bytes:
        """The response as of `moment`: cryptography writes what the machine's clock says, which tests move."""
        whole = asn1_ocsp.OCSPResponse.load(response)
        basic = whole["response_bytes"]["response"].parsed
        said = basic["tbs_response_data"]
        if said["produced_at"].native == moment:
            return response
        said["produced_at"] = moment
        basic["signature"] = self._identity.key.sign(said.dump(force=True), ec.ECDSA(hashes.SHA256()))
        answer = {"response_type": "basic_ocsp_response", "response": core.ParsableOctetString(basic.dump(force=True))}
        return bytes(asn1_ocsp.OCSPResponse({"response_status": "successful", "response_bytes": answer}).dump())


class CrlIssuer:
    """Lists the revoked certificates of one issuer."""

    def __init__(self, pki: DevPki, name: str) -> None:
        self._pki = pki
        self._identity = pki.identity(name)
        issued = {"root": ("ca",), "ca": ("ocsp", "seal", "tsu")}[name]
        self._issued = frozenset(pki.certificate(each).serial_number for each in issued)

    def answer(self, now: datetime) -> bytes:
        """DER CRL; thisUpdate is `now` in whole seconds."""
        this_update = now.replace(microsecond=0)
        public = self._identity.key.public_key()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._identity.certificate.subject)
            .last_update(this_update)
            .next_update(this_update + timedelta(hours=1))
            .add_extension(x509.CRLNumber(int(this_update.timestamp())), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        )
        for serial, since in self._pki.revoked().items():
            if serial in self._issued:
                entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
                builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._identity.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


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


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(serialization.Encoding.DER)
