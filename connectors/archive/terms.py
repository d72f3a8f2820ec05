"""What every archive asks of a put, an extension and a deletion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from connectors.keys import check_key
from connectors.ports import Locked, Stored

Clock = Callable[[], datetime]

CANARY = ".canary"
"""Below it lie the objects on which locks are tried, one a day and tier."""


def check_archive_key(key: str) -> str:
    """`key` itself, if it may name an archived object.

    Raises:
        ValueError: It is not of a key's form, or begins with a dot: such names are the archive's own.
    """
    if key.startswith(".") and not key.startswith(f"{CANARY}/"):
        raise ValueError(f"a key that begins with a dot is the archive's own: {key!r}")
    return check_key(key)


def is_own(key: str, prefix: str) -> bool:
    """Whether `key` is the archive's own and no one asked for it: lists leave it out."""
    return not prefix and key.startswith(f"{CANARY}/")


def to_the_second(moment: datetime) -> datetime:
    """`moment` in UTC, rounded up: a lock never ends before what was asked.

    Raises:
        ValueError: It has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("the end of a lock must have a time zone")
    moment = moment.astimezone(UTC)
    return moment if not moment.microsecond else moment.replace(microsecond=0) + timedelta(seconds=1)


def check_put(content: bytes, sha256: str, retain_until: datetime, now: datetime) -> datetime:
    """The end of the lock to the second, if content and date are as `Archive.put` demands.

    Raises:
        ValueError: The content does not have that digest, or the date is not in the future.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError("the content does not have the digest that its caller knows")
    end = to_the_second(retain_until)
    if end <= now:
        raise ValueError(f"the lock would end at {end.isoformat()}, which is not in the future")
    return end


def must_lengthen(stored: Stored, end: datetime, now: datetime) -> bool:
    """Whether the lock has to be changed so that it ends at `end`.

    Raises:
        Locked: It ends later already: a lock is never shortened.
        ValueError: The date is not in the future.
    """
    if stored.retain_until is not None:
        if end < stored.retain_until:
            raise Locked(f"{stored.key} is locked until {stored.retain_until.isoformat()}: never shortened")
        if end == stored.retain_until:
            return False
    if end <= now:
        raise ValueError(f"the lock would end at {end.isoformat()}, which is not in the future")
    return True


def check_deletable(stored: Stored, now: datetime) -> None:
    """Nothing, if the lock has ended and no hold is on it.

    Raises:
        Locked: It has not, or a hold is.
    """
    if stored.legal_hold:
        raise Locked(f"{stored.key} is under a legal hold")
    if stored.retain_until is not None and stored.retain_until > now:
        raise Locked(f"{stored.key} is locked until {stored.retain_until.isoformat()}")
