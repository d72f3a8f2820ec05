"""Brings a registry's tables up to date (alembic); needs no alembic.ini and no working directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from connectors.registry.engine import connect, parse_url, writing

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0001"
"""The newest revision in `migrations/versions`. Kept here, so that opening an up-to-date registry needs no alembic."""

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
            from alembic import command  # takes longer to import than all the rest

            command.upgrade(config(connection), HEAD)
    finally:
        engine.dispose()


def config(connection: Connection | None = None) -> Config:
    """The alembic configuration; with a connection, alembic works in its transaction."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", "connectors.registry:migrations")
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def _is_current(connection: Connection) -> bool:
    if not inspect(connection).has_table(VERSION_TABLE):
        return False
    return list(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars()) == [HEAD]  # noqa: S608
