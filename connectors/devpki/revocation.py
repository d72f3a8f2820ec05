"""What the development PKI says of revoked certificates: OCSP (RFC 6960) and CRLs (RFC 5280)."""

from __future__ import annotations

from datetime import datetime, timedelta

from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from connectors.devpki.folder import DevPki


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


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(serialization.Encoding.DER)
