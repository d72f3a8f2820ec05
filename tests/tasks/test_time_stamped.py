"""A seal whose revocation information isn't there yet: it waits, visibly, and keeps its time-stamp."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from apps.cli import app
from receipts import pades
from receipts.receipt import Event
from tasks.connections import use
from tasks.journal import load, project
from tasks.staging import time_stamped_key
from tasks.step import Work
from tests.flows.test_worker import picture
from tests.installation import Installation

REAL = pades.validation_data


@pytest.fixture
def received(installation: Installation, tmp_path: Path) -> Callable[[int], str]:
    """Receives a receipt of that number; returns its id."""

    def receive(number: int) -> str:
        file = tmp_path / f"{number}.jpg"
        file.write_bytes(picture(number))
        [reception] = installation.receive(file)
        return str(reception.receipt)

    return receive


def answers_of(monkeypatch: pytest.MonkeyPatch, issued_at: datetime) -> None:
    """Have the revocation services answer what they made at that time."""

    async def validation_data(sealed: list[bytes], *arguments: Any, **options: Any) -> pades.ValidationData:
        newest = max(pades.stamped_at(each) for each in sealed)
        if issued_at < newest:
            raise pades.NotFresh(issued_at, newest)
        return replace(await REAL(sealed, *arguments, **options), issued_at=issued_at)

    monkeypatch.setattr(pades, "validation_data", validation_data)
    monkeypatch.setattr("tasks.levels.FRESH_WAIT_S", 0)


def events(installation: Installation, receipt: str) -> list[str]:
    return [line.event for line in load(installation.registry, receipt).lines]


def ingest(installation: Installation, receipt: str) -> Work:
    [work] = [work for work in installation.ingest() if work.receipt == receipt]
    return work


def test_it_waits_and_goes_on_with_the_same_time_stamp(
    installation: Installation, received: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = received(1)
    answers_of(monkeypatch, datetime.now(UTC) - timedelta(hours=1))
    for _ in range(3):
        work = ingest(installation, receipt)
        assert (work.problem, "older than the time-stamp" in work.waits) == ("", True)
        assert installation.state(receipt) == "TIME_STAMPED"
    assert events(installation, receipt) == ["received", "normalised", "seal-requested", "time-stamped"]
    history = load(installation.registry, receipt)
    stamped = installation.staging.get(time_stamped_key(history))
    row = installation.registry.row(receipt)
    assert row is not None
    assert row.summary["time_stamped_at"] == pades.stamped_at(stamped).isoformat()
    monkeypatch.setattr(pades, "validation_data", REAL)
    assert ingest(installation, receipt).waits == ""
    assert installation.state(receipt) == "ARCHIVED"
    assert events(installation, receipt)[4:] == ["sealed", "verified", "archived"]
    history = load(installation.registry, receipt)
    assert installation.archived_file(receipt).startswith(stamped)
    assert history.facts(Event.VERIFIED)["sealed_at"] == history.facts(Event.TIME_STAMPED)["stamped_at"]
    assert history.facts(Event.SEALED)["attempt"] == 1
    assert list(installation.staging.keys("time-stamped")) == []
    before = installation.registry.rows()
    installation.registry.rebuild(project)
    assert installation.registry.rows() == before


def test_one_that_is_too_young_does_not_keep_the_others(
    installation: Installation, received: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers_of(monkeypatch, datetime.now(UTC) - timedelta(hours=1))
    older = received(1)
    ingest(installation, older)
    time.sleep(1.1)  # time-stamps count whole seconds
    younger = received(2)
    ingest(installation, younger)
    row = installation.registry.row(older)
    assert row is not None
    answers_of(monkeypatch, datetime.fromisoformat(str(row.summary["time_stamped_at"])))
    installation.ingest()
    assert [installation.state(receipt) for receipt in (older, younger)] == ["ARCHIVED", "TIME_STAMPED"]


def test_a_revocation_service_that_is_down_is_a_fault_that_costs_no_time_stamp(
    installation: Installation, received: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: Any, **__: Any) -> None:
        raise ConnectionError("the responder is down")

    receipt = received(1)
    monkeypatch.setattr(pades, "validation_data", down)
    for _ in range(2):
        work = ingest(installation, receipt)
        assert (work.problem, work.waits) == ("ConnectionError: the responder is down", "")
    assert events(installation, receipt) == ["received", "normalised", "seal-requested", "time-stamped"]
    monkeypatch.setattr(pades, "validation_data", REAL)
    ingest(installation, receipt)
    assert installation.state(receipt) == "ARCHIVED"


def test_what_waits_can_be_sealed_anew_or_be_lost_without_harm(
    installation: Installation, received: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = received(1)
    answers_of(monkeypatch, datetime.now(UTC) - timedelta(hours=1))
    ingest(installation, receipt)
    installation.staging.delete(time_stamped_key(load(installation.registry, receipt)))
    monkeypatch.setattr(pades, "validation_data", REAL)
    assert ingest(installation, receipt).problem
    assert installation.state(receipt) == "TIME_STAMPED"
    use(installation)
    result = CliRunner().invoke(app, ["receipts", "reseal", receipt, "--reason", "lost from staging"])
    use(None)
    assert result.exit_code == 0, result.output
    ingest(installation, receipt)
    assert installation.state(receipt) == "ARCHIVED"
    asked = [line.facts["attempt"] for line in load(installation.registry, receipt).lines if "attempt" in line.facts]
    assert asked == [1, 1, 2, 2]  # requested, time-stamped, requested, sealed
