"""Certificates of the development PKI, shaped like those of a qualified provider (EN 319 412-3 and -5, EN 319 422)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

MARK: Final = "Probant DEVELOPMENT - worthless in law"
QC_STATEMENTS: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
QTST_STATEMENT: Final = "0.4.0.19422.1.1"  # EN 319 422, 9.1: esi4-qtstStatement-1

_COMPLIANCE, _SSCD, _PDS, _TYPE = (f"0.4.0.1862.1.{n}" for n in (1, 4, 5, 6))  # EN 319 412-5
_TYPE_ESEAL: Final = "0.4.0.1862.1.6.2"
_POLICY_QCP_L_QSCD: Final = "0.4.0.194112.1.3"  # EN 319 411-2
_CRITICAL: Final = True


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A key with its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What one certificate is to say.

    Attributes:
        name: Common name; `MARK` is added to it.
        not_before: Start of validity, UTC.
        not_after: End of validity, UTC.
        extensions: Extension value and whether it is critical.
        organization_identifier: EN 319 412-1 semantics identifier, such as NTRFR-000000000.
    """

    name: str
    not_before: datetime
    not_after: datetime
    extensions: tuple[tuple[x509.ExtensionType, bool], ...]
    organization_identifier: str | None = None


def issue(profile: Profile, issuer: Identity | None = None) -> Identity:
    """A new P-256 key with a certificate; self-signed without `issuer`."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Identity(key=key, certificate=certify(profile, key.public_key(), issuer, issuer.key if issuer else key))


def certify(
    profile: Profile,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    issuer: Identity | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """A certificate for `key`, signed with `issuer_key`; self-issued without `issuer`."""
    subject = _name(profile)
    issuer_name = issuer.certificate.subject if issuer else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(profile.not_before)
        .not_valid_after(profile.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), not _CRITICAL)
    )
    if issuer:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), not _CRITICAL
        )
    for value, critical in profile.extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def ca_extensions(*, path_length: int) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """What a certification authority's certificate says."""
    return (
        (x509.BasicConstraints(ca=True, path_length=path_length), _CRITICAL),
        (_usage("key_cert_sign", "crl_sign"), _CRITICAL),
    )


def seal_extensions() -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """What a qualified certificate for electronic seals in a qualified device says (EN 319 412-3, -5)."""
    policy = x509.PolicyInformation(x509.ObjectIdentifier(_POLICY_QCP_L_QSCD), None)
    statements = [(_COMPLIANCE, None), (_SSCD, None), (_PDS, _PdsLocations([_pds()])), (_TYPE, _Oids([_TYPE_ESEAL]))]
    return (
        (x509.BasicConstraints(ca=False, path_length=None), not _CRITICAL),
        (_usage("content_commitment"), _CRITICAL),
        (x509.CertificatePolicies([policy]), not _CRITICAL),
        (x509.UnrecognizedExtension(QC_STATEMENTS, qc_statements(statements)), not _CRITICAL),
    )


def tsu_extensions() -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """What a time-stamping unit's certificate says: the sole purpose, critical (RFC 3161, 2.3), and QcCompliance."""
    return (
        (x509.BasicConstraints(ca=False, path_length=None), not _CRITICAL),
        (_usage("digital_signature"), _CRITICAL),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), _CRITICAL),
        (x509.UnrecognizedExtension(QC_STATEMENTS, qc_statements([(_COMPLIANCE, None)])), not _CRITICAL),
    )


def ocsp_extensions() -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """What a delegated OCSP responder's certificate says (RFC 6960, 4.2.2.2)."""
    return (
        (x509.BasicConstraints(ca=False, path_length=None), not _CRITICAL),
        (_usage("digital_signature"), _CRITICAL),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), not _CRITICAL),
        (x509.OCSPNoCheck(), not _CRITICAL),
    )


def status_extensions(*, crl: str, issuer: str, ocsp: str | None) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """Where a certificate's status and issuer are found: http URLs."""
    access = [(AuthorityInformationAccessOID.CA_ISSUERS, issuer)]
    if ocsp:
        access.append((AuthorityInformationAccessOID.OCSP, ocsp))
    described = [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in access]
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
    return (
        (x509.AuthorityInformationAccess(described), not _CRITICAL),
        (x509.CRLDistributionPoints([point]), not _CRITICAL),
    )


def qc_statements(statements: list[tuple[str, core.Asn1Value | None]]) -> bytes:
    """DER of a qcStatements extension (RFC 3739, 3.2.6): identifier and information of each."""
    return bytes(
        _Statements(
            [
                _Statement({"id": identifier} | ({"info": core.Any(information)} if information is not None else {}))
                for identifier, information in statements
            ]
        ).dump()
    )


class _Statement(core.Sequence):  # type: ignore[misc]
    _fields = [("id", core.ObjectIdentifier), ("info", core.Any, {"optional": True})]  # noqa: RUF012


class _Statements(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _Statement


class _Oids(core.SequenceOf):  # type: ignore[misc]
    _child_spec = core.ObjectIdentifier


class _PdsLocation(core.Sequence):  # type: ignore[misc]
    _fields = [("url", core.IA5String), ("language", core.PrintableString)]  # noqa: RUF012


class _PdsLocations(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _PdsLocation


def _pds() -> _PdsLocation:
    return _PdsLocation({"url": "https://example.invalid/pds-en.pdf", "language": "en"})


def _name(profile: Profile) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, MARK),
    ]
    if profile.organization_identifier:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, profile.organization_identifier))
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, f"{profile.name} ({MARK})"))
    return x509.Name(attributes)


def _usage(*on: str) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in on for name in names})
