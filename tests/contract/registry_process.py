"""Another process at work on a registry: `python -m tests.contract.registry_process append|claim|open URL`.

Says on standard output what it did, one line each, after it is done.
"""

from __future__ import annotations

import itertools
import os
import sys
from datetime import UTC, datetime, timedelta

from connectors.registry import open_registry
from tests.contract.registry_lines import Stream

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def append(url: str) -> None:
    """Append to one stream after the other, five lines each, until killed."""
    registry = open_registry(url)
    for number in itertools.count():
        stream = Stream(f"t/{os.getpid()}-{number}")
        for position in range(5):
            stream.append(registry, arrivals=[(stream.name, f"{position}")])
            sys.stdout.write(f"{stream.name} {position + 1}\n")
            sys.stdout.flush()


def claim(url: str) -> None:
    """Claim by threes until nothing is left."""
    registry = open_registry(url)
    lease_until = NOW + timedelta(hours=1)
    while claims := registry.claim(["NEW"], limit=3, now=NOW, lease_until=lease_until, owner=f"{os.getpid()}"):
        for one in claims:
            sys.stdout.write(f"{one.stream}\n")
    registry.close()


def open_only(url: str) -> None:
    """Open, which migrates, and look."""
    sys.stdout.write(f"{dict(open_registry(url).count())}\n")


if __name__ == "__main__":
    {"append": append, "claim": claim, "open": open_only}[sys.argv[1]](sys.argv[2])
