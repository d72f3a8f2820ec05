"""Files that a command is told to read or to write: paths, folders, and receipts' ids for what the archive holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from apps.output import DOES_NOT_HOLD, complain, escape


def named(names: list[str]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Each file that the names stand for, with what reads it."""
    for name in names:
        path = Path(name)
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.suffix.lower() == ".pdf" and file.is_file():
                    yield str(file), file.read_bytes
        elif path.exists() or path.suffix.lower() == ".pdf" or path.is_absolute():
            yield name, path.read_bytes
        else:
            yield name, _archived(name)


def content_of(name: str, read: Callable[[], bytes]) -> bytes | None:
    """A file's bytes; if there are none to be had, that is said and the command can go on with the others."""
    try:
        return read()
    except OSError as error:
        complain(f"{name} can't be read: {error.strerror or error}")
        return None


def new_file(path: Path | None) -> Path | None:
    """The path of a file to be written, as an option's callback.

    Raises:
        BadParameter: Something is there already (it may be the very file that is asked about), or there is no folder.
    """
    if path is not None:
        if path.exists() or path.is_symlink():
            raise typer.BadParameter(f"{escape(str(path))} is there already and is not overwritten: name a new file")
        if not path.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {escape(str(path.parent))}")
    return path


def _archived(receipt: str) -> Callable[[], bytes]:
    from apps.cli.receipts import find
    from tasks.connections import connections

    row = find(receipt)
    key, version_id = row.summary["archive_key"], row.summary["version_id"]
    if not key:
        complain(f"{receipt} is {row.state}: there is no archived file")
        raise typer.Exit(DOES_NOT_HOLD)

    def read() -> bytes:
        content = connections().archive.get(str(key), str(version_id))
        if hashlib.sha256(content).hexdigest() != row.summary["sealed_sha256"]:
            # However good its seal may be: this is another file.
            complain(f"the archive holds other bytes of {receipt} than the journal recorded", "See `probant audit`.")
            raise typer.Exit(DOES_NOT_HOLD)
        return content

    return read
