"""A kill right after each outside effect of sealing and archiving: one archived seal, and a journal that tells all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.audit import audit
from tasks.journal import load
from tests.flows.test_worker import picture
from tests.installation import Installation
from tests.servers.csc import Remote
from tests.tasks.killed_process import POINTS, WAITING_POINTS
from tests.tasks.providers import Configure, remote_settings, settings_json

STRAIGHT = ["received", "normalised", "seal-requested", "sealed", "verified", "archived"]
ONCE_MORE = [*STRAIGHT[:3], *STRAIGHT[2:]]


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_never_yields_two_archived_seals(configured: Configure, tmp_path: Path, point: str) -> None:
    installation = configured(lease_s=1, seal_level="B-LTA" if point == "document stamped" else "B-LT")
    receipts = _killed_and_resumed(installation, tmp_path, point)
    # Whoever dies before the seal is recorded asks the provider again, and the journal says that it did.
    expected = ONCE_MORE if point in ("signed", "stamped", "document stamped") else STRAIGHT
    stories = [[line.event for line in load(installation.registry, receipt).lines] for receipt in receipts]
    if point == "seal staged":  # the first one's seal was kept, but not recorded
        assert sorted(stories) == [ONCE_MORE, ONCE_MORE]
    elif point == "seal recorded":  # the other one's seal was lost with the process
        assert sorted(stories) == sorted([ONCE_MORE, STRAIGHT])
    else:
        assert stories == [expected, expected]


@pytest.mark.parametrize("point", WAITING_POINTS)
def test_a_kill_while_a_seal_waits_never_yields_two(configured: Configure, tmp_path: Path, point: str) -> None:
    installation = configured(lease_s=1)
    receipts = _killed_and_resumed(installation, tmp_path, point)
    stories = [[line.event for line in load(installation.registry, receipt).lines] for receipt in receipts]
    # The first one's time-stamp was kept, and the journal may say so; the other one's was lost with the process.
    kept = ONCE_MORE if point == "time-stamped staged" else [*STRAIGHT[:3], "time-stamped", *STRAIGHT[3:]]
    assert sorted(stories) == sorted([kept, ONCE_MORE])


@pytest.mark.needs("softhsm")
def test_signatures_of_a_provider_that_were_lost_are_accounted_for(
    configured: Configure,
    remote: Remote,
    tmp_path: Path,
) -> None:
    installation = configured(lease_s=1, **remote_settings(remote))
    remote.control("")
    receipts = _killed_and_resumed(installation, tmp_path, "signed")
    requested = [
        line.facts["attempt"]
        for receipt in receipts
        for line in load(installation.registry, receipt).lines
        if line.event == "seal-requested"
    ]
    assert sorted(requested) == [1, 1, 2, 2]
    assert remote.control()["signed"] == len(requested)


def _killed_and_resumed(installation: Installation, tmp_path: Path, point: str) -> list[str]:
    files = [tmp_path / f"{number}.jpg" for number in range(2)]
    for number, file in enumerate(files):
        file.write_bytes(picture(number))
    receipts = [str(r.receipt) for r in installation.receive(*files)]
    command = [sys.executable, "-m", "tests.tasks.killed_process", settings_json(installation), point]
    died = subprocess.run(command, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-2000:]
    deadline = time.monotonic() + 60
    while {installation.state(receipt) for receipt in receipts} != {"ARCHIVED"}:
        assert time.monotonic() < deadline
        assert [work.problem for work in installation.ingest() if work.problem] == []
        time.sleep(0.1)  # until the dead worker's lease has ended
    for receipt in receipts:
        events = [line.event for line in load(installation.registry, receipt).lines]
        assert [events.count(once) for once in ("sealed", "verified", "archived")] == [1, 1, 1]
    assert len(list(installation.archive.versions(""))) == len(receipts)
    assert [finding.deviation for finding in audit(installation)] == [""] * len(receipts)
    return receipts
