"""Where the journal is: append-only lines, the index that follows from them, and claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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
