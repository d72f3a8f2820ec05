"""The level that is set is the level that is archived, and journal and index say which."""

from __future__ import annotations

from pathlib import Path

import pytest

from receipts import pades
from receipts.receipt import Event
from tasks.journal import load
from tasks.trust import anchors
from tests import judge
from tests.flows.test_worker import picture
from tests.tasks.providers import Configure

LTA = "PAdES-BASELINE-LTA"


def test_b_lta_from_one_end_to_the_other(configured: Configure, tmp_path: Path) -> None:
    installation = configured(seal_level="B-LTA")
    file = tmp_path / "1.jpg"
    file.write_bytes(picture(1))
    [reception] = installation.receive(file)
    receipt = str(reception.receipt)
    assert [work.problem for work in installation.ingest()] == [""]
    history, row = load(installation.registry, receipt), installation.registry.row(receipt)
    assert row is not None
    told = (history.facts(Event.SEALED)["level"], history.facts(Event.VERIFIED)["level"], row.summary["seal_level"])
    assert told == (LTA, LTA, LTA)
    path = tmp_path / "archived.pdf"
    path.write_bytes(installation.archived_file(receipt))
    report = pades.validate(path.read_bytes(), anchors(installation.settings), at=installation.now())
    assert (report.passed, report.headline.level) == (True, LTA)
    verdict = judge.dss([path], installation.settings.trust, level="LTA")[str(path)]
    assert verdict["passed"], verdict
    assert judge.verapdf([path])[str(path)]["compliant"]


def test_an_authority_that_fails_after_the_seal_costs_nothing_that_was_had(
    configured: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> None:
        raise ConnectionError("the authority is down")

    installation = configured(seal_level="B-LTA")
    file = tmp_path / "1.jpg"
    file.write_bytes(picture(1))
    [reception] = installation.receive(file)
    with monkeypatch.context() as patched:
        patched.setattr(pades, "stamp", down)
        assert [work.problem for work in installation.ingest()] == ["ConnectionError: the authority is down"]
    assert installation.state(str(reception.receipt)) == "TIME_STAMPED"
    assert [work.problem for work in installation.ingest()] == [""]
    events = [line.event for line in load(installation.registry, str(reception.receipt)).lines]
    assert events == ["received", "normalised", "seal-requested", "time-stamped", "sealed", "verified", "archived"]


def test_a_lower_level_than_was_sealed_is_not_archived(
    configured: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(augmented: bytes, _: object) -> bytes:
        return augmented

    installation = configured(seal_level="B-LTA")
    file = tmp_path / "1.jpg"
    file.write_bytes(picture(1))
    [reception] = installation.receive(file)
    monkeypatch.setattr(pades, "stamp", nothing)
    monkeypatch.setattr(pades, "is_served", lambda *_: True)
    [work] = installation.ingest()
    assert "it was sealed as PAdES-BASELINE-LTA" in work.problem
    assert installation.state(str(reception.receipt)) == "SEALED"
