"""S3 Object Lock in COMPLIANCE mode: the archive proper.

What the bucket needs: Object Lock and versioning switched on, and an identity of ours that may put, get, list versions,
set retention and legal holds and read them back (`s3:GetObjectRetention`, `s3:GetObjectLegalHold`), and delete versions
for disposal. It should be denied `s3:DeleteObject`, so that it can set no delete marker, and
`s3:BypassGovernanceRetention`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from connectors.archive.canary import plant_canary, require_standing
from connectors.archive.s3_locking import MODE, attacks, is_refusal, require_locking
from connectors.archive.s3_requests import UNVERSIONED, BucketRequests
from connectors.archive.s3_view import BucketView
from connectors.archive.terms import (
    Clock,
    check_archive_key,
    check_deletable,
    check_put,
    is_own,
    must_lengthen,
    to_the_second,
)
from connectors.keys import below
from connectors.ports import Locked, Missing, NotEnforced, Stored, Taken
from connectors.s3 import CONNECTIONS, message

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS: Final = 6

COLD: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Tiers that give nothing back before a restore."""


class S3Archive:
    """`Archive` in a bucket with Object Lock. Safe for many threads and machines.

    S3 can't promise "never a second version" alone: `If-None-Match: *` lets a put through when a delete marker hides
    the object. So a put looks for versions first. What is left is a marker set between that look and the put while
    somebody else writes the same key at that very moment: deny `s3:DeleteObject`; an audit reads `markers`.

    Where the server keeps no SHA-256 of an object (others put it there), `Stored.sha256` is empty.

    Args:
        client: From `connectors.s3.open_client`.
        bucket: Its name.
        prefix: Before every key; empty for none.
        storage_class: The tier to write to; whatever else the server makes of it is refused.
        clock: Gives the present, UTC-aware; for dates to refuse and the day's canary only, the server's ends the locks.
    """

    def __init__(
        self, client: S3Client, bucket: str, prefix: str = "", storage_class: str = "STANDARD", *, clock: Clock
    ) -> None:
        self.url = f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"
        self.is_compliance_tier = True
        self._client = client
        self._bucket = bucket
        self._view = BucketView(client, bucket, clock)
        self._requests = BucketRequests(client, bucket, storage_class)
        self._root = below(prefix)
        self._storage_class = storage_class
        self._clock = clock

    def check(self) -> None:
        """See `Archive.check`: versioning and Object Lock are on, and the day's canary stands every way to free it.

        A refusal for lack of a permission looks the same, so the more the identity may do, the more this proves.
        """
        require_locking(self._client, self._bucket)
        now = self._clock()
        canary = plant_canary(self, self._storage_class, now)
        attempts = attacks(self._client, self._bucket, self._name(canary.key), canary, now)
        is_readable = canary.storage_class not in COLD
        require_standing(self, canary, attempts, is_refusal=is_refusal, is_readable=is_readable)

    def put(self, key: str, content: bytes, *, sha256: str, retain_until: datetime) -> Stored:
        """See `Archive.put`."""
        end = check_put(content, sha256, retain_until, self._clock())
        name = self._name(check_archive_key(key))
        for attempt in range(ATTEMPTS):
            there = self._view.ids(name)
            if there:
                return self._again(key, there[-1], len(content), sha256, end)
            version_id = self._requests.put(name, content, end)
            if version_id:
                stored = self.head(key, version_id)
                if stored.retain_until != end:
                    raise NotEnforced(f"{key}: locked until {stored.retain_until}, not until {end.isoformat()}")
                return self._confirm(stored, len(content), sha256, end)
            time.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311
        raise TimeoutError(f"{key}: somebody else keeps writing it")

    def head(self, key: str, version_id: str | None = None) -> Stored:
        """See `Archive.head`."""
        name = self._name(check_archive_key(key))
        if version_id is None:
            there = self._view.ids(name)
            if not there:
                raise Missing(key)
            version_id = there[-1]
        return self._head(name, version_id)[0]

    def get(self, key: str, version_id: str) -> bytes:
        """See `Archive.get`: the bytes as the server gives them, unchecked."""
        name = self._name(check_archive_key(key))
        with self._view.missing(name, version_id):
            answer = self._client.get_object(Bucket=self._bucket, Key=name, VersionId=version_id)
        return answer["Body"].read()

    def versions(self, prefix: str) -> Iterator[Stored]:
        """See `Archive.versions`; of one key, the newest first. A HEAD for each, so many at a time."""
        with ThreadPoolExecutor(CONNECTIONS // 2) as pool:
            for page in self._view.pages(self._root + below(prefix)):
                shown = [pair for pair in page.versions if not is_own(pair[0].removeprefix(self._root), prefix)]
                yield from (stored for stored in pool.map(self._still, shown) if stored)

    def markers(self, prefix: str) -> Iterator[str]:
        """See `Archive.markers`."""
        for page in self._view.pages(self._root + below(prefix)):
            for name in page.hidden:
                if self._view.ids(name):
                    yield name.removeprefix(self._root)

    def extend(self, key: str, version_id: str, retain_until: datetime) -> Stored:
        """See `Archive.extend`."""
        end = to_the_second(retain_until)
        name = self._name(check_archive_key(key))
        stored, now = self._head(name, version_id)
        if not must_lengthen(stored, end, now) and stored.mode == MODE:
            return stored
        try:
            self._requests.retain(name, version_id, end)
        except ClientError as error:
            present = self.head(key, version_id).retain_until
            if present and present > end:  # somebody else was faster and went further
                raise Locked(f"{key} is locked until {present.isoformat()}: never shortened") from error
            raise
        stored = self.head(key, version_id)
        if stored.mode != MODE or not stored.retain_until or stored.retain_until < end:
            raise NotEnforced(f"{key}: the lock was not extended to {end.isoformat()}")
        return stored

    def hold(self, key: str, version_id: str, *, on: bool) -> Stored:
        """See `Archive.hold`."""
        self.head(key, version_id)
        self._requests.hold(self._name(key), version_id, on=on)
        stored = self.head(key, version_id)
        if stored.legal_hold != on:
            raise NotEnforced(f"{key}: the legal hold did not read back as set")
        return stored

    def delete(self, key: str, version_id: str) -> None:
        """See `Archive.delete`. Only ever by version, so it never sets a delete marker."""
        name = self._name(check_archive_key(key))
        try:
            check_deletable(*self._head(name, version_id))
            self._requests.delete(name, version_id)
        except Missing:
            return
        except ClientError as error:
            if is_refusal(error) and version_id in self._view.ids(name):
                stored, now = self._head(name, version_id)
                check_deletable(stored, now - timedelta(seconds=1))  # the server's clock, which it shows to the second
            raise

    def _again(self, key: str, version_id: str, size_bytes: int, sha256: str, end: datetime) -> Stored:
        """The object that is there, locked at least until `end`, if it holds the same bytes."""
        if version_id == UNVERSIONED:
            raise NotEnforced(f"{key} was stored when the bucket kept no versions")
        stored = self.head(key, version_id)
        if stored.sha256 != sha256 or stored.size_bytes != size_bytes:
            raise Taken(f"{key} holds other bytes")
        if stored.mode != MODE or not stored.retain_until or stored.retain_until < end:
            try:
                stored = self.extend(key, version_id, max(end, stored.retain_until or end))
            except ClientError as error:
                if is_refusal(error):
                    raise NotEnforced(f"{key} is there, and can't be locked: {message(error)}") from error
                raise
        return self._confirm(stored, size_bytes, sha256, end)

    def _confirm(self, stored: Stored, size_bytes: int, sha256: str, end: datetime) -> Stored:
        """`stored`, if the server kept all that was asked: it may drop headers it doesn't know without a word."""
        wrong = [
            f"{what} is {there!r}, asked was {asked!r}"
            for what, there, asked in (
                ("mode", stored.mode, MODE),
                ("size", stored.size_bytes, size_bytes),
                ("SHA-256", stored.sha256, sha256),
                ("storage class", stored.storage_class, self._storage_class),
            )
            if there != asked
        ]
        if not stored.retain_until or stored.retain_until < end:
            wrong.append(f"lock ends {stored.retain_until}, asked was {end}")
        if wrong:
            raise NotEnforced(f"{stored.key}: {'; '.join(wrong)}")
        return stored

    def _name(self, key: str) -> str:
        return self._root + key

    def _head(self, name: str, version_id: str) -> tuple[Stored, datetime]:
        """What the server says of a version, and its time."""
        stored, now = self._view.head(name, version_id)
        return replace(stored, key=name.removeprefix(self._root)), now

    def _still(self, version: tuple[str, str]) -> Stored | None:
        """What the server says of a listed version, unless it was disposed of since."""
        try:
            return self._head(*version)[0]
        except Missing:
            return None
