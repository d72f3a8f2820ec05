"""Development PKIs whose sealing certificate lacks something, and files that they sealed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.sign.ades.qualified_asn1 import QcStatements

from connectors import devpki as development
from connectors.devpki import DevPki
from connectors.devpki.certificates import QC_STATEMENTS
from tests.conftest import free_port

COMPLIANCE, SSCD, TYPE = "0.4.0.1862.1.1", "0.4.0.1862.1.4", "0.4.0.1862.1.6"
ORGANIZATION_IDENTIFIER, PSEUDONYM = "2.5.4.97", "2.5.4.65"


def make(folder: Path, *, now: datetime | None = None, days: Mapping[str, int] | None = None) -> DevPki:
    """A PKI in a folder."""
    return development.make(folder, free_port(), now or datetime.now(UTC), days=days)


def respin(
    pki: DevPki,
    *,
    name: str = "seal",
    without_statements: Collection[str] = (),
    without_names: Collection[str] = (),
    more_names: Sequence[tuple[str, str]] = (),
    extensions: Sequence[x509.ExtensionType] = (),
    not_before: datetime | None = None,
    key: rsa.RSAPrivateKey | None = None,
) -> DevPki:
    """Replace a certificate of a PKI that does not run yet: the same key if no other is given, other contents."""
    old, ca = pki.identity(name), pki.identity("ca")
    used, others = key or old.key, {each.oid: each for each in extensions}
    subject = [each for each in old.certificate.subject if each.oid.dotted_string not in without_names]
    subject += [x509.NameAttribute(x509.ObjectIdentifier(oid), value) for oid, value in more_names]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(old.certificate.issuer)
        .public_key(used.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or old.certificate.not_valid_before_utc)
        .not_valid_after(old.certificate.not_valid_after_utc)
    )
    for extension in old.certificate.extensions:
        value = others.get(extension.oid, extension.value)
        if extension.oid == QC_STATEMENTS:
            value = x509.UnrecognizedExtension(QC_STATEMENTS, _without(value.public_bytes(), without_statements))
        builder = builder.add_extension(value, extension.critical)
    certificate = builder.sign(ca.key, hashes.SHA256())
    (pki.folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    if name == "seal":
        chain = [ca.certificate, pki.certificate("root")]
        encryption = serialization.BestAvailableEncryption(pki.p12_secret.read_bytes())
        pki.p12.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", used, certificate, chain, encryption))
    return pki


def _without(statements: bytes, identifiers: Collection[str]) -> bytes:
    kept = [each for each in QcStatements.load(statements) if each["statement_id"].dotted not in identifiers]
    return bytes(core.SequenceOf(spec=core.Any, contents=b"".join(each.dump() for each in kept)).dump())


VARIANTS: Mapping[str, Callable[[DevPki], DevPki]] = {
    "whole": lambda pki: pki,
    "no-compliance": lambda pki: respin(pki, without_statements={COMPLIANCE}),
    "no-device": lambda pki: respin(pki, without_statements={SSCD}),
    "no-type": lambda pki: respin(pki, without_statements={TYPE}),
    "no-statements": lambda pki: respin(pki, without_statements={COMPLIANCE, SSCD, TYPE}),
    "no-registration-number": lambda pki: respin(pki, without_names={ORGANIZATION_IDENTIFIER}),
    "pseudonym": lambda pki: respin(pki, more_names=[(PSEUDONYM, "The Paymaster")]),
}
"""What can be missing in a sealing certificate, by name."""
