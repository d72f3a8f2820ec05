"""The reference registry: everything in memory, for tests and for reading what the contract means."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from connectors.ports import Claim, Conflict, Fenced, Record, Row
from connectors.registry.checks import check_record, checked_row


@dataclass
class _Holding:
    token: int = 0
    lease_until: datetime | None = None
    not_before: datetime | None = None
    owner: str = ""


class MemoryRegistry:
    """`connectors.ports.Registry` in memory; safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._journal: list[Record] = []
        self._streams: dict[str, list[Record]] = {}
        self._rows: dict[str, Row] = {}
        self._arrivals: dict[tuple[str, str], str] = {}
        self._holdings: dict[str, _Holding] = {}

    def append(self, record: Record, row: Row, *, claim: Claim | None) -> None:
        """See `Registry.append`."""
        check_record(record)
        row = checked_row(row, record)
        with self._lock:
            if claim is not None and (claim.stream != record.stream or not self._is_newest(claim)):
                raise Fenced(f"{record.stream}: token {claim.token} is not the newest")
            if record.position != len(self._streams.get(record.stream, [])):
                raise Conflict(f"{record.stream}: position {record.position} is not the next")
            self._put(row)
            self._journal.append(record)
            self._streams.setdefault(record.stream, []).append(record)

    def _put(self, row: Row) -> None:
        for arrival in row.arrivals:
            if self._arrivals.get(arrival, row.stream) != row.stream:
                raise Conflict(f"{row.stream}: arrival {arrival} belongs to {self._arrivals[arrival]}")
        self._arrivals = {a: s for a, s in self._arrivals.items() if s != row.stream}
        self._arrivals.update(dict.fromkeys(row.arrivals, row.stream))
        self._rows[row.stream] = row
        self._holdings.setdefault(row.stream, _Holding())

    def _is_newest(self, claim: Claim) -> bool:
        holding = self._holdings.get(claim.stream)
        return holding is not None and holding.token == claim.token > 0

    def lines(self, stream: str) -> list[Record]:
        """See `Registry.lines`."""
        with self._lock:
            return list(self._streams.get(stream, []))

    def journal(self, *, after: int = 0, limit: int = 1000) -> list[tuple[int, Record]]:
        """See `Registry.journal`."""
        with self._lock:
            return list(enumerate(self._journal[after : after + limit], start=after + 1))

    def row(self, stream: str) -> Row | None:
        """See `Registry.row`."""
        with self._lock:
            return self._rows.get(stream)

    def rows(
        self, *, tenant: str | None = None, states: Iterable[str] | None = None, after: str = "", limit: int = 1000
    ) -> list[Row]:
        """See `Registry.rows`."""
        wanted = None if states is None else set(states)
        with self._lock:
            found = [self._rows[stream] for stream in sorted(self._rows) if stream > after]
        return [r for r in found if tenant in (None, r.tenant) and (wanted is None or r.state in wanted)][:limit]

    def count(self) -> Mapping[str, int]:
        """See `Registry.count`."""
        with self._lock:
            return dict(Counter(row.state for row in self._rows.values()))

    def arrival(self, source: str, key: str) -> str | None:
        """See `Registry.arrival`."""
        with self._lock:
            return self._arrivals.get((source, key))

    def unsettled(self, source: str, *, states: Iterable[str], limit: int = 1000) -> list[tuple[str, str]]:
        """See `Registry.unsettled`."""
        wanted = set(states)
        with self._lock:
            rows = sorted(self._rows.values(), key=lambda row: (row.received_at, row.stream))
        return [
            (key, row.stream)
            for row in rows
            if row.state in wanted
            for key in sorted({key for name, key in row.unsettled if name == source})
        ][:limit]

    def claim(
        self, states: Iterable[str], *, limit: int, now: datetime, lease_until: datetime, owner: str
    ) -> list[Claim]:
        """See `Registry.claim`."""
        wanted = set(states)
        until = lease_until.astimezone(UTC)
        with self._lock:
            free = []
            for stream, holding in self._holdings.items():
                row = self._rows.get(stream)
                ends = [t for t in (holding.not_before, holding.lease_until) if t is not None]
                if row is not None and row.state in wanted and all(t <= now for t in ends):
                    free.append((ends[0] if ends else row.received_at, stream))
            claims = []
            for _, stream in sorted(free)[:limit]:
                token = self._holdings[stream].token + 1
                self._holdings[stream] = _Holding(token, until, None, owner)
                claims.append(Claim(stream=stream, token=token, lease_until=until))
            return claims

    def renew(self, claims: Sequence[Claim], *, lease_until: datetime) -> list[Claim]:
        """See `Registry.renew`."""
        until = lease_until.astimezone(UTC)
        with self._lock:
            by_stream = sorted(claims, key=lambda claim: claim.stream)
            held = [c for c in by_stream if self._is_newest(c) and self._holdings[c.stream].lease_until is not None]
            for claim in held:
                self._holdings[claim.stream].lease_until = until
            return [replace(claim, lease_until=until) for claim in held]

    def release(self, claims: Sequence[Claim], *, not_before: datetime | None = None) -> None:
        """See `Registry.release`."""
        with self._lock:
            for claim in claims:
                if self._is_newest(claim):
                    self._holdings[claim.stream].lease_until = None
                    self._holdings[claim.stream].not_before = not_before

    def rebuild(self, project: Callable[[Sequence[Record]], Row]) -> int:
        """See `Registry.rebuild`."""
        with self._lock:
            anew = {s: checked_row(project(tuple(lines)), lines[-1]) for s, lines in self._streams.items()}
            before = (self._rows, self._arrivals)
            self._rows, self._arrivals = {}, {}
            try:
                for row in anew.values():
                    self._put(row)
            except Conflict:
                self._rows, self._arrivals = before
                raise
            return len(anew)

    def close(self) -> None:
        """See `Registry.close`."""
