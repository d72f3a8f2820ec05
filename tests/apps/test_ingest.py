"""`probant ingest`: what it says and how it exits when a file could not be taken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

import flows.collect
import flows.ingest
from apps.cli import app
from config.settings import settings
from connectors.source import PathsSource
from receipts import pades
from tasks.connections import use
from tasks.receive import receive_all
from tests.installation import Installation

JPEG = "images/receipt-ocr__receipt.jpg"


@pytest.fixture
def command(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """The installation as commands find it; its flows run without Prefect."""

    def collect(paths: list[str], return_state: bool) -> object:
        source = PathsSource([Path(path) for path in paths], "command:default")
        try:
            failed = [r for r in receive_all(installation, source, tenant="default") if r.outcome == "failed"]
        except OSError as fault:
            return SimpleNamespace(message=str(fault))
        return SimpleNamespace(message=failed[0].reason if failed else "")

    monkeypatch.setattr(flows.collect, "collect", collect)
    monkeypatch.setattr(flows.ingest, "ingest", lambda return_state: installation.ingest())
    monkeypatch.setenv("PROBANT_HOME", str(tmp_path / "not" / "yet" / "there"))
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    before = dict(os.environ)
    settings.cache_clear()
    use(installation)
    yield installation
    use(None)
    settings.cache_clear()
    os.environ.clear()
    os.environ.update(before)


def ingest(*paths: Path) -> Result:
    return CliRunner().invoke(app, ["ingest", *map(str, paths)])


def test_what_was_ingested_is_shown(command: Installation, samples: Path, tmp_path: Path) -> None:
    result = ingest(samples / JPEG)
    assert result.exit_code == 0, result.output
    assert "ARCHIVED" in result.stdout
    assert (tmp_path / "not" / "yet" / "there").is_dir()


def test_what_is_refused_is_told_with_what_to_do(command: Installation, samples: Path) -> None:
    result = ingest(samples / "images/sharp__truncated.png")
    assert result.exit_code == 1, result.output
    assert "sharp__truncated.png: TRUNCATED: PNG ends within a chunk. The file is incomplete" in result.stdout


def test_a_file_that_could_not_be_taken_is_no_success(command: Installation, samples: Path, tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "original").write_bytes(b"in the way")  # as good as a full or read-only disk
    result = ingest(samples / JPEG)
    assert result.exit_code == 3
    assert "not taken into custody: receipt-ocr__receipt.jpg" in result.output


def test_a_pipe_is_refused_at_once(command: Installation, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert ingest(tmp_path / "pipe").exit_code == 2


def test_a_hidden_file_is_taken_when_it_is_named(command: Installation, samples: Path, tmp_path: Path) -> None:
    hidden = tmp_path / ".receipt.jpg"
    hidden.write_bytes((samples / JPEG).read_bytes())
    assert "ARCHIVED" in ingest(hidden).stdout


def test_a_folder_that_cannot_be_looked_into_is_no_success(
    command: Installation, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in" / "closed"
    folder.mkdir(parents=True)
    (folder.parent / "receipt.jpg").write_bytes((samples / JPEG).read_bytes())
    look = os.scandir

    def refuses(path: object) -> object:
        if str(path) == str(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refuses)
    result = ingest(folder.parent)
    assert result.exit_code == 3
    assert "Permission denied" in result.output
    assert "ARCHIVED" in result.stdout


def test_what_waits_for_revocation_information_is_no_fault(
    command: Installation, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_old(sealed: list[bytes], *_: object, **__: object) -> None:
        newest = max(map(pades.stamped_at, sealed))
        raise pades.NotFresh(newest - timedelta(hours=6), newest)

    monkeypatch.setattr(pades, "validation_data", too_old)
    monkeypatch.setattr("tasks.levels.FRESH_WAIT_S", 0)
    result = ingest(samples / JPEG)
    assert result.exit_code == 3
    assert "1 receipts have their time-stamp and wait for revocation information" in result.stderr
    assert "technical fault" not in result.stderr
