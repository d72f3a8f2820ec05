"""URIs of remote signing services, and where secrets may be sent."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from connectors.loopback import is_loopback


@dataclass(frozen=True, kw_only=True)
class CscUri:
    """Which credential of which service.

    Attributes:
        base: URL of the service up to its version, such as https://qtsp.example/csc/v2.
        credential: The credential's id; empty if the client has only one.
        token_url: Where access tokens come from, if not where `info` says.
    """

    base: str
    credential: str = ""
    token_url: str = ""

    @staticmethod
    def parse(uri: str) -> CscUri:
        """Read `csc:https://qtsp.example/csc/v2?credential=ID&token=https://...`, both parameters optional.

        Raises:
            ValueError: It is none, carries a secret, or would send secrets in the clear.
        """
        scheme, _, rest = uri.partition(":")
        parts = urlsplit(rest)
        if scheme != "csc" or not parts.hostname or parts.username or parts.password or parts.fragment:
            raise ValueError("a remote signer's URI is csc:https://host/csc/v2?credential=ID, without any secret")
        named = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
        if named.keys() - {"credential", "token"}:
            raise ValueError("a remote signer's URI has the parameters credential and token, no others")
        base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        if base.rsplit("/", 1)[-1] not in ("v1", "v2"):
            raise ValueError("a remote signer's URI ends in the API's version, v1 or v2")
        for url in filter(None, (base, named.get("token"))):
            require_private(url)
        return CscUri(base=base, credential=named.get("credential", ""), token_url=named.get("token", ""))

    @property
    def version(self) -> int:
        """1 or 2."""
        return int(self.base[-1])


def require_private(url: str) -> None:
    """Refuse to send secrets to anything but https, or http on loopback.

    Raises:
        ValueError: It is neither.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise ValueError("a remote signing service and its authorization server are reached over https")
