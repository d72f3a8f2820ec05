"""Faults of ours at awkward moments: no outcome is told that isn't, none is lost, and nothing is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.checking import check
from connectors.ports import Claim, Conflict, Fenced, Missing, Record, Row, Stored
from receipts.errors import Code, Refused
from receipts.receipt import Event
from tasks import normalise as normalising
from tasks.archive import archive
from tasks.audit import audit
from tasks.connections import Connections
from tasks.journal import load
from tasks.normalise import normalise
from tasks.receive import take
from tasks.seal import seal
from tasks.staging import original_key, quarantine_key, sweep_staging
from tasks.step import write_down
from tasks.verify import verify
from tests.installation import Installation

JPEG = "images/receipt-ocr__receipt.jpg"
CUT = "images/sharp__truncated.png"
Fail = Callable[..., None]


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Has a method of a connection raise, from now on or so many times."""

    def arm(target: object, name: str, fault: BaseException, times: int = 1_000_000) -> None:
        real, left = getattr(target, name), times

        def failing(*args: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left >= 0:
                raise fault
            return real(*args, **options)

        monkeypatch.setattr(target, name, failing)

    return arm


def test_staging_that_cannot_be_emptied_leaves_a_receipt_archived(
    installation: Installation, samples: Path, fail: Fail
) -> None:
    [reception] = installation.receive(samples / JPEG)
    fail(installation.staging, "delete", OSError("SlowDown"), 1)
    assert [work.problem for work in installation.ingest()] == [""]
    assert installation.state(str(reception.receipt)) == "ARCHIVED"
    assert list(installation.staging.keys("")) != []
    sweep_staging(installation)
    assert list(installation.staging.keys("")) == []


def test_what_cannot_be_swept_stops_nothing(
    installation: Installation, samples: Path, fail: Fail, caplog: pytest.LogCaptureFixture
) -> None:
    [reception] = installation.receive(samples / JPEG)
    fail(installation.staging, "keys", OSError("SlowDown"), 1)
    sweep_staging(installation)
    assert "staging is not swept: SlowDown" in caplog.text
    assert [work.problem for work in installation.ingest()] == [""]
    assert installation.state(str(reception.receipt)) == "ARCHIVED"


def test_a_refusal_that_was_not_written_down_leaves_no_copy_in_quarantine(
    installation: Installation, samples: Path, fail: Fail
) -> None:
    """The virus scanner takes back what it said, say; whoever is archived is not in quarantine too."""
    [reception] = installation.receive(samples / JPEG)
    fail(normalising, "scan", Refused(Code.HOSTILE, "a false alarm"), 1)
    fail(installation.registry, "append", OSError("the database is away"), 1)
    [work] = installation.ingest([normalise])
    assert "database is away" in work.problem
    assert [work.problem for work in installation.ingest()] == [""]
    assert installation.state(str(reception.receipt)) == "ARCHIVED"
    assert list(installation.staging.keys("")) == []


def test_a_crash_right_after_a_refusal_leaves_only_its_quarantine(
    installation: Installation, samples: Path, fail: Fail
) -> None:
    [reception] = installation.receive(samples / CUT)
    receipt = str(reception.receipt)
    fail(installation.staging, "delete", KeyboardInterrupt(), 1)
    with pytest.raises(KeyboardInterrupt):
        installation.ingest()
    assert installation.state(receipt) == "REFUSED"
    assert set(installation.staging.keys("")) == {original_key(receipt), quarantine_key(receipt)}
    sweep_staging(installation)
    assert list(installation.staging.keys("")) == [quarantine_key(receipt)]


@pytest.mark.parametrize("event", [Event.NORMALISED, Event.SEALED])
def test_a_crash_before_a_file_is_written_down_leaves_no_file_behind(
    installation: Installation, samples: Path, monkeypatch: pytest.MonkeyPatch, event: Event
) -> None:
    """The next one is another: a seal has another time-stamp, a later release makes other files."""
    installation.receive(samples / JPEG)
    append, times = installation.registry.append, iter([KeyboardInterrupt()])

    def dies_once(record: Record, row: Row, *, claim: Claim | None) -> None:
        if f'"event":"{event}"' in record.body and (death := next(times, None)):
            raise death
        append(record, row, claim=claim)

    monkeypatch.setattr(installation.registry, "append", dies_once)
    with pytest.raises(KeyboardInterrupt):
        installation.ingest()
    assert [key for key in installation.staging.keys("") if key.startswith(event.value)] != []
    monkeypatch.setattr(normalising, "SOFTWARE", "Probant, a later release")
    later = Installation(installation.settings, now=lambda: datetime.now(UTC) + timedelta(minutes=20))
    assert [work.problem for work in later.ingest()] == [""]
    sweep_staging(later)
    assert list(later.staging.keys("")) == []


def test_the_index_alone_is_no_reason_to_remove_anything(
    installation: Installation, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [reception] = installation.receive(samples / JPEG)
    row = installation.registry.row(str(reception.receipt))
    assert row is not None
    monkeypatch.setattr(installation.registry, "row", lambda _: replace(row, state="ARCHIVED"))
    sweep_staging(installation)
    assert list(installation.staging.keys("")) == [original_key(str(reception.receipt))]


def test_a_claim_lost_while_a_note_came_between_is_lost(
    installation: Installation, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [reception] = installation.receive(samples / JPEG)
    [work] = installation.claim()
    answers: Iterator[Exception] = iter([Conflict("a note"), Fenced("another worker")])

    def append(record: Record, row: Row, *, claim: Claim | None) -> None:
        raise next(answers)

    monkeypatch.setattr(installation.registry, "append", append)
    history = load(installation.registry, str(reception.receipt))
    assert write_down(installation, work, history, Event.NORMALISED, {}) is None


def test_an_arrival_taken_twice_at_once_is_told_as_what_it_was(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.ingest()
    [line, *_] = load(installation.registry, str(reception.receipt)).lines
    again = take(installation, (samples / JPEG).read_bytes(), line.facts, tenant="default")
    assert again == reception


def test_a_verdict_needs_no_registry(installation: Installation, samples: Path, fail: Fail) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.ingest()
    content = installation.archived_file(str(reception.receipt))
    fail(installation.registry, "row", OSError("the database is away"))
    verdict = check("file", content, installation)
    assert verdict.report.passed
    assert verdict.custody is not None
    assert "database is away" in verdict.custody.problem


def test_an_audit_says_nothing_of_what_is_being_archived(
    installation: Installation, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the listing of receipts and that of files others are archived: they are where they should be."""
    installation.receive(samples / JPEG)
    installation.ingest([normalise, seal, verify])
    versions, put = installation.archive.versions, installation.archive.put
    found: list[list[str]] = []

    def put_and_audit(key: str, *args: Any, **options: Any) -> Stored:
        stored = put(key, *args, **options)
        if not key.startswith("."):  # the canary's
            found.append([finding.deviation for finding in audit(installation)])
        return stored

    def archive_meanwhile(prefix: str) -> Iterator[Stored]:
        monkeypatch.setattr(installation.archive, "versions", versions)
        monkeypatch.setattr(installation.archive, "put", put_and_audit)
        archive(installation, installation.claim())
        return versions(prefix)

    monkeypatch.setattr(installation.archive, "versions", archive_meanwhile)
    assert list(audit(installation)) == []
    assert found == [[]]
    assert [finding.deviation for finding in audit(installation)] == [""]


def test_an_audit_tells_a_deviation_that_it_cannot_write_down(
    installation: Installation, samples: Path, fail: Fail
) -> None:
    receptions = installation.receive(samples / JPEG, samples / "images/textract-samples__expense.png")
    installation.ingest()
    fail(installation.archive, "head", Missing("a file"), 1)
    fail(installation.registry, "append", OSError("the disk is full"))
    gone, whole = audit(installation)
    assert gone.deviation == "the archived file is gone; not written down: OSError: the disk is full"
    assert whole.deviation == ""
    assert {gone.receipt, whole.receipt} == {each.receipt for each in receptions}


def test_many_threads_open_a_connection_once(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    start = threading.Barrier(4)

    def slowly(url: str) -> str:
        opened.append(url)
        time.sleep(0.1)
        return url

    def ask(_: int) -> object:
        start.wait()
        return installation.staging

    monkeypatch.setattr(Connections, "_open_store", lambda _, url: slowly(url))
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, range(4))) == set(opened)
    assert len(opened) == 1
