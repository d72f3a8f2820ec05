"""Evidence records (RFC 4998) as proofs of existence: judged as DSS judges them, or less."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from connectors import devpki as development
from connectors.devpki import DevPki
from receipts import pades
from receipts.evidence_record import BadRecord, check_record
from tests import judge
from tests.conftest import free_port
from tests.pki import anchors_of, archive_file, seal_all
from tests.receipts.pades_attacks import answers, flip
from tests.receipts.records import new_chain_leaf, record, renewed_leaf, stamp

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + 400 * DAY
GOOD = ("alone", "in a tree", "renewed in time", "hash tree renewed")


@dataclass(frozen=True)
class World:
    """A B-LT file whose time-stamping unit has expired by LATER, and records for it."""

    folder: Path
    sealer: DevPki
    archive: DevPki
    content: bytes
    records: Mapping[str, bytes]

    def judged(self, der: bytes) -> pades.Report:
        anchors = anchors_of(self.sealer) + anchors_of(self.archive)
        return pades.validate(self.content, anchors, at=LATER, evidence_records=[der])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("records")

    def pki(name: str, **days: int) -> DevPki:
        return development.make(folder / name, free_port(), NOW, days=days)

    sealer, archive, short, foreign = pki("sealer", tsu=30), pki("archive"), pki("short", tsu=60), pki("foreign")
    with development.serve(sealer.folder):
        [sealed] = seal_all([archive_file()], sealer)
    content = pades.augment(sealed, answers(sealer, NOW + HOUR))
    (archive.anchors).write_bytes(archive.anchors.read_bytes() + short.anchors.read_bytes())
    records = {**good(content, archive, short), **bad(content, archive, short, foreign)}
    return World(folder, sealer, archive, content, records)


def good(content: bytes, archive: DevPki, short: DevPki) -> dict[str, bytes]:
    leaf = hashlib.sha256(content).digest()
    siblings = [[hashlib.sha256(b"1").digest()], [hashlib.sha256(b"2").digest()]]
    first = stamp(leaf, short, NOW + DAY)
    second = stamp(renewed_leaf(first), archive, NOW + 40 * DAY)
    renewed = [[first, second]]
    new_leaf = new_chain_leaf(content, renewed, algorithm="sha512")
    third = stamp(new_leaf, archive, NOW + 50 * DAY, algorithm="sha512")
    return {
        "alone": record([stamp(leaf, archive, NOW + DAY)]),
        "in a tree": record([stamp(leaf, archive, NOW + DAY, siblings)]),
        "renewed in time": record(*renewed),
        "hash tree renewed": record(*renewed, [third], algorithms=["sha256", "sha512"]),
    }


def bad(content: bytes, archive: DevPki, short: DevPki, foreign: DevPki) -> dict[str, bytes]:
    leaf, other = hashlib.sha256(content).digest(), hashlib.sha256(b"other").digest()
    first = stamp(leaf, short, NOW + DAY)
    in_time = stamp(renewed_leaf(first), archive, NOW + 40 * DAY)
    third = stamp(hashlib.sha512(content).digest(), archive, NOW + 50 * DAY, algorithm="sha512")
    alone = record([stamp(leaf, archive, NOW + DAY)])
    token, late = alone.rindex(b"\x04"), stamp(leaf, archive, NOW + 2 * DAY)
    return {
        "of another file": record([stamp(other, archive, NOW + DAY)]),
        "of another file, with a tree": record([stamp(other, archive, NOW + DAY, [[leaf]])]),
        "by nobody known": record([stamp(leaf, foreign, NOW + DAY)]),
        "unit expired": record([first]),
        "renewed too late": record([first, stamp(renewed_leaf(first), archive, NOW + 70 * DAY)]),
        "renewed over something else": record([first, stamp(leaf, archive, NOW + 40 * DAY)]),
        "hash tree renewed without the chains": record([first, in_time], [third], algorithms=["sha256", "sha512"]),
        "going back in time": record([late, stamp(renewed_leaf(late), archive, NOW + DAY)]),
        "algorithm not declared": record([stamp(leaf, archive, NOW + DAY)], algorithms=["sha512"]),
        "token altered": flip(alone, token + 12),
        "with something after it": alone + b"\0\0",
        "from the future": record([stamp(leaf, archive, LATER + DAY)]),
    }


def test_records_are_judged_as_by_dss_or_less(world: World) -> None:
    path = world.folder / "file.pdf"
    path.write_bytes(world.content)
    arguments: list[object] = ["--trust", world.sealer.anchors, "--trust", world.archive.anchors]
    arguments += ["--at", LATER.strftime("%Y-%m-%dT%H:%M:%SZ")]
    for number, der in enumerate(world.records.values()):
        (world.folder / f"{number}.er").write_bytes(der)
        arguments += ["--evidence-record", world.folder / f"{number}.er", "--detached", path]
    command = [str(each) for each in (judge.installed("dss"), *arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    said = [json.loads(line)["passed"] for line in run.stdout.splitlines()]
    theirs = {name for name, passed in zip(world.records, said, strict=True) if passed}
    ours = {name: world.judged(der).evidence_records[0] for name, der in world.records.items()}
    assert {name for name, each in ours.items() if each.passed} == set(GOOD)
    assert theirs == {*GOOD, "from the future"}  # DSS does not mind
    assert {name: str(each.sub_indication) for name, each in ours.items() if not each.passed} == {
        "of another file": "HASH_FAILURE",
        "of another file, with a tree": "HASH_FAILURE",
        "by nobody known": "NO_CERTIFICATE_CHAIN_FOUND",
        "unit expired": "OUT_OF_BOUNDS_NO_POE",
        "renewed too late": "OUT_OF_BOUNDS_NO_POE",
        "renewed over something else": "HASH_FAILURE",
        "hash tree renewed without the chains": "HASH_FAILURE",
        "going back in time": "TIMESTAMP_ORDER_FAILURE",
        "algorithm not declared": "FORMAT_FAILURE",
        "token altered": "NO_POE",
        "with something after it": "FORMAT_FAILURE",
        "from the future": "NOT_YET_VALID",
    }


def test_a_record_proves_what_the_file_alone_does_not(world: World) -> None:
    anchors = anchors_of(world.sealer) + anchors_of(world.archive)
    alone = pades.validate(world.content, anchors, at=LATER)
    assert (alone.passed, alone.sub_indication) == (False, "OUT_OF_BOUNDS_NO_POE")
    for name in GOOD:
        report = world.judged(world.records[name])
        assert (report.passed, report.headline.level) == (True, "PAdES-BASELINE-LT"), report.why
        [stamped] = [
            each for each in report.headline.checks if each.name == "time-stamp" and "as evidence" in each.evidence
        ]
        assert str(NOW + DAY) in stamped.evidence
    # One that proves nothing is no help, and is not passed over in silence.
    assert not any(world.judged(der).passed for name, der in world.records.items() if name not in GOOD)
    now = pades.validate(world.content, anchors, at=NOW + DAY, evidence_records=[b""])
    assert (now.passed, now.sub_indication) == (False, "NO_POE")


@settings(max_examples=100)
@given(data=st.data())
def test_an_altered_record_crashes_nothing(world: World, data: st.DataObject) -> None:
    whole = world.records[data.draw(st.sampled_from(GOOD))]
    position = data.draw(st.integers(0, len(whole) - 1))
    damaged = flip(whole, position, 1 << data.draw(st.integers(0, 7)))
    [judged] = world.judged(damaged).evidence_records
    assert judged.kind == "evidence record"


@settings(max_examples=200)
@given(der=st.binary(max_size=200))
def test_rubbish_is_refused(der: bytes) -> None:
    with pytest.raises(BadRecord):
        check_record(der, b"")
    with pytest.raises(BadRecord):
        check_record(b"\x30\x80" + der, b"")


def test_on_the_command_line(world: World, tmp_path: Path) -> None:
    from apps.cli import app
    from config.settings import Settings
    from tasks.connections import Connections, use

    joined = tmp_path / "anchors.pem"
    joined.write_bytes(world.sealer.anchors.read_bytes() + world.archive.anchors.read_bytes())
    use(Connections(Settings(home=tmp_path / "home", signer="file:///nowhere.p12", trust=[joined])))
    try:
        (tmp_path / "file.pdf").write_bytes(world.content)
        (tmp_path / "file.er").write_bytes(world.records["renewed in time"])
        arguments = ["verify", str(tmp_path / "file.pdf"), "--at", LATER.isoformat()]
        runner = CliRunner()
        assert runner.invoke(app, arguments).exit_code == 1
        with_record = runner.invoke(app, [*arguments, "--evidence-record", str(tmp_path / "file.er")])
        assert with_record.exit_code == 0, with_record.output
        assert "evidence record 1" in with_record.output
    finally:
        use(None)
