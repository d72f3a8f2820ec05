"""What only a directory suffers: crashes, outsiders with a file manager, lost and foreign files."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.archive import LocalArchive
from connectors.ports import Locked, Missing, NotEnforced, Taken
from tests.contract.archives import Bench, MovedClock, sha256

KEY = "default/ab/receipt.pdf"
CONTENT = b"%PDF-1.7 a receipt"

WRITER = """
import hashlib, itertools, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from connectors.archive import LocalArchive
archive = LocalArchive(Path(sys.argv[1]), lambda: datetime.now(UTC))
for number in itertools.count():
    content = b"%08d" % number * 100_000
    digest = hashlib.sha256(content).hexdigest()
    archive.put(f"k/{number}.pdf", content, sha256=digest, retain_until=datetime(2099, 1, 1, tzinfo=UTC))
    print(number, flush=True)
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    clock = MovedClock()
    return Bench(LocalArchive(tmp_path / "archive", clock), clock)


def test_files_lie_under_their_keys_read_only(bench: Bench, tmp_path: Path) -> None:
    bench.put(KEY, CONTENT)
    path = tmp_path / "archive" / KEY
    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE((tmp_path / "archive").stat().st_mode) == 0o700
    assert sorted(p.name for p in (tmp_path / "archive").iterdir()) == [".guard", ".locks", ".unfinished", "default"]
    assert not list((tmp_path / "archive" / ".unfinished").iterdir())


def test_another_process_sees_the_same_locks(bench: Bench, tmp_path: Path) -> None:
    stored = bench.put(KEY)
    again = LocalArchive(tmp_path / "archive", bench.clock)
    assert again.head(KEY) == stored
    with pytest.raises(Locked):
        again.delete(KEY, stored.version_id)


@pytest.mark.parametrize("pause_s", [0.0, 0.011, 0.023, 0.037])
def test_a_kill_leaves_nothing_or_the_whole_object_with_its_lock(tmp_path: Path, pause_s: float) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert writer.stdout
    said = [writer.stdout.readline() for _ in range(3)]
    time.sleep(pause_s)
    writer.send_signal(signal.SIGKILL)
    said += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    bench = Bench(LocalArchive(tmp_path, MovedClock()), MovedClock())
    found = {stored.key: stored for stored in bench.archive.versions("k")}
    done = [int(line) for line in said if line.endswith("\n") and line.strip()]
    assert {f"k/{number}.pdf" for number in done} <= set(found)
    for key, stored in found.items():
        content = bench.archive.get(key, stored.version_id)
        assert sha256(content) == stored.sha256
        assert stored.retain_until
        assert stored.retain_until.year == 2099
    following = len(done)  # what it was at when it died; whatever is left of it, the next try completes it
    content = b"%08d" % following * 100_000
    until = bench.after(days=365 * 80)
    assert bench.archive.put(
        f"k/{following}.pdf", content, sha256=sha256(content), retain_until=until
    ).size_bytes == len(content)


def test_unfinished_files_of_a_crash_are_destroyed_by_the_next_check(bench: Bench, tmp_path: Path) -> None:
    bench.put(KEY)
    left = tmp_path / "archive" / ".unfinished" / "left"
    left.write_bytes(b"half a receipt")
    os.utime(left, (time.time() - 86400,) * 2)
    bench.archive.check()
    assert not left.exists()


def test_a_lock_left_without_its_object_is_completed_by_the_next_put(bench: Bench, tmp_path: Path) -> None:
    until = bench.after(days=10)
    stored = bench.archive.hold(KEY, bench.put(KEY, CONTENT, until).version_id, on=True)
    (tmp_path / "archive" / KEY).unlink()
    with pytest.raises(Missing):
        bench.archive.head(KEY)
    assert list(bench.archive.markers("")) == [KEY]
    assert bench.put(KEY, CONTENT) == stored, "a shorter date or a hold lost would free it early"
    assert list(bench.archive.markers("")) == []


def test_bytes_changed_behind_our_back_are_not_called_archived(bench: Bench, tmp_path: Path) -> None:
    stored = bench.put(KEY, CONTENT)
    path = tmp_path / "archive" / KEY
    path.chmod(0o644)
    path.write_bytes(b"%PDF-1.7 a forgery")
    with pytest.raises(Taken):
        bench.put(KEY, CONTENT)
    assert sha256(bench.archive.get(KEY, stored.version_id)) != stored.sha256


@pytest.mark.parametrize("damage", [None, b"", b"{}", b"[]", b'{"retain_until": 7}'])
def test_an_object_whose_lock_is_lost_shows_none_and_stays(bench: Bench, tmp_path: Path, damage: bytes | None) -> None:
    stored = bench.put(KEY)
    lock = tmp_path / "archive" / ".locks" / f"{KEY}.json"
    lock.unlink()
    if damage is not None:
        lock.write_bytes(damage)
    shown = bench.archive.head(KEY)
    assert (shown.retain_until, shown.mode, shown.sha256) == (None, None, stored.sha256)
    with pytest.raises(Locked):
        bench.archive.delete(KEY, shown.version_id)
    assert bench.put(KEY, until=stored.retain_until) == stored == bench.archive.head(KEY)


def test_files_of_others_are_shown_without_a_lock(bench: Bench, tmp_path: Path) -> None:
    bench.put(KEY)
    (tmp_path / "archive" / "default" / "my holiday.jpg").write_bytes(b"x")
    (tmp_path / "archive" / ".DS_Store").write_bytes(b"x")
    found = {stored.key: stored.retain_until for stored in bench.archive.versions("")}
    assert list(found) == [".DS_Store", KEY, "default/my holiday.jpg"]
    assert [key for key, until in found.items() if until] == [KEY]


def test_eight_extensions_at_once_leave_the_longest(bench: Bench) -> None:
    stored = bench.put(KEY)
    dates = [bench.after(days=number) for number in range(1, 9)]

    def extend(until: object) -> None:
        try:
            bench.archive.extend(KEY, stored.version_id, until)  # type: ignore[arg-type]
        except Locked:
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(extend, dates))
    assert bench.archive.head(KEY).retain_until == dates[-1]


def test_a_lock_is_a_file_that_anyone_can_read(bench: Bench, tmp_path: Path) -> None:
    stored = bench.put(KEY)
    fields = json.loads((tmp_path / "archive" / ".locks" / f"{KEY}.json").read_text())
    assert stored.retain_until
    assert fields["retain_until"] == stored.retain_until.isoformat()
    assert fields["sha256"] == sha256(CONTENT)


def test_a_directory_whose_locks_do_not_hold_is_found_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.archive.local.check_deletable", lambda stored, now: None)
    with pytest.raises(NotEnforced, match="deleting"):
        bench.archive.check()


def test_a_wall_clock_set_back_frees_nothing(bench: Bench) -> None:
    stored = bench.put(KEY)
    bench.clock.now -= timedelta(days=400)  # type: ignore[union-attr]
    with pytest.raises(Locked):
        bench.archive.delete(KEY, stored.version_id)
