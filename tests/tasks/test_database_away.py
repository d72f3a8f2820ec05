"""A registry that is away now and then, in the middle of what it is told: nothing is lost, nothing is done twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from receipts.receipt import Event
from tasks.audit import audit
from tasks.checking import check_registry
from tasks.journal import load
from tasks.staging import sweep_staging
from tests.flows.test_worker import picture
from tests.installation import Installation
from tests.receipts.mails import attached, multipart, text
from tests.servers.relay import Relay

pytest_plugins = ["tests.servers.postgres"]

ONCE = ["received", "normalised", "sealed", "verified", "archived", "acknowledged"]


@pytest.fixture
def relay(postgres_database: Callable[[], str]) -> Iterator[tuple[Relay, str, str]]:
    """A line to a new database, its URL over that line, and without it."""
    url = make_url(postgres_database())
    assert url.host is not None
    assert url.port is not None
    made = Relay(url.host, url.port)
    yield made, url.set(port=made.port).render_as_string(), url.render_as_string()
    made.close()


def test_a_database_that_comes_and_goes(
    relay: tuple[Relay, str, str], installation: Installation, tmp_path: Path
) -> None:
    line, shaky, steady = relay
    files = tmp_path / "files"
    files.mkdir()
    (files / "photo.jpg").write_bytes(picture(1))
    (files / "mail.eml").write_bytes(multipart(text("Receipt"), attached(picture(2), "receipt.jpg")))
    settings = Settings(**{**installation.settings.model_dump(), "lease_s": 2, "database_url": steady})
    sure = Installation(settings)
    assert sure.registry.rows() == []  # makes the tables
    worker = Installation(settings.model_copy(update={"database_url": shaky}))
    is_over = threading.Event()
    cuts = threading.Thread(target=_come_and_go, args=(line, is_over), daemon=True)
    cuts.start()
    try:
        while [row.state for row in sure.registry.rows()] != ["ARCHIVED"] * 3 or _untold(sure):
            with suppress(SQLAlchemyError):
                worker.receive(files)
                worker.ingest()
                worker.acknowledge(files)
    finally:
        is_over.set()
        cuts.join()
    worker.registry.close()
    for row in sure.registry.rows():
        events = [line.event for line in load(sure.registry, row.stream).lines]
        assert [event for event in events if event != Event.SEAL_REQUESTED] == ONCE
    assert len(list(sure.archive.versions(""))) == 3
    assert [finding.deviation for finding in audit(sure)] == [""] * 3
    assert {found.problem for found in check_registry(sure.registry)} == {""}
    sweep_staging(sure)
    assert list(sure.staging.keys("")) == []
    sure.registry.close()


def _untold(installation: Installation) -> list[object]:
    return [row for row in installation.registry.rows() if row.unsettled]


def _come_and_go(line: Relay, is_over: threading.Event) -> None:
    """Cut it soon at first, then ever later, so that even a slow machine gets through."""
    chance, most_s = random.Random(time.time_ns()), 0.3
    while not is_over.wait(chance.uniform(0.05, most_s)):
        line.cut()
        is_over.wait(chance.uniform(0, 0.2))
        line.mend()
        most_s *= 1.2
