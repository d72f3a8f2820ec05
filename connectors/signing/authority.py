"""One time-stamping authority among several: how often it may be asked, and how long it rests after a failure."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from connectors.signing.retry_after import retry_after_s
from connectors.signing.web import HttpTimeStamper

FIRST_REST_S: Final = 5.0
LONGEST_REST_S: Final = 600.0
LONGEST_ASKED_REST_S: Final = 2 * 24 * 3600.0  # some authorities shut out for a day whoever asks too often
LONGEST_QUEUE_S: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class AuthorityState:
    """How it stands with an authority.

    Attributes:
        url: Which.
        rests_s: Seconds until it is asked again; 0 if it is asked.
        problem: Why it rests, or empty.
    """

    url: str
    rests_s: float = 0
    problem: str = ""


class Busy(Exception):
    """The authority's limit is reached for now; no fault of its own."""


class Authority:
    """One authority, its limit and its rest."""

    def __init__(self, client: HttpTimeStamper, per_minute: float | None) -> None:
        self.client = client
        self.problem = ""
        self.rests_until = 0.0  # wall clock, because other processes read it
        self._rest_s = FIRST_REST_S
        self._interval_s = 60 / per_minute if per_minute else 0.0
        self._next_turn = 0.0

    def state(self) -> AuthorityState:
        """How it stands with it now."""
        rests_s = max(0.0, min(self.rests_until - time.time(), LONGEST_ASKED_REST_S))
        return AuthorityState(url=_host(self.client.url), rests_s=rests_s, problem=self.problem)

    async def turn(self) -> None:
        """Wait until one more may be asked; `Busy` if that is too long."""
        if not self._interval_s:
            return
        now = time.monotonic()
        wait_s = max(0.0, self._next_turn - now)
        if wait_s > LONGEST_QUEUE_S:
            raise Busy(f"its limit is reached for the next {wait_s:.0f} s")
        self._next_turn = now + wait_s + self._interval_s
        await asyncio.sleep(wait_s)

    def rest(self, error: Exception, asked_at: float) -> None:
        """Don't ask for a while: as long as the server wants, else longer each time."""
        self.problem = say(error)
        if self.rests_until > asked_at:
            return  # others that were asked at the same time failed too: that is one failure
        cause = error.__cause__
        asked_s = retry_after_s(cause.headers) if isinstance(cause, aiohttp.ClientResponseError) else None
        wait_s = self._rest_s * random.uniform(0.8, 1.2)  # noqa: S311
        if asked_s is not None:
            wait_s = max(wait_s, min(asked_s, LONGEST_ASKED_REST_S))
        self.rests_until = time.time() + wait_s
        self._rest_s = min(2 * self._rest_s, LONGEST_REST_S)

    def recover(self) -> None:
        """It answered well: nothing is held against it."""
        self.problem, self.rests_until, self._rest_s = "", 0.0, FIRST_REST_S


def say(error: Exception) -> str:
    """What went wrong, in one short line without anything that may be a key to the authority."""
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientResponseError):
        return f"HTTP {cause.status}"
    if isinstance(error, TimestampRequestError) and isinstance(cause, aiohttp.ClientError | OSError):
        return f"{type(cause).__name__}"
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:200]


def _host(url: str) -> str:
    """The URL without what may be a key to it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
