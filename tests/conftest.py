"""What every test may use."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import parts

pytest_plugins = ["tests.installation", "tests.pki", "tests.servers.softhsm", "tests.tasks.providers"]

# No timing is ever asserted: a loaded machine is no fault of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def samples() -> Path:
    """Real receipts, mails and PDFs; tests/samples/MANIFEST.tsv names their origin and licence."""
    return SAMPLES


def free_port() -> int:
    """A port nobody listens on just now, on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a real server; every one of them is stopped by its process id when the tests end."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*command: str, **options: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, start_new_session=True, **options)  # type: ignore[call-overload]
        running.append(process)
        return process

    yield start
    for process in reversed(running):
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly which parts were lacking."""
    for reason in parts.LACKING.values():
        terminalreporter.write_line(f"NOT TESTED: {reason}", red=True, bold=True)
    if parts.LACKING and os.environ.get("CI"):
        terminalreporter.write_line("nothing may be lacking in CI", red=True)
