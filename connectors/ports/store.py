"""Where work in progress lies: bytes by key, without locks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Missing(Exception):
    """There is nothing under that key (or version)."""


class Store(Protocol):
    """Unlocked bytes by key: staging, quarantine, the inbox of uploads. Durable when `put` returns.

    Keys are `/`-separated segments of `[A-Za-z0-9._-]` (at most 240 characters each, 900 in all), none of them `.` or
    `..`; others raise ValueError. No key is a prefix directory of another.
    """

    def put(self, key: str, content: bytes) -> None:
        """Keep `content` under `key`, whole or not at all, also when the machine dies. Replaces what was there."""

    def get(self, key: str) -> bytes:
        """The bytes under `key`.

        Raises:
            Missing: There are none.
        """

    def delete(self, key: str) -> None:
        """Remove `key`; may be repeated, nothing there is not a fault."""

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys below `prefix` (a whole segment path, or empty for all), in ascending order."""
