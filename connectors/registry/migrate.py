"""Brings a registry's tables up to date (alembic); needs no alembic.ini and no working directory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from connectors.registry.engine import connect, parse_url, writing

# Named ours, so that the registry may share a database with others that use alembic, as Prefect does.
VERSION_TABLE: Final = "registry_version"
_MIGRATION_LOCK: Final = 0x70726F62616E75


def upgrade(url: str) -> None:
    """Make or update the tables of the registry at `url`; all or nothing, and nothing to do is quick.

    May be repeated and run by several processes at once: one works, the others wait for it. Makes the folder of an
    SQLite file.

    Args:
        url: As for `connectors.registry.open_registry`, but not `memory:`.

    Raises:
        alembic.util.CommandError: The tables were made by a newer Probant.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = connect(url)
    try:
        with engine.begin() as connection:
            if _is_current(connection):
                return
        with writing(engine).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            command.upgrade(config(connection), "head")
    finally:
        engine.dispose()


def config(connection: Connection | None = None) -> Config:
    """The alembic configuration; with a connection, alembic works in its transaction."""
    made = Config()
    made.set_main_option("script_location", "connectors.registry:migrations")
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def _is_current(connection: Connection) -> bool:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return set(context.get_current_heads()) == set(ScriptDirectory.from_config(config()).get_heads())
