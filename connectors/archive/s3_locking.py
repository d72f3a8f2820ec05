"""Whether a bucket locks, and what a server must refuse if it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from connectors.archive.canary import Attempts
from connectors.archive.s3_view import UNLOCKED
from connectors.ports import NotEnforced, Stored
from connectors.s3 import code, status

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MODE: Final = "COMPLIANCE"

_REFUSALS: Final = frozenset({400, 403})
"""What a server answers when a lock forbids something: versitygw and Amazon AccessDenied, MinIO InvalidRequest."""


def is_refusal(error: Exception) -> bool:
    """Whether a server says that a lock forbids it. A refusal for lack of a permission looks the same."""
    return isinstance(error, ClientError) and status(error) in _REFUSALS


def require_locking(client: S3Client, bucket: str) -> None:
    """Check that the bucket keeps versions and has Object Lock.

    Raises:
        NotEnforced: It does not.
    """
    if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise NotEnforced(f"s3://{bucket}: the bucket keeps no versions")
    try:
        lock = client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    except ClientError as error:
        if code(error) in UNLOCKED:
            raise NotEnforced(f"s3://{bucket}: the bucket has no Object Lock") from error
        raise
    if lock.get("ObjectLockEnabled") != "Enabled":
        raise NotEnforced(f"s3://{bucket}: the bucket's Object Lock is not enabled")


def attacks(client: S3Client, bucket: str, name: str, canary: Stored, now: datetime) -> Attempts:
    """Ways to free a locked object, as requests that S3 knows, past our own checks.

    Args:
        client: With the rights that we have.
        bucket: Where it is.
        name: The canary's full name in the bucket.
        canary: What is attacked.
        now: The present.
    """
    version = {"Bucket": bucket, "Key": name, "VersionId": canary.version_id}
    delete: Callable[..., object] = client.delete_object
    retain: Callable[..., object] = client.put_object_retention
    sooner = {"Mode": MODE, "RetainUntilDate": now + timedelta(hours=1)}
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": canary.retain_until}
    bypass = {"BypassGovernanceRetention": True}
    return {
        "shortening": lambda: retain(**version, Retention=sooner),
        "weakening": lambda: retain(**version, Retention=weaker),
        "weakening with a bypass": lambda: retain(**version, Retention=weaker, **bypass),
        "deleting": lambda: delete(**version),
        "deleting with a bypass": lambda: delete(**version, **bypass),
    }
