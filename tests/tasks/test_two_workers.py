"""Workers that take receipts out of each other's hands: each receipt ends archived once, and the journal is legal."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.ports import Record, Row
from receipts.receipt import Event, State
from tasks.audit import audit
from tasks.checking import check_registry
from tasks.connections import Connections
from tasks.journal import Facts, History, load
from tasks.staging import sweep_staging
from tasks.step import Work, run_stage
from tests.flows.test_worker import picture
from tests.installation import STAGES, Installation

RECEIPTS = 4
ONCE = (Event.RECEIVED, Event.NORMALISED, Event.SEALED, Event.VERIFIED, Event.ARCHIVED)


def test_a_stage_that_takes_longer_than_a_lease_keeps_what_it_holds(installation: Installation, tmp_path: Path) -> None:
    for number in range(RECEIPTS):
        (tmp_path / f"{number}.jpg").write_bytes(picture(number))
    installation.receive(*sorted(tmp_path.glob("*.jpg")))
    late = timedelta(0)
    worker, other = (Installation(installation.settings, now=lambda: datetime.now(UTC) + late) for _ in range(2))
    robbed: list[Work] = []

    def slowly(_: Connections, history: History) -> tuple[Event, Facts]:
        nonlocal late
        late += timedelta(seconds=0.6 * installation.settings.lease_s)
        robbed.extend(other.claim())
        return Event.NORMALISED, {"sha256": history.sha256, "size_bytes": 1}

    done = run_stage(worker, worker.claim(), State.RECEIVED, slowly)
    assert robbed == []
    assert all(work.claim and not work.problem for work in done)
    assert {row.state for row in installation.registry.rows()} == {"NORMALISED"}
    worker.registry.close()
    other.registry.close()


def test_a_history_is_read_while_others_write_all_the_time(installation: Installation, tmp_path: Path) -> None:
    """Many copies of one receipt arrive: whoever reads it meanwhile doesn't take it for altered."""
    [reception] = installation.receive(_written(tmp_path / "first.jpg"))
    registry, numbers = installation.registry, itertools.count()

    class Busy:
        """Between the two reads another copy arrives, many times in a row."""

        def row(self, stream: str) -> Row | None:
            return registry.row(stream)

        def lines(self, stream: str) -> list[Record]:
            if (number := next(numbers)) < 10:
                installation.receive(_written(tmp_path / "copy.jpg"), name=f"door-{number}")
            return registry.lines(stream)

    assert len(load(Busy(), str(reception.receipt)).lines) == 11  # type: ignore[arg-type]


def _written(path: Path) -> Path:
    path.write_bytes(b"the same bytes")
    return path


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
