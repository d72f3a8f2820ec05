"""Certificates, OCSP responses, CRLs and time-stamp tokens: right ones, and wrong ones as they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tests.judges.corpus.keys import Key, algorithm, key, scheme_of, sign

SEALED_AT: Final = datetime(2026, 6, 1, 10, tzinfo=UTC)
ANSWERED_AT: Final = SEALED_AT + timedelta(minutes=1)  # when OCSP responses and CRLs were issued, if all is well
ARCHIVED_AT: Final = SEALED_AT + timedelta(minutes=2)  # time-stamps over the whole file
JUDGED_AT: Final = SEALED_AT + timedelta(days=1)
DER: Final = serialization.Encoding.DER
_USAGES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
Extension = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A key with its certificate and who issued it."""

    name: str
    key: Key
    certificate: x509.Certificate
    issuer: Identity | None = None

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(DER)

    @property
    def asn1(self) -> asn1_x509.Certificate:
        """The certificate."""
        return asn1_x509.Certificate.load(self.der)

    @property
    def chain(self) -> list[Identity]:
        """This one and those above it, the root included."""
        return [self, *(self.issuer.chain if self.issuer else ())]


def usage(*on: str) -> Extension:
    """A critical key usage."""
    return x509.KeyUsage(**{name: name in on for name in _USAGES}), True


def purposes(*which: x509.ObjectIdentifier, critical: bool = False) -> Extension:
    """An extended key usage."""
    return x509.ExtendedKeyUsage(which), critical


def constraints(ca: bool, path_length: int | None = None) -> Extension:
    """Basic constraints."""
    return x509.BasicConstraints(ca=ca, path_length=path_length), True


_URL: Final = x509.UniformResourceIdentifier("http://corpus.invalid/")
STATUS: Final = (
    (x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, _URL)]), False),
    (x509.CRLDistributionPoints([x509.DistributionPoint([_URL], None, None, None)]), False),
)
CA: Final = (constraints(True), usage("key_cert_sign", "crl_sign"), *STATUS)
SEAL: Final = (constraints(False), usage("content_commitment"), *STATUS)
TSU: Final = (
    constraints(False),
    usage("digital_signature"),
    purposes(ExtendedKeyUsageOID.TIME_STAMPING, critical=True),
    *STATUS,
)
OCSP: Final = (
    constraints(False),
    usage("digital_signature"),
    purposes(ExtendedKeyUsageOID.OCSP_SIGNING),
    (x509.OCSPNoCheck(), False),
)


def issue(
    name: str,
    issuer: Identity | None,
    extensions: Sequence[Extension],
    *,
    kind: str = "p256",
    start: datetime = datetime(2025, 1, 1, tzinfo=UTC),
    end: datetime = datetime(2028, 1, 1, tzinfo=UTC),
    digest: str = "sha256",
    subject: x509.Name | None = None,
    serial: int | None = None,
) -> Identity:
    """A key and a certificate of that name; self-signed without `issuer`."""
    own = key(name, kind)
    by, above = (issuer.key, issuer.certificate.subject) if issuer else (own, subject or named(name))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject or named(name))
        .issuer_name(above)
        .public_key(own.public_key())
        .serial_number(serial or int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1 | 1)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), False)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    plain = builder.sign(by, None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    der = plain.public_bytes(DER)
    if not isinstance(by, ed25519.Ed25519PrivateKey):
        der = _resign(asn1_x509.Certificate.load(der), "tbs_certificate", "signature", by, digest)
    return Identity(name=name, key=own, certificate=x509.load_der_x509_certificate(der), issuer=issuer)


def named(name: str) -> x509.Name:
    """The subject of the certificate of that name."""
    pairs = ((NameOID.COUNTRY_NAME, "FR"), (NameOID.ORGANIZATION_NAME, "Corpus"), (NameOID.COMMON_NAME, name))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def _resign(whole: Any, inner: str, field: str, by: Key, digest: str) -> bytes:
    """Sign again: with any digest, and without chance."""
    mechanism = algorithm(scheme_of(by), digest)
    whole[inner][field] = mechanism
    whole["signature_algorithm"] = mechanism
    names = {"tbs_certificate": "signature_value", "tbs_cert_list": "signature"}
    whole[names[inner]] = sign(by, whole[inner].dump(), scheme_of(by), digest)
    return bytes(whole.dump())


def answer(
    about: Identity,
    responder: Identity,
    *,
    at: datetime = ANSWERED_AT,
    revoked: datetime | None = None,
    reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
    unknown: bool = False,
    lasts: timedelta | None = timedelta(days=7),
    issuer: Identity | None = None,
    with_certificate: bool = True,
) -> bytes:
    """An OCSP response."""
    issuing = issuer or about.issuer or about
    status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
    builder = ocsp.OCSPResponseBuilder().add_response(
        about.certificate, issuing.certificate, hashes.SHA1(), ocsp.OCSPCertStatus.UNKNOWN if unknown else status,
        at, at + lasts if lasts else None, revoked, reason if revoked else None,
    )  # fmt: skip
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
    if with_certificate:
        builder = builder.certificates([responder.certificate])
    plain = builder.sign(responder.key, hashes.SHA256()).public_bytes(DER)
    response = asn1_ocsp.OCSPResponse.load(plain)
    basic = response["response_bytes"]["response"].parsed
    basic["tbs_response_data"]["produced_at"] = at
    tbs = basic["tbs_response_data"].dump()
    basic["signature"] = sign(responder.key, tbs, scheme_of(responder.key), "sha256")
    response["response_bytes"]["response"] = core.ParsableOctetString(basic.dump())
    return bytes(response.dump())


def crl(
    issuer: Identity,
    *,
    at: datetime = ANSWERED_AT,
    revoked: Sequence[tuple[Identity, datetime, x509.ReasonFlags]] = (),
    lasts: timedelta = timedelta(days=7),
    by: Key | None = None,
    digest: str = "sha256",
    extensions: Sequence[Extension] = (),
) -> bytes:
    """A certificate revocation list."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(at)
        .next_update(at + lasts)
        .add_extension(x509.CRLNumber(1), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    for each, since, why in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number).revocation_date(since)
        entry = entry.add_extension(x509.CRLReason(why), False)
        builder = builder.add_revoked_certificate(entry.build())
    signer = by or issuer.key
    plain = builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    parsed = asn1_crl.CertificateList.load(plain.public_bytes(DER))
    return _resign(parsed, "tbs_cert_list", "signature", signer, digest)


def token(
    unit: Identity,
    stamped: bytes,
    *,
    at: datetime = SEALED_AT,
    imprint: str = "sha256",
    digest: str = "sha256",
    certificates: Sequence[Identity] | None = None,
    ess: str = "v2",
    serial: int = 1,
    alter: Callable[[tsp.TSTInfo], None] = lambda info: None,
) -> bytes:
    """A time-stamp token over `stamped` (RFC 3161)."""
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.3.6.1.4.1.99999.1.1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": imprint},
                "hashed_message": hashlib.new(imprint, stamped).digest(),
            },
            "serial_number": serial,
            "gen_time": at,
        }
    )
    alter(info)
    content = info.dump()
    attributes = [
        attribute("content_type", "tst_info"),
        attribute("message_digest", hashlib.new(digest, content).digest()),
    ]
    attributes += certificate_named(unit, ess)
    signer = signer_info(unit, attributes, digest)
    bag = [each.asn1 for each in ((unit.chain[:-1] or [unit]) if certificates is None else certificates)]
    signed = {
        "version": "v3",
        "digest_algorithms": [algos.DigestAlgorithm({"algorithm": digest})],
        "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
        "signer_infos": [signer],
    }
    if bag:
        signed["certificates"] = bag
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump())


def attribute(kind: str, *values: object) -> cms.CMSAttribute:
    """An attribute of a signer."""
    return cms.CMSAttribute({"type": kind, "values": list(values)})


def certificate_named(identity: Identity, how: str) -> list[cms.CMSAttribute]:
    """The signing-certificate attribute: `v2`, `v1`, `both`, `none`; `v2-` and `sha512`, `sha1`, `wrong`, `serial`."""
    made = []
    if how.startswith("v2") or how == "both":
        name = how.removeprefix("v2-") if how in ("v2-sha512", "v2-sha1", "v2-sha384") else "sha256"
        digest = hashlib.new(name, identity.der + (b"!" if how == "v2-wrong" else b"")).digest()
        entry: dict[str, Any] = {"hash_algorithm": {"algorithm": name}, "cert_hash": digest}
        if how == "v2-serial":
            issuer = asn1_x509.GeneralName(name="directory_name", value=identity.asn1.issuer)
            entry["issuer_serial"] = {"issuer": [issuer], "serial_number": 42}
        made.append(attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [entry]})))
    if how in ("v1", "both", "v1-wrong"):
        digest = hashlib.sha1(identity.der + (b"!" if how == "v1-wrong" else b""), usedforsecurity=False).digest()
        made.append(attribute("signing_certificate", tsp.SigningCertificate({"certs": [{"cert_hash": digest}]})))
    return made


def signer_info(
    by: Identity, attributes: list[cms.CMSAttribute], digest: str, scheme: str | None = None, *, in_order: bool = True
) -> cms.SignerInfo:
    """A signer's part of a container, with its signature over the attributes."""
    scheme = scheme or scheme_of(by.key)
    signed = cms.CMSAttributes(attributes)
    der = signed.dump()
    if not in_order:
        body = b"".join(each.dump() for each in attributes)
        der = b"\x31\x82" + len(body).to_bytes(2) + body
        signed = cms.CMSAttributes.load(der)
    sid = {"issuer": by.asn1.issuer, "serial_number": by.asn1.serial_number}
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": sid}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
            "signature_algorithm": algorithm(scheme, digest),
            "signed_attrs": signed,
            "signature": sign(by.key, der, scheme, digest),
        }
    )
