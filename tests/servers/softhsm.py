"""SoftHSM2: tokens in a folder, keys that never leave them, and certificates for them from the development PKI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from connectors.devpki import DevPki
from connectors.devpki.certificates import seal_extensions, status_extensions
from tests.parts import need

PIN = "1234-softhsm-pin"
CURVES = {"p256": "secp256r1", "p384": "secp384r1"}


@dataclass(frozen=True)
class Token:
    """One token.

    Attributes:
        module: Path of the PKCS#11 module.
        folder: Where all tokens of this SoftHSM are.
        label: This token's.
    """

    module: str
    folder: Path
    label: str

    def uri(self, key: str) -> str:
        """RFC 7512 URI of a key."""
        return f"pkcs11:token={self.label};object={key};type=private?module-path={self.module}"


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """An empty token. A process has one SoftHSM: the module reads its configuration once."""
    folder = tmp_path_factory.mktemp("softhsm")
    before = os.environ.get("SOFTHSM2_CONF")
    yield make_token(folder, "seal")
    if before is None:
        os.environ.pop("SOFTHSM2_CONF", None)
    else:
        os.environ["SOFTHSM2_CONF"] = before


def make_token(folder: Path, label: str) -> Token:
    """A new token; the process uses this SoftHSM from now on."""
    module = need("softhsm")
    (folder / "tokens").mkdir(exist_ok=True)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    program = shutil.which("softhsm2-util") or "/usr/bin/softhsm2-util"
    pins = ["--so-pin", "12345678", "--pin", PIN]
    subprocess.run([program, "--init-token", "--free", "--label", label, *pins], check=True, stdout=subprocess.DEVNULL)
    return Token(module, folder, label)


def put_key(
    token: Token, pki: DevPki, label: str, kind: str, *, certificate_label: str | None = None, **profile: Any
) -> x509.Certificate:
    """Make a key on the token, with a certificate from the PKI beside it.

    Args:
        token: Where.
        pki: Who issues the certificate.
        label: The key's label.
        kind: `rsa3072`, `rsa2048`, `p256` or `p384`.
        certificate_label: The certificate's label if it is not the key's; empty for no certificate on the token.
        profile: For `certify`.
    """
    import pkcs11
    from pkcs11 import Attribute, KeyType, ObjectClass
    from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
    from pkcs11.util.rsa import encode_rsa_public_key

    found = pkcs11.lib(token.module)
    found.reinitialize()  # it sees new tokens only then; and whoever is logged in would be in the way
    with found.get_token(token_label=token.label).open(rw=True, user_pin=PIN) as session:
        hidden = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.TOKEN: True}
        options: dict[str, Any] = {"store": True, "label": label, "id": label.encode(), "private_template": hidden}
        if kind in CURVES:
            curve = session.create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(CURVES[kind])}, local=True
            )
            public, _ = curve.generate_keypair(**options)
            spki = encode_ec_public_key(public)
        else:
            public, _ = session.generate_keypair(KeyType.RSA, int(kind.removeprefix("rsa")), **options)
            pkcs1 = encode_rsa_public_key(public)
            key = serialization.load_der_public_key(pkcs1)
            spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        issued = certify(pki, spki, **profile)
        if certificate_label != "":
            chain = [(certificate_label or label, issued)]
            if not list(session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.LABEL: "ca"})):
                chain += [("ca", pki.certificate("ca")), ("root", pki.certificate("root"))]
            for name, each in chain:
                session.create_object(_certificate_object(name, each))
    return issued


def _certificate_object(label: str, certificate: x509.Certificate) -> dict[Any, Any]:
    from pkcs11 import Attribute, CertificateType, ObjectClass

    return {
        Attribute.CLASS: ObjectClass.CERTIFICATE,
        Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
        Attribute.TOKEN: True,
        Attribute.LABEL: label,
        Attribute.ID: label.encode(),
        Attribute.SUBJECT: certificate.subject.public_bytes(),
        Attribute.VALUE: certificate.public_bytes(serialization.Encoding.DER),
    }


def certify(
    pki: DevPki,
    spki: bytes,
    *,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    organization_identifier: str | None = "NTRFR-123456789",
) -> x509.Certificate:
    """A sealing certificate from the PKI's CA for a public key (DER)."""
    ca, url, now = pki.identity("ca"), f"http://127.0.0.1:{pki.port}", datetime.now(UTC)
    key: Any = serialization.load_der_public_key(spki)
    names = [x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"), x509.NameAttribute(NameOID.COMMON_NAME, "Seal (test)")]
    if organization_identifier:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organization_identifier))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(ca.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or now - timedelta(days=1))
        .not_valid_after(not_after or now + timedelta(days=365))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), False)
    )
    status = status_extensions(crl=f"{url}/ca.crl", issuer=f"{url}/ca.cer", ocsp=None)
    for value, critical in (*(seal_extensions() if extensions is None else extensions), *status):
        builder = builder.add_extension(value, critical)
    return builder.sign(ca.key, hashes.SHA256())
