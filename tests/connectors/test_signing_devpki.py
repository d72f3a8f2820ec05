"""The development PKI: safe in its folder, plain about its worth, and right by another program's measure."""

from __future__ import annotations

import shutil
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from connectors import devpki as development
from connectors.devpki import Service
from tests.conftest import free_port


def test_keys_are_for_their_owner_and_names_are_plain(devpki: Service) -> None:
    for path in devpki.pki.folder.iterdir():
        if path.suffix in (".key", ".p12", ".secret"):
            assert path.stat().st_mode & 0o777 == 0o600, path
    for name in ("root", "ca", "ocsp", "seal", "tsu"):
        assert "DEVELOPMENT - worthless in law" in devpki.pki.certificate(name).subject.rfc4514_string()


def test_a_folder_holds_one_pki(devpki: Service, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        development.make(devpki.pki.folder, 1, datetime.now(UTC))
    with pytest.raises(FileNotFoundError):
        development.load(tmp_path)
    assert development.load(devpki.pki.folder) == devpki.pki


def test_the_unit_has_one_purpose(devpki: Service) -> None:
    extension = devpki.pki.certificate("tsu").extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert extension.critical
    assert list(extension.value) == [x509.ExtendedKeyUsageOID.TIME_STAMPING]


def test_it_runs_by_itself(tmp_path: Path) -> None:
    pki = development.make(tmp_path / "pki", free_port(), datetime.now(UTC))
    command = [sys.executable, "-m", "connectors.devpki", str(pki.folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert pki.tsa_url in process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{pki.port}/root.crl") as answer:
            assert x509.load_der_x509_crl(answer.read()).next_update_utc is not None
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_openssl_agrees(devpki: Service, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not on this machine")
    folder, port = devpki.pki.folder, devpki.pki.port

    def run(*arguments: object) -> str:
        command = [openssl, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    content, query, reply = (tmp_path / name for name in ("content", "query", "reply"))
    content.write_bytes(b"content")
    run("ts", "-query", "-data", content, "-sha256", "-cert", "-out", query)
    request = urllib.request.Request(devpki.tsa_url, query.read_bytes())
    with urllib.request.urlopen(request) as answer:
        reply.write_bytes(answer.read())
    chain = ("-CAfile", folder / "root.pem", "-untrusted", folder / "ca.pem")
    assert "Verification: OK" in run("ts", "-verify", "-in", reply, "-data", content, *chain)
    ask = ("ocsp", "-issuer", folder / "ca.pem", "-cert", folder / "seal.pem", "-CAfile", folder / "root.pem")
    assert "seal.pem: good" in run(*ask, "-url", f"http://127.0.0.1:{port}/ocsp")
    development.revoke(devpki.pki, "seal", datetime.now(UTC) - timedelta(minutes=1))
    try:
        assert "seal.pem: revoked" in run(*ask, "-url", f"http://127.0.0.1:{port}/ocsp")
    finally:
        (folder / "revoked.json").unlink()
