"""What is asked of a bucket with Object Lock, request by request."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from connectors.archive.s3_locking import MODE
from connectors.ports import NotEnforced
from connectors.s3 import checksum, code, message, status

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNVERSIONED: Final = "null"


class BucketRequests:
    """Writes to a bucket by full object names; what came of it, `BucketView` says.

    Args:
        client: From `connectors.s3.open_client`.
        bucket: Its name.
        storage_class: The tier to write to.
    """

    def __init__(self, client: S3Client, bucket: str, storage_class: str) -> None:
        self._client = client
        self._bucket = bucket
        self._tier: dict[str, Any] = {} if storage_class == "STANDARD" else {"StorageClass": storage_class}

    def put(self, name: str, content: bytes, end: datetime) -> str | None:
        """Put a locked object where none is; its version, or `None` if somebody else was faster or is at it.

        Raises:
            NotEnforced: The bucket does not lock, or keeps no versions.
        """
        try:
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=name,
                Body=content,
                ContentType="application/pdf" if name.endswith(".pdf") else "application/octet-stream",
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum(content),
                IfNoneMatch="*",
                ObjectLockMode=MODE,
                ObjectLockRetainUntilDate=end,
                **self._tier,
            )
        except ClientError as error:
            if status(error) == 412 or code(error) in {"ConditionalRequestConflict", "OperationAborted"}:
                return None
            if code(error) == "InvalidRequest" and "lock" in message(error).lower():
                raise NotEnforced(f"s3://{self._bucket}: {message(error)}") from error
            raise
        version_id = answer.get("VersionId")
        if version_id in {None, UNVERSIONED}:
            raise NotEnforced(f"s3://{self._bucket}: the bucket keeps no versions")
        return version_id

    def retain(self, name: str, version_id: str, end: datetime) -> None:
        """Lock a version until `end`; the server refuses a date before the present one."""
        retention: Any = {"Mode": MODE, "RetainUntilDate": end}
        self._client.put_object_retention(Bucket=self._bucket, Key=name, VersionId=version_id, Retention=retention)

    def hold(self, name: str, version_id: str, *, on: bool) -> None:
        """Put a legal hold on a version, or take it off."""
        hold: Any = {"Status": "ON" if on else "OFF"}
        self._client.put_object_legal_hold(Bucket=self._bucket, Key=name, VersionId=version_id, LegalHold=hold)

    def delete(self, name: str, version_id: str) -> None:
        """Destroy a version. Never without its id: that would set a delete marker."""
        self._client.delete_object(Bucket=self._bucket, Key=name, VersionId=version_id)
