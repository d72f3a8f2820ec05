"""Snapshots on disk: a folder each, written whole or not at all, never changed, never removed."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from connectors.durable import make_folder, sync_folder, unfinished

_MANIFEST: Final = "manifest.json"
_CURRENT: Final = "current"
_LOG: Final = "updates.jsonl"
_UNFINISHED: Final = ".unfinished"
_NAME: Final = re.compile(r"[A-Z]{2}-\d+-[0-9a-f]{32}")
_FILE: Final = re.compile(r"[A-Za-z0-9._-]{1,120}")


class SnapshotFolder:
    """The snapshots under one folder, and which of them is in use.

    Args:
        folder: Made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """All snapshots, oldest first by when they came here."""
        found = [path for path in self.folder.glob("*") if _NAME.fullmatch(path.name)] if self.folder.is_dir() else []
        return [path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))]

    def current(self) -> str | None:
        """Name of the one in use."""
        try:
            name = (self.folder / _CURRENT).read_text().strip()
        except FileNotFoundError:
            return None
        return name or None

    def read(self, name: str) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Manifest and files of a snapshot, as they lie there.

        Raises:
            FileNotFoundError: There is none of that name.
            ValueError: Its manifest can't be read.
        """
        if not _NAME.fullmatch(name) or not (self.folder / name / _MANIFEST).is_file():
            raise FileNotFoundError(f"there is no trusted list snapshot {name}")
        manifest = json.loads((self.folder / name / _MANIFEST).read_bytes())
        if not isinstance(manifest, dict):
            raise ValueError(f"the manifest of {name} is no object")
        files = {path.name: path.read_bytes() for path in (self.folder / name).iterdir() if path.name != _MANIFEST}
        return manifest, files

    def write(self, name: str, manifest: bytes, files: Mapping[str, bytes]) -> bool:
        """Keep a snapshot; False if it was there already. May be repeated.

        Raises:
            ValueError: A name is not one.
        """
        if not _NAME.fullmatch(name) or not all(_FILE.fullmatch(file) for file in files):
            raise ValueError(f"not a snapshot's name, or not a file's: {name}, {sorted(files)}")
        target = self.folder / name
        if target.exists():
            return False
        make_folder(self.folder / _UNFINISHED)
        part = Path(tempfile.mkdtemp(dir=self.folder / _UNFINISHED))
        try:
            for file, content in {**files, _MANIFEST: manifest}.items():
                _write(part / file, content)
            sync_folder(part)
            part.chmod(0o755)
            try:
                part.rename(target)
            except OSError:
                if not target.exists():  # else another process was quicker, with the same bytes
                    raise
                return False
        finally:
            shutil.rmtree(part, ignore_errors=True)
        sync_folder(self.folder)
        return True

    def use(self, name: str, note: Mapping[str, Any]) -> None:
        """Make a snapshot the one in use, and write down when and why. May be repeated."""
        path = self.folder / _LOG
        before = path.read_bytes() if path.exists() else b""
        apart = b"\n" if before and not before.endswith(b"\n") else b""  # a crash has cut the last line
        with path.open("ab") as log:
            log.write(apart + json.dumps({**note, "name": name}, ensure_ascii=False).encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())
        with unfinished(self.folder / _UNFINISHED, f"{name}\n".encode(), mode=0o644) as path:
            path.replace(self.folder / _CURRENT)
            sync_folder(self.folder)

    def log(self) -> list[dict[str, Any]]:
        """What was written down at each `use`, oldest first; lines that a crash has cut are left out."""
        try:
            lines = (self.folder / _LOG).read_bytes().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            with suppress(ValueError):
                found.append(json.loads(line))
        return [entry for entry in found if isinstance(entry, dict)]


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
