"""Runs the real flows from a command: in this process, against the installation's Prefect server if it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.services import Services
from config.settings import settings

ROUNDS = 1000


@contextmanager
def flow_environment(*, quiet: bool = True) -> Iterator[None]:
    """Set up this process to run flows; must come before Prefect is imported.

    Args:
        quiet: Keep the log off the terminal; it still reaches the server.
    """
    settings().home.resolve().mkdir(parents=True, exist_ok=True, mode=0o700)  # Prefect makes no parents of its own
    for name, value in Services(settings()).environment().items():
        os.environ.setdefault(name, value)
    if quiet:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "ERROR")
    yield


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """What came of files and folders that were to be ingested.

    Attributes:
        receipts: The receipts' ids, in the order in which the files were read, each once; after a mail, what came
            inside it.
        not_taken: Files and folders that could not be taken into custody; whoever sent them still has them.
        why: What `collect` said of them, or empty.
    """

    receipts: Sequence[str]
    not_taken: Sequence[str]
    why: str


def ingest_paths(paths: Sequence[Path]) -> Ingested:
    """Take files and folders through `collect` and `ingest`, until each receipt has its outcome or met a fault."""
    from connectors.source import PathsSource
    from flows.collect import collect
    from flows.ingest import ingest
    from receipts.receipt import IN_PROGRESS
    from tasks.connections import connections

    source = PathsSource(paths, f"command:{settings().tenant}")
    collected = collect([str(path) for path in paths], return_state=True)
    registry = connections().registry
    found: dict[str, None] = {}
    not_taken: list[str] = []
    try:
        for offer in source.offers():
            receipt = registry.arrival(source.name, offer.key)
            if receipt:
                found[receipt] = None
            else:
                not_taken.append(offer.name)
    except OSError as fault:  # a folder that can't be looked into
        not_taken.append(f"{fault.filename}: {fault.strerror}")
    receipts = _with_parts(list(found))
    moving = {state.value for state in IN_PROGRESS}
    before: list[str] = []
    for _ in range(ROUNDS):
        rows = [row for receipt in receipts if (row := registry.row(receipt))]
        waiting = [f"{row.stream}:{row.state}" for row in rows if row.state in moving]
        if not waiting or waiting == before:
            break  # done, or another round changed nothing: what waits met a fault
        before = waiting
        ingest(return_state=True)
        receipts = _with_parts(list(found))
    return Ingested(receipts=receipts, not_taken=not_taken, why=str(collected.message or "") if not_taken else "")


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
