"""Archives under test, each with the clock that ends its locks."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from connectors.archive import S3Options, open_archive
from connectors.ports import Archive, Stored

REAL_URL = os.environ.get("PROBANT_TEST_S3_URL", "")
"""A real bucket to run the suite against as well; each run leaves about a hundred objects in it, locked for an hour."""

KEY = "default/ab/receipt.pdf"
CONTENT = b"%PDF-1.7 a receipt"
OTHER = b"%PDF-1.7 another receipt"


class MovedClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 30, 15, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wait_until(self, moment: datetime) -> None:
        """Move on to `moment`."""
        self.now = max(self.now, moment)


class RealClock:
    """The time of the day."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)

    def wait_until(self, moment: datetime) -> None:
        """Wait; servers show their clock to the second, and up to a second late, so a little longer."""
        while self() < moment + timedelta(seconds=2.2):
            time.sleep(0.1)


@dataclass
class Bench:
    """An empty archive and its clock."""

    archive: Archive
    clock: MovedClock | RealClock

    def after(self, **span: float) -> datetime:
        """A date so far from now, at the second."""
        return (self.clock() + timedelta(**span) + timedelta(seconds=1)).replace(microsecond=0)

    def put(self, key: str, content: bytes = CONTENT, until: datetime | None = None) -> Stored:
        """Put `content`, locked for an hour unless told otherwise."""
        end = until or self.after(hours=1)
        return self.archive.put(key, content, sha256=sha256(content), retain_until=end)


def sha256(content: bytes) -> str:
    """Digest in hex."""
    return hashlib.sha256(content).hexdigest()


def real_bench() -> Bench:
    """An empty corner of the real bucket, reached as `open_archive` would."""
    clock = RealClock()
    url = f"{REAL_URL.rstrip('/')}/{secrets.token_hex(6)}"
    options = S3Options(
        endpoint=os.environ.get("PROBANT_TEST_S3_ENDPOINT") or None, region=os.environ.get("PROBANT_TEST_S3_REGION")
    )
    return Bench(open_archive(url, s3=options, clock=clock), clock)


def refused(attempt: Callable[[], object]) -> bool:
    """Whether the server itself turns an attempt down. Servers differ in the code, so only that it does counts."""
    try:
        attempt()
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}
    return False


class Lying:
    """A client whose server accepts every call and drops some of what was asked without a word.

    Args:
        client: The honest one.
        drops: Parameters that get lost, whatever the call.
        deaf: Calls that answer and do nothing.
    """

    def __init__(self, client: Any, *drops: str, deaf: tuple[str, ...] = ()) -> None:
        self._client, self._drops, self._deaf = client, drops, deaf

    def __getattr__(self, name: str) -> Any:
        honest = getattr(self._client, name)
        if name in self._deaf:
            return lambda **_: {}
        if name not in {"put_object", "put_object_retention", "put_object_legal_hold"}:
            return honest
        return lambda **asked: honest(**{key: value for key, value in asked.items() if key not in self._drops})
