"""Who may use the portal: everyone who knows the shared token, or this machine alone."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import Request

from connectors.loopback import is_loopback

COOKIE = "probant_session"
SESSION_S = 30 * 24 * 3600
TOKEN_CHARACTERS = 20
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Insecure(Exception):
    """The portal would let in somebody who doesn't belong: it is not started."""


class Forbidden(Exception):
    """The request may not be served.

    Args:
        status: The HTTP status to answer with.
        code: A stable code.
        advice: What the user can do.
    """

    def __init__(self, status: int, code: str, advice: str) -> None:
        super().__init__(code)
        self.status, self.code, self.advice = status, code, advice


def check(host: str, names: Sequence[str], token: str | None) -> list[str]:
    """Refuse a set-up that is open to others than it should be.

    Args:
        host: The address to listen on.
        names: Host names under which browsers reach the portal.
        token: The shared secret.

    Returns:
        The host names that requests may be addressed to.

    Raises:
        Insecure: Others than this machine could reach it and there is no token, a short one, or no name.
    """
    if token is not None and len(token) < TOKEN_CHARACTERS:
        raise Insecure(f"PROBANT_PORTAL_TOKEN must have at least {TOKEN_CHARACTERS} characters")
    if not is_loopback(host):
        if token is None:
            raise Insecure(f"set PROBANT_PORTAL_TOKEN or _TOKEN_FILE before the portal listens on {host}")
        if not names:
            raise Insecure(f'set PROBANT_PORTAL_NAMES, such as ["receipts.example.com"], before it listens on {host}')
    return [*LOOPBACK, host, *names]


class Door:
    """Decides about each request.

    Args:
        token: The shared secret, or `None` on loopback: everyone on this machine may come in.

    Attributes:
        is_guarded: Whether there is a token.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token.encode() if token is not None else None
        self.is_guarded = token is not None

    def admit(self, request: Request) -> None:
        """Let the request pass or not.

        Raises:
            Forbidden: It carries neither the token nor a session, or another site's page sent it.
        """
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(bearer):
            return
        if self._token is not None and not self._is_session(request.cookies.get(COOKIE, "")):
            raise Forbidden(401, "SIGN_IN", "Please sign in with the upload token that you were given.")
        refuse_other_sites(request)

    def is_token(self, candidate: str) -> bool:
        """Whether it is the shared secret; takes the same time for any wrong one."""
        return self._token is not None and hmac.compare_digest(self._token, candidate.encode("utf-8", "replace"))

    def new_session(self) -> str:
        """What a signed-in browser's cookie holds: it says when it ends, and does not reveal the token."""
        ends = str(int(time.time()) + SESSION_S)
        return f"{ends}.{self._signature(ends)}"

    def _is_session(self, cookie: str) -> bool:
        ends, _, signature = cookie.partition(".")
        if not hmac.compare_digest(self._signature(ends).encode(), signature.encode("utf-8", "replace")):
            return False
        return int(ends) > time.time()

    def _signature(self, ends: str) -> str:
        return hmac.new(self._token or b"", b"session " + ends.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def refuse_other_sites(request: Request) -> None:
    """A browser says which site's page made it send something; only our own may (OWASP: verifying origin).

    Raises:
        Forbidden: Another site's page did.
    """
    if request.method in ("GET", "HEAD"):
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    is_own = urlsplit(origin).netloc == request.headers.get("host") if origin is not None else True
    if not is_own or site not in (None, "same-origin", "none"):
        raise Forbidden(403, "OTHER_SITE", "Please use the upload page itself.")
