"""Seals PDFs from outside the archive: no custody, no journal; a file is judged before it is called sealed.

The files are read in this process: they are the operator's own, not what strangers sent (docs/adr/0010).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from apps.judging import Judge, check_claims
from apps.normalising import Entry, file_name, read_file, write_whole
from receipts.errors import Code, Refused
from receipts.pades.permissions import earlier_signatures
from receipts.preflight import Verdict
from tasks.connections import Connections
from tasks.levels import IN_FLIGHT, Unsealed, augment_each, seal_each
from tasks.preflight import require_ready
from tasks.seal import GROUP_SIZE_BYTES
from tasks.sealing import SealingRoom, sealing_room
from tasks.step import describe

FIELDS: Final = (
    "path", "outcome", "code", "detail", "advice", "already", "level", "signer", "sealed_at", "qualification", "short",
    "development", "field", "others", "broken", "pdfa_claim", "size_bytes", "sha256", "sealed_size_bytes",
    "sealed_sha256", "output",
)  # fmt: skip
"""Keys of a line, always all of them; new ones are only ever added."""


@dataclass
class _File:
    """A file on its way, and what is to be said of it."""

    path: Path
    target: Path = Path()
    pdf: bytes = b""
    others: tuple[str, ...] = ()
    entry: Entry = field(default_factory=lambda: dict.fromkeys(FIELDS))


def seal_all(connections: Connections, files: Sequence[Path], out: Path, level: str) -> Iterator[Entry]:
    """Seal files into `out`, many at a time; tell of each in their order. May be repeated: what is there already and
    holds is not sealed again.

    Args:
        connections: The installation.
        files: What to seal.
        out: Folder for the sealed files; must be there.
        level: `B-LT` or `B-LTA`.

    Raises:
        NotReady: The preflight found something that stops sealing; nothing was sealed.
        Exception: The key or the trust anchors can't be had.
    """
    short = sorted({finding.name for finding in require_ready(connections).of(Verdict.SHORT)})
    room = sealing_room(connections.settings)
    sealing = _Sealing(connections, room, Judge(connections, room, level), out, level, short)
    for batch in _batches(files):
        yield from sealing.batch([_File(path) for path in batch])


def _batches(files: Sequence[Path]) -> Iterator[list[Path]]:
    """As many as may be under way at once, unless they are large: they are in memory together."""
    batch: list[Path] = []
    total = 0
    for path in files:
        size_bytes = path.stat().st_size if path.is_file() else 0
        if batch and (len(batch) == IN_FLIGHT or total + size_bytes > GROUP_SIZE_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(path)
        total += size_bytes
    if batch:
        yield batch


@dataclass(frozen=True)
class _Sealing:
    """One run of the command."""

    connections: Connections
    room: SealingRoom
    judge: Judge
    out: Path
    level: str
    short: list[str]

    def batch(self, files: list[_File]) -> Iterator[Entry]:
        """Seal some files, with one fetch of revocation data."""
        left = files
        while waiting := [file for file in left if _tried(file, self.read)]:
            first = {file.target: file for file in reversed(waiting)}  # x.pdf and x.PDF may be the same bytes
            left = [file for file in waiting if first[file.target] is not file]
            results: list[Any] = list(self.room.run(self.seal(list(first.values()))))
            for file, sealed in zip(first.values(), results, strict=True):
                _tried(file, functools.partial(self.keep, sealed))
        yield from (file.entry for file in files)

    def read(self, file: _File) -> bool:
        """Whether the file is still to be sealed."""
        file.entry["path"] = str(file.path).encode("utf-8", "backslashreplace").decode()
        file.entry["size_bytes"] = file.path.stat().st_size
        file.pdf = read_file(file.path, self.connections.limits.size_bytes)
        file.entry["sha256"] = digest = hashlib.sha256(file.pdf).hexdigest()
        file.target = self.out / f"{file_name(file.path.resolve().with_suffix(''), digest)}.pdf"
        file.others = self._others(file.pdf)
        check_claims(file.pdf)
        file.entry["others"] = list(file.others)
        if not file.target.exists():
            return True
        present = file.target.read_bytes()
        if present.startswith(file.pdf):
            self.tell(file, present, already=True)
            return False
        raise FileExistsError(f"{file.target} is there, and is another file")

    def _others(self, pdf: bytes) -> tuple[str, ...]:
        """The fields of those who signed before."""
        try:
            reader = PdfFileReader(BytesIO(pdf))
            ours, others = self.judge.own_fields(reader), tuple(each.field_name for each in earlier_signatures(reader))
        except Exception:  # whatever it is: when it is to be sealed, the reason is told
            return ()
        if ours and (true := self.judge.made_by_us(pdf, ours)):
            raise Refused(Code.ALREADY_SEALED, f"the seal of this installation's certificate is in field {true[-1]}")
        return others

    async def seal(self, files: Sequence[_File]) -> list[bytes | Exception]:
        """The sealed file, or what went wrong, for each."""
        now = self.connections.now
        readers = [_reader(file) for file in files]
        sealed = await seal_each(self.room, readers, now=now)
        try:
            return await augment_each(self.room, sealed, self.level, now=now)
        except Exception as error:
            return [each if isinstance(each, Exception) else error for each in sealed]

    def keep(self, sealed: bytes | Exception, file: _File) -> bool:
        """Write the file if it proves itself."""
        if isinstance(sealed, Exception):
            raise sealed
        try:
            self.tell(file, sealed, already=False)
        except PdfError as error:
            raise Refused(Code.NOT_SEALABLE, f"what a seal makes of it can't be read: {error}"[:300]) from error
        write_whole(file.target, sealed)
        return True

    def tell(self, file: _File, sealed: bytes, *, already: bool) -> None:
        """Note what there is to tell of a sealed file, if it proves itself."""
        file.entry |= self.judge.judge(file.pdf, file.others, sealed)
        file.entry |= {"output": file.target.name, "short": self.short, "already": already}


def _reader(file: _File) -> Callable[[], Unsealed]:
    return lambda: Unsealed(pdf=file.pdf, beside_others=True)


def _tried(file: _File, do: Callable[[_File], bool]) -> bool:
    """What `do` says; `False` if it refused the file or met a fault, of which the entry then tells."""
    try:
        return do(file)
    except Refused as refused:
        told = {"outcome": "REFUSED", "code": refused.code.value, "detail": refused.detail, "advice": refused.advice}
    except Exception as error:
        told = {"outcome": "FAULT", "detail": describe(error)}
    file.entry |= {**told, "output": None}
    return False
