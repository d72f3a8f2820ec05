"""Calls of a remote signing service: JSON over TLS, with an access token where it asks for one.

Secrets are sent to nobody but the service and its authorization server, and are never part of a message or a log line.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from connectors.signing.retry_after import retry_after_s

LONGEST_WAIT_S: Final = 20.0  # for a server that says Retry-After; longer, and the receipts wait instead
TRIES: Final = 3
_LARGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
_TOKEN_MARGIN_S: Final = 30


class CscFault(Exception):
    """The remote signing service refused, failed or answered something else than its specification says."""


@dataclass(frozen=True, kw_only=True)
class CscSecrets:
    """What the client proves itself with.

    Attributes:
        client_id: OAuth2 client; empty for a service that asks for none.
        client_secret: Its secret.
        pin: The credential's PIN, for credentials that are authorized explicitly.
    """

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)


class CscCalls:
    """One client's calls of one service. Use it in one event loop.

    Args:
        base: URL of the service up to its version.
        session: HTTP session; not closed here.
        secrets: The client's.
        token_url: Where access tokens come from; empty until that is known.
        timeout_s: For one request.
    """

    def __init__(
        self, base: str, session: aiohttp.ClientSession, secrets: CscSecrets, *, token_url: str, timeout_s: float
    ) -> None:
        self._base, self._session, self._secrets = base, session, secrets
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._token = ""
        self._token_until = 0.0
        self.token_url = token_url
        self._getting_token = asyncio.Lock()

    async def call(self, method: str, body: Mapping[str, Any], *, with_token: bool = True) -> dict[str, Any]:
        """One method's answer; asks again with a new token, or when the service said Retry-After.

        Raises:
            CscFault: The service refused, failed, or can't be reached.
        """
        headers = {}
        for attempt in range(1, TRIES + 1):
            if with_token and self._secrets.client_id:
                headers["Authorization"] = f"Bearer {await self._access_token()}"
            status, answer, wait_s = await self._post(f"{self._base}/{method}", headers, json=body)
            if status == 200:
                return answer
            if attempt < TRIES and status == 401 and headers:
                self._token = ""  # expired or revoked before its time: nothing was done (RFC 6750, 3.1)
            elif attempt < TRIES and status in (429, 503) and wait_s is not None and wait_s <= LONGEST_WAIT_S:
                await asyncio.sleep(wait_s)
            else:
                raise CscFault(f"{method}: {self._say(status, answer, wait_s)}")
        raise AssertionError

    async def _access_token(self) -> str:
        async with self._getting_token:
            if not self._token or time.monotonic() > self._token_until:
                # RFC 6749, 4.4; CSC v1.0.4, 8.3.3 puts client_id and client_secret into the form.
                form = {
                    "grant_type": "client_credentials",
                    "scope": "service",
                    "client_id": self._secrets.client_id,
                    "client_secret": self._secrets.client_secret,
                }
                status, answer, wait_s = await self._post(self.token_url, {}, data=form)
                token = answer.get("access_token")
                if status != 200 or not isinstance(token, str) or not token:
                    raise CscFault(f"oauth2/token: {self._say(status, answer, wait_s)}")
                lasts_s = answer.get("expires_in", 3600)
                lasts_s = float(lasts_s) if isinstance(lasts_s, int | float) else 3600.0
                self._token = token
                self._token_until = time.monotonic() + max(lasts_s - _TOKEN_MARGIN_S, lasts_s / 2)
            return self._token

    async def _post(
        self,
        url: str,
        headers: Mapping[str, str],
        **body: Any,  # noqa: ANN401
    ) -> tuple[int, dict[str, Any], float | None]:
        """Status, JSON object (empty if there was none) and Retry-After in seconds."""
        try:
            async with self._session.post(
                url, headers=headers, timeout=self._timeout, allow_redirects=False, **body
            ) as response:
                if int(response.headers.get("Content-Length") or 0) > _LARGEST_ANSWER_BYTES:
                    raise CscFault("the service's answer is too long")
                try:
                    answer = await response.json(content_type=None)
                except ValueError:
                    answer = None
                return response.status, answer if isinstance(answer, dict) else {}, retry_after_s(response.headers)
        except TimeoutError:
            raise CscFault("the service took too long") from None
        except aiohttp.ClientError as error:
            raise CscFault(f"the service can't be reached: {type(error).__name__}") from None

    def _say(self, status: int, answer: Mapping[str, Any], wait_s: float | None) -> str:
        """The service's own words in one short line, without anything that we sent in secret."""
        said = f"{answer.get('error', '')} {answer.get('error_description', '')}".strip()
        for secret in (self._secrets.client_secret, self._secrets.pin, self._token):
            said = said.replace(secret, "***") if secret else said
        later = f"; again in {wait_s:.0f} s" if wait_s else ""
        return f"HTTP {status} {said}".strip().replace("\n", " ")[:200] + later
