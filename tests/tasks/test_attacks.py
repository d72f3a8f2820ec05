"""What hostile hands and bad days do to the steps: a fault with one receipt leaves the others and the truth alone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.settings import Settings
from connectors.ports import Stored
from connectors.source import PathsSource
from receipts.evidence import ChainBroken
from tasks.acknowledge import why_keep_paper
from tasks.archive import archive
from tasks.audit import audit
from tasks.checking import check_registry, lost_lines
from tasks.connections import Connections
from tasks.journal import load, project
from tasks.normalise import normalise
from tasks.seal import seal
from tasks.staging import sweep_staging
from tasks.step import Unfinished
from tasks.trust import development_pki, serve_development_pki
from tasks.verify import verify
from tests.installation import Installation

JPEG = "images/receipt-ocr__receipt.jpg"
PNG = "images/textract-samples__expense.png"


def break_chain(installation: Installation, receipt: str) -> None:
    """Alter the head in the index by hand: the journal is then not the one that was written."""
    path = installation.settings.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE receipt SET head = ? WHERE stream = ?", ("f" * 64, receipt))
    database.close()


def test_one_broken_journal_does_not_hold_up_the_others(installation: Installation, samples: Path) -> None:
    bad, good = (str(each.receipt) for each in installation.receive(samples / JPEG, samples / PNG))
    break_chain(installation, bad)
    problems = {work.receipt: work.problem for work in installation.ingest()}
    assert "ChainBroken" in problems[bad]
    assert installation.state(good) == "ARCHIVED"


def test_one_broken_journal_does_not_keep_the_other_senders_waiting(installation: Installation, samples: Path) -> None:
    bad, good = (str(each.receipt) for each in installation.receive(samples / JPEG, samples / PNG))
    installation.ingest()
    break_chain(installation, bad)
    told = {each.receipt: each for each in installation.acknowledge(samples / JPEG, samples / PNG)}
    assert "ChainBroken" in told[bad].problem
    assert told[bad].outcome is None
    assert told[good].problem == ""
    with pytest.raises(ChainBroken):
        load(installation.registry, bad)


def test_other_bytes_under_the_same_name_and_time_are_another_arrival(
    installation: Installation, tmp_path: Path
) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"first")
    times = scan.stat()
    [first] = installation.receive(scan)
    scan.write_bytes(b"other")  # the same inode; a scanner or `cp -p` may restore the time of writing
    os.utime(scan, ns=(times.st_atime_ns, times.st_mtime_ns))
    [second] = installation.receive(scan)
    assert second.receipt != first.receipt


def test_staging_is_emptied_though_archiving_needed_a_second_try(installation: Installation, samples: Path) -> None:
    receptions = installation.receive(samples / JPEG, samples / PNG)
    installation.ingest([normalise, seal, verify])
    work = installation.claim()
    last = work[-1].receipt
    put, tries = installation.archive.put, 0

    def fails_once(key: str, *args: object, **options: object) -> object:
        nonlocal tries
        if last.split("/")[1] in key and not tries:
            tries += 1
            raise OSError("the line is down")
        return put(key, *args, **options)  # type: ignore[arg-type]

    installation.archive.put = fails_once  # type: ignore[method-assign,assignment]
    with pytest.raises(Unfinished):
        archive(installation, work, last_try=False)
    archive(installation, work)
    assert [installation.state(str(each.receipt)) for each in receptions] == ["ARCHIVED"] * 2
    assert list(installation.staging.keys("")) == []


def test_a_crash_right_after_archiving_leaves_nothing_in_staging(installation: Installation, samples: Path) -> None:
    installation.receive(samples / JPEG)
    staging = installation.staging

    class Dies:
        def __getattr__(self, name: str) -> object:
            return getattr(staging, name)

        def delete(self, key: str) -> None:
            raise KeyboardInterrupt

    installation.__dict__["staging"] = Dies()
    with pytest.raises(KeyboardInterrupt):
        installation.ingest()
    installation.__dict__["staging"] = staging
    assert list(staging.keys("")) != []
    sweep_staging(installation)
    assert list(staging.keys("")) == []


def test_a_file_that_changes_while_it_is_read_is_not_taken(tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"first")
    source = PathsSource([scan])
    [offer] = source.offers()
    scan.write_bytes(b"first and more")
    from connectors.ports import Gone

    with pytest.raises(Gone):
        source.read(offer)


def alter(installation: Installation, statement: str, *values: object) -> None:
    """What somebody with the database file in hand does."""
    path = installation.settings.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        database.execute(statement, values)
    database.close()


def test_an_altered_index_is_found(installation: Installation, samples: Path) -> None:
    receptions = installation.receive(samples / JPEG, samples / PNG)
    first, second = (str(each.receipt) for each in receptions)
    assert [finding.problem for finding in check_registry(installation.registry)] == ["", ""]
    alter(installation, "UPDATE receipt SET state = 'ARCHIVED' WHERE stream = ?", first)
    found = {finding.receipt: finding.problem for finding in check_registry(installation.registry)}
    assert "index" in found[first]
    assert found[second] == ""


def test_a_receipt_that_the_index_forgot_is_found(installation: Installation, samples: Path) -> None:
    receptions = installation.receive(samples / JPEG, samples / PNG)
    first, second = (str(each.receipt) for each in receptions)
    alter(installation, "DELETE FROM arrival WHERE stream = ?", first)
    alter(installation, "DELETE FROM receipt WHERE stream = ?", first)
    found = {finding.receipt: finding.problem for finding in check_registry(installation.registry)}
    assert "without an index row" in found[first]
    assert found[second] == ""
    assert lost_lines(installation.registry) == []
    installation.registry.rebuild(project)
    assert {finding.problem for finding in check_registry(installation.registry)} == {""}


def test_lines_cut_off_are_found_before_a_rebuild_forgets_them(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.ingest()
    alter(installation, "DROP TRIGGER journal_refuses_delete")
    alter(installation, "DELETE FROM journal WHERE position >= 3")
    assert [finding.receipt for finding in lost_lines(installation.registry)] == [reception.receipt]


def test_an_audit_sees_other_bytes_of_the_same_size(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.ingest()
    row = installation.registry.row(str(reception.receipt))
    assert row is not None
    path = Path(str(row.summary["archive"])) / str(row.summary["archive_key"])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    [finding] = audit(installation)
    assert finding.deviation.startswith("sha256 is")


def test_an_audit_sees_a_second_version(installation: Installation, samples: Path) -> None:
    """Object Lock keeps a version; it doesn't keep anybody from putting another one over it."""
    installation.receive(samples / JPEG)
    installation.ingest()
    versions = installation.archive.versions

    def with_another(prefix: str) -> Iterator[Stored]:
        for stored in versions(prefix):
            yield stored
            yield replace(stored, version_id="another")

    installation.archive.versions = with_another  # type: ignore[method-assign]
    assert [bool(finding.deviation) for finding in audit(installation)] == [False, True]


def test_the_development_key_stays_worthless_under_any_setting(installation: Installation, samples: Path) -> None:
    pki = development_pki(installation.settings)
    serve_development_pki(installation.settings)
    posing = {
        "signer": pki.signer_uri,
        "signer_secret_file": pki.p12_secret,
        "tsa_url": pki.tsa_url,
        "trust": [pki.anchors],
    }
    production = Installation(installation.settings.model_copy(update=posing))
    [reception] = production.receive(samples / JPEG)
    assert [work.problem for work in production.ingest()] == [""]
    history = load(production.registry, str(reception.receipt))
    assert "development key" in why_keep_paper(history)


def test_one_source_that_cannot_be_opened_leaves_the_others_open(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    posts = {"kind": "imap", "host": "localhost", "user": "u", "password_file": str(tmp_path / "not-there")}
    settings = Settings(home=tmp_path, sources=[posts, {"kind": "folder", "path": str(tmp_path / "in")}])
    mailbox, folder = Connections(settings).open_sources()
    assert list(folder.offers()) == []
    with pytest.raises(FileNotFoundError):
        list(mailbox.offers())
    mailbox.close()


def test_a_process_that_served_the_development_pki_ends(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from config.settings import Settings; from tasks import trust;"
        "trust.serve_development_pki(Settings(home=Path(sys.argv[1]))); assert trust._serving"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=120)
