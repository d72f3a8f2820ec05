"""Between table rows and the values of `connectors.ports`, within a transaction of `connectors.registry.sql`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, insert, literal, select, update
from sqlalchemy import Row as SqlRow
from sqlalchemy.exc import IntegrityError

from connectors.ports import Claim, Fenced, Record, Row
from connectors.registry import schema

_TAKEN = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})


def to_record(line: SqlRow[Any]) -> Record:
    """The line of a row of the table `journal`."""
    return Record(stream=line.stream, position=line.position, body=line.body, digest=line.digest)


def to_row(row: SqlRow[Any]) -> Row:
    """The `Row` of a row of the table `receipt`."""
    return Row(
        stream=row.stream,
        tenant=row.tenant,
        state=row.state,
        count=row._mapping["count"],  # a row is a tuple, which has a method of that name
        head=row.head,
        received_at=row.received_at,
        summary=row.summary,
        arrivals=tuple((source, key) for source, key in row.arrivals),
        unsettled=tuple((source, key) for source, key in row.unsettled),
    )


def put_row(connection: Connection, row: Row) -> None:
    """Write the index row and its arrivals in place of those before, and make a new stream claimable.

    Raises:
        IntegrityError: An arrival belongs to another stream.
    """
    values = {
        "tenant": row.tenant,
        "state": row.state,
        "count": row.count,
        "head": row.head,
        "received_at": row.received_at,
        "summary": dict(row.summary),
        "arrivals": [list(arrival) for arrival in row.arrivals],
        "unsettled": [list(arrival) for arrival in row.unsettled],
    }
    receipt = schema.receipt
    if connection.execute(update(receipt).where(receipt.c.stream == row.stream).values(**values)).rowcount == 0:
        connection.execute(insert(receipt).values(stream=row.stream, **values))
        make_claimable(connection, row.stream)
    _put_arrivals(connection, row)


def _put_arrivals(connection: Connection, row: Row) -> None:
    arrival = schema.arrival
    known = {
        (source, key): is_unsettled
        for source, key, is_unsettled in connection.execute(
            select(arrival.c.source, arrival.c.key, arrival.c.is_unsettled).where(arrival.c.stream == row.stream)
        )
    }
    unsettled = frozenset(row.unsettled)
    wanted = {one: one in unsettled for one in row.arrivals}
    this = (arrival.c.source == bindparam("of_source"), arrival.c.key == bindparam("of_key"))
    if gone := sorted(known.keys() - wanted.keys()):
        connection.execute(delete(arrival).where(*this), [{"of_source": s, "of_key": k} for s, k in gone])
    if changed := sorted(one for one in known.keys() & wanted.keys() if known[one] != wanted[one]):
        connection.execute(
            update(arrival).where(*this).values(is_unsettled=bindparam("now")),
            [{"of_source": s, "of_key": k, "now": wanted[s, k]} for s, k in changed],
        )
    # Always in the same order, so that two transactions never wait for each other crosswise.
    if new := sorted(wanted.keys() - known.keys()):
        connection.execute(
            insert(arrival),
            [{"source": s, "key": k, "stream": row.stream, "is_unsettled": wanted[s, k]} for s, k in new],
        )


def make_claimable(connection: Connection, stream: str | None = None) -> None:
    """Give each stream (or that one) that has no claim row one that was never claimed."""
    receipt, claim = schema.receipt, schema.claim
    lacking = select(receipt.c.stream, literal(0)).where(~exists().where(claim.c.stream == receipt.c.stream))
    if stream is not None:
        lacking = lacking.where(receipt.c.stream == stream)
    connection.execute(insert(claim).from_select(["stream", "token"], lacking))


def check_fence(connection: Connection, stream: str, claim: Claim) -> None:
    """Check that `claim` is the newest of the stream, and keep it so until the transaction ends.

    Raises:
        Fenced: It is not.
    """
    newest = select(schema.claim.c.token).where(schema.claim.c.stream == stream).with_for_update()
    token = connection.execute(newest).scalar_one_or_none()
    if claim.stream != stream or not token or token != claim.token:
        raise Fenced(f"{stream}: token {claim.token} is not the newest")


def is_taken(error: IntegrityError) -> bool:
    """Whether a key was taken already, and not another rule of the database broken."""
    return bool({getattr(error.orig, "sqlstate", None), getattr(error.orig, "sqlite_errorname", None)} & _TAKEN)
