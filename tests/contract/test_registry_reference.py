"""Any sequence of calls: databases answer as the reference does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.ports import Claim, Conflict, Fenced, Registry
from connectors.registry import MemoryRegistry, open_registry
from tests.contract.registries import HOUR, NOW, tables
from tests.contract.registry_lines import Stream, altered, line, project

pytest_plugins = ["tests.servers.postgres"]


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


@settings(max_examples=60)
@given(calls=st.lists(CALLS, max_size=14))
def test_sqlite_answers_like_the_reference(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[object, ...]]
) -> None:
    agree(f"sqlite:///{tmp_path_factory.mktemp('play') / 'registry.sqlite'}", calls)


@settings(max_examples=25)
@given(calls=st.lists(CALLS, max_size=14))
def test_postgres_answers_like_the_reference(
    postgres_database: Callable[[], str], calls: list[tuple[object, ...]]
) -> None:
    agree(postgres_database(), calls)
