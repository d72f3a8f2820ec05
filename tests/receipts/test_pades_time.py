"""What a seal is worth later, when certificates have expired: never more than DSS says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors import devpki as development
from receipts import pades
from tests import judge
from tests.conftest import free_port
from tests.pki import anchors_of, archive_file, fetch, seal_all, seal_lt

SHORT = {
    "nothing": {},
    "seal": {"seal": 30},
    "responder": {"ocsp": 30},
    "unit": {"tsu": 30},
    "authority": {"ca": 30, "seal": 29, "tsu": 29, "ocsp": 29},
    "root": {"root": 30},
}
"""What expires after a month."""

LATER = {
    "nothing": None,
    "seal": None,  # the time-stamp proves the seal older
    "responder": "REVOCATION_OUT_OF_BOUNDS_NO_POE",
    "unit": "OUT_OF_BOUNDS_NO_POE",
    "authority": "OUT_OF_BOUNDS_NO_POE",
    "root": None,  # anchors are trusted for being anchors
}


def test_the_verdict_follows_the_certificates(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    paths, anchors, files = {}, {}, {}
    for name, days in SHORT.items():
        pki = development.make(tmp_path / name, free_port(), now, days=days)
        with development.serve(pki.folder):
            [files[name]] = seal_lt([archive_file()], pki)
        paths[name] = tmp_path / f"{name}.pdf"
        paths[name].write_bytes(files[name])
        anchors[name] = pki
    for days, expected in ((20, dict.fromkeys(SHORT)), (400, LATER)):
        at = now + timedelta(days=days)
        options = ["--at", at.strftime("%Y-%m-%dT%H:%M:%SZ"), "--no-render"]
        verdicts = judge.dss(paths.values(), [each.anchors for each in anchors.values()], options=options)
        reports = {name: pades.validate(pdf, anchors_of(anchors[name]), at=at) for name, pdf in files.items()}
        said = {name: str(report.sub_indication) if report.sub_indication else None for name, report in reports.items()}
        assert said == expected
        assert {name: report.passed for name, report in reports.items()} == {
            name: verdicts[str(path)]["passed"] for name, path in paths.items()
        }


def test_a_time_stamp_from_the_future_does_not_pass(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    pki = development.make(tmp_path / "pki", free_port(), now)
    with development.serve(pki.folder):
        [sealed] = seal_lt([archive_file()], pki)
    report = pades.validate(sealed, anchors_of(pki), at=now - timedelta(hours=1))
    assert (report.indication, report.sub_indication) == ("INDETERMINATE", "NOT_YET_VALID")


def test_revocation_information_must_not_be_older_than_the_time_stamp(tmp_path: Path) -> None:
    """A responder whose clock is behind: fetching says so, and can be tried again."""
    now = datetime.now(UTC)
    pki = development.make(tmp_path / "pki", free_port(), now)
    with development.serve(pki.folder):
        sealed = seal_all([archive_file()], pki)
    with (
        development.serve(pki.folder, clock=lambda: datetime.now(UTC) - timedelta(minutes=10)),
        pytest.raises(pades.NotFresh),
    ):
        fetch(sealed, anchors_of(pki))


def test_times_without_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="UTC-aware"):
        pades.validate(b"", [], at=datetime(2026, 1, 1))
