"""The S3 client that the archive and the store share, and how its errors are read."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from connectors.keys import check_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 32


@dataclass(frozen=True, kw_only=True)
class S3Options:
    """How to reach S3. Credentials are no option: boto3 finds them itself (environment, profile, role).

    Attributes:
        endpoint: URL of the server when it is not Amazon's.
        region: Its region; `None` leaves it to boto3's own configuration.
        storage_class: Tier of archived objects, such as `GLACIER_IR`.
    """

    endpoint: str | None = None
    region: str | None = None
    storage_class: str = "STANDARD"


@lru_cache(maxsize=8)
def open_client(endpoint: str | None, region: str | None) -> S3Client:
    """The one client of this process for that endpoint; making one is slow, using it from many threads is safe."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=region or ("us-east-1" if endpoint else None),
        config=config(path_style=endpoint is not None),
    )


def config(*, path_style: bool) -> Config:
    """The client's configuration.

    Args:
        path_style: Whether the bucket is named in the path, as servers other than Amazon's expect it.
    """
    return Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
        # We send SHA-256 ourselves and compare on our own: some servers store the bytes of boto3's default trailers.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if path_style else "auto"},
    )


def split_url(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`.

    Raises:
        ValueError: It has no bucket, or its prefix is not of a key's form.
    """
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    if not url.startswith("s3://") or not bucket:
        raise ValueError(f"not of the form s3://bucket/prefix: {url!r}")
    return bucket, check_key(prefix) if prefix else ""


def checksum(content: bytes) -> str:
    """SHA-256 as the header `x-amz-checksum-sha256` wants it: base64."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")


def status(error: ClientError) -> int:
    """The HTTP status of an error; 0 if it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code(error: ClientError) -> str:
    """The server's word for an error, such as `NoSuchKey`; only the status as text if the answer had no body (HEAD)."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    """The server's sentence about an error."""
    return str(error.response.get("Error", {}).get("Message", ""))
