"""Files that are there whole or not at all, also after a power cut: write aside, fsync, then one rename or link."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STALE_S = 3600.0
"""No write lasts so long: what is older in a folder for unfinished files was left by a crash."""


def sync_folder(folder: Path) -> None:
    """Make names created, replaced or removed in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents, for their owner only, durably; one that is there stays as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


@contextmanager
def unfinished(folder: Path, content: bytes, *, mode: int) -> Iterator[Path]:
    """A durable file with `content` under a name of its own in `folder`, to be linked or renamed to where it belongs.

    Its own name is gone afterwards, whatever happens.

    Args:
        folder: Where unfinished files lie; on the same file system as where they belong.
        content: The bytes.
        mode: Permissions of the file.
    """
    make_folder(folder)
    path = folder / secrets.token_hex(16)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove unfinished files that a crash left in `folder`: they may hold a receipt that must not be kept."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.lstat().st_mtime < time.time() - STALE_S:
                path.unlink()
