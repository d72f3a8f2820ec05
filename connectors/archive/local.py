"""A directory that refuses overwriting and deleting before the date: the embedded default.

It is no compliance tier: whoever owns the directory can do with it as they like, and all that speaks of it says so. The
files lie under their keys and open in any reader; what we know of their locks lies under `.locks/`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from connectors import durable
from connectors.archive.canary import break_canary
from connectors.archive.lock_files import MODE, LockFiles, unlocked
from connectors.archive.terms import (
    Clock,
    check_archive_key,
    check_deletable,
    check_put,
    is_own,
    must_lengthen,
    to_the_second,
)
from connectors.keys import below
from connectors.ports import Locked, Missing, NotEnforced, Stored, Taken


class LocalArchive:
    """`Archive` in a directory. Safe for many threads and processes on one machine.

    An object never stands without its lock: the lock's file is durable before the object gets its name. A lock's file
    without its object is what a crash or an outsider left; the next `put` of the key completes it.

    Args:
        folder: Where; created on first use, for its owner only. Its file system must know hard links.
        clock: Gives the present, UTC-aware; it alone ends the locks.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.url = str(folder.absolute())
        self.is_compliance_tier = False
        self._folder = folder.absolute()
        self._unfinished = self._folder / ".unfinished"
        self._locks = LockFiles(self._folder / ".locks", self._unfinished)
        self._clock = clock

    def check(self) -> None:
        """See `Archive.check`; also removes what a crash left unfinished."""
        durable.sweep(self._unfinished)
        break_canary(self, MODE, self._clock())

    def put(self, key: str, content: bytes, *, sha256: str, retain_until: datetime) -> Stored:
        """See `Archive.put`."""
        path = self._path(check_archive_key(key))
        end = check_put(content, sha256, retain_until, self._clock())
        with durable.unfinished(self._unfinished, content, mode=0o444) as whole, self._alone():
            try:
                stored = self._find(key)
            except Missing:
                self._link(whole, key, len(content), sha256, end)
                stored = self._find(key)
            # The bytes themselves, not what we noted of them: someone may have changed the file behind our back.
            if _digest(path) != sha256:
                raise Taken(f"{key} holds other bytes")
            if stored.retain_until is None or stored.retain_until < end:
                stored = self._locks.write(replace(stored, mode=MODE, retain_until=end))
        if stored.sha256 != sha256 or stored.size_bytes != len(content) or stored.mode != MODE:
            raise NotEnforced(f"{key}: the lock says other than what was asked")
        return stored

    def head(self, key: str, version_id: str | None = None) -> Stored:
        """See `Archive.head`. Size and digest of what lies there now: nobody else keeps its bytes from change.

        An object whose lock's file is lost is shown without a lock.
        """
        stored = self._find(check_archive_key(key), version_id)
        try:
            return replace(stored, sha256=_digest(self._path(key)))
        except FileNotFoundError as gone:
            raise Missing(key) from gone

    def get(self, key: str, version_id: str) -> bytes:
        """See `Archive.get`: the bytes as they lie there, unchecked."""
        self._find(check_archive_key(key), version_id)
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as gone:
            raise Missing(key) from gone

    def versions(self, prefix: str) -> Iterator[Stored]:
        """See `Archive.versions`. Files that were never put here are shown too, without a lock.

        Digests as noted when they were put, since a list of all must not read all: `head` looks at the bytes.
        """
        for key in self._keys(self._folder, prefix):
            try:
                yield self._find(key)
            except Missing:
                continue

    def markers(self, prefix: str) -> Iterator[str]:
        """See `Archive.markers`: keys whose lock still runs while their file is gone."""
        for name in self._keys(self._locks.folder, prefix):
            key = name.removesuffix(".json")
            noted = self._locks.read(key)
            if noted and not self._path(key).exists():
                try:
                    check_deletable(noted, self._clock())
                except Locked:
                    yield key

    def extend(self, key: str, version_id: str, retain_until: datetime) -> Stored:
        """See `Archive.extend`."""
        end = to_the_second(retain_until)
        with self._alone():
            stored = self._find(check_archive_key(key), version_id)
            if not must_lengthen(stored, end, self._clock()):
                return stored
            return self._locks.write(replace(stored, mode=MODE, retain_until=end))

    def hold(self, key: str, version_id: str, *, on: bool) -> Stored:
        """See `Archive.hold`."""
        with self._alone():
            return self._locks.write(replace(self._find(check_archive_key(key), version_id), legal_hold=on))

    def delete(self, key: str, version_id: str) -> None:
        """See `Archive.delete`. An object whose lock's file is lost counts as locked: nobody knows until when."""
        path = self._path(check_archive_key(key))
        with self._alone():
            try:
                stored = self._find(key, version_id)
            except Missing:
                return
            if stored.retain_until is None:
                raise Locked(f"{key}: its lock is lost, so nobody knows when it ends")
            check_deletable(stored, self._clock())
            path.unlink()
            durable.sync_folder(path.parent)
            self._locks.remove(key)

    def _link(self, whole: Path, key: str, size_bytes: int, sha256: str, end: datetime) -> None:
        """Give a whole file its name, after its lock."""
        left = self._locks.read(key)
        if left and left.sha256 == sha256 and left.retain_until:
            end = max(end, left.retain_until)
        fresh = Stored(
            key=key,
            version_id=sha256,
            size_bytes=size_bytes,
            sha256=sha256,
            retain_until=end,
            mode=MODE,
            legal_hold=bool(left and left.sha256 == sha256 and left.legal_hold),
            storage_class=MODE,
        )
        self._locks.write(fresh)
        path = self._path(key)
        durable.make_folder(path.parent)
        try:
            os.link(whole, path)  # unlike a rename, it never replaces what is there
        except FileExistsError as there:
            raise Taken(f"{key} was written by someone else at this moment") from there
        durable.sync_folder(path.parent)

    def _find(self, key: str, version_id: str | None = None) -> Stored:
        """What is on disk now."""
        path = self._path(key)
        try:
            size_bytes = path.stat().st_size
            noted = self._locks.read(key)
            if noted is None:
                noted = unlocked(key, _digest(path))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as gone:
            raise Missing(key) from gone
        if version_id not in {None, noted.version_id}:
            raise Missing(f"{key} has no version {version_id}")
        return replace(noted, size_bytes=size_bytes)

    def _path(self, key: str) -> Path:
        return self._folder / key

    def _keys(self, root: Path, prefix: str) -> list[str]:
        start = root / below(prefix)
        found = [str((Path(folder) / name).relative_to(root)) for folder, _, names in os.walk(start) for name in names]
        own = () if prefix else (".locks/", ".unfinished/", ".guard")
        return sorted(key for key in found if not key.startswith(own) and not is_own(key, prefix))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread or process changes a name or a lock meanwhile; let go by the kernel if we die."""
        durable.make_folder(self._folder)
        with (self._folder / ".guard").open("ab") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
