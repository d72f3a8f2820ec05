"""Signed, damaged and attacked PDFs, the same in every run but for random salts; one root, one time of judgement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.judges.corpus import attacks, certificates, damage, good, writers
from tests.judges.corpus.pki import JUDGED_AT
from tests.judges.corpus.sealing import identity

__all__ = ["JUDGED_AT", "cases", "write"]


def cases() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every file."""
    for room in (good, certificates, damage, attacks, writers):
        yield from room.cases()


def write(folder: Path, every: int = 1, always: frozenset[str] = frozenset()) -> tuple[Path, list[Path]]:
    """Write the files, or one in so many and those that are named; returns the trust anchor and the files."""
    root = folder / "root.pem"
    root.write_bytes(identity("root").certificate.public_bytes(Encoding.PEM))
    paths: list[Path] = []
    names = set[str]()
    for number, (name, content) in enumerate(cases()):
        path = folder / f"{name}.pdf"
        assert name not in names, f"two cases are called {name}"
        names.add(name)
        if number % every == 0 or name in always:
            path.write_bytes(content)
            paths.append(path)
    return root, paths
