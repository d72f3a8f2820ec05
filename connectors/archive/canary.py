"""Trying to break a lock, for archives whose lock is our own code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.archive.terms import CANARY_CONTENT, plant_canary
from connectors.ports import Archive, Locked, Missing, NotEnforced, Taken


def break_canary(archive: Archive, tier: str, now: datetime) -> None:
    """Try to overwrite, unlock and delete the canary of the day; it must stand all of it.

    Raises:
        NotEnforced: It did not.
    """
    canary = plant_canary(archive, tier, now)
    other = CANARY_CONTENT + b"overwritten"
    digest = hashlib.sha256(other).hexdigest()
    end = now + timedelta(days=3)
    sooner = now + timedelta(hours=1)
    attempts: dict[str, Callable[[], object]] = {
        "overwriting": lambda: archive.put(canary.key, other, sha256=digest, retain_until=end),
        "shortening": lambda: archive.extend(canary.key, canary.version_id, sooner),
        "deleting": lambda: archive.delete(canary.key, canary.version_id),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except (Taken, Locked):
            continue
        raise NotEnforced(f"{archive.url}: {name} a locked object was accepted")
    try:
        whole = archive.get(canary.key, canary.version_id) == CANARY_CONTENT
        same = archive.head(canary.key, canary.version_id) == canary
    except Missing as gone:
        raise NotEnforced(f"{archive.url}: a locked object is gone") from gone
    if not whole or not same:
        raise NotEnforced(f"{archive.url}: a locked object or its lock changed")
