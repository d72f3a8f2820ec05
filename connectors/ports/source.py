"""Where receipts arrive: what a source offers, and how it lets go of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


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
