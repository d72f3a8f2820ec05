"""What every archive promises (`connectors.ports.Archive`), on memory, a directory and a server that enforces locks.

With `PROBANT_TEST_S3_URL` (and `_ENDPOINT`, `_REGION`) the suite runs on that bucket too.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connectors.archive import LocalArchive, MemoryArchive, S3Archive, S3Options, open_archive
from connectors.ports import Locked, Missing, Stored, Taken
from tests.contract.archives import CONTENT, KEY, OTHER, REAL_URL, Bench, MovedClock, RealClock, real_bench, sha256

if TYPE_CHECKING:
    from tests.servers.s3 import S3Server

pytest_plugins = ["tests.servers.s3"]


@pytest.fixture(params=["memory", "local", "s3", *(["real"] if REAL_URL else [])])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """An empty archive."""
    clock = MovedClock()
    if request.param == "memory":
        return Bench(MemoryArchive(clock), clock)
    if request.param == "local":
        return Bench(LocalArchive(tmp_path / "new" / "archive", clock), clock)
    if request.param == "real":
        return real_bench()
    server: S3Server = request.getfixturevalue("s3_server")
    prefix = f"archive/{secrets.token_hex(6)}"
    real = RealClock()
    return Bench(S3Archive(server.client(), request.getfixturevalue("bucket"), prefix, clock=real), real)


def test_locks_are_enforced_as_often_as_asked(bench: Bench) -> None:
    bench.archive.check()
    bench.archive.check()
    assert list(bench.archive.versions("")) == []
    canaries = list(bench.archive.versions(".canary"))
    assert len(canaries) == 1
    assert canaries[0].retain_until
    assert canaries[0].retain_until > bench.clock() + timedelta(days=1)


def test_shows_what_was_put_as_the_archive_has_it(bench: Bench) -> None:
    until = bench.after(hours=1)
    stored = bench.put(KEY, CONTENT, until)
    assert stored.key == KEY
    assert stored.sha256 == sha256(CONTENT)
    assert stored.size_bytes == len(CONTENT)
    assert stored.retain_until == until
    assert stored.retain_until.utcoffset() == timedelta(0)
    assert not stored.legal_hold
    assert stored.version_id
    assert stored.mode == ("COMPLIANCE" if bench.archive.is_compliance_tier else stored.storage_class)
    assert bench.archive.head(KEY) == bench.archive.head(KEY, stored.version_id) == stored
    assert bench.archive.get(KEY, stored.version_id) == CONTENT
    assert list(bench.archive.versions("")) == [stored]
    assert list(bench.archive.markers("")) == []


def test_only_object_lock_calls_itself_a_compliance_tier(bench: Bench) -> None:
    assert bench.archive.is_compliance_tier == bench.archive.url.startswith("s3://")


def test_the_same_bytes_again_are_the_same_version(bench: Bench) -> None:
    until = bench.after(hours=1)
    first = bench.put(KEY, CONTENT, until)
    assert bench.put(KEY, CONTENT, until) == first
    assert list(bench.archive.versions("")) == [first]


def test_the_same_bytes_again_lengthen_the_lock_and_never_shorten_it(bench: Bench) -> None:
    first = bench.put(KEY, until=bench.after(minutes=30))
    later = bench.after(hours=1)
    again = bench.put(KEY, until=later)
    assert (again.version_id, again.retain_until) == (first.version_id, later)
    assert bench.put(KEY, until=bench.after(minutes=40)) == again
    assert bench.archive.head(KEY) == again


def test_other_bytes_are_turned_away_and_change_nothing(bench: Bench) -> None:
    first = bench.put(KEY, CONTENT)
    with pytest.raises(Taken):
        bench.put(KEY, OTHER, bench.after(hours=2))
    assert list(bench.archive.versions("")) == [first]
    assert bench.archive.get(KEY, first.version_id) == CONTENT


def test_of_eight_writers_with_different_bytes_exactly_one_wins(bench: Bench) -> None:
    until = bench.after(hours=1)

    def write(number: int) -> Stored | None:
        try:
            return bench.put(KEY, b"writer %d" % number * 1000, until)
        except Taken:
            return None

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(write, range(8)))
    (winner,) = (number for number, outcome in enumerate(outcomes) if outcome)
    stored = bench.archive.head(KEY)
    assert outcomes[winner] == stored
    assert bench.archive.get(KEY, stored.version_id) == b"writer %d" % winner * 1000
    assert list(bench.archive.versions("")) == [stored]


def test_eight_writers_of_the_same_bytes_get_the_same_version(bench: Bench) -> None:
    until = bench.after(hours=1)
    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(lambda _: bench.put(KEY, CONTENT, until), range(8)))
    assert list(bench.archive.versions("")) == list(outcomes)


def test_content_must_have_the_digest_given(bench: Bench) -> None:
    for wrong in (sha256(OTHER), sha256(CONTENT).upper(), ""):
        with pytest.raises(ValueError, match="digest"):
            bench.archive.put(KEY, CONTENT, sha256=wrong, retain_until=bench.after(hours=1))
    assert list(bench.archive.versions("")) == []


def test_a_lock_ends_in_the_future_and_has_a_time_zone(bench: Bench) -> None:
    past = bench.clock() - timedelta(seconds=1)
    for wrong in (past, past.replace(microsecond=0), past.replace(year=1990)):
        with pytest.raises(ValueError, match="future"):
            bench.put(KEY, until=wrong)
    with pytest.raises(ValueError, match="time zone"):
        bench.put(KEY, until=bench.after(hours=1).replace(tzinfo=None))
    assert list(bench.archive.versions("")) == []


def test_a_lock_is_kept_to_the_second_in_utc_and_never_ends_early(bench: Bench) -> None:
    until = bench.after(hours=1)
    local = (until - timedelta(seconds=1) + timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=2)))
    stored = bench.put(KEY, until=local)
    assert stored.retain_until == until


def test_a_lock_is_never_shortened(bench: Bench) -> None:
    stored = bench.put(KEY)
    assert stored.retain_until
    for sooner in (stored.retain_until - timedelta(seconds=1), bench.clock() - timedelta(days=1)):
        with pytest.raises(Locked):
            bench.archive.extend(KEY, stored.version_id, sooner)
    assert bench.archive.head(KEY) == stored


def test_a_lock_is_extended_and_reads_back(bench: Bench) -> None:
    stored = bench.put(KEY)
    assert stored.retain_until
    assert bench.archive.extend(KEY, stored.version_id, stored.retain_until) == stored
    later = stored.retain_until + timedelta(minutes=1)
    extended = bench.archive.extend(KEY, stored.version_id, later)
    assert extended.retain_until == later
    assert extended.version_id == stored.version_id
    assert bench.archive.extend(KEY, stored.version_id, later) == extended == bench.archive.head(KEY)


def test_nothing_is_deleted_before_its_date(bench: Bench) -> None:
    stored = bench.put(KEY)
    with pytest.raises(Locked):
        bench.archive.delete(KEY, stored.version_id)
    assert bench.archive.head(KEY) == stored
    assert bench.archive.get(KEY, stored.version_id) == CONTENT


def test_after_its_date_it_is_destroyed_and_the_key_is_free_again(bench: Bench) -> None:
    until = bench.after(seconds=1)
    stored = bench.put(KEY, until=until)
    bench.clock.wait_until(until)
    bench.archive.delete(KEY, stored.version_id)
    bench.archive.delete(KEY, stored.version_id)
    with pytest.raises(Missing):
        bench.archive.head(KEY)
    with pytest.raises(Missing):
        bench.archive.get(KEY, stored.version_id)
    assert list(bench.archive.versions("")) == []
    assert list(bench.archive.markers("")) == []
    assert bench.archive.get(KEY, bench.put(KEY, OTHER).version_id) == OTHER


def test_a_legal_hold_outlasts_the_date(bench: Bench) -> None:
    until = bench.after(seconds=1)
    stored = bench.put(KEY, until=until)
    for _ in range(2):
        held = bench.archive.hold(KEY, stored.version_id, on=True)
        assert held.legal_hold
        assert held.retain_until == until
    bench.clock.wait_until(until)
    with pytest.raises(Locked, match="hold"):
        bench.archive.delete(KEY, stored.version_id)
    assert bench.archive.head(KEY) == held
    for _ in range(2):
        assert not bench.archive.hold(KEY, stored.version_id, on=False).legal_hold
    bench.archive.delete(KEY, stored.version_id)
    with pytest.raises(Missing):
        bench.archive.head(KEY)


def test_a_hold_does_not_end_with_an_extension(bench: Bench) -> None:
    stored = bench.put(KEY)
    bench.archive.hold(KEY, stored.version_id, on=True)
    assert bench.archive.extend(KEY, stored.version_id, bench.after(hours=2)).legal_hold
    assert bench.put(KEY).legal_hold


@pytest.mark.parametrize("version", ["no-such-version", "01BX5ZZKBKACTAV9WEVGEMMVRZ"])
def test_what_is_not_there_is_missing(bench: Bench, version: str) -> None:
    bench.put(KEY)
    with pytest.raises(Missing):
        bench.archive.head("default/ab/other.pdf")
    for key in (KEY, "default/ab/other.pdf"):
        with pytest.raises(Missing):
            bench.archive.head(key, version)
        with pytest.raises(Missing):
            bench.archive.get(key, version)
        with pytest.raises(Missing):
            bench.archive.extend(key, version, bench.after(hours=2))
        with pytest.raises(Missing):
            bench.archive.hold(key, version, on=True)
        bench.archive.delete(key, version)
    assert len(list(bench.archive.versions(""))) == 1


def test_lists_versions_below_whole_segments_ascending_by_key(bench: Bench) -> None:
    keys = ["a-1/x.pdf", "a.1/x.pdf", "a/2.pdf", "a/10.pdf", "a/sub/x.pdf", "a0", "ab/c.pdf", "B"]
    stored = {key: bench.put(key, key.encode()) for key in keys}
    assert list(bench.archive.versions("")) == [stored[key] for key in sorted(keys)]
    assert [found.key for found in bench.archive.versions("a")] == ["a/10.pdf", "a/2.pdf", "a/sub/x.pdf"]
    assert [found.key for found in bench.archive.versions("a/sub")] == ["a/sub/x.pdf"]
    assert list(bench.archive.versions("a0")) == []


@pytest.mark.parametrize("key", ["", "/a", "a/", "../a", "a/../b", "a b", "é", ".locks/a.json", ".guard", "x" * 241])
def test_keys_of_another_form_are_refused(bench: Bench, key: str) -> None:
    for attempt in (
        lambda: bench.put(key),
        lambda: bench.archive.head(key),
        lambda: bench.archive.get(key, "v"),
        lambda: bench.archive.extend(key, "v", bench.after(hours=1)),
        lambda: bench.archive.hold(key, "v", on=True),
        lambda: bench.archive.delete(key, "v"),
    ):
        with pytest.raises(ValueError, match="key"):
            attempt()
    assert list(bench.archive.versions("")) == []


def test_opens_by_url(tmp_path: Path) -> None:
    def clock() -> datetime:
        return datetime.now(UTC)

    options = S3Options(endpoint="http://127.0.0.1:9")
    assert isinstance(open_archive("memory:", s3=options, clock=clock), MemoryArchive)
    assert isinstance(open_archive(str(tmp_path), s3=options, clock=clock), LocalArchive)
    archive = open_archive("s3://bucket/some/prefix/", s3=options, clock=clock)
    assert isinstance(archive, S3Archive)
    assert archive.url == "s3://bucket/some/prefix"
    for url in ("", "gs://bucket", "s3://", "s3://bucket/a b"):
        with pytest.raises(ValueError, match=r"known|form|key"):
            open_archive(url, s3=options, clock=clock)
