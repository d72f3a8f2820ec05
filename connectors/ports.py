"""The promises that connectors keep. The docstrings are the contract; tests/contract/ runs it on every implementation.

All times are UTC-aware. All digests are SHA-256 in lower-case hex. Every fault that is not named here is a technical
one: the caller tries again later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

# --- sources ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Something that a source offers for custody.

    Attributes:
        key: Names this arrival within its source, for ever: the same after a crash, another for another arrival,
        even of the same name or bytes.
        name: The file name (or subject) as its sender knows it; untrusted text, never used as a path.
        size_bytes: Size as announced; the bytes themselves are the truth.
        facts: What else the source knows (sender, message id, ...): untrusted text.
    """

    key: str
    name: str
    size_bytes: int
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an arrival, for its sender's eyes.

    Attributes:
        kind: `archived`, `refused` or `duplicate`.
        receipt: The receipt's id.
        message: What the sender should know, in one or two sentences.
        code: Stable code of a refusal, else `None`.
    """

    kind: str
    receipt: str
    message: str
    code: str | None = None


class Gone(Exception):
    """What was offered is no longer there, or no longer the same: it is offered anew (or not) at the next look."""


class Source(Protocol):
    """A place where receipts arrive. It never removes anything before `settle`, so a crash anywhere loses nothing.

    Attributes:
        channel: `folder`, `imap` or `mobile`.
        name: Names this source among all (`folder:expenses`); with an offer's key it identifies an arrival.
    """

    channel: str
    name: str

    def offers(self) -> Iterator[Offer]:
        """What is there and whole: oldest first where the source can tell. An arrival is offered again and again,
        with the same key, until it is settled; one that is still being written is not offered yet.
        """

    def read(self, offer: Offer) -> bytes:
        """The bytes as they arrived, unaltered. May be repeated; changes nothing (a mail stays unread).

        Raises:
            Gone: It is no longer there, or it changed since it was offered.
        """

    def settle(self, key: str, outcome: Outcome) -> None:
        """Let go of an arrival whose outcome is known, and show its sender the outcome: the file or mail moves to
        Archived or Rejected (a duplicate follows its first arrival: to Archived), a note or state tells why.

        Never destroys an unreadable or refused original of the sender. May be repeated, also after a crash in its
        midst; an arrival that is already gone is not a fault.
        """

    def close(self) -> None:
        """Give back connections. May be repeated."""


# --- staging ---------------------------------------------------------------------------------------------------------


class Missing(Exception):
    """There is nothing under that key (or version)."""


class Store(Protocol):
    """Unlocked bytes by key: staging, quarantine, the inbox of uploads. Durable when `put` returns.

    Keys are `/`-separated segments of `[A-Za-z0-9._-]` (at most 240 characters each, 900 in all), none of them `.` or
    `..`; others raise ValueError. No key is a prefix directory of another.
    """

    def put(self, key: str, content: bytes) -> None:
        """Keep `content` under `key`, whole or not at all, also when the machine dies. Replaces what was there."""

    def get(self, key: str) -> bytes:
        """The bytes under `key`.

        Raises:
            Missing: There are none.
        """

    def delete(self, key: str) -> None:
        """Remove `key`; may be repeated, nothing there is not a fault."""

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys below `prefix` (a whole segment path, or empty for all), in ascending order."""


# --- archive ---------------------------------------------------------------------------------------------------------


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


# --- registry --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Record:
    """A journal line as the registry keeps it: opaque text and the digest of its UTF-8 bytes."""

    stream: str
    position: int
    body: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the index knows of a stream: derived from its lines by the caller, so always rebuildable.

    Attributes:
        stream: The receipt's id.
        tenant: Its tenant.
        state: An opaque word to claim and list by.
        count: How many lines the stream has: with `head`, the chain's anchor outside the lines.
        head: Digest of the newest line.
        received_at: Time of the first line.
        summary: Strings, integers, booleans and nulls for lists and reports.
        arrivals: Every arrival known in the stream, as (source name, offer key).
        unsettled: Those of them whose outcome their sender has not been shown.

    No text in it contains NUL, except in `summary`.
    """

    stream: str
    tenant: str
    state: str
    count: int
    head: str
    received_at: datetime
    summary: Mapping[str, str | int | bool | None]
    arrivals: Sequence[tuple[str, str]] = ()
    unsettled: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to work on a stream until the lease ends.

    Attributes:
        stream: The receipt's id.
        token: Grows with every claim of the stream; only the newest may append.
        lease_until: When others may claim it.
    """

    stream: str
    token: int
    lease_until: datetime


class Conflict(Exception):
    """Someone else appended first: nothing was written. Read the stream again and decide anew."""


class Fenced(Exception):
    """A newer claim on the stream exists (or it was never claimed): nothing was written. Drop the work."""


class Registry(Protocol):
    """The append-only journal, its rebuildable index, and claims. Every method is one transaction."""

    def append(self, record: Record, row: Row, *, claim: Claim | None) -> None:
        """Write one line and the index row that follows from the whole stream, both or neither; durable on return.

        Args:
            record: The line; its position must be the stream's next.
            row: The stream's new index row (`count == record.position + 1`, `head == record.digest`).
            claim: The claim under which the work was done; `None` only for what needs none (a reception, a note).

        Raises:
            Conflict: That position is taken, or is not the next; or an arrival in `row.arrivals` already belongs to
                another stream.
            Fenced: `claim` is not the newest claim of that stream. A lease that ran out while nobody else claimed is
                still good: the token decides, not the clock. Looked at before the position.
            ValueError: The digest is not that of the body, or the row does not follow from the line.
        """

    def lines(self, stream: str) -> list[Record]:
        """All lines of a stream, oldest first; empty if there is no such stream."""

    def journal(self, *, after: int = 0, limit: int = 1000) -> list[tuple[int, Record]]:
        """Lines of all streams in the order of their writing, each with its sequence number, from the first after
        `after`."""

    def row(self, stream: str) -> Row | None:
        """The index row of a stream, or `None`."""

    def rows(
        self, *, tenant: str | None = None, states: Iterable[str] | None = None, after: str = "", limit: int = 1000
    ) -> list[Row]:
        """Index rows by ascending stream id, from the first after `after`."""

    def count(self) -> Mapping[str, int]:
        """How many streams stand in each state."""

    def arrival(self, source: str, key: str) -> str | None:
        """The stream that took in this arrival, or `None`."""

    def unsettled(self, source: str, *, states: Iterable[str], limit: int = 1000) -> list[tuple[str, str]]:
        """(offer key, stream) of the arrivals of a source whose stream is in one of `states` and which are
        unsettled, oldest receipt first.
        """

    def claim(
        self, states: Iterable[str], *, limit: int, now: datetime, lease_until: datetime, owner: str
    ) -> list[Claim]:
        """Claim up to `limit` streams in one of `states` that nobody holds at `now`, longest waiting first: since its
        `not_before`, else since its lease ran out, else since its reception.

        Two callers never get the same stream while a lease runs; callers do not wait for each other's rows.

        Args:
            states: Claimable states.
            limit: At most so many.
            now: The present.
            lease_until: End of the lease.
            owner: Who claims, for ops to read.
        """

    def renew(self, claims: Sequence[Claim], *, lease_until: datetime) -> list[Claim]:
        """Lengthen the leases of those claims that are still the newest and were not given back; the others are left
        out of the answer. Ascending by stream.
        """

    def release(self, claims: Sequence[Claim], *, not_before: datetime | None = None) -> None:
        """Give claims back; a claim that is no longer the newest is ignored. With `not_before`, nobody gets them
        earlier: that is how a failed receipt waits for its next try.
        """

    def rebuild(self, project: Callable[[Sequence[Record]], Row]) -> int:
        """Make the index anew from the journal alone; journal and tokens stay. Returns the number of streams.

        Args:
            project: Gives the row for all lines of one stream, oldest first; must not use this registry.

        Raises:
            Conflict, ValueError: As for `append`. Then, and if `project` raises, nothing was changed.
        """

    def close(self) -> None:
        """Give back connections. May be repeated."""
