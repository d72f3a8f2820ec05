"""What tests ask of a registry, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.ports import Claim, Registry

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def claim_all(registry: Registry, states: tuple[str, ...] = ("NEW",), **more: object) -> list[Claim]:
    """Claim whatever can be claimed at `NOW`."""
    arguments = {"limit": 1000, "now": NOW, "lease_until": NOW + HOUR, "owner": "test", **more}
    return registry.claim(states, **arguments)  # type: ignore[arg-type]


def claim_one(registry: Registry, **more: object) -> Claim:
    """Claim the only claimable stream."""
    (claim,) = claim_all(registry, **more)  # type: ignore[arg-type]
    return claim


def tables(registry: Registry) -> object:
    """Everything that the index answers."""
    rows = registry.rows()
    arrivals = {arrival: registry.arrival(*arrival) for row in rows for arrival in row.arrivals}
    unsettled = {source: registry.unsettled(source, states=["NEW", "DONE"]) for source, _ in arrivals}
    return rows, [registry.row(row.stream) for row in rows], registry.count(), arrivals, unsettled
