"""What every registry promises of claims, and of an index made anew."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connectors.ports import Claim, Conflict, Fenced, Registry
from tests.contract.registries import HOUR, NOW, claim_all, claim_one, tables
from tests.contract.registry_lines import EPOCH, Stream, altered, project

pytest_plugins = ["tests.servers.postgres"]


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
