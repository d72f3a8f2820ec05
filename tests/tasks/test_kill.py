"""SIGKILL at random moments, many times over: every receipt ends archived exactly once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from config.settings import Settings
from connectors.devpki import Service
from receipts.receipt import Event
from tasks.audit import audit
from tasks.journal import load, project
from tasks.trust import serve_development_pki
from tests.flows.test_worker import picture
from tests.installation import Installation
from tests.receipts.mails import attached, multipart, text
from tests.receipts.others import signed_pdf_a_3

RECEIPTS = 14
MAILS = 3
SIGNED = 2
KILLS = 8


def test_every_receipt_is_archived_exactly_once(devpki: Service, tmp_path: Path) -> None:
    installation = Installation(Settings(home=tmp_path / "home"))
    serve_development_pki(installation.settings)
    files = tmp_path / "files"
    files.mkdir()
    for number in range(RECEIPTS):
        (files / f"{number}.jpg").write_bytes(picture(number))
    for number in range(MAILS):
        mail = multipart(text(f"Mail {number}"), attached(picture(1000 + number), "receipt.jpg"))
        (files / f"{number}.eml").write_bytes(mail)
    for number in range(SIGNED):
        (files / f"{number}.pdf").write_bytes(signed_pdf_a_3(devpki.pki))
    installation.receive(files)
    chance = random.Random(time.time_ns())
    for _ in range(KILLS):
        worker = _start(tmp_path / "home")
        lines = _lines(installation)
        while _lines(installation) == lines and worker.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.5))
        worker.kill()
        worker.wait()
    worker = _start(tmp_path / "home")
    assert worker.wait(timeout=300) == 0
    for row in installation.registry.rows():
        history = load(installation.registry, row.stream)
        # A seal may be asked for more than once, but only one is recorded and archived.
        assert [line.event for line in history.lines if line.event != Event.SEAL_REQUESTED] == [
            Event.RECEIVED, Event.NORMALISED, Event.SEALED, Event.VERIFIED, Event.ARCHIVED,
        ]  # fmt: skip
    assert [finding.deviation for finding in audit(installation)] == [""] * (RECEIPTS + 2 * MAILS + SIGNED)
    before = installation.registry.rows()
    installation.registry.rebuild(project)
    assert installation.registry.rows() == before


def _start(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.tasks.ingest_process", str(home)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": "."})


def _lines(installation: Installation) -> int:
    return sum(row.count for row in installation.registry.rows())
