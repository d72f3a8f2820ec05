"""Files and folders named on the command line: read, and left as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from connectors.ports import Gone, Offer, Outcome

IGNORED: Final = frozenset({"Thumbs.db", "desktop.ini"})


class PathsSource:
    """Files, and all files below folders, in the order of their names. Settling changes nothing: they are the caller's.

    A file that is named itself is taken whatever its name; below folders, hidden files and litter are left out.

    Args:
        paths: Absolute paths of files and folders.
        name: Names this source.
    """

    channel = "command"

    def __init__(self, paths: Sequence[Path], name: str = "command") -> None:
        self.name = name
        self._paths = paths
        self._found: dict[str, Path] = {}

    def offers(self) -> Iterator[Offer]:
        """Every regular file, hidden ones and links apart; a file that was not touched keeps its key.

        Raises:
            OSError: A folder could not be looked into; raised last, after everything else was offered.
        """
        faults: list[OSError] = []
        for path in self._files(faults):
            status = path.stat()
            key = f"{path}@{_identity(status)}".encode("utf-8", "backslashreplace").decode()
            name = path.name.encode("utf-8", "replace").decode()
            self._found[key] = path
            yield Offer(key=key, name=name, size_bytes=status.st_size)
        if faults:
            raise faults[0]

    def read(self, offer: Offer) -> bytes:
        """The file's bytes.

        Raises:
            Gone: It is no longer there, or it changed since it was offered.
        """
        try:
            path = self._found[offer.key]
            content = path.read_bytes()
            changed = not offer.key.endswith(f"@{_identity(path.stat())}")
        except (FileNotFoundError, KeyError) as error:
            raise Gone(offer.name) from error
        if changed:
            raise Gone(f"changed: {offer.name}")
        return content

    def settle(self, key: str, outcome: Outcome) -> None:
        """Nothing: the command prints the outcome."""

    def close(self) -> None:
        """Nothing to give back."""

    def _files(self, faults: list[OSError]) -> Iterator[Path]:
        for path in self._paths:
            if path.is_dir():
                yield from _below(path, faults)
            elif path.is_file():
                yield path


def _identity(status: os.stat_result) -> str:
    # The time of change too: whoever restores the time of writing of other bytes can't set this one.
    return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def _below(folder: Path, faults: list[OSError]) -> Iterator[Path]:
    found = [Path(above, name) for above, _, names in os.walk(folder, onerror=faults.append) for name in names]
    for file in sorted(found):
        if file.is_file() and not file.is_symlink() and not file.name.startswith(".") and file.name not in IGNORED:
            yield file
