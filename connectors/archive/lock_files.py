"""What the local archive knows of its locks: a file for each object, written whole or not at all."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Final

from connectors import durable
from connectors.ports import NotEnforced, Stored

MODE: Final = "DIRECTORY"


class LockFiles:
    """The files that say until when an object is locked.

    Args:
        folder: Where; made at the first write.
        unfinished: Where they lie until they are whole.

    Attributes:
        folder: As above; below it stands `KEY.json` for each key.
    """

    def __init__(self, folder: Path, unfinished: Path) -> None:
        self.folder = folder
        self._unfinished = unfinished

    def read(self, key: str) -> Stored | None:
        """What is noted of an object; `None` if there is no file that can be read."""
        try:
            fields = json.loads(self._file(key).read_bytes())
            fields["retain_until"] = datetime.fromisoformat(fields["retain_until"]) if fields["retain_until"] else None
            return Stored(key=key, **fields)
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
            return None

    def write(self, stored: Stored) -> Stored:
        """Note it anew, durably; returns what is noted now.

        Raises:
            NotEnforced: It does not read back as written.
        """
        fields = {
            "version_id": stored.version_id,
            "size_bytes": stored.size_bytes,
            "sha256": stored.sha256,
            "retain_until": stored.retain_until.isoformat() if stored.retain_until else None,
            "mode": stored.mode,
            "legal_hold": stored.legal_hold,
            "storage_class": stored.storage_class,
        }
        file = self._file(stored.key)
        durable.make_folder(file.parent)
        with durable.unfinished(self._unfinished, json.dumps(fields, indent=1).encode(), mode=0o444) as whole:
            whole.replace(file)
        durable.sync_folder(file.parent)
        if self.read(stored.key) != stored:
            raise NotEnforced(f"{stored.key}: the lock did not read back as written")
        return stored

    def remove(self, key: str) -> None:
        """Forget an object that was disposed of."""
        file = self._file(key)
        file.unlink()
        durable.sync_folder(file.parent)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def unlocked(key: str, digest: str) -> Stored:
    """An object of which nothing is noted: its file was never put here, or its lock's file is lost."""
    return Stored(
        key=key,
        version_id=digest,
        size_bytes=0,
        sha256=digest,
        retain_until=None,
        mode=None,
        legal_hold=False,
        storage_class=MODE,
    )
