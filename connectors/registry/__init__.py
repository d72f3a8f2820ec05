"""The registry: append-only journal, rebuildable index and claims, on SQLite, PostgreSQL or in memory."""

from __future__ import annotations

from connectors.ports import Registry
from connectors.registry.memory import MemoryRegistry
from connectors.registry.migrate import upgrade
from connectors.registry.sql import SqlRegistry

__all__ = ["MemoryRegistry", "SqlRegistry", "open_registry", "upgrade"]


def open_registry(url: str) -> Registry:
    """The registry at `url`, its tables brought up to date.

    Any number of processes may open the same one at once.

    Args:
        url: `sqlite:///path`, `postgresql://user@host/database`, or `memory:` for one that dies with its process.

    Raises:
        ValueError: No such kind of registry.
    """
    if url == "memory:":
        return MemoryRegistry()
    upgrade(url)
    return SqlRegistry(url)
