"""Showing a mail opens no file and no socket: the kernel is the witness."""

from __future__ import annotations

import platform
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="seccomp is Linux's")


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.receipts.mail_render_process", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_no_file_and_no_socket_is_opened() -> None:
    done = run()
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 10  # things it asked for, in vain


def test_the_witness_is_awake() -> None:
    assert run("--prove").returncode == -signal.SIGSYS
