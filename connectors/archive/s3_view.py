"""What a bucket says of its locked versions: list, HEAD, and the errors that mean "there is none"."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from connectors.archive.terms import Clock
from connectors.ports import Missing, Stored
from connectors.s3 import code, message, status

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNLOCKED: Final = frozenset({"NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"})


@dataclass(frozen=True, kw_only=True)
class Page:
    """A piece of a bucket's list.

    Attributes:
        versions: Name and version id, ascending by name, the newest first.
        hidden: Names whose latest entry is a delete marker.
        goes_on_at: The last name on this page, if there is another page.
    """

    versions: list[tuple[str, str]]
    hidden: list[str]
    goes_on_at: str | None


class BucketView:
    """Reads a bucket by full object names.

    Args:
        client: From `connectors.s3.open_client`.
        bucket: Its name.
        clock: The present, for servers that don't tell theirs.
    """

    def __init__(self, client: S3Client, bucket: str, clock: Clock) -> None:
        self._client = client
        self._bucket = bucket
        self._clock = clock

    def pages(self, start: str) -> Iterator[Page]:
        """Versions and delete markers of all names that begin with `start`, each once."""
        before: set[tuple[str, str]] = set()
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=start):
            versions = [(v["Key"], v["VersionId"]) for v in page.get("Versions", [])]
            markers = [(m["Key"], m["VersionId"]) for m in page.get("DeleteMarkers", []) if m["IsLatest"]]
            yield Page(
                versions=[pair for pair in versions if pair not in before],
                hidden=[pair[0] for pair in markers if pair not in before],
                goes_on_at=page.get("NextKeyMarker"),
            )
            before = {*versions, *markers}  # versitygw begins some pages with the end of the one before

    def ids(self, name: str) -> list[str]:
        """The versions under exactly that name, newest first; delete markers neither count nor hide any."""
        found: list[str] = []
        for page in self.pages(name):
            found += [version_id for there, version_id in page.versions if there == name]
            if page.goes_on_at != name:
                break
        return found

    def head(self, name: str, version_id: str) -> tuple[Stored, datetime]:
        """What the server says of a version (its key is the full name), and the server's time.

        Raises:
            Missing: There is no such version.
        """
        with self.missing(name, version_id):
            answer = self._client.head_object(
                Bucket=self._bucket, Key=name, VersionId=version_id, ChecksumMode="ENABLED"
            )
        mode: str | None = answer.get("ObjectLockMode")
        until: datetime | None = answer.get("ObjectLockRetainUntilDate")
        held = answer.get("ObjectLockLegalHoldStatus") == "ON"
        if mode is None:  # versitygw leaves these headers out once a newer version or a marker is there
            mode, until, held = self._lock(name, version_id)
        stored = Stored(
            key=name,
            version_id=answer.get("VersionId", version_id),
            size_bytes=answer["ContentLength"],
            sha256=_digest(answer.get("ChecksumSHA256", "")),
            retain_until=until.astimezone(UTC).replace(microsecond=0) if until else None,
            mode=mode,
            legal_hold=held,
            storage_class=answer.get("StorageClass", "STANDARD"),  # Amazon leaves the header out for STANDARD
        )
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return stored, parsedate_to_datetime(date) if date else self._clock()

    @contextmanager
    def missing(self, name: str, version_id: str) -> Iterator[None]:
        """Raise `Missing` for what is not there, and only for that.

        400 (not a version id of this server's), 404 and 405 (a delete marker) can mean other things too, such as an
        expired token or a wrong bucket: the list decides.
        """
        try:
            yield
        except ClientError as error:
            if status(error) in {400, 404, 405} and version_id not in self.ids(name):
                raise Missing(f"{name} has no version {version_id}") from error
            raise

    def _lock(self, name: str, version_id: str) -> tuple[str | None, datetime | None, bool]:
        """Mode, end and legal hold of a version, asked for one by one."""
        version: dict[str, Any] = {"Bucket": self._bucket, "Key": name, "VersionId": version_id}
        retention = _unless_unlocked(lambda: self._client.get_object_retention(**version)["Retention"])
        hold = _unless_unlocked(lambda: self._client.get_object_legal_hold(**version)["LegalHold"])
        return retention.get("Mode"), retention.get("RetainUntilDate"), hold.get("Status") == "ON"


def _unless_unlocked(ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """The answer, or nothing if there is no lock of that kind."""
    try:
        return ask()
    except ClientError as error:
        if code(error) in UNLOCKED or (code(error) == "InvalidRequest" and "lock" in message(error).lower()):
            return {}
        raise


def _digest(kept: str) -> str:
    """SHA-256 in hex from the base64 that the server keeps; empty if it is none of the whole object."""
    try:
        digest = base64.b64decode(kept, validate=True)
    except binascii.Error:
        return ""
    return digest.hex() if len(digest) == 32 else ""
