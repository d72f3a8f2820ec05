"""Everything that a registry has, however much it is, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.ports import Record, Registry, Row


def every_row(registry: Registry, *, tenant: str | None = None, states: Iterable[str] | None = None) -> Iterator[Row]:
    """All index rows by ascending stream id; what is written meanwhile may be among them or not.

    Args:
        registry: Where from.
        tenant: Only this tenant's.
        states: Only those in one of these states.
    """
    wanted, after = None if states is None else list(states), ""
    while rows := registry.rows(tenant=tenant, states=wanted, after=after):
        yield from rows
        after = rows[-1].stream


def every_line(registry: Registry) -> Iterator[Record]:
    """All lines of all streams in the order of their writing."""
    after = 0
    while lines := registry.journal(after=after):
        yield from (record for _, record in lines)
        after = lines[-1][0]
