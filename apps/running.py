"""Runs the real flows from a command: in this process, against the installation's Prefect server if it runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from apps.services import Services
from config.settings import settings

ROUNDS = 1000


@contextmanager
def flow_environment(*, quiet: bool = True) -> Iterator[None]:
    """Set up this process to run flows; must come before Prefect is imported.

    Args:
        quiet: Keep Prefect's own log off the terminal.
    """
    for name, value in Services(settings()).environment().items():
        os.environ.setdefault(name, value)
    if quiet:
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
        os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "ERROR")
    yield
    logging.getLogger("prefect").handlers.clear()


def ingest_paths(paths: Sequence[Path]) -> list[str]:
    """Take files and folders through `collect` and `ingest`, until each receipt has its outcome or met a fault.

    Returns:
        The receipts' ids, in the order in which the files were read, each once; after a mail, what came inside it.
    """
    from connectors.source import PathsSource
    from flows.collect import collect
    from flows.ingest import ingest
    from receipts.receipt import IN_PROGRESS
    from tasks.connections import connections

    source = PathsSource(paths, f"command:{settings().tenant}")
    collect([str(path) for path in paths], return_state=True)
    registry = connections().registry
    found = (registry.arrival(source.name, offer.key) for offer in source.offers())
    taken = list(dict.fromkeys(receipt for receipt in found if receipt))
    receipts = _with_parts(taken)
    moving = {state.value for state in IN_PROGRESS}
    before: list[str] = []
    for _ in range(ROUNDS):
        rows = [row for receipt in receipts if (row := registry.row(receipt))]
        waiting = [f"{row.stream}:{row.state}" for row in rows if row.state in moving]
        if not waiting or waiting == before:
            break  # done, or another round changed nothing: what waits met a fault
        before = waiting
        ingest(return_state=True)
        receipts = _with_parts(taken)
    return receipts


def _with_parts(receipts: Sequence[str]) -> list[str]:
    """These receipts, each mail followed by the receipts that came inside it, each once."""
    from tasks.connections import connections
    from tasks.journal import load
    from tasks.parts import parts_of

    registry = connections().registry
    found: list[str] = []
    for receipt in receipts:
        found += [receipt, *(part.history.receipt for part in parts_of(registry, load(registry, receipt)))]
    return list(dict.fromkeys(found))
