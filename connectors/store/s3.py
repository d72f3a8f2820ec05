"""A bucket as a store. It should keep no versions; where it does, `delete` destroys those too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from connectors.keys import below, check_key
from connectors.ports import Missing
from connectors.s3 import checksum, code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Store:
    """`Store` in a bucket. Safe for many threads and machines.

    Args:
        client: From `connectors.s3.open_client`.
        bucket: Its name; without Object Lock, since what is staged must go again.
        prefix: Before every key; empty for none.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._root = below(prefix)

    def put(self, key: str, content: bytes) -> None:
        """See `Store.put`; the server refuses bytes that don't have the digest sent with them."""
        self._client.put_object(
            Bucket=self._bucket,
            Key=self._root + check_key(key),
            Body=content,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum(content),
        )

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=self._root + check_key(key))["Body"].read()
        except ClientError as error:
            if code(error) == "NoSuchKey":
                raise Missing(key) from error
            raise

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        name = self._root + check_key(key)
        answer = self._client.delete_object(Bucket=self._bucket, Key=name)
        if answer.get("DeleteMarker") or answer.get("VersionId"):
            self._destroy_versions(name)

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Store.keys`."""
        start = self._root + below(prefix)
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=start):
            for found in page.get("Contents", []):
                yield found["Key"].removeprefix(self._root)

    def _destroy_versions(self, name: str) -> None:
        """In a bucket with versioning, deleting only hides: destroy what is hidden, and the marker."""
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=name):
            versions = [(v["Key"], v["VersionId"]) for v in page.get("Versions", [])]
            markers = [(m["Key"], m["VersionId"]) for m in page.get("DeleteMarkers", [])]
            for found, version_id in versions + markers:
                if found == name:
                    self._client.delete_object(Bucket=self._bucket, Key=name, VersionId=version_id)
            if page.get("NextKeyMarker") != name:
                break
