"""`probant normalise` as scripts see it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apps.normalising import files_in
from receipts.pdfa import original_of
from receipts.threats import EICAR

FIELDS = {
    "path", "outcome", "code", "detail", "advice", "media_type", "route", "pages", "fidelity", "quality", "cpu_ms",
    "wall_ms", "size_bytes", "original_sha256", "normalised_size_bytes", "normalised_sha256", "output",
}  # fmt: skip


def normalise(*arguments: object, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = "from apps.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "normalise", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": ".", "PROBANT_HOME": str(home), **environment},
    )


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def folder(tmp_path: Path, samples: Path) -> Path:
    """A folder with everything that could go wrong with names."""
    inbox = tmp_path / "in"
    (inbox / "deeper").mkdir(parents=True)
    photo = (samples / "images/receipt-ocr__receipt.jpg").read_bytes()
    (inbox / "deeper" / "receipt.jpg").write_bytes(photo)
    (inbox / "receipt.jpg").write_bytes(photo)
    (inbox / "..%2f..\\..\x1b[31m\n~ passwd.jpg").write_bytes((samples / "images/tika__testJPEG_EXIF.jpg").read_bytes())
    (inbox / ".hidden").write_bytes(b"")
    (inbox / "virus.pdf").write_bytes(EICAR)
    (inbox / "link.jpg").symlink_to("/etc/passwd")
    (inbox / os.fsdecode(b"\xff\xfe.bin")).write_bytes(b"\0\1\2")
    return inbox


def test_each_file_has_its_line_and_its_outcome(folder: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report.jsonl"
    run = normalise(folder, "--out", out, "--report", report, "--json", home=tmp_path / "home")
    assert run.returncode == 1, run.stderr
    entries = lines(report.read_text())
    assert entries == lines(run.stdout)
    assert all(set(entry) == FIELDS for entry in entries)
    told = {Path(entry["path"]).name: entry for entry in entries}
    assert [entry["outcome"] for entry in entries].count("NORMALISED") == 3
    assert (told[".hidden"]["code"], told["virus.pdf"]["code"]) == ("EMPTY", "HOSTILE")
    assert told["\\udcff\\udcfe.bin"]["code"] == "UNKNOWN_TYPE"
    assert "link.jpg" not in told
    made = [entry for entry in entries if entry["output"]]
    assert sorted(path.name for path in out.iterdir()) == sorted(entry["output"] for entry in made)
    for entry in made:
        assert entry["output"].isascii()
        assert entry["output"][0].isalnum() or entry["output"][0] == "_"
        assert original_of((out / entry["output"]).read_bytes()) == Path(entry["path"]).read_bytes()
    assert not (tmp_path / "home").exists()  # no installation is needed


def test_exit_codes(samples: Path, tmp_path: Path) -> None:
    good, out = samples / "images/receipt-ocr__receipt.jpg", tmp_path / "out"
    assert normalise(good, "--out", out, home=tmp_path / "home").returncode == 0
    again = normalise(good, "--out", out, home=tmp_path / "home")
    assert again.returncode == 0
    assert "1 of 1 normalised, 0 refused" in again.stdout
    assert len(list(out.iterdir())) == 1
    broken = normalise(good, "--out", out, home=tmp_path / "home", PROBANT_CLAMAV_SOCKET="unix:/nowhere/clamd.sock")
    assert broken.returncode == 3
    limited = normalise(good, "--out", out, "--json", home=tmp_path / "home", PROBANT_LIMIT_SIZE_BYTES="1000")
    assert limited.returncode == 1
    assert lines(limited.stdout)[0]["code"] == "TOO_LARGE"
    told = normalise(good, "--out", out, home=tmp_path / "home", PROBANT_LIMIT_SIZE_BYTES="1000")
    assert f"{good}: TOO_LARGE: " in told.stdout
    assert "please send a smaller photo" in told.stdout
    assert normalise(tmp_path / "nothing", "--out", out, home=tmp_path / "home").returncode == 2


def test_no_file_is_overwritten_by_the_report(folder: Path, tmp_path: Path) -> None:
    photo = folder / "receipt.jpg"
    before = photo.read_bytes()
    run = normalise(folder, "--out", tmp_path / "out", "--report", photo, home=tmp_path / "home")
    assert (run.returncode, photo.read_bytes()) == (2, before)


def test_pipes_and_devices_are_refused_and_never_waited_for(tmp_path: Path) -> None:
    pipe, endless = tmp_path / "pipe.pdf", tmp_path / "endless.pdf"
    os.mkfifo(pipe)
    endless.symlink_to("/dev/zero")
    run = normalise(pipe, endless, "--out", tmp_path / "out", "--json", home=tmp_path / "home")
    assert run.returncode == 1, run.stderr
    assert [entry["code"] for entry in lines(run.stdout)] == ["UNSUPPORTED_TYPE"] * 2


def test_a_folder_that_can_not_be_read_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (tmp_path / "a.pdf").write_bytes(b"")
    scanned = os.scandir

    def scandir(path: str) -> Any:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", path)
        return scanned(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [*files_in([tmp_path], leaving_out=tmp_path / "out")] == [tmp_path / "a.pdf", closed]
