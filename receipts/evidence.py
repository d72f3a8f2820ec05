"""Journal lines: their canonical form and the hash chain per receipt.

A line is a JSON object in canonical form (RFC 8785). It carries the SHA-256 of the line before it in the same
stream, so that removing, altering or swapping a line breaks the chain; the head (count and digest), kept apart,
detects a cut tail.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self, TypeAlias

import rfc8785

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"

GENESIS: Final = "0" * 64
"""What the first line of a stream carries as digest of the line before it."""

_FIELDS: Final = frozenset({"v", "stream", "position", "event", "at", "facts", "previous"})


class ChainBroken(Exception):
    """A stream's lines are not the ones that were written: a line is missing, altered, swapped or added."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that was done to one receipt.

    Attributes:
        stream: The receipt's id.
        position: 0 for the first line of the stream, then one more each.
        event: What was done (`receipts.receipt.Event`).
        at: When, UTC-aware; kept to the microsecond.
        facts: What is known of it: strings, integers, booleans, nulls, lists and objects of these; no floats.
        previous: Hex SHA-256 of the canonical form of the line before, or `GENESIS`.
    """

    stream: str
    position: int
    event: str
    at: datetime
    facts: Mapping[str, Json]
    previous: str

    def canonical(self) -> bytes:
        """The line as canonical JSON (RFC 8785), UTF-8: what is stored and hashed."""
        if self.at.tzinfo is None:
            raise ValueError("a journal line needs a UTC-aware time")
        return rfc8785.dumps(
            {
                "v": 1,
                "stream": self.stream,
                "position": self.position,
                "event": self.event,
                "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
                "facts": self.facts,
                "previous": self.previous,
            }
        )

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @classmethod
    def parse(cls, canonical: bytes) -> Self:
        """The line that `canonical` bytes stand for.

        Raises:
            ChainBroken: They are no journal line, or not in canonical form.
        """
        try:
            fields = json.loads(canonical)
            if set(fields) != _FIELDS or fields["v"] != 1:
                raise ValueError("unknown fields")
            line = cls(
                stream=fields["stream"],
                position=fields["position"],
                event=fields["event"],
                at=datetime.fromisoformat(fields["at"]),
                facts=fields["facts"],
                previous=fields["previous"],
            )
            same = line.canonical() == canonical
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ChainBroken(f"not a journal line: {error}") from error
        if not same:
            raise ChainBroken("a journal line is not in canonical form")
        return line


def following(lines: Sequence[Line], *, stream: str, event: str, at: datetime, facts: Mapping[str, Json]) -> Line:
    """The line that records `event` after `lines`, the stream's lines so far (oldest first, may be empty)."""
    previous = lines[-1].digest if lines else GENESIS
    return Line(stream=stream, position=len(lines), event=event, at=at, facts=facts, previous=previous)


def check_chain(stream: str, lines: Sequence[Line], *, count: int, head: str) -> None:
    """Check that `lines` are the whole stream, unaltered and in order.

    Args:
        stream: The receipt's id.
        lines: All its lines, oldest first.
        count: How many lines the head says there are.
        head: Hex SHA-256 of the newest line, kept apart from the lines (`GENESIS` for none).

    Raises:
        ChainBroken: They are not; the message names the first wrong position.
    """
    previous = GENESIS
    for position, line in enumerate(lines):
        if (line.stream, line.position, line.previous) != (stream, position, previous):
            raise ChainBroken(f"{stream}: the chain breaks at position {position}")
        previous = line.digest
    if (len(lines), previous) != (count, head):
        raise ChainBroken(f"{stream}: the chain ends at {len(lines)} lines, its head says {count}")
