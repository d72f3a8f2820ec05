"""`probant verify` of a receipt: the file in the archive must be the one that the journal speaks of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps.cli import app
from tasks.connections import use
from tests.installation import Installation

JPEG = "images/receipt-ocr__receipt.jpg"
OTHER = "images/receipt-ocr__main-street-restaurant-receipt.jpeg"


@pytest.fixture
def in_use(installation: Installation) -> Iterator[Installation]:
    use(installation)
    yield installation
    use(None)


def test_another_receipts_sealed_file_in_its_place_does_not_hold(in_use: Installation, samples: Path) -> None:
    first, second = in_use.receive(samples / JPEG, samples / OTHER)
    in_use.ingest()
    runner = CliRunner()
    assert runner.invoke(app, ["verify", str(first.receipt)]).exit_code == 0
    row = in_use.registry.row(str(first.receipt))
    assert row is not None
    path = Path(str(row.summary["archive"])) / str(row.summary["archive_key"])
    path.chmod(0o644)
    path.write_bytes(in_use.archived_file(str(second.receipt)))
    result = runner.invoke(app, ["verify", str(first.receipt)])
    assert result.exit_code == 1
