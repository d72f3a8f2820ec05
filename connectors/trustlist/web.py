"""Fetches lists over HTTP: bounded in time and size, many at a time, never more than one answer a URL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from connectors.loopback import is_loopback

LARGEST_BYTES: Final = 64 * 1024 * 1024  # the largest national list has about 7 MB
_AT_ONCE: Final = 8
_CHUNK_BYTES: Final = 64 * 1024


class Unreachable(Exception):
    """What was asked for did not come, or not whole; the message says why."""


def is_allowed(url: str, *, signed: bool = False) -> bool:
    """Whether a URL may be fetched: https, plain http on loopback, or anywhere for what is `signed` and named in an
    authentic list (one member state still publishes without TLS; the signature is what protects the list).
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and signed):
        return bool(parts.hostname)
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def fetch_all(
    urls: Iterable[str], *, timeout_s: float = 60, largest_bytes: int = LARGEST_BYTES, signed: bool = False
) -> Mapping[str, bytes | Unreachable]:
    """The content behind each URL, or why there is none. May be repeated; keeps nothing.

    Args:
        urls: What to fetch.
        timeout_s: For each, from start to end.
        largest_bytes: Nothing larger is read.
        signed: Whether plain http will do (see `is_allowed`).
    """
    wanted = list(dict.fromkeys(urls))

    async def run() -> list[bytes | Unreachable]:
        limit = asyncio.Semaphore(_AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, 10))
        async with aiohttp.ClientSession(timeout=timeout) as session:

            async def one(url: str) -> bytes | Unreachable:
                async with limit:
                    return await _fetch(session, url, largest_bytes, signed)

            return await asyncio.gather(*map(one, wanted))

    return dict(zip(wanted, asyncio.run(run()), strict=True))


async def _fetch(session: aiohttp.ClientSession, url: str, largest_bytes: int, signed: bool) -> bytes | Unreachable:
    if not is_allowed(url, signed=signed):
        return Unreachable(f"{url}: not https")
    try:
        async with session.get(url, max_redirects=5) as answer:
            if not is_allowed(str(answer.url), signed=signed):
                return Unreachable(f"{url}: leads to {answer.url}, which is not https")
            if answer.status != 200:
                return Unreachable(f"{url}: status {answer.status}")
            content = bytearray()
            async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                content += chunk
                if len(content) > largest_bytes:
                    return Unreachable(f"{url}: more than {largest_bytes} bytes")
            return bytes(content)
    except TimeoutError:
        return Unreachable(f"{url}: took too long")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Unreachable(f"{url}: {type(error).__name__}: {error}"[:300])
