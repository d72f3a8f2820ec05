"""The reference: what an archive promises, in the fewest lines. For tests; it is gone with its process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from threading import RLock

from connectors.archive.canary import break_canary
from connectors.archive.terms import (
    Clock,
    check_archive_key,
    check_deletable,
    check_put,
    is_own,
    must_lengthen,
    to_the_second,
)
from connectors.keys import below
from connectors.ports import Missing, Stored, Taken


class MemoryArchive:
    """`Archive` in memory.

    Args:
        clock: Gives the present, UTC-aware; it alone ends the locks.
    """

    def __init__(self, clock: Clock) -> None:
        self.url = "memory:"
        self.is_compliance_tier = False
        self._clock = clock
        self._kept: dict[str, tuple[Stored, bytes]] = {}
        self._guard = RLock()

    def check(self) -> None:
        """See `Archive.check`."""
        break_canary(self, "MEMORY", self._clock())

    def put(self, key: str, content: bytes, *, sha256: str, retain_until: datetime) -> Stored:
        """See `Archive.put`."""
        check_archive_key(key)
        end = check_put(content, sha256, retain_until, self._clock())
        with self._guard:
            if key not in self._kept:
                fresh = Stored(
                    key=key,
                    version_id=sha256,
                    size_bytes=len(content),
                    sha256=sha256,
                    retain_until=end,
                    mode="MEMORY",
                    legal_hold=False,
                    storage_class="MEMORY",
                )
                self._kept[key] = (fresh, bytes(content))
            stored = self._kept[key][0]
            if stored.sha256 != sha256:
                raise Taken(f"{key} holds other bytes")
            if stored.retain_until is None or stored.retain_until < end:
                stored = self._keep(replace(stored, retain_until=end))
            return stored

    def head(self, key: str, version_id: str | None = None) -> Stored:
        """See `Archive.head`."""
        with self._guard:
            return self._find(key, version_id)[0]

    def get(self, key: str, version_id: str) -> bytes:
        """See `Archive.get`."""
        with self._guard:
            return self._find(key, version_id)[1]

    def versions(self, prefix: str) -> Iterator[Stored]:
        """See `Archive.versions`."""
        start = below(prefix)
        with self._guard:
            kept = sorted(self._kept.items())
        return iter([stored for key, (stored, _) in kept if key.startswith(start) and not is_own(key, prefix)])

    def markers(self, prefix: str) -> Iterator[str]:
        """See `Archive.markers`; memory has none."""
        below(prefix)
        return iter(())

    def extend(self, key: str, version_id: str, retain_until: datetime) -> Stored:
        """See `Archive.extend`."""
        end = to_the_second(retain_until)
        with self._guard:
            stored = self._find(key, version_id)[0]
            if not must_lengthen(stored, end, self._clock()):
                return stored
            return self._keep(replace(stored, retain_until=end))

    def hold(self, key: str, version_id: str, *, on: bool) -> Stored:
        """See `Archive.hold`."""
        with self._guard:
            return self._keep(replace(self._find(key, version_id)[0], legal_hold=on))

    def delete(self, key: str, version_id: str) -> None:
        """See `Archive.delete`."""
        with self._guard:
            try:
                stored = self._find(key, version_id)[0]
            except Missing:
                return
            check_deletable(stored, self._clock())
            del self._kept[key]

    def _find(self, key: str, version_id: str | None) -> tuple[Stored, bytes]:
        found = self._kept.get(check_archive_key(key))
        if found is None or version_id not in {None, found[0].version_id}:
            raise Missing(key)
        return found

    def _keep(self, stored: Stored) -> Stored:
        self._kept[stored.key] = (stored, self._kept[stored.key][1])
        return stored
