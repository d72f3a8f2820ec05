"""`probant seal`: a line a file, exit codes for scripts, and nothing that doesn't hold is called sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from apps.cli import app
from apps.sealing import FIELDS
from config.settings import settings
from connectors.devpki import Service
from receipts import pades
from tasks.connections import use
from tasks.trust import anchors
from tests.installation import Installation
from tests.pki import archive_file
from tests.receipts.others import LOCKS, sign
from tests.receipts.pdf_cases import page, pdf_a, written


@pytest.fixture
def in_use(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv("PROBANT_HOME", str(installation.settings.home))
    settings.cache_clear()
    use(installation)
    yield installation
    use(None)
    settings.cache_clear()


def seal(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["seal", *map(str, arguments)])


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_file_has_its_line_and_is_sealed_once(in_use: Installation, samples: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "secret.pdf").write_bytes((samples / "pdf/pypdf__r6-both-passwords.pdf").read_bytes())
    (folder / "receipt.pdf").write_bytes(pdf_a())
    (folder / "plain \x1b[31m.PDF").write_bytes(written(page()))
    (folder / "no.pdf").write_bytes(b"\xff\xd8\xff no PDF")
    (folder / "photo.jpg").write_bytes(b"not looked at")
    result = seal(folder, "--out", out, "--json")
    assert result.exit_code == 1, result.output
    told = {Path(entry["path"]).name: entry for entry in lines(result)}
    assert all(tuple(entry) == FIELDS for entry in told.values())
    assert {name: entry["outcome"] for name, entry in told.items()} == {
        "receipt.pdf": "SEALED",
        "plain \x1b[31m.PDF": "SEALED",
        "no.pdf": "REFUSED",
        "secret.pdf": "REFUSED",
    }
    assert (told["secret.pdf"]["code"], told["no.pdf"]["code"]) == ("ENCRYPTED", "UNKNOWN_TYPE")
    assert told["receipt.pdf"]["pdfa_claim"] == "PDF/A-3B"
    for name in ("receipt.pdf", "plain \x1b[31m.PDF"):
        entry, sealed = told[name], (out / told[name]["output"]).read_bytes()
        assert sealed.startswith((folder / name).read_bytes())
        report = pades.validate(sealed, anchors(in_use.settings), at=in_use.now())
        assert (report.passed, report.sha256, entry["already"]) == (True, entry["sealed_sha256"], False)
        assert (entry["development"], entry["level"]) == (True, "PAdES-BASELINE-LT")
    before = {path: path.read_bytes() for path in out.iterdir()}
    again = seal(folder / "receipt.pdf", folder / "plain \x1b[31m.PDF", "--out", out, "--json")
    assert again.exit_code == 0, again.output
    assert [(entry["outcome"], entry["already"]) for entry in lines(again)] == [("SEALED", True)] * 2
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    plain = out / told["plain \x1b[31m.PDF"]["output"]
    assert CliRunner().invoke(app, ["verify", str(plain), "--field", "Seal"]).exit_code == 0
    assert CliRunner().invoke(app, ["verify", str(plain)]).exit_code == 1  # no archive file
    other = seal(out / told["receipt.pdf"]["output"], "--out", tmp_path / "other", "--json")
    assert (other.exit_code, lines(other)[0]["code"]) == (1, "ALREADY_SEALED")


def test_the_same_file_under_two_endings_is_sealed_once(in_use: Installation, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("x.pdf", "x.PDF"):
        (folder / name).write_bytes(pdf_a())
    told = lines(seal(folder / "x.pdf", folder / "x.PDF", "--out", out, "--json"))
    assert [(entry["outcome"], entry["already"]) for entry in told] == [("SEALED", False), ("SEALED", True)]
    [sealed] = out.iterdir()
    assert {entry["sealed_sha256"] for entry in told} == {hashlib.sha256(sealed.read_bytes()).hexdigest()}


def test_people_read_a_line_a_file_that_says_what_it_is_worth(in_use: Installation, tmp_path: Path) -> None:
    (tmp_path / "receipt.pdf").write_bytes(pdf_a())
    (tmp_path / "no.pdf").write_bytes(b"no PDF")
    result = seal(tmp_path / "receipt.pdf", tmp_path / "no.pdf", "--out", tmp_path / "out")
    assert result.exit_code == 1
    first, second, last = result.stdout.splitlines()
    assert first.startswith(f"SEALED {tmp_path}/receipt.pdf -> receipt-")
    assert "not proved qualified, development key, worthless in law" in first
    assert second.startswith(f"REFUSED {tmp_path}/no.pdf: UNKNOWN_TYPE: ")
    assert last == "1 of 2 sealed, 1 refused."


def test_nothing_is_sealed_when_the_preflight_stops_it(in_use: Installation, tmp_path: Path) -> None:
    strict = in_use.settings.model_copy(update={"require_qualified": True})
    use(Installation(strict))
    (tmp_path / "receipt.pdf").write_bytes(pdf_a())
    result = seal(tmp_path / "receipt.pdf", "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert "nothing was sealed" in result.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_what_does_not_prove_itself_is_not_kept(
    in_use: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pades.augment
    (tmp_path / "receipt.pdf").write_bytes(pdf_a())
    for spoil, exit_code, outcome in (
        (lambda sealed, _: sealed, 3, "FAULT"),  # no revocation information
        (lambda sealed, data: real(sealed, data) + b"\n% more", 1, "REFUSED"),  # as a file might make of an update
    ):
        monkeypatch.setattr(pades, "augment", spoil)
        result = seal(tmp_path / "receipt.pdf", "--out", tmp_path / "out", "--json")
        [entry] = lines(result)
        assert (result.exit_code, entry["outcome"], entry["output"]) == (exit_code, outcome, None)
        assert entry["path"] == str(tmp_path / "receipt.pdf")
        assert list((tmp_path / "out").iterdir()) == []


def test_earlier_signatures_are_told_and_stay(in_use: Installation, another_pki: Service, tmp_path: Path) -> None:
    before = sign(pdf_a(), another_pki.pki)
    (tmp_path / "approved.pdf").write_bytes(before)
    (tmp_path / "part 1.pdf").write_bytes(pdf_a("1b"))
    place = before.index(b"2026-11-02T12") + 9
    spoilt = before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :]
    (tmp_path / "spoilt.pdf").write_bytes(spoilt)
    (tmp_path / "locked.pdf").write_bytes(sign(pdf_a(), another_pki.pki, lock=LOCKS["locks all fields"]))
    result = seal(*tmp_path.glob("*.pdf"), "--out", tmp_path / "out", "--level", "b-lta", "--json")
    told = {Path(entry["path"]).stem: entry for entry in lines(result)}
    assert {name: entry["outcome"] for name, entry in told.items()} == {
        "approved": "SEALED",
        "part 1": "SEALED",
        "spoilt": "SEALED",
        "locked": "REFUSED",
    }
    assert (told["locked"]["code"], result.exit_code) == ("LOCKED", 1)
    assert {told[name]["level"] for name in ("approved", "part 1", "spoilt")} == {"PAdES-BASELINE-LTA"}
    assert (told["approved"]["others"], told["approved"]["broken"]) == (["Approval"], [])
    assert (told["spoilt"]["others"], told["spoilt"]["broken"]) == (["Approval"], ["Approval"])
    assert (told["approved"]["field"], told["approved"]["already"]) == ("Seal", False)
    sealed = tmp_path / "out" / told["approved"]["output"]
    for field, exit_code in (("", 1), ("Seal", 0), ("Approval", 1), ("Seal-2", 1), ("Archive-time-stamp", 1)):
        asked = ["verify", str(sealed), *(["--field", field] if field else []), "--json"]
        assert CliRunner().invoke(app, asked).exit_code == exit_code, field
    again = seal(tmp_path / "approved.pdf", "--out", tmp_path / "out", "--json")
    assert [(entry["outcome"], entry["already"]) for entry in lines(again)] == [("SEALED", True)]


def test_what_claims_to_be_an_archived_receipt_is_not_sealed(in_use: Installation, tmp_path: Path) -> None:
    """Sealed with the archive's key it would hold, though nobody ever took it into custody."""
    (tmp_path / "forged.pdf").write_bytes(archive_file())
    result = seal(tmp_path / "forged.pdf", "--out", tmp_path / "out", "--json")
    [entry] = lines(result)
    assert (result.exit_code, entry["outcome"], entry["code"]) == (1, "REFUSED", "CLAIMS_CUSTODY")
    assert list((tmp_path / "out").iterdir()) == []


def test_only_a_true_seal_of_ours_is_one(in_use: Installation, tmp_path: Path) -> None:
    (tmp_path / "plain.pdf").write_bytes(pdf_a())
    [entry] = lines(seal(tmp_path / "plain.pdf", "--out", tmp_path / "out", "--json"))
    sealed = (tmp_path / "out" / entry["output"]).read_bytes()
    place = sealed.index(b"2026-11-02T12") + 9
    (tmp_path / "copied.pdf").write_bytes(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
    (tmp_path / "sealed.pdf").write_bytes(sealed)
    told = lines(seal(tmp_path / "copied.pdf", tmp_path / "sealed.pdf", "--out", tmp_path / "out", "--json"))
    assert [(entry["outcome"], entry["code"]) for entry in told] == [("SEALED", None), ("REFUSED", "ALREADY_SEALED")]
    assert (told[0]["field"], told[0]["others"], told[0]["broken"]) == ("Seal-2", ["Seal"], ["Seal"])
