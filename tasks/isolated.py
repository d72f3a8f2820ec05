"""The process in which strangers' files are read: `python -m tasks.isolated BOUNDS`, started by tasks/isolation.py.

It is told what to do on descriptor 0, a socket to its parent, and knows neither settings nor secrets. It ends when its
parent does. A fault of the file is an answer; what the answer does not tell, the way in which the process ends does.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from asn1crypto import x509

from receipts.errors import Code, Refused, WrongFacts
from tasks import confinement, framing

Answer: TypeAlias = tuple[dict[str, Any], list[bytes]]
Operation: TypeAlias = Callable[[dict[str, Any], list[bytes]], Answer]


def main(bounds: dict[str, Any]) -> None:
    """Answer until the parent closes the socket."""
    network = confinement.leave_network()  # before anything starts a thread
    operations = _load()
    confinement.limit(memory_bytes=bounds["memory_bytes"], open_files=bounds["open_files"])
    held = [*([network] if network else []), *confinement.confine(_readable())]
    _send({"ready": held}, [])
    while True:
        try:
            asked, blobs = framing.read(_receive, most=sys.maxsize)
        except EOFError:
            return
        confinement.limit_cpu(bounds["cpu_s"])
        started_s = _cpu_s()
        header, results = _answer(operations[asked["operation"]], asked, blobs)
        header["cpu_ms"] = round((_cpu_s() - started_s) * 1000, 1)
        _send(header, results)


def _cpu_s() -> float:
    """CPU time of all threads; Linux counts what `time.process_time` reads by ticks once a limit is set."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def normalise(asked: dict[str, Any], blobs: list[bytes]) -> Answer:
    """`receipts.pdfa.normalise`, over the wire."""
    from receipts.pdfa import Facts, normalise
    from receipts.policy import Limits

    facts = Facts(**{**asked["facts"], "received_at": datetime.fromisoformat(asked["facts"]["received_at"])})
    result = normalise(blobs[0], facts, Limits(**asked["limits"]))
    told = {field.name: getattr(result, field.name) for field in fields(result) if field.name not in ("pdf", "parts")}
    told["parts"] = [{"name": part.name, "position": part.position} for part in result.parts]
    return {"result": told}, [result.pdf, *(part.content for part in result.parts)]


def asked_to_normalise(facts: Any, limits: Any) -> dict[str, Any]:  # noqa: ANN401  parent side: any dataclass of plain values
    """What `normalise` above is asked with."""
    return {
        "operation": "normalise",
        "facts": {**asdict(facts), "received_at": facts.received_at.isoformat()},
        "limits": asdict(limits),
    }


def examine(asked: dict[str, Any], blobs: list[bytes]) -> Answer:
    """`receipts.verdict.examine`, over the wire."""
    from receipts.verdict import examine, to_wire

    content, anchors, *records = blobs
    known, at = _certificates(anchors, tuple(asked["anchor_sizes"])), datetime.fromisoformat(asked["at"])
    return {"result": to_wire(examine(content, known, at=at, evidence_records=records, field=asked["field"]))}, []


def asked_to_examine(
    anchors: Sequence[x509.Certificate], at: datetime, evidence_records: Sequence[bytes], field: str
) -> tuple[dict[str, Any], list[bytes]]:
    """What `examine` above is asked with, and the bytes after the file's."""
    encoded = [each.dump() for each in anchors]
    sizes = [len(each) for each in encoded]
    asked = {"operation": "examine", "at": at.isoformat(), "anchor_sizes": sizes, "field": field}
    return asked, [b"".join(encoded), *evidence_records]


@functools.lru_cache(maxsize=1)  # trusted lists have thousands of anchors, the same for every file
def _certificates(joined: bytes, sizes: tuple[int, ...]) -> list[x509.Certificate]:
    ends = list(itertools.accumulate(sizes))
    return [x509.Certificate.load(joined[end - size : end]) for end, size in zip(ends, sizes, strict=True)]


OPERATIONS: Final = MappingProxyType[str, Operation]({"normalise": normalise, "examine": examine})
"""What may be asked for: name -> what answers."""


def _answer(operation: Operation, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
    try:
        return operation(asked, blobs)
    except Refused as error:
        return {"refused": error.code.value, "detail": error.detail}, []
    except MemoryError:
        return {"exceeded": "memory"}, []
    except RecursionError:
        return {"refused": Code.HOSTILE.value, "detail": "things within things, deeper than anything genuine"}, []
    except (AssertionError, ImportError, FileNotFoundError, WrongFacts) as error:
        return {"fault": _where(error)}, []  # a file of ours that is gone: no receipt names one
    except Exception as error:
        return {"unforeseen": _where(error)}, []


def _where(error: BaseException) -> str:
    """What went wrong and at which line of whose code, without content of the file."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    at = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {at}"


def _load() -> Mapping[str, Operation]:
    """Import everything that files may need, once."""
    from PIL import Image

    import receipts.pdfa
    import receipts.verdict  # noqa: F401

    Image.init()
    # pikepdf.pdfa writes through a temporary file; nothing of a receipt touches the disk here.
    setattr(tempfile, "TemporaryFile", lambda *_, **__: BytesIO())  # noqa: B010
    return OPERATIONS


def _readable() -> Iterator[Path]:
    """Code, fonts and tables; never the folder in which the installation may keep its home."""
    import receipts

    here = Path(__file__).parent
    places = [here, Path(str(receipts.__file__)).parent, Path(sys.prefix), Path(sys.base_prefix)]
    places += [Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    places += [Path(name) for name in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share", "/usr/local/lib")]
    places += [Path(name) for name in ("/etc/fonts", "/etc/magic", "/etc/ld.so.cache", "/dev/urandom", "/dev/null")]
    return (place for place in places if place.exists())


def _receive(size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        piece = os.read(0, min(size - len(content), 1 << 20))
        if not piece:
            raise EOFError
        content += piece
    return bytes(content)


def _send(header: dict[str, Any], blobs: list[bytes]) -> None:
    for piece in framing.packed(header, blobs):
        view = memoryview(piece)
        while view:
            view = view[os.write(0, view[: 1 << 20]) :]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
