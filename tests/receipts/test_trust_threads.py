"""One snapshot of trusted lists serves all threads: what one of them reads never disturbs another's verdict."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.devpki import DevPki, serve
from receipts import pades
from receipts.trust import Snapshot, Sources, TrustedServices, assemble, qualify
from tests import trustlists
from tests.pki import archive_file, seal_lt
from tests.receipts.test_trust import loaded
from tests.trustlists import Issue, Listed, operator
from tests.variants import make

THREADS, ROUNDS = 4, 12


@pytest.fixture
def eager_switching() -> Iterator[None]:
    """Threads take turns after every few instructions, so that what can go wrong between two of them does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def pki(tmp_path: Path) -> DevPki:
    """A PKI whose services are listed."""
    return make(tmp_path / "pki")


def listed(pki: DevPki) -> Snapshot:
    """A snapshot in which its services are granted."""
    services = [
        Listed(kind="CA/QC", certificate=pki.certificate("ca")),
        Listed(kind="TSA/QTST", certificate=pki.certificate("tsu")),
    ]
    url = "https://example.invalid/ZZ.xml"
    lotl = trustlists.write_lotl([("ZZ", url, [operator("ZZ").certificate])], operator("EU"))
    lists = {"ZZ": trustlists.write(Issue(), services, operator("ZZ"))}
    return assemble(Sources(lotl_url=url, lotl=lotl, lists=lists), loaded(operator("EU")), datetime.now(UTC))


def test_many_threads_reach_the_verdict_of_one(pki: DevPki, eager_switching: None) -> None:
    with serve(pki.folder):
        [sealed] = seal_lt([archive_file()], pki)
    snapshot, at = listed(pki), datetime.now(UTC)

    def verdict(services: TrustedServices, start: threading.Barrier) -> tuple[str, str, str]:
        start.wait()
        report = pades.validate(sealed, services.anchors(at), at=at)
        if report.headline.path is None:
            return report.indication, str(report.sub_indication), report.why
        worth = qualify(services, report.headline.path, report.headline.stamps, passed=report.passed, at=at)
        return report.indication, str(worth.seal), worth.at_signing.evidence + worth.time_stamp_evidence

    [alone] = {verdict(TrustedServices(snapshot), threading.Barrier(1))}
    assert alone[:2] == ("TOTAL-PASSED", "QESeal")
    found = set()
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(ROUNDS):
            services, start = TrustedServices(snapshot), threading.Barrier(THREADS)
            found |= {future.result() for future in [pool.submit(verdict, services, start) for _ in range(THREADS)]}
    assert found == {alone}
