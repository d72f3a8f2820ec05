"""The development PKI in its folder: keys readable by their owner only, certificates for everyone."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from connectors.devpki.certificates import (
    Identity,
    Profile,
    ca_extensions,
    issue,
    ocsp_extensions,
    seal_extensions,
    status_extensions,
    tsu_extensions,
)

_LATER: Final = {"root": 20 * 365, "ca": 15 * 365, "ocsp": 10 * 365, "seal": 10 * 365, "tsu": 10 * 365}


@dataclass(frozen=True, kw_only=True)
class DevPki:
    """Where everything of a development PKI is.

    Attributes:
        folder: Its folder.
        port: The loopback port that its certificates name.
        p12: The sealing key with its chain (PKCS#12).
        p12_secret: File with the PKCS#12 file's password.
        anchors: PEM file with the root, the trust anchor.
    """

    folder: Path
    port: int
    p12: Path
    p12_secret: Path
    anchors: Path

    @property
    def signer_uri(self) -> str:
        """URI of the sealing key, for `connectors.signing.open_signer`."""
        return self.p12.resolve().as_uri()

    @property
    def tsa_url(self) -> str:
        """URL of the time-stamping authority."""
        return f"http://127.0.0.1:{self.port}/tsa"

    def identity(self, name: str) -> Identity:
        """Key and certificate of `root`, `ca`, `ocsp`, `seal` or `tsu`."""
        key = serialization.load_pem_private_key((self.folder / f"{name}.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{name}.key of the development PKI is not an EC key")
        return Identity(key=key, certificate=self.certificate(name))

    def certificate(self, name: str) -> x509.Certificate:
        """Certificate of `root`, `ca`, `ocsp`, `seal` or `tsu`."""
        return x509.load_pem_x509_certificate((self.folder / f"{name}.pem").read_bytes())

    def revoked(self) -> dict[int, datetime]:
        """Serial numbers of revoked certificates and since when."""
        try:
            entries = json.loads((self.folder / "revoked.json").read_text())
        except FileNotFoundError:
            return {}
        return {int(serial): datetime.fromisoformat(since) for serial, since in entries.items()}


def make(folder: Path, port: int, now: datetime, *, days: Mapping[str, int] | None = None) -> DevPki:
    """Write a new development PKI into `folder`; its certificates name `http://127.0.0.1:port`.

    Args:
        folder: Made if it is not there; must not hold a PKI yet.
        port: Where `serve` will listen.
        now: The present, UTC-aware: certificates are valid from a day before.
        days: How many days from now `root`, `ca`, `ocsp`, `seal` or `tsu` are valid, where not as usual (years).

    Raises:
        FileExistsError: There is one already.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / "devpki.json").exists():
        raise FileExistsError(f"{folder} holds a development PKI already")
    identities = _issue_all(f"http://127.0.0.1:{port}", now.astimezone(UTC).replace(microsecond=0), days or {})
    for name, identity in identities.items():
        _write(folder / f"{name}.key", _key_pem(identity), mode=0o600)
        _write(folder / f"{name}.pem", identity.certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    secret = secrets.token_urlsafe(24)
    seal, chain = identities["seal"], [identities["ca"].certificate, identities["root"].certificate]
    encryption = serialization.BestAvailableEncryption(secret.encode())
    bundle = pkcs12.serialize_key_and_certificates(b"seal", seal.key, seal.certificate, chain, encryption)
    _write(folder / "seal.p12", bundle, mode=0o600)
    _write(folder / "seal.secret", secret.encode(), mode=0o600)
    # Last, so that a folder with this file is whole.
    _write(folder / "devpki.json", json.dumps({"version": 1, "port": port}).encode(), mode=0o644)
    return load(folder)


def load(folder: Path) -> DevPki:
    """The development PKI in `folder`.

    Raises:
        FileNotFoundError: There is none.
    """
    about = json.loads((folder / "devpki.json").read_text())
    return DevPki(
        folder=folder,
        port=int(about["port"]),
        p12=folder / "seal.p12",
        p12_secret=folder / "seal.secret",
        anchors=folder / "root.pem",
    )


def revoke(pki: DevPki, name: str, since: datetime) -> None:
    """Revoke the certificate `name`; the running service says so from its next answer on. May be repeated."""
    entries = pki.revoked() | {pki.certificate(name).serial_number: since.astimezone(UTC).replace(microsecond=0)}
    text = json.dumps({str(serial): moment.isoformat() for serial, moment in entries.items()})
    _write(pki.folder / "revoked.json", text.encode(), mode=0o644)


def _issue_all(url: str, now: datetime, days: Mapping[str, int]) -> dict[str, Identity]:
    def profile(name: str, title: str, *extensions: tuple[x509.ExtensionType, bool]) -> Profile:
        return Profile(
            name=title,
            not_before=now - timedelta(days=1),
            not_after=now + timedelta(days=days.get(name, _LATER[name])),
            extensions=extensions,
            organization_identifier="NTRFR-000000000" if name == "seal" else None,
        )

    mark = secrets.token_hex(3)  # tells one development PKI from another
    by_root = status_extensions(crl=f"{url}/root.crl", issuer=f"{url}/root.cer", ocsp=None)
    by_ca = status_extensions(crl=f"{url}/ca.crl", issuer=f"{url}/ca.cer", ocsp=f"{url}/ocsp")
    root = issue(profile("root", f"Root {mark}", *ca_extensions(path_length=1)))
    ca = issue(profile("ca", f"Issuing CA {mark}", *ca_extensions(path_length=0), *by_root), root)
    return {
        "root": root,
        "ca": ca,
        "ocsp": issue(profile("ocsp", "OCSP responder", *ocsp_extensions()), ca),
        "seal": issue(profile("seal", "Seal", *seal_extensions(), *by_ca), ca),
        "tsu": issue(profile("tsu", "Time-stamping unit", *tsu_extensions(), *by_ca), ca),
    }


def _key_pem(identity: Identity) -> bytes:
    return identity.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    part.replace(path)
