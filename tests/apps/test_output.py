"""What commands print of names and faults that come from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps import output
from apps.cli.receipts import all_rows, find, print_rows, show
from tasks.connections import use
from tests.installation import Installation

HOSTILE = "[/x] [bold]a[/] \033[2J\u202efdp.exe\u2028\x9b31m\nARCHIVED"


def test_a_fault_with_markup_is_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    output.complain(f"FileNotFoundError: {HOSTILE}", "see [/here]")
    told = capsys.readouterr().err
    assert "[/x] [bold]a[/]" in told
    assert "[/here]" in told
    assert not any(each in told for each in "\033\u202e\x9b")


def test_json_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"name": HOSTILE})
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 1
    assert printed.isascii()
    assert json.loads(printed) == {"name": HOSTILE}


@pytest.fixture
def known(installation: Installation, tmp_path: Path) -> Iterator[str]:
    hostile = tmp_path / "line\nbreak [red]x.jpg"
    hostile.write_bytes(b"x")
    use(installation)
    [reception] = installation.receive(hostile)
    yield str(reception.receipt)
    use(None)


def test_a_receipt_is_found_as_the_list_shows_it(known: str) -> None:
    tenant, sha256 = known.split("/")
    for name in (known, sha256, sha256[:12], f"{tenant}/{sha256[:12]}"):
        assert find(name).stream == known
    for name in (sha256[12:], f"x{known}", f"{tenant[1:]}/{sha256}"):
        with pytest.raises(Exception, match="1"):
            find(name)


def test_the_journal_is_shown_fact_by_fact(known: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(known)
    printed = capsys.readouterr().out
    assert "channel: command" in printed
    assert "[red]x.jpg" in printed.replace("\n", "").replace(" ", "")
    assert printed.count("\ufffd") <= 4  # the line break in the name, and in the path


def test_an_id_can_be_copied_from_the_list(known: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_rows("Receipts", all_rows())
    tenant, sha256 = known.split("/")
    assert f"{tenant}/{sha256[:12]}" in capsys.readouterr().out
