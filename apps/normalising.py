"""Runs the normaliser over files, without an installation's registry or archive."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeAlias

from receipts.errors import Code, Refused
from receipts.pdfa import Facts, Normalised
from tasks.connections import SOFTWARE, Connections
from tasks.normalise import scan
from tasks.step import describe

Entry: TypeAlias = dict[str, Any]
"""One line of the report; see docs/machines.md."""

_UNSAFE: Final = re.compile(r"[^\w.-]+|^[.-]+", re.ASCII)


def files_in(paths: Iterable[Path], *, leaving_out: Path) -> Iterator[Path]:
    """Every file that the paths name, every regular file that they hold, and every folder in them that can't be read.

    In order; links within folders are not followed.
    """
    barred = leaving_out.resolve()
    for path in paths:
        if path.is_dir():
            yield from (file for file in sorted(_held_by(path)) if barred not in file.resolve().parents)
        else:
            yield path


def _held_by(folder: Path) -> Iterator[Path]:
    closed: list[OSError] = []
    for at, _, names in os.walk(folder, onerror=closed.append):
        files = (Path(at, name) for name in names)
        yield from (file for file in files if file.is_file() and not file.is_symlink())
    yield from (Path(error.filename) for error in closed)  # to be told of, not passed over


def read_file(file: Path, size_bytes: int) -> bytes:
    """The bytes of a regular file: nothing is waited for, and no more than `size_bytes` is taken into memory.

    Raises:
        Refused: TOO_LARGE, or UNSUPPORTED_TYPE for a pipe or a device.
        OSError: It can't be read.
    """
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
        told = os.fstat(opened.fileno())
        if stat.S_ISFIFO(told.st_mode) or stat.S_ISCHR(told.st_mode) or stat.S_ISBLK(told.st_mode):
            raise Refused(Code.UNSUPPORTED_TYPE, "a pipe or a device, not a file")
        content = opened.read(size_bytes + 1) if told.st_size <= size_bytes else b""
    if max(told.st_size, len(content)) > size_bytes:
        raise Refused(Code.TOO_LARGE, f"{told.st_size} bytes, at most {size_bytes} are accepted")
    return content


def normalise_all(connections: Connections, files: list[Path], out: Path) -> Iterator[Entry]:
    """Normalise files into `out`, as many at a time as the installation reads; tell of each in their order."""
    with ThreadPoolExecutor(connections.isolation.processes) as pool:
        yield from pool.map(lambda file: _entry(connections, file, out), files)


def _entry(connections: Connections, file: Path, out: Path) -> Entry:
    entry: Entry = dict.fromkeys(
        (
            "path", "outcome", "code", "detail", "advice", "media_type", "route", "pages", "fidelity", "quality",
            "cpu_ms", "wall_ms", "size_bytes", "original_sha256", "normalised_size_bytes", "normalised_sha256",
            "output",
        )
    )  # fmt: skip
    entry["path"] = str(file).encode("utf-8", "backslashreplace").decode()
    started = time.monotonic()
    try:
        entry["size_bytes"] = file.stat().st_size
        original = read_file(file, connections.limits.size_bytes)
        entry["original_sha256"] = digest = hashlib.sha256(original).hexdigest()
        scan(connections, original)
        result, entry["cpu_ms"] = connections.isolation.measure(
            original, _facts(connections, file, digest), connections.limits
        )
        if isinstance(result, Refused):
            raise result
        entry |= _written(result, out / f"{file_name(file, digest)}.pdf")
    except Refused as refused:
        entry |= {"outcome": "REFUSED", "code": refused.code.value, "detail": refused.detail, "advice": refused.advice}
    except Exception as error:
        entry |= {"outcome": "FAULT", "detail": describe(error)}
    entry["wall_ms"] = round((time.monotonic() - started) * 1000, 1)
    return entry


def write_whole(target: Path, content: bytes) -> None:
    """Write a file, whole or not at all and never through a link."""
    unfinished = target.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with unfinished.open("xb") as opened:
        opened.write(content)
    unfinished.replace(target)


def _written(result: Normalised, target: Path) -> Entry:
    """Write the file and tell of it."""
    write_whole(target, result.pdf)
    return {
        "outcome": "NORMALISED",
        "media_type": result.media_type,
        "route": result.route,
        "pages": result.pages,
        "fidelity": dict(result.fidelity),
        "quality": dict(result.quality),
        "normalised_size_bytes": len(result.pdf),
        "normalised_sha256": hashlib.sha256(result.pdf).hexdigest(),
        "output": target.name,
    }


def _facts(connections: Connections, file: Path, digest: str) -> Facts:
    return Facts(
        receipt=f"{connections.settings.tenant}/{digest}",
        tenant=connections.settings.tenant,
        channel="command",
        source_name=file.name,
        sender=None,
        received_at=connections.now(),
        original_sha256=digest,
        software=SOFTWARE,
    )


def file_name(file: Path, digest: str) -> str:
    """A name of our own in the out folder: of the sender's name only what can't be a path, then digests that tell apart
    what has the same name, and the same bytes that came by two paths.
    """
    stem = _UNSAFE.sub("_", file.name)[:60]
    return f"{stem}-{digest[:12]}-{hashlib.sha256(os.fsencode(file)).hexdigest()[:6]}"
