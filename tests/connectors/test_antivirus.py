"""clamd is asked by its own protocol, over both kinds of socket; no verdict is never a good one."""

from __future__ import annotations

import os
import socketserver
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.antivirus import NotScanned, scan
from receipts.errors import Code
from receipts.receipt import Event
from receipts.threats import EICAR
from tasks.journal import load
from tests.installation import Installation

MOST = 1 << 20


class Clamd(socketserver.BaseRequestHandler):
    """INSTREAM as clamd(8) has it: chunks with their length, an empty one at the end; too long a stream is cut off."""

    def handle(self) -> None:
        assert self._exactly(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack(">I", self._exactly(4))[0]:
            if len(content) + size > MOST:
                self.request.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
            content += self._exactly(size)
        found = b"stream: Eicar-Signature FOUND\0" if EICAR in content else b"stream: OK\0"
        self.request.sendall(found)

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            piece = self.request.recv(size - len(content))
            if not piece:
                raise EOFError
            content += piece
        return content


class Silent(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(1)


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[socketserver.BaseServer] = []

    def start(kind: str, handler: type[socketserver.BaseRequestHandler] = Clamd) -> str:
        if kind == "tcp":
            server: socketserver.BaseServer = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
            address = f"tcp:127.0.0.1:{server.server_address[1]}"
        else:
            path = Path(tempfile.mkdtemp(prefix="clamd")) / "clamd.sock"  # a socket's path must be short
            server = socketserver.ThreadingUnixStreamServer(str(path), handler)
            address = f"unix:{path}" if kind == "unix" else str(path)
        running.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return address

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


# A real clamd joins in where CLAMD_SOCKET names one: its signatures are too large to bring along.
@pytest.fixture(params=["tcp", "unix", "path", *(["real"] if os.environ.get("CLAMD_SOCKET") else [])])
def address(request: pytest.FixtureRequest, serve: Serve) -> str:
    return os.environ["CLAMD_SOCKET"] if request.param == "real" else serve(request.param)


def test_it_tells_clean_from_infected(address: str) -> None:
    assert scan(address, b"a receipt", timeout_s=5) is None
    assert scan(address, b"", timeout_s=5) is None
    assert "eicar" in (scan(address, EICAR, timeout_s=5) or "").lower()
    assert scan(address, os.urandom(300_000), timeout_s=5) is None


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_stream_too_long_for_it_is_no_verdict(serve: Serve, kind: str) -> None:
    with pytest.raises(NotScanned):
        scan(serve(kind), bytes(MOST * 8), timeout_s=5)


def test_silence_is_no_verdict(serve: Serve) -> None:
    with pytest.raises(NotScanned):
        scan(serve("tcp", Silent), b"a receipt", timeout_s=0.5)
    with pytest.raises(NotScanned):
        scan("tcp:127.0.0.1:9", b"a receipt", timeout_s=0.5)
    with pytest.raises(NotScanned):
        scan("unix:/nowhere/clamd.sock", b"a receipt", timeout_s=0.5)


@pytest.mark.parametrize("address", ["clamd.sock", "tcp:localhost", "tcp::3310", "unix:clamd.sock"])
def test_what_is_no_address_is_said_to_be_none(address: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        scan(address, b"", timeout_s=1)


def test_what_it_finds_is_refused(installation: Installation, serve: Serve, tmp_path: Path) -> None:
    asked = Installation(installation.settings.model_copy(update={"clamav_socket": serve("unix")}))
    infected = tmp_path / "receipt.txt"
    infected.write_bytes(b"some words\n" + EICAR)
    [reception] = asked.receive(infected)
    asked.ingest()
    facts = load(asked.registry, str(reception.receipt)).facts(Event.REFUSED)
    assert facts["code"] == Code.HOSTILE
    assert "Eicar-Signature" in str(facts["detail"])


def test_a_receipt_waits_for_a_scanner_that_is_gone(installation: Installation, samples: Path) -> None:
    gone = Installation(installation.settings.model_copy(update={"clamav_socket": "unix:/nowhere/clamd.sock"}))
    [reception] = gone.receive(samples / "images/receipt-ocr__receipt.jpg")
    [work] = gone.ingest()
    assert "NotScanned" in work.problem
    assert gone.state(str(reception.receipt)) == "RECEIVED"
    installation.ingest()
    assert installation.state(str(reception.receipt)) == "ARCHIVED"
