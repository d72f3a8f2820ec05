"""What commands print: tables for people, one JSON object a line for machines, faults on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

OK: Final = 0
DOES_NOT_HOLD: Final = 1
FAULT: Final = 3

console = Console()
errors = Console(stderr=True)

STYLES: Final = {
    "ARCHIVED": "green",
    "archived": "green",
    "REFUSED": "yellow",
    "refused": "yellow",
    "duplicate": "cyan",
    "waiting": "red",
}


def complain(what: str, advice: str = "") -> None:
    """Say on stderr what went wrong and what to do."""
    errors.print(f"[red]probant:[/red] {what}", highlight=False, markup=True, soft_wrap=True)
    if advice:
        errors.print(f"  {advice}", highlight=False, markup=False, soft_wrap=True)


def print_json(entry: Mapping[str, object]) -> None:
    """One JSON object on one line."""
    typer.echo(json.dumps(entry, ensure_ascii=False, default=str))


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table for people."""
    table = Table(title=title, title_justify="left", header_style="bold", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        cells = ["" if cell is None else str(cell) for cell in row]
        table.add_row(*[f"[{STYLES[cell]}]{cell}[/]" if cell in STYLES else escape(cell) for cell in cells])
    console.print(table)


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
