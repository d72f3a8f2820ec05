"""A time-stamping authority in front of the development PKI's, that can be told to fail in every way one does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler

from connectors.devpki import DevPki
from connectors.devpki.tsu import TimeStampingUnit
from tests.servers.loopback import answering


@dataclass
class FaultyTsa:
    """One authority.

    Attributes:
        url: Where it answers.
        fault: How it fails; empty for not at all.
        asked: How many requests came.
        retry_after: What it says in this header when it fails.
    """

    url: str = ""
    fault: str = ""
    asked: int = 0
    retry_after: str = ""
    last: bytes = b""
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def faulty_tsa(pki: DevPki) -> Iterator[FaultyTsa]:
    """Answer on a free port until the context ends."""
    state = FaultyTsa()
    unit = TimeStampingUnit(pki.identity("tsu"), pki.certificate("ca"))
    imposter = TimeStampingUnit(pki.identity("seal"), pki.certificate("ca"))  # no time-stamping purpose

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            with state.lock:
                state.asked += 1
            status, kind, body = 200, "application/timestamp-reply", b""
            if state.fault in ("403", "429", "500", "503"):
                status = int(state.fault)
            elif state.fault == "html":
                kind, body = "text/html", b"<html>out of order</html>"
            elif state.fault == "nonsense":
                body = b"\x30\x03\x02\x01"
            elif state.fault == "replayed":
                body = state.last
            else:
                body = (imposter if state.fault == "no purpose" else unit).answer(request, datetime.now(UTC))
                if state.fault == "bit flipped":
                    body = body[:-1] + bytes((body[-1] ^ 1,))
                state.last = body
            self.send_response(status)
            if state.retry_after and status != 200:
                self.send_header("Retry-After", state.retry_after)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with answering(Handler) as url:
        state.url = f"{url}/tsa"
        yield state
