"""The deployments, run by a real worker against a real server: schedules, outcomes, names, and death at any moment."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from PIL import Image

from receipts.receipt import Event
from tasks.journal import load
from tests.flows.conftest import Running

PATIENCE_S = 420


def wait_for(what: str, condition: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    """The first true answer of `condition`, asked again and again."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"waited in vain for {what}")


def runs(running: Running, **filters: object) -> list[dict[str, Any]]:
    """Flow runs as the server lists them."""
    answer = requests.post(f"{running.api}/flow_runs/filter", json={"limit": 200, **filters}, timeout=30)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


def picture(number: int) -> bytes:
    """A small JPEG unlike any other."""
    image = Image.new("RGB", (64, 64), (number % 256, number // 256, 77))
    image.putpixel((number % 64, 5), (255, 255, 255))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def test_schedules_yield_scheduled_runs(running: Running) -> None:
    """With SQLAlchemy 2.1, Prefect 3.8.8 accepts schedules and never makes a run of them."""
    scheduled = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    found = wait_for("scheduled runs", lambda: runs(running, **scheduled), timeout_s=120)
    assert all(run["auto_scheduled"] for run in found)


def test_a_dropped_file_is_archived_by_the_worker(running: Running, samples: Path) -> None:
    (running.inbox / "receipt.jpg").write_bytes((samples / "images/receipt-ocr__receipt.jpg").read_bytes())
    (running.inbox / "cut.png").write_bytes((samples / "images/sharp__truncated.png").read_bytes())
    time.sleep(2)  # a file that was just written is not taken yet
    running.start_worker()
    running.trigger("collect")
    wait_for("custody", running.connections.registry.rows)
    running.trigger("ingest")
    wait_for("the outcome", lambda: (running.inbox / "Archived" / "receipt.jpg").exists())
    wait_for("the refusal", lambda: (running.inbox / "Rejected" / "cut.png").exists())
    registry = running.connections.registry
    assert sorted(row.state for row in registry.rows()) == ["ARCHIVED", "REFUSED"]
    note = next((running.inbox / "Rejected").glob("*.txt")).read_text()
    assert "Code: " in note
    names = wait_for(
        "a run that says what it did",
        lambda: [
            run["name"] for run in runs(running) if run["name"].startswith("ingest: ") and "archived" in run["name"]
        ],
    )
    assert names


@pytest.mark.timeout(1200)
def test_killed_workers_lose_nothing_and_double_nothing(running: Running) -> None:
    chance = random.Random(time.time_ns())
    registry = running.connections.registry
    before = {row.stream for row in registry.rows()}
    for number in range(24):
        (running.inbox / f"killed-{number}.jpg").write_bytes(picture(number))
    for _ in range(3):
        lines = sum(row.count for row in registry.rows())
        running.start_worker()
        running.trigger("collect", "ingest")
        wait_for("progress", lambda lines=lines: sum(row.count for row in registry.rows()) > lines)
        time.sleep(chance.uniform(0, 2))
        kill_family(running.services.running()["worker"].pid)
    running.start_worker()
    added = wait_for("every receipt", lambda: _all_archived(running, before, 24))
    for row in added:
        events = [line.event for line in load(registry, row.stream).lines]
        assert events.count(Event.ARCHIVED) == events.count(Event.RECEIVED) == 1
        key = str(row.summary["archive_key"])
        assert [
            stored.version_id for stored in running.connections.archive.versions("default") if stored.key == key
        ] == [row.summary["version_id"]]


def kill_family(pid: int) -> None:
    """SIGKILL a process and everything that it started."""
    process = psutil.Process(pid)
    for member in [*process.children(recursive=True), process]:
        member.kill()
    process.wait(timeout=30)


def _all_archived(running: Running, before: set[str], number: int) -> list[Any]:
    rows = [row for row in running.connections.registry.rows() if row.stream not in before]
    return rows if len(rows) == number and all(row.state == "ARCHIVED" for row in rows) else []
