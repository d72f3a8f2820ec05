"""Database connections with the settings that make "durable on return" and "one writer at a time" true."""

from __future__ import annotations

import sqlite3
from typing import Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url

BUSY_TIMEOUT_S: Final = 60.0
"""How long SQLite waits for another writer before it gives up."""

_PRAGMAS: Final = (
    "journal_mode=WAL",  # readers and the one writer do not wait for each other
    "synchronous=FULL",  # a commit is on disk when it returns
    "foreign_keys=ON",
    "recursive_triggers=ON",  # INSERT OR REPLACE must meet the triggers that refuse DELETE
)

# A number of our own: advisory locks are named by numbers, per PostgreSQL database.
_JOURNAL_LOCK: Final = 0x70726F62616E74


def parse_url(url: str) -> URL:
    """The SQLAlchemy URL that `url` means, with the driver we use.

    Raises:
        ValueError: It names no database that a registry can live in.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if parsed.database in (None, "", ":memory:"):
            raise ValueError("SQLite in memory is private to a connection: use memory:, or a file")
        return parsed
    raise ValueError(f"not a database for a registry: {parsed.drivername}")


def connect(url: str) -> Engine:
    """An engine for `url`; connections are made when first needed."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(parsed, isolation_level="READ COMMITTED", pool_pre_ping=True)
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that write: on SQLite they take the write lock first, so none must be undone."""
    return engine.execution_options(sqlite_begin="IMMEDIATE")


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver must not begin or commit by itself
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'DEFERRED')}")


def _set_up_postgresql(connection: psycopg.Connection, _: object) -> None:
    # A server may be set to answer before the disk has the data: not for a journal.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


def lock_journal(connection: Connection, *, shared: bool) -> None:
    """Until the transaction ends: writers of lines share the lock, who must see every line written so far has it alone.

    PostgreSQL gives out sequence numbers before commit, so a reader could see 8 before 7 and never come back for 7.
    SQLite has one writer at a time and needs nothing.
    """
    if connection.dialect.name == "postgresql":
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(text(f"SELECT {function}(:key)"), {"key": _JOURNAL_LOCK})
