"""A receipt's states, the events between them and the only legal order.

State is never stored: `state_of` derives it from the events of the journal. Everything that decides what may follow
what is the one table `TRANSITIONS`; docs/states.md is drawn from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """Where a receipt stands. There is no FAILED: a technical failure is the absence of the next event."""

    RECEIVED = "RECEIVED"
    NORMALISED = "NORMALISED"
    TIME_STAMPED = "TIME_STAMPED"
    SEALED = "SEALED"
    VERIFIED = "VERIFIED"
    ARCHIVED = "ARCHIVED"
    REFUSED = "REFUSED"
    DISPOSED = "DISPOSED"


class Event(StrEnum):
    """What was done to a receipt: past participles."""

    RECEIVED = "received"
    RECEIVED_AGAIN = "received-again"
    NORMALISED = "normalised"
    REFUSED = "refused"
    SEAL_REQUESTED = "seal-requested"
    TIME_STAMPED = "time-stamped"
    SEALED = "sealed"
    SEAL_REJECTED = "seal-rejected"
    VERIFIED = "verified"
    ARCHIVED = "archived"
    ACKNOWLEDGED = "acknowledged"
    DEVIATED = "deviated"
    DISPOSED = "disposed"


TRANSITIONS: Final = MappingProxyType(
    {
        (None, Event.RECEIVED): State.RECEIVED,
        (State.RECEIVED, Event.NORMALISED): State.NORMALISED,
        (State.RECEIVED, Event.REFUSED): State.REFUSED,
        (State.NORMALISED, Event.SEALED): State.SEALED,
        # The seal has its time-stamp (B-T) and waits for revocation information that is younger.
        (State.NORMALISED, Event.TIME_STAMPED): State.TIME_STAMPED,
        (State.TIME_STAMPED, Event.SEALED): State.SEALED,
        (State.SEALED, Event.VERIFIED): State.VERIFIED,
        # A person sends a seal that does not verify back to be made again; never done by a flow.
        (State.TIME_STAMPED, Event.SEAL_REJECTED): State.NORMALISED,
        (State.SEALED, Event.SEAL_REJECTED): State.NORMALISED,
        (State.VERIFIED, Event.ARCHIVED): State.ARCHIVED,
        (State.ARCHIVED, Event.DISPOSED): State.DISPOSED,
    }
)
"""(state before, event) -> state after; `None` is before the first event. What is not here is illegal."""

NOTES: Final = MappingProxyType(
    {
        Event.RECEIVED_AGAIN: frozenset(State),
        Event.ACKNOWLEDGED: frozenset({State.ARCHIVED, State.REFUSED, State.DISPOSED}),
        # Written before a provider is asked, so that the journal accounts for every signature that it made.
        Event.SEAL_REQUESTED: frozenset({State.NORMALISED}),
        # An audit or re-verification found that the archive no longer says what was recorded.
        Event.DEVIATED: frozenset({State.ARCHIVED}),
    }
)
"""Events that record something without moving the receipt, and the states in which they may happen."""

IN_PROGRESS: Final = (State.RECEIVED, State.NORMALISED, State.TIME_STAMPED, State.SEALED, State.VERIFIED)
"""The states from which ingest leads a receipt on."""


class IllegalEvent(Exception):
    """The event may not happen in that state: a fault of ours, so nothing is recorded."""


def after(state: State | None, event: Event) -> State:
    """The state after `event`.

    Args:
        state: The state before, or `None` before the first event.
        event: What was done.

    Raises:
        IllegalEvent: The table knows no such transition.
    """
    following = TRANSITIONS.get((state, event))
    if following is not None:
        return following
    if state is not None and state in NOTES.get(event, frozenset()):
        return state
    raise IllegalEvent(f"{event.value} is not legal in state {state.value if state else 'none'}")


def state_of(events: Iterable[Event]) -> State | None:
    """The state that a receipt's events, oldest first, lead to; `None` without events.

    Raises:
        IllegalEvent: The events are not in a legal order.
    """
    state: State | None = None
    for event in events:
        state = after(state, event)
    return state


_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def receipt_id(tenant: str, original_sha256: str) -> str:
    """A receipt's identity: its tenant and the SHA-256 of the bytes that arrived, as `tenant/hex`.

    Args:
        tenant: Lower-case letters, digits and dashes, at most 63.
        original_sha256: 64 lower-case hex digits.

    Raises:
        ValueError: Either is not of that form.
    """
    if not _TENANT.fullmatch(tenant):
        raise ValueError(f"not a tenant name: {tenant!r}")
    if not re.fullmatch(r"[0-9a-f]{64}", original_sha256):
        raise ValueError("not a SHA-256 in lower-case hex")
    return f"{tenant}/{original_sha256}"


def archive_key(receipt: str) -> str:
    """The one key of a receipt's archive file: one object per receipt, so a second seal can never stand beside the
    first.

    Args:
        receipt: A receipt id as `receipt_id` makes it.
    """
    tenant, digest = receipt.split("/")
    return f"{tenant}/{digest[:2]}/{digest}.pdf"


def receipt_of(key: str) -> str | None:
    """The id of the receipt whose archive file has that key; `None` if `archive_key` makes no such key."""
    found = re.fullmatch(rf"({_TENANT.pattern})/[0-9a-f]{{2}}/([0-9a-f]{{64}})\.pdf", key)
    receipt = f"{found[1]}/{found[2]}" if found else ""
    return receipt if found and archive_key(receipt) == key else None
