"""A trust service for the benches: `python -m tests.bench.slow_pki FOLDER PORT KEY`; its TSA answers after 30 ms.

The development PKI, with a sealing key as qualified ones are: RSA-3072 or P-256.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from connectors import devpki
from connectors.devpki import DevPki
from connectors.devpki.__main__ import main
from connectors.devpki.certificates import Profile, certify, seal_extensions, status_extensions
from connectors.devpki.tsu import TimeStampingUnit

ANSWER_S = 0.030
RSA, EC = "RSA-3072", "P-256"
_answer = TimeStampingUnit.answer


def make(folder: Path, port: int, key: str) -> DevPki:
    """Write the PKI, its sealing key of that kind."""
    now = datetime.now(UTC)
    pki = devpki.make(folder, port, now)
    if key == RSA:
        private, url, ca = rsa.generate_private_key(65537, 3072), f"http://127.0.0.1:{port}", pki.identity("ca")
        status = status_extensions(crl=f"{url}/ca.crl", issuer=f"{url}/ca.cer", ocsp=f"{url}/ocsp")
        days = {"not_before": now - timedelta(days=1), "not_after": now + timedelta(days=999)}
        profile = Profile(name="Bench seal", extensions=(*seal_extensions(), *status), **days)
        certificate = certify(profile, private.public_key(), ca, ca.key)
        chain = [pki.certificate("ca"), pki.certificate("root")]
        encryption = serialization.BestAvailableEncryption(pki.p12_secret.read_bytes())
        pki.p12.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", private, certificate, chain, encryption))
        (folder / "seal.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return pki


def _late(unit: TimeStampingUnit, request: bytes, now: datetime) -> bytes:
    time.sleep(ANSWER_S)
    return _answer(unit, request, now)


if __name__ == "__main__":
    folder, port, key = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
    make(Path(folder), int(port), key)
    TimeStampingUnit.answer = _late  # type: ignore[method-assign]
    sys.argv.append(folder)
    sys.exit(main())
