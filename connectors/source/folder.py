"""A desktop folder as a source. A look at the folder is the truth: nothing is remembered between two processes.

Safe against writers that are slow, stalled or still have the file open, and against links and special files that could
smuggle in something from elsewhere.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from connectors.ports import Gone, Offer, Outcome
from connectors.source import moving
from connectors.source.opening import is_written, opened

ARCHIVED: Final = "Archived"
REJECTED: Final = "Rejected"
UNFINISHED: Final = (".part", ".tmp", ".crdownload", ".partial")
LITTER: Final = frozenset({"thumbs.db", "desktop.ini"})

_log = logging.getLogger(__name__)


class FolderSource:
    """A watched folder and all folders below it. Settled files move to its subfolders Archived and Rejected.

    Args:
        path: The folder; it must exist and be writable. A folder that is missing (an unmounted disk) is a fault.
        name: Names this source among all folders.
        quiet_s: How long a file must not have changed, in seconds, where the system tells whether it is being written.
        blind_quiet_s: The same where it can't tell (network drives, other owners, not Linux), and for empty files,
            which may be the placeholder of a file to come.
        clock: Time in seconds since the epoch as the folder's file system sees it; default: asked of the file system,
            so that a server's clock that differs from ours does no harm.
    """

    channel = "folder"

    def __init__(
        self,
        path: Path,
        name: str,
        quiet_s: float,
        blind_quiet_s: float = 30.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.name = f"folder:{name}"
        self._root = Path(path)
        self._quiet_s = quiet_s
        self._blind_quiet_s = max(quiet_s, blind_quiet_s)
        self._clock = clock or self._file_system_time

    def offers(self) -> Iterator[Offer]:
        """Files that are whole, oldest first.

        Raises:
            OSError: A folder could not be looked into; raised last, after everything else was offered.
        """
        faults: list[OSError] = []
        now = self._clock()
        found = [
            (relative, status) for relative, status in self._files(faults) if self._is_whole(relative, status, now)
        ]
        for relative, status in sorted(found, key=lambda file: (file[1].st_ctime_ns, file[0])):
            yield Offer(
                key=_key(relative, status),
                name=_shown(Path(relative).name),
                size_bytes=status.st_size,
                facts={
                    "path": _shown(relative),
                    "modified": datetime.fromtimestamp(status.st_mtime, UTC).isoformat(),
                },
            )
        if faults:
            raise faults[0]

    def read(self, offer: Offer) -> bytes:
        """The bytes of the file, proved unchanged since it was offered: see `Source.read`."""
        relative, identity = _parsed(offer.key)
        with opened(self._root / relative) as file:
            if _identity(os.fstat(file)) != identity:
                raise Gone(f"changed: {offer.key}")
            with os.fdopen(os.dup(file), "rb") as stream:
                content = stream.read()
            if _identity(os.fstat(file)) != identity or len(content) != os.fstat(file).st_size or is_written(file):
                raise Gone(f"changed while it was read: {offer.key}")
        return content

    def settle(self, key: str, outcome: Outcome) -> None:
        """Move the file to Archived or Rejected: see `Source.settle`. A refused file and a duplicate get a note.

        Raises:
            BlockingIOError: Somebody has the file open for writing just now.
        """
        relative, identity = _parsed(key)
        folder = {"archived": ARCHIVED, "duplicate": ARCHIVED, "refused": REJECTED}[outcome.kind]
        note = None if outcome.kind == "archived" else _note(outcome)
        try:
            with opened(self._root / relative) as file:
                is_same, is_busy = _identity(os.fstat(file)) == identity, is_written(file)
        except Gone:
            is_same = is_busy = False
        if is_same and is_busy:
            raise BlockingIOError(errno.EAGAIN, "is open for writing", str(self._root / relative))
        # Inode, size and time of writing; the time of the last change of any kind changes with the move itself.
        moving.settle(self._root, relative, folder, identity[:3], note, is_there=is_same)

    def close(self) -> None:
        """Nothing to give back."""

    def _files(self, faults: list[OSError]) -> Iterator[tuple[str, os.stat_result]]:
        """Regular files with a single name, by path below the folder; what can't be looked into goes to `faults`."""
        own = {self._root / ARCHIVED, self._root / REJECTED}
        for directory, folders, names in os.walk(self._root, onerror=faults.append):
            folders[:] = [name for name in folders if not _is_ignored(name) and Path(directory, name) not in own]
            for name in names:
                if _is_ignored(name):
                    continue
                try:
                    status = Path(directory, name).lstat()
                except FileNotFoundError:
                    continue
                relative = os.path.relpath(os.path.join(directory, name), self._root)  # noqa: PTH118 (any bytes)
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                    yield relative, status
                else:
                    _log.info("%s: not a file of its own, left alone: %s", self.name, _shown(relative))

    def _is_whole(self, relative: str, status: os.stat_result, now: float) -> bool:
        # A time of writing in the future comes from the sender's clock; the time of change is always the file system's.
        changed = status.st_ctime if status.st_mtime > now else max(status.st_ctime, status.st_mtime)
        if now - changed < self._quiet_s:
            return False
        try:
            with opened(self._root / relative) as file:
                is_busy = is_written(file)
        except Gone:
            return False
        if is_busy is None or status.st_size == 0:
            return not is_busy and now - changed >= self._blind_quiet_s
        return not is_busy

    def _file_system_time(self) -> float:
        with tempfile.TemporaryFile(dir=self._root, prefix=".probant-") as probe:
            return os.fstat(probe.fileno()).st_ctime


def _is_ignored(name: str) -> bool:
    small = name.lower()
    return small.startswith((".", "~$")) or small.endswith(UNFINISHED) or small in LITTER


def _shown(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


_Identity = tuple[int, int, int, int]


def _identity(status: os.stat_result) -> _Identity:
    # The time of change too: a copy may reuse the inode and restore the time of writing, but can't set this one.
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _key(relative: str, status: os.stat_result) -> str:
    """A file's path and identity as storable text: bytes that are not printable UTF-8 are percent-encoded."""
    text = "".join(c if c.isprintable() and c != "%" else quote(c.encode("utf-8", "surrogateescape")) for c in relative)
    return f"{text}@{'-'.join(map(str, _identity(status)))}"


def _parsed(key: str) -> tuple[str, _Identity]:
    text, _, numbers = key.rpartition("@")
    relative = unquote_to_bytes(text).decode("utf-8", "surrogateescape")
    ino, size, written, changed = map(int, numbers.split("-"))
    if not relative or Path(relative).is_absolute() or ".." in Path(relative).parts:
        raise ValueError(f"not a key of a folder: {key!r}")
    return relative, (ino, size, written, changed)


def _note(outcome: Outcome) -> str:
    code = f"Code: {outcome.code}\n" if outcome.code else ""
    return f"{outcome.message}\n\n{code}Receipt: {outcome.receipt}\n"
