"""The registry's tables. migrations/ makes them; a test holds both to each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class UtcTime(TypeDecorator[datetime]):
    """A UTC-aware time, to the microsecond; SQLite keeps it as text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time as the database takes it."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time must be UTC-aware")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time as it was given, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


# Ids sort by code point everywhere, whatever language the PostgreSQL server speaks.
Id: Final = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite counts rows up only in a column whose type is INTEGER.
Sequence: Final = BigInteger().with_variant(Integer, "sqlite")

metadata: Final = MetaData()

journal: Final = Table(
    "journal",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("stream", Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),
    UniqueConstraint("stream", "position", name="journal_stream_position"),
    sqlite_autoincrement=True,  # a sequence number is never given twice
)
"""Append-only: triggers made by the migration refuse UPDATE, DELETE and TRUNCATE."""

receipt: Final = Table(
    "receipt",
    metadata,
    Column("stream", Id, primary_key=True),
    Column("tenant", Id, nullable=False),
    Column("state", Id, nullable=False),
    Column("count", Integer, nullable=False),
    Column("head", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("arrivals", JSON, nullable=False),
    Column("unsettled", JSON, nullable=False),
    Index("receipt_state", "state", "stream"),
    Index("receipt_tenant", "tenant", "stream"),
)
"""The index: one `Row` per stream."""

arrival: Final = Table(
    "arrival",
    metadata,
    Column("source", Id, primary_key=True),
    Column("key", Id, primary_key=True),
    Column("stream", Id, ForeignKey("receipt.stream", name="arrival_stream"), nullable=False),
    Column("is_unsettled", Boolean, nullable=False),
    Index("arrival_receipt", "stream"),
    Index("arrival_unsettled", "source", "is_unsettled"),
)
"""The arrivals of all rows, each in one stream only."""

claim: Final = Table(
    "claim",
    metadata,
    Column("stream", Id, primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("lease_until", UtcTime),
    Column("not_before", UtcTime),
    Column("owner", Text),
)
"""Who works on what: token 0 means never claimed, no lease means given back. Not derived, so it outlives a rebuild."""
