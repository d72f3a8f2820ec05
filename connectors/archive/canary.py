"""Trying to break a lock on an object that is there for that: the canary of the day."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from connectors.archive.terms import CANARY
from connectors.ports import Archive, Locked, Missing, NotEnforced, Stored, Taken

CONTENT: Final = b"canary: this object exists to prove that its lock can't be broken\n"

Attempts: TypeAlias = Mapping[str, Callable[[], object]]
"""Ways to free a locked object, each by what it is called; each must be refused."""


def plant_canary(archive: Archive, tier: str, now: datetime) -> Stored:
    """The canary of the day, locked for at least a day; planted if it isn't there yet.

    Args:
        archive: Where.
        tier: A word for its key: each tier has its own canary.
        now: The present.
    """
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    digest = hashlib.sha256(CONTENT).hexdigest()
    key = f"{CANARY}/{day:%Y-%m-%d}.{tier}"
    return archive.put(key, CONTENT, sha256=digest, retain_until=day + timedelta(days=2))


def require_standing(
    archive: Archive,
    canary: Stored,
    attempts: Attempts,
    *,
    is_refusal: Callable[[Exception], bool],
    is_readable: bool = True,
) -> None:
    """Try everything; the canary must stand all of it.

    Args:
        archive: Where it is.
        canary: As it was before.
        attempts: What to try.
        is_refusal: Whether an exception says that the lock forbids it; any other is raised.
        is_readable: Whether its tier gives content back at once.

    Raises:
        NotEnforced: It did not stand.
    """
    for name, attempt in attempts.items():
        try:
            attempt()
        except Exception as error:
            if is_refusal(error):
                continue
            raise
        raise NotEnforced(f"{archive.url}: {name} a locked object was accepted")
    try:
        same = archive.head(canary.key, canary.version_id) == canary
        whole = not is_readable or archive.get(canary.key, canary.version_id) == CONTENT
    except Missing as gone:
        raise NotEnforced(f"{archive.url}: a locked object is gone") from gone
    if not same or not whole:
        raise NotEnforced(f"{archive.url}: a locked object or its lock changed")


def break_canary(archive: Archive, tier: str, now: datetime) -> None:
    """Try to overwrite, unlock and delete the canary, where the lock is our own code.

    Raises:
        NotEnforced: It did not stand.
    """
    canary = plant_canary(archive, tier, now)
    other = CONTENT + b"overwritten"
    digest = hashlib.sha256(other).hexdigest()
    end = now + timedelta(days=3)
    sooner = now + timedelta(hours=1)
    attempts: Attempts = {
        "overwriting": lambda: archive.put(canary.key, other, sha256=digest, retain_until=end),
        "shortening": lambda: archive.extend(canary.key, canary.version_id, sooner),
        "deleting": lambda: archive.delete(canary.key, canary.version_id),
    }
    require_standing(archive, canary, attempts, is_refusal=lambda error: isinstance(error, Taken | Locked))
