"""Files are verified in a bounded process: the verdict is the same, and there is one whatever the file is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pikepdf
import pytest

from connectors.devpki import Service
from receipts import pades
from receipts.verdict import examine as examine_here
from tasks.examining import examine
from tasks.isolation import Bounds, Isolation
from tests.pki import anchors_of, archive_file, seal_lt
from tests.receipts import hostile_pdfs
from tests.receipts.several import time_stamp

BOUNDS = Bounds(memory_bytes=1024**3, cpu_s=20, wall_s=60)


@pytest.fixture(scope="module")
def isolation() -> Iterator[Isolation]:
    made = Isolation(BOUNDS, processes=2)
    yield made
    made.close()


@pytest.fixture(scope="module")
def sealed(devpki: Service) -> bytes:
    [lt] = seal_lt([archive_file()], devpki.pki)
    return lt


def test_the_verdict_is_the_same(isolation: Isolation, sealed: bytes, devpki: Service) -> None:
    at, anchors = datetime.now(UTC), anchors_of(devpki.pki)
    files = [sealed, time_stamp(sealed, devpki.pki), archive_file(), sealed[:-200], b"", b"%PDF-1.7 nonsense"]
    files.append(encrypted(sealed))
    for content in files:
        there = examine(isolation, content, anchors, at=at, evidence_records=[b"no record"])
        here = examine_here(content, anchors, at=at, evidence_records=[b"no record"])
        assert there == here
        assert chains(there.report) == chains(here.report)


def encrypted(pdf: bytes) -> bytes:
    """The same, for whoever knows the password."""
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.save(output, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    return output.getvalue()


def chains(report: pades.Report) -> list[list[bytes]]:
    """What is left out when reports are compared."""
    stamped = [[*(each.dump() for each in path), info.dump()] for path, info in report.headline.stamps]
    return [*stamped, [each.dump() for each in report.headline.path or ()]]


def test_no_file_crashes_or_stalls_it(isolation: Isolation, sealed: bytes, devpki: Service) -> None:
    files = {name: make() for name, make in hostile_pdfs.SMALL.items()}
    files |= hostile_pdfs.from_sealed(sealed[: sealed.index(b"%%EOF", sealed.rindex(b"/ByteRange")) + 6], sealed)
    anchors, at = anchors_of(devpki.pki), datetime.now(UTC)

    def judge(content: bytes) -> pades.Report:
        return examine(isolation, content, anchors, at=at).report

    with ThreadPoolExecutor(2) as pool:
        reports = dict(zip(files, pool.map(judge, files.values()), strict=True))
    assert {name for name, report in reports.items() if report.passed} == set()
    assert all(report.indication in ("TOTAL-FAILED", "INDETERMINATE") for report in reports.values())
    # Another file is read as if nothing had been.
    assert judge(sealed).passed
