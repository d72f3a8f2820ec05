"""Where sealed files stay: write-once storage under retention locks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A version of an archived object as the archive itself reports it, read back, never as we asked for it.

    Attributes:
        key: The object's key.
        version_id: The one version meant.
        size_bytes: Size of the content.
        sha256: Digest of the content as the archive computed or kept it.
        retain_until: End of its lock, or `None` if it is not locked.
        mode: `COMPLIANCE` or `GOVERNANCE` on S3, `DIRECTORY` where a directory only behaves like one, `MEMORY`.
        legal_hold: Whether a hold without end is on it.
        storage_class: The archive's name of the tier, such as `STANDARD` or `GLACIER_IR`.
    """

    key: str
    version_id: str
    size_bytes: int
    sha256: str
    retain_until: datetime | None
    mode: str | None
    legal_hold: bool
    storage_class: str


class Taken(Exception):
    """The key holds other bytes: nothing was written. An incident, never to be retried with another key."""


class Locked(Exception):
    """The lock or a legal hold forbids it: nothing was changed."""


class NotEnforced(Exception):
    """The archive accepts locks but does not keep them, or did not keep what was asked: fail closed, archive
    nothing."""


class Archive(Protocol):
    """Write-once storage under retention locks.

    Attributes:
        url: Where it is, for reports; no secret.
        is_compliance_tier: Whether its lock binds its own administrators (S3 Object Lock in COMPLIANCE mode). A
        directory's does not, and everything that speaks of it says so.
    """

    url: str
    is_compliance_tier: bool

    def check(self) -> None:
        """Prove that locks are enforced here, by trying to break one on a canary object. Cheap enough for every batch.

        Raises:
            NotEnforced: They are not.
        """

    def put(self, key: str, content: bytes, *, sha256: str, retain_until: datetime) -> Stored:
        """Write and lock `content` in one act, then read the lock and the digest back.

        May be repeated: the same bytes under the same key give the same version again. Never overwrites, never makes a
        second version.

        Args:
            key: As for `Store`; one that begins with a dot is the archive's own (canary, locks) and raises ValueError.
            content: The bytes.
            sha256: Their digest as the caller knows it; the archive must arrive at the same.
            retain_until: End of the lock, to the second.

        Raises:
            Taken: The key holds other bytes.
            NotEnforced: What was read back is not what was asked for.
            ValueError: The content does not have that digest, or the date is not in the future.
        """

    def head(self, key: str, version_id: str | None = None) -> Stored:
        """What the archive says of that version; without one, of the only (oldest) version under the key.

        Raises:
            Missing: There is none. A delete marker above a version does not hide it from this.
        """

    def get(self, key: str, version_id: str) -> bytes:
        """The content of that version.

        Raises:
            Missing: There is none.
        """

    def versions(self, prefix: str) -> Iterator[Stored]:
        """Every version of every object below `prefix` (whole segments, or empty for all), ascending by key."""

    def markers(self, prefix: str) -> Iterator[str]:
        """Keys below `prefix` hidden by a delete marker: someone deleted, the audit must say so."""

    def extend(self, key: str, version_id: str, retain_until: datetime) -> Stored:
        """Lengthen the lock; the same date again changes nothing.

        Raises:
            Locked: The date lies before the present end: a lock is never shortened.
            Missing: There is no such version.
        """

    def hold(self, key: str, version_id: str, *, on: bool) -> Stored:
        """Put a legal hold on that version, or take it off. May be repeated."""

    def delete(self, key: str, version_id: str) -> None:
        """Destroy that version once its lock has ended and no hold is on it. May be repeated.

        Raises:
            Locked: Its lock has not ended by the archive's own clock, or a hold is on it.
        """
