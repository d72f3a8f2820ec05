"""What every registry promises (`connectors.ports.Registry`) of lines, rows and arrivals."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta, timezone

import pytest

from connectors.ports import Conflict, Record, Registry
from tests.contract.registries import HOUR
from tests.contract.registry_lines import EPOCH, Stream, altered, line, project

pytest_plugins = ["tests.servers.postgres"]


def test_appended_lines_and_rows_are_read_back_exactly(registry: Registry) -> None:
    stream = Stream("t/a", at=EPOCH.astimezone(timezone(timedelta(hours=-9))))
    odd = 'é\u2028\U0001f9fe "quoted" \\ it\'s'
    first = stream.append(registry, arrivals=[("folder:x", "ø/1")], name=odd, nul="\0", n=2**60, yes=True, none=None)
    found = registry.row("t/a")
    assert found == first
    assert found is not None
    assert (found.received_at, found.received_at.tzinfo) == (EPOCH, UTC)
    assert (type(found.arrivals), type(found.unsettled), found.summary["name"]) == (tuple, tuple, odd)
    second = stream.append(registry, "DONE", settled=[("folder:x", "ø/1")])
    assert registry.row("t/a") == second
    assert registry.lines("t/a") == stream.records
    assert registry.journal() == [(1, stream.records[0]), (2, stream.records[1])]
    assert (registry.lines("t/none"), registry.row("t/none")) == ([], None)


def test_rows_are_listed_by_code_point_and_filtered(registry: Registry) -> None:
    names = ["a/1", "a/B", "a/b", "a-b/1", "b/1", "B/1", "a/é", "a/z", "a1/1"]
    for name in names:
        Stream(name).append(registry, "NEW" if name < "a/c" else "DONE")
    listed = [row.stream for row in registry.rows()]
    assert listed == sorted(names)
    paged = [row.stream for start in ("", *listed) for row in registry.rows(after=start, limit=1)]
    assert paged == listed
    assert [row.stream for row in registry.rows(tenant="a", states=iter(["DONE"]))] == ["a/z", "a/é"]
    assert registry.rows(states=[]) == []
    assert registry.count() == {"NEW": 5, "DONE": 4}


def test_a_line_must_follow_the_stream(registry: Registry) -> None:
    stream = Stream("t/a")
    record, row = stream.next()
    later = line("t/a", 1, state="NEW")
    with pytest.raises(Conflict):
        registry.append(later, altered(row, count=2, head=later.digest), claim=None)
    stream.append(registry)
    with pytest.raises(Conflict):
        registry.append(record, row, claim=None)
    assert (registry.lines("t/a"), registry.row("t/a")) == ([record], row)


def test_a_row_must_follow_from_its_line(registry: Registry) -> None:
    record, row = Stream("t/a").next(arrivals=[("s", "k")])
    wrong_rows = [
        altered(row, count=2),
        altered(row, head="0" * 64),
        altered(row, stream="t/b"),
        altered(row, received_at=EPOCH.replace(tzinfo=None)),
        altered(row, unsettled=[("s", "other")]),
        altered(row, arrivals=[("s", "k\0")], unsettled=[]),
    ]
    for wrong in wrong_rows:
        with pytest.raises(ValueError, match="t/"):
            registry.append(record, wrong, claim=None)
    forged = Record(stream="t/a", position=0, body=record.body + " ", digest=record.digest)
    with pytest.raises(ValueError, match="digest"):
        registry.append(forged, row, claim=None)
    assert registry.journal() == []
    assert registry.rows() == []


def test_of_eight_writers_at_one_position_one_wins(registry: Registry) -> None:
    names = [f"t/{n}" for n in range(6)]
    barrier = threading.Barrier(8, timeout=60)

    def write(writer: int) -> list[str]:
        won = []
        for name in names:
            record, row = Stream(name).next(writer=writer)
            barrier.wait()
            try:
                registry.append(record, row, claim=None)
            except Conflict:
                continue
            won.append(name)
        return won

    with ThreadPoolExecutor(8) as pool:
        winners = [name for won in pool.map(write, range(8)) for name in won]
    assert sorted(winners) == names
    for name in names:
        (record,) = registry.lines(name)
        row = registry.row(name)
        assert row == project([record])


def test_a_reader_of_the_journal_misses_no_line(registry: Registry) -> None:
    writers, each = 6, 40
    threads = ThreadPoolExecutor(writers)

    def write(writer: int) -> None:
        stream = Stream(f"t/{writer}")
        for _ in range(each):
            stream.append(registry)

    futures = [threads.submit(write, writer) for writer in range(writers)]
    seen: list[tuple[int, Record]] = []
    done = False
    while not done:
        done = all(
            future.done() for future in futures
        )  # looked at before the journal, so that the last look is late enough
        while news := registry.journal(after=seen[-1][0] if seen else 0, limit=7):
            seen += news
    threads.shutdown()
    for future in futures:
        future.result()
    assert len(seen) == writers * each
    assert seen == registry.journal(limit=10_000)
    assert [number for number, _ in seen] == sorted({number for number, _ in seen})


def test_an_arrival_belongs_to_one_stream(registry: Registry) -> None:
    first, second = Stream("t/a"), Stream("t/b")
    first.append(registry, arrivals=[("s", "1")])
    with pytest.raises(Conflict):
        second.append(registry, arrivals=[("s", "2"), ("s", "1")])
    assert (registry.row("t/b"), registry.lines("t/b"), registry.arrival("s", "2")) == (None, [], None)
    second.append(registry, arrivals=[("other", "1"), ("s", "2")])
    assert registry.arrival("s", "1") == "t/a"
    assert registry.arrival("other", "1") == "t/b"
    with pytest.raises(Conflict):
        first.append(registry, arrivals=[("s", "2")])
    assert len(registry.lines("t/a")) == 1
    first.append(registry, arrivals=[("s", "3")])
    assert registry.arrival("s", "3") == "t/a"


def test_an_arrival_taken_in_twice_at_once_belongs_to_one_stream(registry: Registry) -> None:
    barrier = threading.Barrier(4, timeout=60)

    def take(writer: int) -> list[str]:
        won = []
        for number in range(10):
            record, row = Stream(f"t/{writer}-{number}").next(arrivals=[("s", f"{number}-b"), ("s", f"{number}-a")])
            barrier.wait()
            try:
                registry.append(record, row, claim=None)
            except Conflict:
                continue
            won.append(row.stream)
        return won

    with ThreadPoolExecutor(4) as pool:
        winners = {stream for won in pool.map(take, range(4)) for stream in won}
    assert len(winners) == 10
    assert {registry.arrival("s", f"{n}-{x}") for n in range(10) for x in "ab"} == winners
    assert {row.stream for row in registry.rows()} == winners


def test_unsettled_arrivals_are_listed_until_settled(registry: Registry) -> None:
    old, new = Stream("t/z", at=EPOCH - HOUR), Stream("t/a")
    new.append(registry, arrivals=[("s", "3"), ("other", "9")])
    old.append(registry, arrivals=[("s", "2"), ("s", "1")])
    assert registry.unsettled("s", states=iter(["NEW"])) == [("1", "t/z"), ("2", "t/z"), ("3", "t/a")]
    assert registry.unsettled("s", states=["NEW"], limit=1) == [("1", "t/z")]
    assert registry.unsettled("s", states=["DONE"]) == []
    assert registry.unsettled("s", states=[]) == []
    old.append(registry, "DONE", settled=[("s", "2")])
    assert registry.unsettled("s", states=["NEW", "DONE"]) == [("1", "t/z"), ("3", "t/a")]
    assert registry.unsettled("s", states=["DONE"]) == [("1", "t/z")]
    assert registry.arrival("s", "2") == "t/z"
