"""What checking an archived file says of its journal and its lock."""

from __future__ import annotations

from pathlib import Path

from apps.checking import check
from receipts.receipt import Event
from tasks.journal import load
from tests.installation import Installation
from tests.pki import archive_file

JPEG = "images/receipt-ocr__receipt.jpg"


def test_journal_and_lock_are_told(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.ingest()
    receipt = str(reception.receipt)
    content = installation.archived_file(receipt)
    custody = check("file", content, installation).custody
    assert custody is not None
    history = load(installation.registry, receipt)
    assert (custody.receipt, custody.state, custody.journal_lines) == (receipt, "ARCHIVED", len(history.lines))
    assert custody.journal_head == history.lines[-1].digest
    assert (custody.is_this_file, custody.lock_mode, custody.problem) == (True, "DIRECTORY", "")
    assert custody.locked_until is not None
    assert history.facts(Event.VERIFIED)["qualification"] is None  # no trusted list, so nothing is proved


def test_another_file_with_the_same_receipt_is_told_apart(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.ingest()
    content = installation.archived_file(str(reception.receipt))
    verdict = check("file", content + b"% more", installation)
    assert not verdict.holds
    assert verdict.custody is not None
    assert not verdict.custody.is_this_file


def test_a_receipt_that_is_not_ours_has_no_custody(installation: Installation) -> None:
    assert check("file", archive_file(), installation).custody is None
