"""Several time-stamping authorities as one: failing over, resting, and coming back."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from connectors.devpki import Service
from connectors.signing import TimeStampAuthorities, open_authorities, open_session
from connectors.signing import authority as module
from connectors.signing.retry_after import retry_after_s
from receipts.pades.token import check_token
from tests.servers.tsa import FaultyTsa, faulty_tsa

FAULTS = ("403", "429", "500", "503", "html", "nonsense", "replayed", "no purpose", "bit flipped")
DIGEST = hashlib.sha256(b"x").digest()


@pytest.fixture
def first(devpki: Service) -> Iterator[FaultyTsa]:
    with faulty_tsa(devpki.pki) as tsa:
        yield tsa


@pytest.fixture
def second(devpki: Service) -> Iterator[FaultyTsa]:
    with faulty_tsa(devpki.pki) as tsa:
        yield tsa


def run(urls: list[str], do: Callable[[TimeStampAuthorities], Awaitable[Any]], **options: Any) -> Any:
    async def inside() -> Any:
        async with open_session() as session:
            return await do(open_authorities(urls, session, check=check_token, timeout_s=5, **options))

    return asyncio.run(inside())


async def stamp(authorities: TimeStampAuthorities) -> str:
    url, token = await authorities.ask_first(DIGEST, "sha256")
    check_token(token.dump(), DIGEST, "sha256")
    return url


@pytest.mark.parametrize("fault", FAULTS)
def test_another_stands_in_for_one_that_fails_or_lies(first: FaultyTsa, second: FaultyTsa, fault: str) -> None:
    async def do(authorities: TimeStampAuthorities) -> None:
        assert await stamp(authorities) == first.url
        first.fault = fault
        assert await stamp(authorities) == second.url
        state, other = authorities.states()
        assert state.problem
        assert state.rests_s > 0
        assert not other.problem
        asked = first.asked
        assert await stamp(authorities) == second.url
        assert first.asked == asked  # it rests

    run([first.url, second.url], do)


def test_many_at_once_are_one_failure(first: FaultyTsa, second: FaultyTsa) -> None:
    first.fault = "500"

    async def do(authorities: TimeStampAuthorities) -> None:
        assert set(await asyncio.gather(*(stamp(authorities) for _ in range(16)))) == {second.url}
        assert authorities.states()[0].rests_s <= module.FIRST_REST_S * 1.2

    run([first.url, second.url], do)


def test_nobody_answers_and_it_is_said_who_and_why(first: FaultyTsa) -> None:
    first.fault = "503"

    async def do(authorities: TimeStampAuthorities) -> None:
        with pytest.raises(TimestampRequestError, match="HTTP 503") as caught:
            await stamp(authorities)
        assert "127.0.0.1:9" in str(caught.value)
        with pytest.raises(TimestampRequestError, match="rests for"):
            await stamp(authorities)

    run([first.url, "http://127.0.0.1:9/tsa"], do)


def test_retry_after_is_respected_also_by_the_next_process(first: FaultyTsa, tmp_path: Path) -> None:
    first.fault, first.retry_after = "429", "3600"
    memory = tmp_path / "memory.json"

    async def blocked(authorities: TimeStampAuthorities) -> None:
        with pytest.raises(TimestampRequestError):
            await stamp(authorities)
        assert 3500 < authorities.states()[0].rests_s <= 3600

    run([first.url], blocked, memory=memory)
    first.fault = ""
    asked = first.asked
    run([first.url], blocked, memory=memory)
    assert first.asked == asked

    async def thorough(authorities: TimeStampAuthorities) -> None:
        assert list(await authorities.ask_each(DIGEST, "sha256")) == [first.url]
        assert await stamp(authorities) == first.url  # it answered: it is asked again

    run([first.url], thorough, memory=memory)
    run([first.url], stamp, memory=memory)


def test_it_comes_back_after_its_rest(first: FaultyTsa, second: FaultyTsa, monkeypatch: pytest.MonkeyPatch) -> None:
    first.fault = "500"

    async def do(authorities: TimeStampAuthorities) -> None:
        assert await stamp(authorities) == second.url
        first.fault = ""
        later = time.time() + 60
        monkeypatch.setattr(module.time, "time", lambda: later)
        assert await stamp(authorities) == first.url
        assert not authorities.states()[0].problem

    run([first.url, second.url], do)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"URL": 7}', '{"URL": ["x", "y"]}', '{"URL": [1e99, "long"]}'])
def test_a_memory_that_makes_no_sense_is_none(first: FaultyTsa, tmp_path: Path, content: str) -> None:
    memory = tmp_path / "memory.json"
    memory.write_text(content.replace("URL", first.url))

    async def do(authorities: TimeStampAuthorities) -> None:
        state = authorities.states()[0]
        assert state.rests_s <= module.LONGEST_ASKED_REST_S
        if not state.rests_s:
            await stamp(authorities)

    run([first.url], do, memory=memory)


def test_no_more_are_asked_than_the_limit_allows(first: FaultyTsa, second: FaultyTsa) -> None:
    async def do(authorities: TimeStampAuthorities) -> None:
        urls = [await stamp(authorities), await stamp(authorities)]
        assert urls == [first.url, second.url]  # the first one's turn would come too late
        with pytest.raises(TimestampRequestError, match="limit is reached"):
            await stamp(authorities)

    run([first.url, second.url], do, per_minute=1)


def test_retry_after_in_seconds_as_a_date_or_as_nonsense() -> None:
    assert retry_after_s({"Retry-After": "120"}) == 120
    assert 50 < (retry_after_s({"Retry-After": formatdate(time.time() + 60, usegmt=True)}) or 0) <= 60
    assert retry_after_s({"Retry-After": formatdate(0, usegmt=True)}) == 0
    assert [retry_after_s(h) for h in ({}, None, {"Retry-After": "soon"}, {"Retry-After": "-1"})] == [None] * 4
