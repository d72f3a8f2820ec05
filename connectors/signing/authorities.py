"""Several time-stamping authorities as one: the first that answers well; one that doesn't rests for a while."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
from asn1crypto import cms
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from connectors.signing.authority import Authority, AuthorityState, Busy, say
from connectors.signing.web import HttpTimeStamper, open_timestamper

CheckToken = Callable[[bytes, bytes, str], None]
"""Takes a token (DER), the digest and its algorithm; raises whatever it likes if the token may not be used."""


class TimeStampAuthorities(TimeStamper):
    """Asks authorities in order of preference. Use it in one event loop.

    Args:
        authorities: The clients, best first.
        check: What a token must stand before it counts as an answer.
        per_minute: How many time-stamps at most to ask of each authority; `None` for no limit.
        memory: File that keeps, across processes, which authority rests until when.
    """

    def __init__(
        self,
        authorities: Sequence[HttpTimeStamper],
        *,
        check: CheckToken | None = None,
        per_minute: float | None = None,
        memory: Path | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if not authorities:
            raise ValueError("there must be a time-stamping authority")
        self._authorities = [Authority(each, per_minute) for each in authorities]
        self._check = check
        self._memory = memory
        self._remember()

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """The token for a digest, from the first authority that gives a good one.

        Raises:
            TimestampRequestError: None did; the message says of each why. May be repeated.
        """
        _, token = await self.ask_first(message_digest, md_algorithm)
        return token

    async def ask_first(self, message_digest: bytes, md_algorithm: str) -> tuple[str, cms.ContentInfo]:
        """As `async_timestamp`, and which authority it was, as in its state."""
        said = []
        for authority in self._authorities:
            state = authority.state()
            if state.rests_s:
                said.append(f"{state.url} rests for {state.rests_s:.0f} s: {state.problem}")
                continue
            try:
                return state.url, await self._ask(authority, message_digest, md_algorithm)
            except Busy as error:
                said.append(f"{state.url}: {error}")
            except Exception as error:
                said.append(f"{state.url}: {say(error)}")
        raise TimestampRequestError("no time-stamping authority answers: " + "; ".join(said))

    async def ask_each(self, message_digest: bytes, md_algorithm: str) -> dict[str, cms.ContentInfo | Exception]:
        """What each authority answers, also those that rest: its token, or what went wrong, by URL as in its state."""
        answers: dict[str, cms.ContentInfo | Exception] = {}
        for authority in self._authorities:
            try:
                answers[authority.state().url] = await self._ask(authority, message_digest, md_algorithm)
            except Exception as error:
                answers[authority.state().url] = error
        return answers

    def states(self) -> list[AuthorityState]:
        """How it stands with each, in order of preference."""
        return [authority.state() for authority in self._authorities]

    async def _ask(self, authority: Authority, digest: bytes, algorithm: str) -> cms.ContentInfo:
        await authority.turn()
        asked_at = time.time()
        try:
            token = await authority.client.async_timestamp(digest, algorithm)
            if self._check:
                self._check(token.dump(), digest, algorithm)
        except Exception as error:
            authority.rest(error, asked_at)
            self._keep()
            raise
        if authority.problem:
            authority.recover()
            self._keep()
        return token

    def _remember(self) -> None:
        """Take up what another process found; a memory that can't be read is none."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            kept = json.loads(self._memory.read_bytes()) if self._memory else {}
            for authority in self._authorities:
                if authority.client.url in kept:
                    until, problem = kept[authority.client.url]
                    authority.rests_until, authority.problem = float(until), str(problem)

    def _keep(self) -> None:
        if self._memory:
            kept = {each.client.url: (each.rests_until, each.problem) for each in self._authorities if each.problem}
            with suppress(OSError):
                part = self._memory.with_name(f"{self._memory.name}.{random.getrandbits(32):x}.part")
                part.write_text(json.dumps(kept))
                part.replace(self._memory)


def open_authorities(
    urls: Sequence[str],
    session: aiohttp.ClientSession,
    *,
    check: CheckToken | None = None,
    per_minute: float | None = None,
    memory: Path | None = None,
    timeout_s: float = 20,
) -> TimeStampAuthorities:
    """A client of several time-stamping authorities; see `TimeStampAuthorities`.

    Raises:
        ValueError: There is none, or one of the URLs is none.
    """
    clients = [open_timestamper(url, session, timeout_s=timeout_s) for url in urls]
    return TimeStampAuthorities(clients, check=check, per_minute=per_minute, memory=memory)
