"""Prints tables that can be read in a terminal and pasted into docs/performance.md."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A heading and a table, its first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (cell.ljust(width) if not at else cell.rjust(width)
                          for at, (cell, width) in enumerate(zip(cells, widths, strict=True)))  # fmt: skip
        return f"| {' | '.join([first, *others])} |"

    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    print(f"\n{title}\n", line(head), line(ruler), *map(line, rows), sep="\n", flush=True)


def said_of(*packages: str, others: Sequence[str] = ()) -> None:
    """What was measured with: versions, and what kind of machine."""
    found = [f"Python {sys.version.split()[0]}", *(f"{name} {version(name)}" for name in packages), *others]
    print(f"\n{', '.join(found)}; {platform.system()} on {platform.machine()}", flush=True)


def ratio(value: float, base: float) -> str:
    """How many times `base` it is."""
    return f"{value / base:.1f}" if value >= base else f"{value / base:.2f}"
