"""Workers that take receipts out of each other's hands: each receipt ends archived once, and the journal is legal."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from receipts.receipt import Event
from tasks.audit import audit
from tasks.checking import check_registry
from tasks.journal import load
from tasks.staging import sweep_staging
from tests.flows.test_worker import picture
from tests.installation import STAGES, Installation

RECEIPTS = 4
ONCE = (Event.RECEIVED, Event.NORMALISED, Event.SEALED, Event.VERIFIED, Event.ARCHIVED)


def test_workers_that_rob_each_other_archive_each_receipt_once(installation: Installation, tmp_path: Path) -> None:
    """The second one's clock goes before by more than a lease: whatever the first holds seems to be given up."""
    for number in range(RECEIPTS):
        (tmp_path / f"{number}.jpg").write_bytes(picture(number))
    receptions = installation.receive(*sorted(tmp_path.glob("*.jpg")))
    ahead = timedelta(seconds=installation.settings.lease_s + 5)
    workers = [
        Installation(installation.settings, now=lambda late=late: datetime.now(UTC) + late)
        for late in (timedelta(0), ahead)
    ]
    faults: list[BaseException] = []

    def work(worker: Installation) -> None:
        try:
            while any(row.state != "ARCHIVED" for row in installation.registry.rows()):
                held = worker.claim()
                for stage in STAGES:
                    held = stage(worker, held)
                    faults.extend(AssertionError(each.problem) for each in held if each.problem)
                worker.registry.release([each.claim for each in held if each.claim])
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=240)
    assert faults == []
    for reception in receptions:
        events = [line.event for line in load(installation.registry, str(reception.receipt)).lines]
        assert [event for event in events if event != Event.SEAL_REQUESTED] == list(ONCE)
    assert len(list(installation.archive.versions(""))) == RECEIPTS
    assert [finding.deviation for finding in audit(installation)] == [""] * RECEIPTS
    assert {found.problem for found in check_registry(installation.registry)} == {""}
    sweep_staging(installation)
    for worker in workers:
        worker.registry.close()
    assert list(installation.staging.keys("")) == []
