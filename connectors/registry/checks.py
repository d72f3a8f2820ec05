"""What every registry demands of a line and its index row, and the one form in which it gives rows back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC

from connectors.ports import Record, Row


def check_record(record: Record) -> None:
    """Check that the digest is that of the body.

    Raises:
        ValueError: It is not, or the text can't be kept everywhere (PostgreSQL takes no NUL).
    """
    if hashlib.sha256(record.body.encode()).hexdigest() != record.digest:
        raise ValueError(f"{record.stream}: the digest of line {record.position} is not that of its body")
    if record.position < 0 or "\0" in record.stream + record.body:
        raise ValueError(f"{record.stream!r}: not a journal line")


def checked_row(row: Row, newest: Record) -> Row:
    """The row as it will be read back, if it can follow from a stream that ends with `newest`.

    Raises:
        ValueError: It can't.
    """
    if (row.stream, row.count, row.head) != (newest.stream, newest.position + 1, newest.digest):
        raise ValueError(f"{row.stream}: the index row does not follow from line {newest.position} of {newest.stream}")
    if row.received_at.tzinfo is None:
        raise ValueError(f"{row.stream}: received_at must be UTC-aware")
    arrivals = tuple((source, key) for source, key in row.arrivals)
    unsettled = tuple((source, key) for source, key in row.unsettled)
    if not set(unsettled) <= set(arrivals):
        raise ValueError(f"{row.stream}: an unsettled arrival is not among its arrivals")
    if any("\0" in word for word in (row.tenant, row.state, *sum(arrivals, ()))):
        raise ValueError(f"{row.stream}: a name contains NUL")
    return replace(
        row,
        received_at=row.received_at.astimezone(UTC),
        summary=dict(row.summary),
        arrivals=arrivals,
        unsettled=unsettled,
    )
