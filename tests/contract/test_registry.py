"""What every registry promises (`connectors.ports.Registry`), on memory, SQLite and a real PostgreSQL."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from connectors.ports import Claim, Conflict, Fenced, Record, Registry
from connectors.registry import MemoryRegistry, migrate, open_registry, upgrade
from connectors.registry.engine import connect
from connectors.registry.migrate import VERSION_TABLE
from connectors.registry.schema import metadata
from tests.contract.registry_lines import EPOCH, Stream, altered, line, project

pytest_plugins = ["tests.servers.postgres"]

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new folder' / 'registry.sqlite'}"
    make: Callable[[], str] = request.getfixturevalue("postgres_database")
    return make()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """An empty registry."""
    if request.param == "memory":
        url = "memory:"
    elif request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_database")()
    opened = open_registry(url)
    yield opened
    opened.close()
    opened.close()


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """A connection to the same tables for someone who means harm."""
    upgrade(database)
    engine = connect(database)
    yield engine
    engine.dispose()


def claim_all(registry: Registry, states: tuple[str, ...] = ("NEW",), **more: object) -> list[Claim]:
    """Claim whatever can be claimed at `NOW`."""
    arguments = {"limit": 1000, "now": NOW, "lease_until": NOW + HOUR, "owner": "test", **more}
    return registry.claim(states, **arguments)  # type: ignore[arg-type]


def claim_one(registry: Registry, **more: object) -> Claim:
    """Claim the only claimable stream."""
    (claim,) = claim_all(registry, **more)  # type: ignore[arg-type]
    return claim


def tables(registry: Registry) -> object:
    """Everything that the index answers."""
    rows = registry.rows()
    arrivals = {arrival: registry.arrival(*arrival) for row in rows for arrival in row.arrivals}
    unsettled = {source: registry.unsettled(source, states=["NEW", "DONE"]) for source, _ in arrivals}
    return rows, [registry.row(row.stream) for row in rows], registry.count(), arrivals, unsettled


# --- lines and rows --------------------------------------------------------------------------------------------------


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


# --- arrivals --------------------------------------------------------------------------------------------------------


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


# --- claims ----------------------------------------------------------------------------------------------------------


def test_claims_go_to_who_waits_longest(registry: Registry) -> None:
    for age, name in ((1, "t/b"), (3, "t/c"), (2, "t/a")):
        Stream(name, at=EPOCH - age * HOUR).append(registry)
    Stream("t/done").append(registry, "DONE")
    claims = [*claim_all(registry, limit=2), *claim_all(registry, limit=2)]
    assert [claim.stream for claim in claims] == ["t/c", "t/a", "t/b"]
    assert {claim.lease_until for claim in claims} == {NOW + HOUR}
    assert claim_all(registry) == []
    assert claim_all(registry, states=()) == []
    assert [claim.stream for claim in claim_all(registry, ("DONE", "OTHER"))] == ["t/done"]


def test_a_receipt_that_failed_waits_behind_those_that_wait_longer(registry: Registry) -> None:
    Stream("t/failed", at=NOW - 3 * HOUR).append(registry)
    Stream("t/died", at=NOW - 2 * HOUR).append(registry)
    failed, _ = claim_all(registry, now=NOW - 2 * HOUR, lease_until=NOW - HOUR)
    registry.release([failed], not_before=NOW - HOUR / 2)
    Stream("t/new", at=NOW - HOUR * 1.5).append(registry)
    assert [claim.stream for claim in claim_all(registry)] == ["t/new", "t/died", "t/failed"]


def test_a_lease_ends_when_it_says(registry: Registry) -> None:
    Stream("t/a").append(registry)
    first = claim_one(registry)
    assert claim_all(registry, now=NOW + HOUR - timedelta(microseconds=1)) == []
    second = claim_one(registry, now=NOW + HOUR, lease_until=NOW + 2 * HOUR)
    assert second.token > first.token


def test_only_the_newest_token_may_append(registry: Registry) -> None:
    stream = Stream("t/a")
    stream.append(registry)
    never = Claim(stream="t/a", token=0, lease_until=NOW)
    with pytest.raises(Fenced):
        stream.append(registry, claim=never)
    old = claim_one(registry, lease_until=NOW)
    stream.append(registry, claim=old)  # expired at once, but nobody else has claimed
    new = claim_one(registry)
    with pytest.raises(Fenced):
        stream.append(registry, claim=old)
    with pytest.raises(Fenced):
        stream.append(registry, claim=Claim(stream="t/a", token=new.token + 1, lease_until=NOW + HOUR))
    with pytest.raises(Fenced):
        Stream("t/b").append(registry, claim=new)
    assert (registry.lines("t/a"), registry.row("t/b")) == (stream.records, None)
    stream.append(registry, "DONE", claim=new)
    stream.append(registry, "DONE")  # a note needs no claim
    with pytest.raises(Fenced):  # and an old token is refused before the position is looked at
        registry.append(*Stream("t/a").next(), claim=old)


def test_a_renewed_lease_runs_longer(registry: Registry) -> None:
    for name in ("t/a", "t/b", "t/c"):
        Stream(name).append(registry)
    first, second, third = claim_all(registry)
    registry.release([third])
    newer = claim_all(registry, now=NOW + HOUR, lease_until=NOW + 2 * HOUR, limit=1)
    assert [claim.stream for claim in newer] == ["t/c"]
    registry.release([second])
    renewed = registry.renew([third, second, first], lease_until=NOW + 9 * HOUR)
    assert renewed == [Claim(stream="t/a", token=first.token, lease_until=NOW + 9 * HOUR)]
    free = claim_all(registry, now=NOW + 8 * HOUR)
    assert [claim.stream for claim in free] == ["t/b", "t/c"]
    assert registry.renew([], lease_until=NOW) == []


def test_what_is_given_back_is_free_from_the_time_it_says(registry: Registry) -> None:
    Stream("t/a").append(registry)
    old = claim_one(registry)
    registry.release([old])
    new = claim_one(registry)
    registry.release([old], not_before=NOW)  # no longer its own
    assert claim_all(registry) == []
    registry.release([new], not_before=NOW + HOUR)
    assert claim_all(registry, now=NOW + HOUR - timedelta(microseconds=1)) == []
    newest = claim_one(registry, now=NOW + HOUR, lease_until=NOW + 2 * HOUR)
    assert old.token < new.token < newest.token
    registry.release([newest])
    assert claim_one(registry).token > newest.token


def test_claims_of_threads_never_overlap(registry: Registry) -> None:
    for number in range(60):
        Stream(f"t/{number}").append(registry)
    barrier = threading.Barrier(8, timeout=60)

    def take(_: int) -> list[str]:
        taken: list[str] = []
        barrier.wait()
        while claims := claim_all(registry, limit=2):
            taken += [claim.stream for claim in claims]
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [stream for streams in pool.map(take, range(8)) for stream in streams]
    assert len(taken) == len(set(taken))
    # Someone may have looked while a row was in another's hands; it is there at the next look.
    left = [claim.stream for claim in claim_all(registry)]
    assert sorted(taken + left) == sorted(f"t/{number}" for number in range(60))


def test_an_append_and_a_new_claim_never_both_succeed(registry: Registry) -> None:
    streams = [Stream(f"t/{number:02}") for number in range(30)]
    for stream in streams:
        stream.append(registry)
    claims = {claim.stream: claim for claim in claim_all(registry, lease_until=NOW)}
    barrier = threading.Barrier(2, timeout=60)
    appended: dict[str, int] = {}

    def work() -> None:
        for stream in streams:
            barrier.wait()
            try:
                stream.append(registry, claim=claims[stream.name])
            except Fenced:
                continue
            appended[stream.name] = claims[stream.name].token

    def take_over() -> list[tuple[Claim, int]]:
        seen = []
        for _ in streams:
            barrier.wait()
            seen += [(claim, len(registry.lines(claim.stream))) for claim in claim_all(registry, limit=1)]
        return seen

    with ThreadPoolExecutor(2) as pool:
        working, taking = pool.submit(work), pool.submit(take_over)
        working.result()
        taken = taking.result()
    # What a new claimant reads is final: the old one wrote before, or not at all.
    for claim, seen in taken:
        assert len(registry.lines(claim.stream)) == seen


# --- rebuild ---------------------------------------------------------------------------------------------------------


def test_rebuild_makes_the_same_tables_and_keeps_claims(registry: Registry) -> None:
    streams = [Stream(f"t/{number}", at=EPOCH - number * HOUR) for number in range(5)]
    for stream in streams:
        stream.append(registry, arrivals=[("s", stream.name), ("r", stream.name)], name="é", n=1, none=None)
    claims = claim_all(registry, limit=2)
    streams[4].append(registry, "DONE", settled=[("r", "t/4")], claim=claims[0])
    before = tables(registry)
    assert registry.rebuild(project) == 5
    assert tables(registry) == before
    streams[3].append(registry, "DONE", claim=claims[1])
    assert [claim.stream for claim in claim_all(registry)] == ["t/2", "t/1", "t/0"]
    assert registry.rebuild(project) == 5


def test_rebuild_follows_the_journal_not_the_index(registry: Registry) -> None:
    stream = Stream("t/a")
    record, row = stream.next(arrivals=[("s", "1")])
    wrong = altered(row, state="WRONG", tenant="x", arrivals=[("s", "2")], unsettled=[], summary={"wrong": True})
    registry.append(record, wrong, claim=None)
    assert registry.arrival("s", "2") == "t/a"
    assert registry.rebuild(project) == 1
    assert registry.row("t/a") == row
    assert (registry.arrival("s", "1"), registry.arrival("s", "2")) == ("t/a", None)


def test_a_rebuild_that_fails_changes_nothing(registry: Registry) -> None:
    for name in ("t/a", "t/b"):
        Stream(name).append(registry, arrivals=[("s", name)])
    before = tables(registry)

    def broken(lines: object) -> object:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        registry.rebuild(broken)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="does not follow"):
        registry.rebuild(lambda lines: altered(project(lines), count=7))
    with pytest.raises(Conflict):
        registry.rebuild(lambda lines: altered(project(lines), arrivals=[("s", "same")], unsettled=[]))
    assert tables(registry) == before


def test_an_empty_registry_is_rebuilt(registry: Registry) -> None:
    assert registry.rebuild(project) == 0
    assert (registry.rows(), registry.journal(), registry.count()) == ([], [], {})


# --- any sequence of calls -------------------------------------------------------------------------------------------

NAMES = ("t/a", "t/b", "u/c")
ARRIVALS = st.lists(st.tuples(st.sampled_from("sr"), st.sampled_from("123")), max_size=2, unique=True)
CALLS = st.one_of(
    st.tuples(
        st.just("append"),
        st.sampled_from(NAMES),
        st.integers(-1, 1),
        st.sampled_from(["NEW", "DONE"]),
        ARRIVALS,
        ARRIVALS,
        st.none() | st.integers(0, 5),
    ),
    st.tuples(st.just("claim"), st.integers(0, 3), st.integers(0, 6), st.integers(0, 3)),
    st.tuples(st.just("renew"), st.integers(0, 6)),
    st.tuples(st.just("release"), st.integers(0, 5), st.none() | st.integers(0, 6)),
    st.tuples(st.just("rebuild")),
)


def play(registry: Registry, calls: list[tuple[object, ...]]) -> Iterator[object]:
    """Make the calls; what each answered (or raised) and what the tables say after it."""
    streams = {name: Stream(name, at=NOW + n * HOUR) for n, name in enumerate(NAMES)}
    claims: list[Claim] = []
    for what, *how in calls:
        answer: object = None
        try:
            if what == "append":
                name, skip, state, arrivals, settled, number = how
                claim = claims[number] if number is not None and number < len(claims) else None
                record, row = streams[name].next(state, arrivals=arrivals, settled=settled)  # type: ignore[index]
                if skip and record.position + skip >= 0:  # type: ignore[operator]
                    record = line(name, record.position + skip, other=True)  # type: ignore[arg-type,operator]
                    row = altered(row, count=record.position + 1, head=record.digest)
                registry.append(record, row, claim=claim)
                streams[name].records.append(record)  # type: ignore[index]
            elif what == "claim":
                limit, at, lasts = how
                now = NOW + at * HOUR  # type: ignore[operator]
                answer = registry.claim(["NEW"], limit=limit, now=now, lease_until=now + lasts * HOUR, owner="x")  # type: ignore[arg-type,operator]
                claims += answer
            elif what == "renew":
                answer = registry.renew(claims, lease_until=NOW + how[0] * HOUR)  # type: ignore[operator]
            elif what == "release":
                number, at = how
                registry.release(claims[number:][:1], not_before=None if at is None else NOW + at * HOUR)  # type: ignore[misc,operator]
            else:
                before = tables(registry)
                answer = registry.rebuild(project)
                assert tables(registry) == before
        except (Conflict, Fenced) as error:
            answer = type(error)
        yield what, answer, tables(registry), registry.journal()


def agree(url: str, calls: list[tuple[object, ...]]) -> None:
    """Check that the registry at `url` answers as the reference does."""
    registry = open_registry(url)
    try:
        for expected, found in zip(play(MemoryRegistry(), calls), play(registry, calls), strict=True):
            # Sequence numbers only promise an order.
            assert found[:3] == expected[:3]  # type: ignore[index]
            assert [r for _, r in found[3]] == [r for _, r in expected[3]]  # type: ignore[index]
    finally:
        registry.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(calls=st.lists(CALLS, max_size=14))
def test_sqlite_answers_like_the_reference(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[object, ...]]
) -> None:
    agree(f"sqlite:///{tmp_path_factory.mktemp('play') / 'registry.sqlite'}", calls)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(calls=st.lists(CALLS, max_size=14))
def test_postgres_answers_like_the_reference(
    postgres_database: Callable[[], str], calls: list[tuple[object, ...]]
) -> None:
    agree(postgres_database(), calls)


# --- the database itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET body = 'x'",
        "UPDATE journal SET body = body WHERE position = 1",
        "DELETE FROM journal WHERE position = 1",
        "DELETE FROM journal",
    ],
)
def test_the_database_refuses_changes_to_the_journal(database: str, engine: Engine, statement: str) -> None:
    check_refused(database, engine, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO journal(stream, position, body, digest) VALUES ('t/a', 1, 'x', 'y')",
        "INSERT OR REPLACE INTO journal(seq, stream, position, body, digest) VALUES (2, 't/b', 0, 'x', 'y')",
        "INSERT INTO journal(seq, stream, position, body, digest) VALUES (2, 't/a', 1, 'x', 'y') "
        "ON CONFLICT DO UPDATE SET body = 'x'",
        "UPDATE OR REPLACE journal SET position = 0 WHERE position = 1",
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_a_line(database: str, engine: Engine, statement: str) -> None:
    check_refused(database, engine, statement, "PRAGMA recursive_triggers = OFF")


@pytest.mark.parametrize(
    ("before", "statement"),
    [
        ("SELECT 1", "TRUNCATE journal CASCADE"),
        ("SET session_replication_role = replica", "DELETE FROM journal"),
        (
            "SELECT 1",
            "INSERT INTO journal(stream, position, body, digest) VALUES ('t/a', 1, 'x', 'y') "
            "ON CONFLICT (stream, position) DO UPDATE SET body = 'x'",
        ),
    ],
)
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_postgres_refuses_other_ways_too(database: str, engine: Engine, before: str, statement: str) -> None:
    check_refused(database, engine, statement, before)


def check_refused(database: str, engine: Engine, statement: str, before: str = "SELECT 1") -> None:
    """Check that the database refuses `statement` (after `before`) on a journal of two lines."""
    registry, stream = open_registry(database), Stream("t/a")
    stream.append(registry)
    stream.append(registry)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(before))
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(statement))
    assert registry.lines("t/a") == stream.records
    registry.close()


def test_tables_are_those_of_the_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True},
        )
        assert compare_metadata(context, metadata) == []


def test_a_registry_made_by_a_newer_release_is_not_touched(database: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(CommandError):
        open_registry(database)


def test_connections_are_durable_and_strict(database: str, engine: Engine) -> None:
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            asked = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 60_000}
            for pragma, expected in asked.items():
                assert connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == expected
        else:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_databases_that_could_not_keep_the_promise_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"SQLite in memory|not a database"):
        open_registry(url)


# --- several processes -----------------------------------------------------------------------------------------------


@contextmanager
def process(what: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process at work on the registry; killed at the end if it still is."""
    command = [sys.executable, "-m", "tests.contract.registry_process", what, url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        try:
            yield running
        finally:
            running.kill()


def test_processes_that_start_at_once_migrate_once(database: str) -> None:
    with process("open", database) as one, process("open", database) as two, process("open", database) as three:
        outputs = [running.communicate()[0] for running in (one, two, three)]
    assert outputs == ["{}\n"] * 3


def test_claims_of_processes_never_overlap(database: str) -> None:
    registry = open_registry(database)
    for number in range(60):
        Stream(f"t/{number}", at=NOW - HOUR).append(registry)
    with process("claim", database) as one, process("claim", database) as two:
        taken = [name for running in (one, two) for name in running.communicate()[0].split()]
    left = [claim.stream for claim in claim_all(registry, now=datetime(2026, 1, 1, tzinfo=UTC))]
    assert len(taken) == len(set(taken))
    assert sorted(taken + left) == sorted(f"t/{number}" for number in range(60))
    registry.close()


def test_a_killed_process_leaves_whole_lines(database: str) -> None:
    registry = open_registry(database)
    chance = random.Random(20)
    told: dict[str, int] = {}
    for _ in range(2):
        with process("append", database) as one, process("append", database) as two:
            for running in (one, two):
                assert running.stdout is not None
                for _ in range(chance.randrange(20, 40)):
                    name, count = running.stdout.readline().split()
                    told[name] = int(count)
    rows = registry.rows(limit=1_000_000)
    journal: dict[str, list[Record]] = {}
    for _, record in registry.journal(limit=1_000_000):
        journal.setdefault(record.stream, []).append(record)
    assert [row.stream for row in rows] == sorted(journal)
    for row in rows:
        assert row == project(journal[row.stream])
        assert [record.position for record in journal[row.stream]] == list(range(row.count))
    for name, count in told.items():
        assert len(journal[name]) >= count  # what was told to be durable is there
    registry.rebuild(project)
    assert registry.rows(limit=1_000_000) == rows
    survivor = Stream(rows[0].stream)
    survivor.records = registry.lines(survivor.name)
    survivor.append(registry)
    registry.close()


def test_the_newest_migration_is_the_one_that_openers_expect() -> None:
    assert ScriptDirectory.from_config(migrate.config()).get_heads() == [migrate.HEAD]
