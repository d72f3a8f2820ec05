"""The command as a whole: what it says of itself, what the pages say of it, and how it tells a slip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from apps import cli
from config.settings import Settings, settings
from tasks.connections import Connections, use

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = re.compile(r"(?<![/\w])probant((?: [a-z][a-z|-]*)+)((?:[^`\n]*?--[a-z-]+)*)")


def commands(group: Any, *above: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        yield (*above, name), command
        if hasattr(command, "commands"):
            yield from commands(command, *above, name)


COMMANDS = dict(commands(typer.main.get_command(cli.app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_in_its_first_sentence_what_it_does(name: tuple[str, ...]) -> None:
    first = (COMMANDS[name].help or "").split("\n\n")[0]
    assert re.fullmatch(r"[A-Z][^.]*(?:\.\d[^.]*)*\.(?: [A-Z].*)?", " ".join(first.split())), first


def test_pages_name_only_commands_and_options_that_there_are() -> None:
    wrong, seen = [], set()
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            for spoken in re.findall(r"`([^`]+)`", line) + ([line] if line.startswith("probant ") else []):
                for words, options in NAMED.findall(spoken):
                    names = _meant(words.split())
                    seen |= set(names)
                    if not names:
                        wrong.append((page.name, spoken))
                    for option in re.findall(r"--[a-z-]+", options):
                        if names and not all(option in _options(name) for name in names):
                            wrong.append((page.name, f"{spoken}: {option}"))
    assert not wrong
    assert seen >= {("verify",), ("trust", "update"), ("receipts", "list")}


def _meant(words: list[str]) -> list[tuple[str, ...]]:
    """The commands that words stand for; `trust update|list` stands for two."""
    first, *rest = words
    if (first,) in COMMANDS and not hasattr(COMMANDS[first,], "commands"):
        return [(first,)]
    found = [(first, each) for each in rest[0].split("|")] if rest else [(first,)]
    return found if all(each in COMMANDS for each in found) else []


def _options(name: tuple[str, ...]) -> set[str]:
    return {"--help"}.union(*(parameter.opts for parameter in COMMANDS[name].params))


def test_a_slip_in_a_setting_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["probant", "--home", str(tmp_path), "status"])
    monkeypatch.setenv("PROBANT_HOME", str(tmp_path))
    monkeypatch.setenv("PROBANT_SINGER", "file:///run/secrets/seal.p12")
    settings.cache_clear()
    use(None)
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        settings.cache_clear()
    assert ended.value.code == 2
    assert "no such setting: PROBANT_SINGER" in capsys.readouterr().err


def test_a_state_that_there_is_not_is_a_slip_and_not_an_empty_list(tmp_path: Path) -> None:
    use(Connections(Settings(home=tmp_path)))
    try:
        listed = CliRunner().invoke(cli.app, ["receipts", "list", "--state", "archived", "--json"])
        assert (listed.exit_code, listed.output) == (0, "")
        slip = CliRunner().invoke(cli.app, ["receipts", "list", "--state", "arcived"])
        assert slip.exit_code == 2
        assert "TIME_STAMPED" in slip.output
    finally:
        use(None)
