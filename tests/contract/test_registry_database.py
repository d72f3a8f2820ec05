"""The database itself: it refuses changes to the journal, and is durable, strict and of our schema."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from connectors.registry import migrate, open_registry
from connectors.registry.migrate import VERSION_TABLE
from connectors.registry.schema import metadata
from tests.contract.registry_lines import Stream

pytest_plugins = ["tests.servers.postgres"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET body = 'x'",
        "UPDATE journal SET body = body WHERE position = 1",
        "DELETE FROM journal WHERE position = 1",
        "DELETE FROM journal",
    ],
)
def test_the_database_refuses_changes_to_the_journal(database: str, engine: Engine, statement: str) -> None:
    check_refused(database, engine, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO journal(stream, position, body, digest) VALUES ('t/a', 1, 'x', 'y')",
        "INSERT OR REPLACE INTO journal(seq, stream, position, body, digest) VALUES (2, 't/b', 0, 'x', 'y')",
        "INSERT INTO journal(seq, stream, position, body, digest) VALUES (2, 't/a', 1, 'x', 'y') "
        "ON CONFLICT DO UPDATE SET body = 'x'",
        "UPDATE OR REPLACE journal SET position = 0 WHERE position = 1",
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_a_line(database: str, engine: Engine, statement: str) -> None:
    check_refused(database, engine, statement, "PRAGMA recursive_triggers = OFF")


@pytest.mark.parametrize(
    ("before", "statement"),
    [
        ("SELECT 1", "TRUNCATE journal CASCADE"),
        ("SET session_replication_role = replica", "DELETE FROM journal"),
        (
            "SELECT 1",
            "INSERT INTO journal(stream, position, body, digest) VALUES ('t/a', 1, 'x', 'y') "
            "ON CONFLICT (stream, position) DO UPDATE SET body = 'x'",
        ),
    ],
)
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_postgres_refuses_other_ways_too(database: str, engine: Engine, before: str, statement: str) -> None:
    check_refused(database, engine, statement, before)


def check_refused(database: str, engine: Engine, statement: str, before: str = "SELECT 1") -> None:
    """Check that the database refuses `statement` (after `before`) on a journal of two lines."""
    registry, stream = open_registry(database), Stream("t/a")
    stream.append(registry)
    stream.append(registry)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(before))
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(statement))
    assert registry.lines("t/a") == stream.records
    registry.close()


def test_tables_are_those_of_the_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True},
        )
        assert compare_metadata(context, metadata) == []


def test_a_registry_made_by_a_newer_release_is_not_touched(database: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(CommandError):
        open_registry(database)


def test_connections_are_durable_and_strict(database: str, engine: Engine) -> None:
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            asked = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 60_000}
            for pragma, expected in asked.items():
                assert connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == expected
        else:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_databases_that_could_not_keep_the_promise_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"SQLite in memory|not a database"):
        open_registry(url)


def test_the_newest_migration_is_the_one_that_openers_expect() -> None:
    assert ScriptDirectory.from_config(migrate.config()).get_heads() == [migrate.HEAD]
