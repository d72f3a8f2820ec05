"""The registry on SQLite or PostgreSQL: one code, SQLAlchemy Core."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from connectors.ports import Claim, Conflict, Record, Row
from connectors.registry import schema
from connectors.registry.checks import check_record, checked_row
from connectors.registry.engine import connect, lock_journal, writing
from connectors.registry.rows import check_fence, is_taken, make_claimable, put_row, to_record, to_row

REBUILD_LINES = 1000
"""How many lines `rebuild` fetches at a time."""


class SqlRegistry:
    """`connectors.ports.Registry` in a database whose tables are there (`connectors.registry.upgrade`).

    Safe among threads and processes.

    Args:
        url: `sqlite:///path` or `postgresql://user@host/database`.

    Raises:
        ValueError: The URL names another kind of database.
    """

    def __init__(self, url: str) -> None:
        self._reads = connect(url)
        self._writes = writing(self._reads)

    def append(self, record: Record, row: Row, *, claim: Claim | None) -> None:
        """See `Registry.append`."""
        check_record(record)
        row = checked_row(row, record)
        journal = schema.journal.c
        newest = select(func.max(journal.position)).where(journal.stream == record.stream)
        with _conflicts(), self._writes.begin() as connection:
            lock_journal(connection, shared=True)
            if claim is not None:
                check_fence(connection, record.stream, claim)
            last = connection.execute(newest).scalar_one()
            if record.position != (0 if last is None else last + 1):
                raise Conflict(f"{record.stream}: position {record.position} is not the next")
            connection.execute(insert(schema.journal).values(**asdict(record)))
            put_row(connection, row)

    def lines(self, stream: str) -> list[Record]:
        """See `Registry.lines`."""
        journal = schema.journal.c
        found = select(schema.journal).where(journal.stream == stream).order_by(journal.position)
        with self._reads.begin() as connection:
            return [to_record(line) for line in connection.execute(found)]

    def journal(self, *, after: int = 0, limit: int = 1000) -> list[tuple[int, Record]]:
        """See `Registry.journal`."""
        journal = schema.journal.c
        found = select(schema.journal).where(journal.seq > after).order_by(journal.seq).limit(limit)
        with self._reads.begin() as connection:
            lock_journal(connection, shared=False)
            return [(line.seq, to_record(line)) for line in connection.execute(found)]

    def row(self, stream: str) -> Row | None:
        """See `Registry.row`."""
        with self._reads.begin() as connection:
            found = connection.execute(select(schema.receipt).where(schema.receipt.c.stream == stream)).one_or_none()
            return None if found is None else to_row(found)

    def rows(
        self, *, tenant: str | None = None, states: Iterable[str] | None = None, after: str = "", limit: int = 1000
    ) -> list[Row]:
        """See `Registry.rows`."""
        receipt = schema.receipt.c
        found = select(schema.receipt).where(receipt.stream > after).order_by(receipt.stream).limit(limit)
        if tenant is not None:
            found = found.where(receipt.tenant == tenant)
        if states is not None:
            found = found.where(receipt.state.in_(list(states)))
        with self._reads.begin() as connection:
            return [to_row(row) for row in connection.execute(found)]

    def count(self) -> Mapping[str, int]:
        """See `Registry.count`."""
        state = schema.receipt.c.state
        with self._reads.begin() as connection:
            found = connection.execute(select(state, func.count()).group_by(state)).tuples()
            return dict(iter(found))

    def arrival(self, source: str, key: str) -> str | None:
        """See `Registry.arrival`."""
        arrival = schema.arrival.c
        found = select(arrival.stream).where(arrival.source == source, arrival.key == key)
        with self._reads.begin() as connection:
            stream: str | None = connection.execute(found).scalar_one_or_none()
            return stream

    def unsettled(self, source: str, *, states: Iterable[str], limit: int = 1000) -> list[tuple[str, str]]:
        """See `Registry.unsettled`."""
        arrival, receipt = schema.arrival.c, schema.receipt.c
        found = (
            select(arrival.key, arrival.stream)
            .join(schema.receipt, receipt.stream == arrival.stream)
            .where(arrival.source == source, arrival.is_unsettled, receipt.state.in_(list(states)))
            .order_by(receipt.received_at, arrival.stream, arrival.key)
            .limit(limit)
        )
        with self._reads.begin() as connection:
            return [(key, stream) for key, stream in connection.execute(found)]

    def claim(
        self, states: Iterable[str], *, limit: int, now: datetime, lease_until: datetime, owner: str
    ) -> list[Claim]:
        """See `Registry.claim`."""
        claim, receipt = schema.claim.c, schema.receipt.c
        free = (
            select(claim.stream, claim.token)
            .join(schema.receipt, receipt.stream == claim.stream)
            .where(
                receipt.state.in_(list(states)),
                or_(claim.lease_until.is_(None), claim.lease_until <= now),
                or_(claim.not_before.is_(None), claim.not_before <= now),
            )
            .order_by(func.coalesce(claim.not_before, claim.lease_until, receipt.received_at), claim.stream)
            .limit(limit)
            # Both tables are locked, so both conditions are looked at again if someone was faster; SQLite needs no row
            # locks, its write lock is held already.
            .with_for_update(skip_locked=True)
        )
        until = lease_until.astimezone(UTC)
        with self._writes.begin() as connection:
            claims = [
                Claim(stream=stream, token=token + 1, lease_until=until) for stream, token in connection.execute(free)
            ]
            if claims:
                connection.execute(
                    update(schema.claim)
                    .where(claim.stream == bindparam("of"))
                    .values(token=bindparam("new"), lease_until=until, not_before=None, owner=owner),
                    [{"of": c.stream, "new": c.token} for c in claims],
                )
            return claims

    def renew(self, claims: Sequence[Claim], *, lease_until: datetime) -> list[Claim]:
        """See `Registry.renew`."""
        until = lease_until.astimezone(UTC)
        with self._writes.begin() as connection:
            renewed = [
                c
                for c in _in_order(claims)
                if _touch(connection, c, schema.claim.c.lease_until.is_not(None), lease_until=until)
            ]
        return [replace(claim, lease_until=until) for claim in renewed]

    def release(self, claims: Sequence[Claim], *, not_before: datetime | None = None) -> None:
        """See `Registry.release`."""
        with self._writes.begin() as connection:
            for claim in _in_order(claims):
                _touch(connection, claim, lease_until=None, not_before=not_before)

    def rebuild(self, project: Callable[[Sequence[Record]], Row]) -> int:
        """See `Registry.rebuild`."""
        journal = schema.journal.c
        streams = 0
        with _conflicts(), self._writes.begin() as connection:
            lock_journal(connection, shared=False)
            connection.execute(delete(schema.arrival))
            connection.execute(delete(schema.receipt))
            lines = connection.execute(
                select(schema.journal).order_by(journal.stream, journal.position),
                execution_options={"yield_per": REBUILD_LINES},
            )
            for _, group in itertools.groupby(map(to_record, lines), key=lambda line: line.stream):
                stream = list(group)
                put_row(connection, checked_row(project(stream), stream[-1]))
                streams += 1
            make_claimable(connection)
        return streams

    def close(self) -> None:
        """See `Registry.close`."""
        self._reads.dispose()


@contextmanager
def _conflicts() -> Iterator[None]:
    """Has a key that is taken raised as `Conflict`; other rules of the database that break are faults of ours."""
    try:
        yield
    except IntegrityError as error:
        if not is_taken(error):
            raise
        raise Conflict("a position or an arrival is taken") from error


def _in_order(claims: Sequence[Claim]) -> list[Claim]:
    """Always by stream, so that two transactions never wait for each other crosswise."""
    return sorted(claims, key=lambda claim: claim.stream)


def _touch(connection: Connection, claim: Claim, *conditions: ColumnElement[bool], **values: datetime | None) -> bool:
    """Change a holding if `claim` is still its newest; True if so."""
    of = schema.claim.c
    newest = (of.stream == claim.stream, of.token == claim.token, of.token > 0)
    return connection.execute(update(schema.claim).where(*newest, *conditions).values(**values)).rowcount == 1
