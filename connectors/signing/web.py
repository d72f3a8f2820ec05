"""Time-stamps, OCSP responses and CRLs over HTTP, on connections that are kept alive."""

from __future__ import annotations

import aiohttp
from asn1crypto import cms, core, tsp
from pyhanko.sign.timestamps.aiohttp_client import HTTPTimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator.fetchers import FetcherBackend
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend


def open_session(*, connections: int = 32) -> aiohttp.ClientSession:
    """An HTTP session for all that follows; call it in the event loop that will use it, and close it there.

    Args:
        connections: At most so many at a time to one host.
    """
    connector = aiohttp.TCPConnector(limit_per_host=connections, keepalive_timeout=60)
    return aiohttp.ClientSession(connector=connector)


def open_timestamper(url: str, session: aiohttp.ClientSession, *, timeout_s: float = 20) -> HttpTimeStamper:
    """A client of the time-stamping authority at `url` (http or https).

    Raises:
        ValueError: That is no such URL.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError("a time-stamping authority's URL is http: or https:")
    return HttpTimeStamper(url, timeout=timeout_s, session=session)


def open_fetchers(session: aiohttp.ClientSession, *, timeout_s: float = 20) -> FetcherBackend:
    """What fetches OCSP responses, CRLs and issuers' certificates. Each `get_fetchers()` starts without a memory."""
    return AIOHttpFetcherBackend(session, per_request_timeout=timeout_s)


class HttpTimeStamper(HTTPTimeStamper):
    """Asks with nonce and certReq, and takes no answer but the one to its question (RFC 3161, 2.4)."""

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """The token for a digest.

        Raises:
            TimestampRequestError: The authority could not be reached, refused, or answered something else.
        """
        nonce, request = self.request_cms(message_digest, md_algorithm)  # type: ignore[no-untyped-call]
        try:
            raw = await self.async_request_tsa_response(request)
            answer = _Response.load(raw.dump())
            status = answer["status"]
            if status["status"].native not in ("granted", "granted_with_mods"):
                said = [str(status[field].native) for field in ("status", "status_string", "fail_info")]
                raise TimestampRequestError(f"the time-stamping authority refused: {', '.join(said)}")
            token = answer["time_stamp_token"]
            if token["content_type"].native != "signed_data":
                raise TimestampRequestError("the time-stamping authority's token is no SignedData")
            info = token["content"]["encap_content_info"]["content"].parsed
            if info["nonce"].native != nonce:
                raise TimestampRequestError("the time-stamping authority answered another question (nonce)")
        except TimeoutError as error:
            raise TimestampRequestError("the time-stamping authority took too long") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise TimestampRequestError(f"the time-stamping authority's answer is malformed: {error}") from error
        return token


class _Response(core.Sequence):  # type: ignore[misc]
    """TimeStampResp (RFC 3161, 2.4.2); asn1crypto's own has no place for an answer without token."""

    _fields = [  # noqa: RUF012
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]
