"""Opening keys, time-stampers and anchors."""

from __future__ import annotations

import asyncio
import http.server
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import x509
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from connectors import signing
from connectors.devpki import Service
from tests.conftest import free_port
from tests.servers.loopback import answering


def test_a_key_is_opened_by_uri_and_secret(devpki: Service) -> None:
    signer = signing.open_signer(devpki.pki.signer_uri, devpki.pki.p12_secret.read_text())
    assert signer.signing_cert is not None
    assert signer.signing_cert.subject.native["organization_identifier"] == "NTRFR-000000000"
    assert len(list(signer.cert_registry)) == 2


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("csc://qtsp.example/", "no signer is known"),
        ("/plain/path.p12", "no signer is known"),
        ("file://user:secret@localhost/key.p12", "nothing but scheme and path"),
        ("file:///key.p12?secret=1", "nothing but scheme and path"),
        ("file://elsewhere/key.p12", "absolute"),
        ("file:key.p12", "absolute"),
    ],
)
def test_other_uris_are_refused(uri: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        signing.open_signer(uri, "secret")


def test_a_wrong_secret_or_file_is_refused(devpki: Service, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="password"):
        signing.open_signer(devpki.pki.signer_uri, "wrong")
    (tmp_path / "rubbish.p12").write_bytes(b"rubbish")
    with pytest.raises(ValueError, match="PKCS12"):
        signing.open_signer((tmp_path / "rubbish.p12").as_uri(), "secret")
    with pytest.raises(FileNotFoundError):
        signing.open_signer((tmp_path / "none.p12").as_uri(), "secret")


def test_anchors_come_from_pem_files_only(devpki: Service, tmp_path: Path) -> None:
    [anchor] = signing.load_anchors([devpki.pki.anchors])
    assert isinstance(anchor, x509.Certificate)
    for content in (b"", b"rubbish", (devpki.pki.folder / "root.key").read_bytes()):
        path = tmp_path / "anchors.pem"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"certificates in PEM|PEM-encoded"):
            signing.load_anchors([path])


def _stamp(url: str, *, timeout_s: float = 5) -> bytes:
    async def run() -> bytes:
        async with signing.open_session() as session:
            timestamper = signing.open_timestamper(url, session, timeout_s=timeout_s)
            token = await timestamper.async_timestamp(bytes(32), "sha256")
            return bytes(token.dump())

    return asyncio.run(run())


def test_the_time_stamper_gets_a_token(devpki: Service) -> None:
    assert _stamp(devpki.tsa_url).startswith(b"\x30")


@pytest.fixture
def replies() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A server that answers every POST with what it is told to."""
    told: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(told["body"])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with answering(Handler) as url:
        yield f"{url}/", told


def test_an_answer_to_another_question_is_refused(devpki: Service, replies: tuple[str, dict[str, bytes]]) -> None:
    from asn1crypto import tsp

    from connectors.devpki.tsu import TimeStampingUnit

    url, told = replies
    unit = TimeStampingUnit(devpki.pki.identity("tsu"), devpki.pki.certificate("ca"))
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": bytes(32)}
    question = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True, "nonce": 7})
    told["body"] = unit.answer(question.dump(), datetime.now(UTC))
    with pytest.raises(TimestampRequestError, match="another question"):
        _stamp(url)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (bytes.fromhex("3009300702010203020204"), "refused: rejection"),
        (bytes.fromhex("30053003020100"), "malformed|no SignedData"),
        (b"", "malformed"),
        (b"<html>maintenance</html>", "malformed"),
    ],
)
def test_refusals_and_rubbish_are_told(replies: tuple[str, dict[str, bytes]], body: bytes, message: str) -> None:
    url, told = replies
    told["body"] = body
    with pytest.raises(TimestampRequestError, match=message):
        _stamp(url)


def test_an_authority_that_is_not_there_is_a_technical_fault() -> None:
    with pytest.raises(TimestampRequestError):
        _stamp(f"http://127.0.0.1:{free_port()}/")


def test_only_http_urls_name_an_authority() -> None:
    async def run() -> None:
        async with signing.open_session() as session:
            signing.open_timestamper("ftp://tsa.example/", session)

    with pytest.raises(ValueError, match="http"):
        asyncio.run(run())
