"""Registries under test: in memory, on SQLite and on a real PostgreSQL (`tests.servers.postgres`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from connectors.ports import Registry
from connectors.registry import open_registry, upgrade
from connectors.registry.engine import connect


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new folder' / 'registry.sqlite'}"
    make: Callable[[], str] = request.getfixturevalue("postgres_database")
    return make()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """An empty registry."""
    if request.param == "memory":
        url = "memory:"
    elif request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_database")()
    opened = open_registry(url)
    yield opened
    opened.close()
    opened.close()


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """A connection to the same tables for someone who means harm."""
    upgrade(database)
    engine = connect(database)
    yield engine
    engine.dispose()
