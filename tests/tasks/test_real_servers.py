"""The whole way on the servers of a real installation: PostgreSQL for the registry, S3 with Object Lock beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import Settings
from tasks.audit import audit
from tests.installation import Installation
from tests.servers.s3 import S3Server

pytest_plugins = ["tests.servers.postgres", "tests.servers.s3"]

JPEG = "images/receipt-ocr__receipt.jpg"
MAIL = "mail/tika__testEmailWithPNGAtt.eml"


def test_receipts_reach_a_compliance_lock(
    installation_home: Path,
    samples: Path,
    postgres_database: Callable[[], str],
    s3_server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, secret = s3_server.root
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    opened = Installation(
        Settings(
            home=installation_home,
            database_url=postgres_database(),
            staging=f"s3://{s3_server.bucket(lock=False, versioning=False)}/work",
            archive=f"s3://{s3_server.bucket()}/receipts",
            s3_endpoint=s3_server.endpoint,
        )
    )
    receptions = opened.receive(samples / JPEG, samples / MAIL)
    for _ in range(2):  # what came inside a mail goes in the next round
        assert [work.problem for work in opened.ingest() if work.problem] == []
    rows = opened.registry.rows()
    assert {row.state for row in rows} == {"ARCHIVED"}
    assert len(rows) == len(receptions) + 1
    assert {row.summary["lock_mode"] for row in rows} == {"COMPLIANCE"}
    assert {row.summary["compliance_tier"] for row in rows} == {True}
    assert [finding.deviation for finding in audit(opened)] == [""] * len(rows)
    assert list(opened.staging.keys("")) == []
    opened.registry.close()
