"""Moves a sender's file to its place without ever overwriting or losing one, and puts a note beside it."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

from connectors.durable import sync_folder, unfinished

Identity = tuple[int, int, int]
"""Inode, size in bytes and time of writing in nanoseconds: what a rename keeps."""


def settle(root: Path, relative: str, folder: str, identity: Identity, note: str | None, *, is_there: bool) -> None:
    """Move `root/relative` to `root/folder/relative` or a numbered name beside it; `note` goes to that name + `.txt`.

    May be repeated, also after a crash in its midst: then only what is missing is done.

    Args:
        root: The watched folder.
        relative: The file's path below it.
        folder: Subfolder of `root` in which the same path is wanted.
        identity: What the file is known by.
        note: Text for its sender, or none.
        is_there: Whether the file there is known to be the one meant; otherwise it may only have been moved already.

    Raises:
        NotADirectoryError: A link stands where the folder should be: following it could carry the file anywhere.
    """
    path, wanted = root / relative, root / folder / relative
    for above in wanted.parents[: len(wanted.relative_to(root).parts) - 1]:
        if above.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "is a link", str(above))
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        target = _numbered(wanted, number)
        beside = target.with_name(f"{target.name}.txt")
        if _identity(target) == identity and not is_there:
            break
        if not is_there and not os.path.lexists(target) and not os.path.lexists(beside):
            return
        if is_there and not os.path.lexists(beside) and _is_claimed(target):
            if not _move(path, target, identity):
                return
            break
    if note is not None and not os.path.lexists(beside):
        _write(beside, note)
    sync_folder(target.parent)


def _numbered(wanted: Path, number: int) -> Path:
    """`receipt.jpg`, `receipt (2).jpg`, ... shortened so that the note's name fits as well."""
    mark = f" ({number})" if number > 1 else ""
    stem, suffix = wanted.stem, wanted.suffix
    longest = os.pathconf(wanted.parent, "PC_NAME_MAX") - len(".txt")
    while stem and len(os.fsencode(stem + mark + suffix)) > longest:
        stem = stem[:-1]
    while len(os.fsencode(stem + mark + suffix)) > longest:
        suffix = suffix[:-1]
    return wanted.with_name(stem + mark + suffix)


def _is_claimed(target: Path) -> bool:
    """Take the free name `target` by an empty file that the move then replaces: rename(2) alone would overwrite."""
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        return False
    return True


def _move(path: Path, target: Path, identity: Identity) -> bool:
    """Move what is meant; what came in its place in the meantime goes back to where it was dropped."""
    try:
        path.replace(target)
    except FileNotFoundError:
        target.unlink()
        return False
    if _identity(target) != identity:
        for number in itertools.count(1):
            back = _numbered(path, number)
            if _is_claimed(back):
                target.replace(back)
                return False
    sync_folder(path.parent)
    return True


def _identity(path: Path) -> Identity | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _write(path: Path, text: str) -> None:
    """Write a whole file or none."""
    with unfinished(path.parent, text.encode("utf-8"), mode=0o644) as file:
        file.replace(path)
