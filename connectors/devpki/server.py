"""The development PKI over HTTP, on loopback only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization

from connectors.devpki.folder import DevPki, load
from connectors.devpki.revocation import CrlIssuer, OcspResponder
from connectors.devpki.tsu import TimeStampingUnit

Clock = Callable[[], datetime]
_LARGEST_REQUEST: Final = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running development PKI."""

    pki: DevPki
    server: ThreadingHTTPServer

    @property
    def tsa_url(self) -> str:
        """URL of the time-stamping authority."""
        return self.pki.tsa_url


def _now() -> datetime:
    return datetime.now(UTC)


def listen(pki: DevPki, clock: Clock = _now) -> ThreadingHTTPServer:
    """A server bound to the PKI's port, not yet answering.

    Raises:
        OSError: The port is taken.
    """
    return _Server(pki, clock)


class _Server(ThreadingHTTPServer):
    """What is answered at which path, and of what kind it is."""

    daemon_threads = True

    def __init__(self, pki: DevPki, clock: Clock) -> None:
        self.clock = clock
        unit = TimeStampingUnit(pki.identity("tsu"), pki.certificate("ca"))
        self.posts: dict[str, tuple[str, Callable[[bytes, datetime], bytes]]] = {
            "/tsa": ("application/timestamp-reply", unit.answer),
            "/ocsp": ("application/ocsp-response", OcspResponder(pki).answer),
        }
        self.gets: dict[str, tuple[str, Callable[[datetime], bytes]]] = {}
        for name in ("root", "ca"):
            der = pki.certificate(name).public_bytes(serialization.Encoding.DER)
            self.gets[f"/{name}.cer"] = ("application/pkix-cert", lambda _, der=der: der)  # type: ignore[misc]
            self.gets[f"/{name}.crl"] = ("application/pkix-crl", CrlIssuer(pki, name).answer)
        super().__init__(("127.0.0.1", pki.port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"  # keep-alive
    timeout = 60
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if self.path not in self.server.posts or not 0 < size <= _LARGEST_REQUEST:
            self.close_connection = True
            self.send_error(404 if self.path not in self.server.posts else 413)
            return
        kind, answer = self.server.posts[self.path]
        self._send(kind, answer(self.rfile.read(size), self.server.clock()))

    def do_GET(self) -> None:
        if self.path not in self.server.gets:
            self.send_error(404)
            return
        kind, answer = self.server.gets[self.path]
        self._send(kind, answer(self.server.clock()))

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: an answer a second is no news."""


@contextmanager
def serve(folder: Path, clock: Clock = _now) -> Iterator[Service]:
    """Answer for the development PKI in `folder` from a thread, until the context ends.

    Args:
        folder: As `make` wrote it.
        clock: What time it is, UTC-aware; tests move it.

    Raises:
        FileNotFoundError: There is no PKI in the folder.
        OSError: Its port is taken.
    """
    pki = load(folder)
    server = listen(pki, clock)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Service(pki=pki, server=server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
