"""The reference: what a store promises, in the fewest lines. For tests; it is gone with its process."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.keys import below, check_key
from connectors.ports import Missing


class MemoryStore:
    """`Store` in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, key: str, content: bytes) -> None:
        """See `Store.put`."""
        self._kept[check_key(key)] = bytes(content)

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        try:
            return self._kept[check_key(key)]
        except KeyError as gone:
            raise Missing(key) from gone

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        self._kept.pop(check_key(key), None)

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Store.keys`."""
        start = below(prefix)
        return iter(sorted(key for key in list(self._kept) if key.startswith(start)))
