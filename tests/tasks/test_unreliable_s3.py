"""A cloud that answers 503, loses answers and tells wrong ones, for staging and archive: one archived file, or none."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from tasks.audit import audit
from tasks.journal import load
from tasks.staging import sweep_staging
from tests.installation import Installation
from tests.servers.s3 import S3Server
from tests.servers.unreliable import Fault, unreliable

pytest_plugins = ["tests.servers.s3"]

JPEG = "images/receipt-ocr__receipt.jpg"
CUT = "images/sharp__truncated.png"
Cloud = Callable[[Fault], tuple[Installation, Installation]]


@pytest.fixture
def cloud(
    installation_home: Path, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cloud]:
    """One installation on two lines: where things go wrong, and where they don't."""
    key, secret = s3_server.user
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    lines, opened = [], []

    def start(fault: Fault) -> tuple[Installation, Installation]:
        lines.append(unreliable(s3_server.endpoint, fault))
        settings = Settings(
            home=installation_home,
            database_url=f"sqlite:///{tmp_path / 'registry.sqlite'}",
            staging=f"s3://{s3_server.bucket(lock=False, versioning=False)}/work",
            archive=f"s3://{s3_server.bucket()}/receipts",
            s3_endpoint=lines[-1].__enter__(),
        )
        opened.extend(
            Installation(settings.model_copy(update={"s3_endpoint": url}))
            for url in (settings.s3_endpoint, s3_server.endpoint)
        )
        return opened[-2], opened[-1]

    yield start
    for each in opened:
        each.registry.close()
    for line in lines:
        line.__exit__(None, None, None)


def test_every_receipt_gets_through_once(cloud: Cloud, samples: Path) -> None:
    chance = random.Random(time.time_ns())
    wrong: list[str] = []

    def fault(method: str, path: str) -> str:
        if chance.random() < 0.25:
            wrong.append(chance.choice(["refuse", "lose", "cut", "etag"]))
            return wrong[-1]
        return ""

    shaky, steady = cloud(fault)
    deadline = time.monotonic() + 240
    while {row.state for row in steady.registry.rows()} != {"ARCHIVED", "REFUSED"}:
        assert time.monotonic() < deadline, [row.state for row in steady.registry.rows()]
        shaky.receive(samples / JPEG, samples / CUT)
        shaky.ingest()
    assert wrong
    archived, refused = sorted(steady.registry.rows(), key=lambda row: row.state)
    events = [line.event for line in load(steady.registry, archived.stream).lines]
    assert [events.count(once) for once in ("received", "normalised", "sealed", "verified", "archived")] == [1] * 5
    assert [each.key for each in steady.archive.versions("")] == [archived.summary["archive_key"]]
    assert [finding.deviation for finding in audit(steady)] == [""]
    sweep_staging(steady)
    assert list(steady.staging.keys("")) == [f"quarantine/{refused.stream}"]


def test_nothing_is_archived_as_long_as_the_archive_tells_another_digest(cloud: Cloud, samples: Path) -> None:
    lying = True
    shaky, steady = cloud(lambda method, path: "checksum" if lying and method == "HEAD" and ".pdf" in path else "")
    [reception] = shaky.receive(samples / JPEG)
    receipt = str(reception.receipt)
    for _ in range(2):
        [work] = shaky.ingest()
        assert "NotEnforced" in work.problem or "Taken" in work.problem
        assert steady.state(receipt) == "VERIFIED"
    lying = False
    assert [work.problem for work in shaky.ingest()] == [""]
    assert steady.state(receipt) == "ARCHIVED"
    assert len(list(steady.archive.versions(""))) == 1
    assert [finding.deviation for finding in audit(steady)] == [""]
