"""What commands print: tables for people, one JSON object a line for machines, faults on stderr."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

OK: Final = 0
DOES_NOT_HOLD: Final = 1
WRONG_USAGE: Final = 2
FAULT: Final = 3

console = Console()
errors = Console(stderr=True)

STYLES: Final = {
    "ARCHIVED": "green",
    "archived": "green",
    "SEALED": "green",
    "REFUSED": "yellow",
    "refused": "yellow",
    "duplicate": "cyan",
    "waiting": "red",
}


def complain(what: str, advice: str = "") -> None:
    """Say on stderr what went wrong and what to do."""
    text = "\n".join(map(escape, what.splitlines()))
    errors.print(f"[red]probant:[/red] {text}", highlight=False, markup=True, soft_wrap=True)
    if advice:
        errors.print(f"  {escape(advice)}", highlight=False, soft_wrap=True)


def refusal(name: object, code: object, detail: object, advice: object) -> str:
    """Why a file is refused, as every command says it: its stable code, what was found, and what to do."""
    return f"{name}: {code}: {detail}. {advice}"


def print_json(entry: Mapping[str, object]) -> None:
    """One JSON object on one line, in ASCII: names from outside can't break the line or drive a terminal."""
    typer.echo(json.dumps(entry, default=str))


def print_table(
    title: str, columns: Iterable[str], rows: Iterable[Iterable[object]], *, whole: Collection[str] = ()
) -> None:
    """A table for people; a cell that is a list has a line for each element.

    Args:
        title: Above it.
        columns: Their titles.
        rows: Their cells.
        whole: Columns that are never folded, such as what is copied from the terminal.
    """
    table = Table(title=title, title_justify="left", header_style="bold", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        table.add_row(*map(_cell, row))
    console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(map(_cell, value))
    text = "" if value is None else str(value)
    return f"[{STYLES[text]}]{text}[/]" if text in STYLES else escape(text)


def escape(text: str) -> str:
    """Text from outside, so that it can't style or clear the terminal."""
    from rich.markup import escape as escape_markup

    return escape_markup("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))


def progress() -> Progress:
    """A progress bar on stderr, for anything that may take longer than two seconds."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
    )
