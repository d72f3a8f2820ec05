"""The demo's mailbox: an IMAP server in memory, from a package, on loopback."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from imapclient import IMAPClient

START_TIMEOUT_S = 60
USER = "receipts"


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """A running mailbox."""

    port: int
    password: str

    def deliver(self, raw: bytes) -> None:
        """Put a mail into its INBOX, byte by byte as given."""
        with IMAPClient("127.0.0.1", port=self.port, ssl=False, timeout=30) as client:
            client.login(USER, self.password)
            client.append("INBOX", raw)


@contextmanager
def mailbox(log: Path) -> Iterator[Mailbox]:
    """Run a mailbox until the context ends.

    Raises:
        TimeoutError: It did not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    password = secrets.token_urlsafe(16)
    command = [
        str(Path(sys.executable).with_name("pymap")),
        *("--no-service", "admin", "--no-service", "managesieve", "--host", "127.0.0.1", "--port", str(port)),
        *("--no-tls", "dict", "--demo-user", USER, "--demo-password", password),
    ]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _wait(process, port, log)
        yield Mailbox(port=port, password=password)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        process.kill()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"the demo's mailbox did not start; see {log}")
