"""A directory as a store: one file a key, for the owner's eyes only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from connectors import durable
from connectors.keys import below, check_key
from connectors.ports import Missing

UNFINISHED = ".unfinished~"
"""Where files lie while they are written; `~` is in no key, so it can't meet one."""


class DirectoryStore:
    """`Store` in a directory. Safe for many threads and processes.

    Args:
        folder: Where; created on first use. Unfinished files that a crash left in it are removed here.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._unfinished = self._folder / UNFINISHED
        durable.sweep(self._unfinished)

    def put(self, key: str, content: bytes) -> None:
        """See `Store.put`."""
        path = self._folder / check_key(key)
        durable.make_folder(path.parent)
        with durable.unfinished(self._unfinished, content, mode=0o600) as whole:
            whole.replace(path)
        durable.sync_folder(path.parent)

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        try:
            return (self._folder / check_key(key)).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as gone:
            raise Missing(key) from gone

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        path = self._folder / check_key(key)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        durable.sync_folder(path.parent)

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Store.keys`."""
        start = self._folder / below(prefix)
        found = []
        for folder, folders, names in os.walk(start):
            if UNFINISHED in folders:
                folders.remove(UNFINISHED)
            found += [str((Path(folder) / name).relative_to(self._folder)) for name in names]
        return iter(sorted(found))
