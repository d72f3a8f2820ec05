"""Seals PDFs from outside the archive: no custody, no journal; a file is judged before it is called sealed.

The files are read in this process: they are the operator's own, not what strangers sent (docs/adr/0010).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from asn1crypto import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature

from apps.normalising import Entry, file_name, read_file, write_whole
from receipts.errors import Code, Refused
from receipts.pades import Report, validate
from receipts.pades.headline import seal_in
from receipts.pades.permissions import disturbed, earlier_signatures
from receipts.pades.report import FAILURES, SubIndication
from receipts.pdfa import provenance_of
from receipts.preflight import Verdict
from receipts.verdict import pdfa_claim
from tasks import trustlists
from tasks.connections import Connections
from tasks.levels import IN_FLIGHT, Unsealed, augment_each, seal_each
from tasks.preflight import require_ready
from tasks.seal import GROUP_SIZE_BYTES
from tasks.sealing import SealingRoom, is_development_seal, sealing_room
from tasks.step import describe
from tasks.trust import anchors

FIELDS: Final = (
    "path", "outcome", "code", "detail", "advice", "already", "level", "signer", "sealed_at", "qualification", "short",
    "development", "field", "others", "broken", "pdfa_claim", "size_bytes", "sha256", "sealed_size_bytes",
    "sealed_sha256", "output",
)  # fmt: skip
"""Keys of a line, always all of them; new ones are only ever added."""


class NotProved(Exception):
    """The file that was sealed did not prove itself: it is not kept."""


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
    sealing = _Sealing(connections, sealing_room(connections.settings), out, level, short)
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
        _check_claims(file.pdf)
        file.entry["others"] = list(file.others)
        if not file.target.exists():
            return True
        present = file.target.read_bytes()
        if present.startswith(file.pdf):
            self.judge(file, present)
            file.entry["already"] = True
            return False
        raise FileExistsError(f"{file.target} is there, and is another file")

    def _others(self, pdf: bytes) -> tuple[str, ...]:
        """The fields of those who signed before."""
        try:
            reader = PdfFileReader(BytesIO(pdf))
            ours, others = self._ours(reader), tuple(each.field_name for each in earlier_signatures(reader))
        except Exception:  # whatever it is: when it is to be sealed, the reason is told
            return ()
        if ours:
            judged = validate(pdf, anchors(self.connections.settings), at=self.connections.now()).signatures
            # Anyone can put our certificate into a signature; only its key makes one that is not TOTAL-FAILED.
            true = [each for each in ours if seal_in(judged, each).sub_indication not in FAILURES]
            if true:
                raise Refused(
                    Code.ALREADY_SEALED, f"the seal of this installation's certificate is in field {true[-1]}"
                )
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
            self.judge(file, sealed)
        except PdfError as error:
            raise Refused(Code.NOT_SEALABLE, f"what a seal makes of it can't be read: {error}"[:300]) from error
        write_whole(file.target, sealed)
        return True

    def judge(self, file: _File, sealed: bytes) -> None:
        """Check the sealed file afresh, from its bytes alone, and tell of it.

        Raises:
            NotProved: It doesn't hold.
            Refused: It can't hold, or the signatures of others in it wouldn't any more.
        """
        if not sealed.startswith(file.pdf):
            raise NotProved("the file was not kept as it is")
        _check_claims(sealed)  # the update must not bring to light what the file hid
        settings = self.connections.settings
        reader = PdfFileReader(BytesIO(sealed))
        name = self._ours(reader)[-1]
        report = validate(sealed, anchors(settings), at=self.connections.now())
        ours = seal_in(report.signatures, name)
        if ours.sub_indication is SubIndication.FORMAT_FAILURE:  # it will be no better next time
            raise Refused(Code.NOT_SEALABLE, f"a seal on it doesn't hold: {ours.why or report.why}"[:300])
        if not ours.passed:
            raise NotProved(f"{ours.indication}/{ours.sub_indication}: {ours.why or report.why}")
        if self.level == "B-LTA" and ours.level != "PAdES-BASELINE-LTA":
            raise NotProved(f"the level is {ours.level}, not {self.level}")
        if file.others and disturbed(reader) - disturbed(PdfFileReader(BytesIO(file.pdf))):
            raise Refused(Code.NOT_SEALABLE, "a seal would disturb a signature that is in it")
        broken = [
            each.field for each in report.signatures if each.field in file.others and each.sub_indication in FAILURES
        ]
        file.entry |= self._worth(replace(report, headline=ours)) | {"field": name, "output": file.target.name}
        file.entry |= {"sealed_size_bytes": len(sealed), "sealed_sha256": report.sha256, "already": False}
        file.entry["pdfa_claim"] = pdfa_claim(sealed)
        file.entry |= {"short": self.short, "broken": broken}

    def _ours(self, reader: PdfFileReader) -> list[str]:
        """The fields of the signatures that carry our certificate, the newest last."""
        own = self.room.sealer.signer.signing_cert
        return [str(each.field_name) for each in earlier_signatures(reader) if own and _carries(each, own)]

    def _worth(self, report: Report) -> Entry:
        settings = self.connections.settings
        qualification = trustlists.worth(trustlists.services(settings), report)
        if settings.require_qualified and not (qualification and qualification.is_proved):
            words = qualification.words if qualification else "not proved"
            raise NotProved(f"qualified is required, this is {words}")
        return {
            "outcome": "SEALED",
            "level": report.level,
            "signer": report.signer,
            "sealed_at": report.sealed_at.isoformat() if report.sealed_at else None,
            "qualification": str(qualification.seal) if qualification else None,
            "development": settings.is_development or is_development_seal(self.room),
        }


def _check_claims(pdf: bytes) -> None:
    """Check that a file doesn't say that it is an archived receipt: our seal would vouch for a custody that never was.

    Raises:
        Refused: CLAIMS_CUSTODY if it does.
    """
    try:
        provenance_of(pdf)
    except ValueError:
        return
    raise Refused(Code.CLAIMS_CUSTODY, "it carries a provenance, as archived receipts do")


def _carries(signature: EmbeddedPdfSignature, certificate: x509.Certificate) -> bool:
    """Whether it is, by what it says itself, the certificate's."""
    try:
        return bool(signature.signer_cert.dump() == certificate.dump())
    except Exception:  # it names none, or none that can be read
        return False


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
