"""The Cloud Signature Consortium API, v1.0.4 and v2, as a client of remote signing services speaks it (TS 119 432).

Only digests leave. Secrets are sent to nobody but the service and its authorization server, over TLS, and are never
part of a message or a log line.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from asn1crypto import algos, x509

from connectors.signing.retry_after import retry_after_s

LONGEST_WAIT_S: Final = 20.0  # for a server that says Retry-After; longer, and the receipts wait instead
TRIES: Final = 3
_LARGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
_TOKEN_MARGIN_S: Final = 30


class CscFault(Exception):
    """The remote signing service refused, failed or answered something else than its specification says."""


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


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A credential as the service describes it now (v1.0.4, 11.5; v2, credentials/info).

    Attributes:
        id: Its id.
        certificate: The sealing certificate.
        chain: The certificates above it that the service gave.
        enabled: Whether its key may be used.
        status: What the service says of key and certificate, one line.
        algorithms: OIDs of the signature algorithms that the key is for.
        scal: Sole control assurance level, 1 or 2 (EN 419 241-1): with 2, an authorization names the very digests.
        multisign: How many signatures one authorization may be for.
        mode: How it is authorized: `implicit`, `explicit` or something that needs a person.
    """

    id: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    enabled: bool
    status: str
    algorithms: frozenset[str]
    scal: int
    multisign: int
    mode: str


class CscClient:
    """One client's access to one service. Use it in one event loop.

    Args:
        uri: Which service.
        session: HTTP session; not closed here.
        secrets: The client's.
        timeout_s: For one request.
    """

    def __init__(
        self, uri: CscUri, session: aiohttp.ClientSession, secrets: CscSecrets, *, timeout_s: float = 60
    ) -> None:
        self._uri, self._session, self._secrets = uri, session, secrets
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._token = ""
        self._token_until = 0.0
        self._token_url = uri.token_url
        self._getting_token = asyncio.Lock()

    async def discover(self) -> None:
        """Ask the service what it is; must come first.

        Raises:
            CscFault: It lacks a method that sealing needs, or speaks another version.
        """
        info = await self._call("info", {}, with_token=False)
        specs = str(info.get("specs", ""))
        if specs.split(".", 1)[0] != str(self._uri.version):
            raise CscFault(f"the service speaks version {specs[:20] or 'unknown'} of the API, not {self._uri.version}")
        methods = info.get("methods")
        needed = {"credentials/info", "credentials/authorize", "signatures/signHash"}
        missing = needed - set(methods if isinstance(methods, list) else ())
        if missing:
            raise CscFault(f"the service doesn't offer {', '.join(sorted(missing))}")
        if not self._token_url and self._secrets.client_id:
            if not isinstance(info.get("oauth2"), str):
                raise CscFault("the service names no authorization server; add token=https://... to the signer's URI")
            self._token_url = f"{info['oauth2'].rstrip('/')}/oauth2/token"
            require_private(self._token_url)

    async def credentials(self) -> list[str]:
        """The ids of the client's credentials."""
        found: list[str] = []
        page: dict[str, str] = {}
        while True:
            answer = await self._call("credentials/list", page)
            found += [str(each) for each in _list(answer, "credentialIDs")]
            following = answer.get("nextPageToken")
            if not following or {"pageToken": following} == page:
                return found
            page = {"pageToken": str(following)}

    async def credential(self, identifier: str) -> Credential:
        """What the service says of a credential now."""
        asked = {"credentialID": identifier, "certificates": "chain", "certInfo": False, "authInfo": True}
        answer = await self._call("credentials/info", asked)
        try:
            return _credential(identifier, answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CscFault(f"the service's description of the credential is malformed: {error}"[:200]) from error

    async def authorize(self, credential: Credential, digests: Sequence[bytes], algorithm: str) -> str:
        """Signature activation data for these very digests.

        Args:
            credential: Whose key.
            digests: What will be signed, in order.
            algorithm: How the digests were computed, such as `sha256`.
        """
        asked: dict[str, Any] = {"credentialID": credential.id, "numSignatures": len(digests)}
        asked |= self._digests(digests, algorithm, with_algorithm=self._uri.version == 2)
        if credential.mode == "explicit":
            pin = self._secrets.pin
            asked |= {"PIN": pin} if self._uri.version == 1 else {"authData": [{"id": "PIN", "value": pin}]}
        sad = (await self._call("credentials/authorize", asked)).get("SAD")
        if not isinstance(sad, str) or not sad:
            raise CscFault("the service gave no signature activation data; asynchronous authorization is not supported")
        return sad

    async def sign(
        self,
        credential: Credential,
        sad: str,
        digests: Sequence[bytes],
        algorithm: str,
        mechanism: algos.SignedDigestAlgorithm,
    ) -> list[bytes]:
        """The signatures over digests, in their order; the caller verifies each.

        Args:
            credential: Whose key.
            sad: From `authorize`, for the same digests.
            digests: What to sign.
            algorithm: How they were computed.
            mechanism: How to sign.
        """
        asked: dict[str, Any] = {
            "credentialID": credential.id,
            "SAD": sad,
            "signAlgo": mechanism["algorithm"].dotted,
            **self._digests(digests, algorithm, with_algorithm=True),
        }
        if mechanism["algorithm"].native == "rsassa_pss":
            asked["signAlgoParams"] = base64.b64encode(mechanism["parameters"].dump()).decode()
        if self._uri.version == 2:
            asked["operationMode"] = "S"
        answer = await self._call("signatures/signHash", asked)
        signatures = [_decoded(each) for each in _list(answer, "signatures")]
        if len(signatures) != len(digests):
            raise CscFault(f"the service gave {len(signatures)} signatures for {len(digests)} digests")
        return signatures

    def _digests(self, digests: Sequence[bytes], algorithm: str, *, with_algorithm: bool) -> dict[str, Any]:
        encoded = [base64.b64encode(digest).decode() for digest in digests]
        names = ("hash", "hashAlgo") if self._uri.version == 1 else ("hashes", "hashAlgorithmOID")
        oid = algos.DigestAlgorithmId(algorithm).dotted
        return {names[0]: encoded} | ({names[1]: oid} if with_algorithm else {})

    async def _call(self, method: str, body: Mapping[str, Any], *, with_token: bool = True) -> dict[str, Any]:
        """One method's answer; asks again with a new token, or when the service said Retry-After."""
        headers = {}
        for attempt in range(1, TRIES + 1):
            if with_token and self._secrets.client_id:
                headers["Authorization"] = f"Bearer {await self._access_token()}"
            status, answer, wait_s = await self._post(f"{self._uri.base}/{method}", headers, json=body)
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
                status, answer, wait_s = await self._post(self._token_url, {}, data=form)
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


def require_private(url: str) -> None:
    """Refuse to send secrets to anything but https, or http on loopback.

    Raises:
        ValueError: It is neither.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise ValueError("a remote signing service and its authorization server are reached over https")


def _credential(identifier: str, answer: Mapping[str, Any]) -> Credential:
    key, cert = answer["key"], answer["cert"]
    first, *above = [x509.Certificate.load(_decoded(each), strict=True) for each in _list(cert, "certificates")]
    said = f"key {key['status']}, certificate {cert.get('status', 'valid')}"
    auth = answer.get("auth")
    mode = auth.get("mode", "") if isinstance(auth, dict) else answer.get("authMode", "")
    return Credential(
        id=identifier,
        certificate=first,
        chain=tuple(above),
        enabled=key["status"] == "enabled" and cert.get("status", "valid") == "valid",
        status=said[:100],
        algorithms=frozenset(str(each) for each in _list(key, "algo")),
        scal=int(answer.get("SCAL", 1)),
        multisign=max(1, int(answer.get("multisign", 1))),
        mode=str(mode),
    )


def _list(answer: Mapping[str, Any], name: str) -> list[Any]:
    found = answer.get(name)
    if not isinstance(found, list) or not found:
        raise CscFault(f"the service gave no {name}")
    return found


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode("".join(str(text).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise CscFault("the service gave something that is not base64") from error
