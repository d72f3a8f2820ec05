"""Check the registry: is the journal the one that was written, and does the index follow from it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from connectors.ports import Record, Registry, Row
from connectors.registry.listing import every_line, every_row
from receipts.evidence import ChainBroken
from tasks.journal import load, project


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check says of one receipt; `problem` is empty when everything holds."""

    receipt: str
    problem: str = ""


def check_registry(registry: Registry) -> Iterator[Checked]:
    """Check every receipt's hash chain against its head, and its index row against its lines. Changes nothing.

    Yields:
        One finding for each receipt of the index, then one for each that only the journal knows.
    """
    for row in every_row(registry):
        problem = ""
        try:
            load(registry, row.stream)
            present, derived = registry.row(row.stream), project(registry.lines(row.stream))
            if present is not None and present.count == derived.count and _values(present) != _values(derived):
                problem = "the index says other than the journal; run `probant registry rebuild`"
        except ChainBroken as error:
            problem = str(error)
        yield Checked(receipt=row.stream, problem=problem)
    for record in every_line(registry):
        if record.position == 0 and registry.row(record.stream) is None:
            yield Checked(receipt=record.stream, problem="lines without an index row; run `probant registry rebuild`")


def lost_lines(registry: Registry) -> list[Checked]:
    """Receipts of which the index knows lines that the journal no longer has: a rebuild would forget that they were."""
    found = []
    for row in every_row(registry):
        lines: list[Record] = registry.lines(row.stream)
        if len(lines) < row.count or lines[row.count - 1].digest != row.head:
            problem = f"the index knows line {row.count - 1}, the journal has it no longer"
            found.append(Checked(receipt=row.stream, problem=problem))
    return found


def _values(row: Row) -> Row:
    """The row with its collections in one form, however it was stored."""
    return replace(
        row,
        summary=dict(row.summary),
        arrivals=[(source, key) for source, key in row.arrivals],
        unsettled=[(source, key) for source, key in row.unsettled],
    )
