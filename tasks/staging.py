"""Staging: where work in progress and quarantine lie, and when they are emptied.

Every key names the receipt and the digest of what lies there: a step done twice writes the same bytes to the same
place, and of what a dead worker left behind it is known whose it is.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from typing import Final

from receipts.receipt import Event, State
from tasks.connections import Connections
from tasks.journal import History, load

log = logging.getLogger("probant.tasks")

ORIGINAL: Final = "original"
NORMALISED: Final = "normalised"
TIME_STAMPED: Final = "time-stamped"
SEALED: Final = "sealed"
QUARANTINE: Final = "quarantine"
DONE: Final = frozenset({State.ARCHIVED, State.REFUSED})
"""States in which a receipt needs nothing in staging any more but, if it was refused, its quarantine."""


class Tampered(Exception):
    """Bytes in staging are not the ones that the journal recorded: an incident, nothing goes on."""


def original_key(receipt: str) -> str:
    """Where the bytes that arrived lie."""
    return f"{ORIGINAL}/{receipt}"


def quarantine_key(receipt: str) -> str:
    """Where the original of a refused receipt stays."""
    return f"{QUARANTINE}/{receipt}"


def normalised_key(history: History) -> str:
    """Where the unsealed PDF/A-3 file lies."""
    return key_of(NORMALISED, history, history.text(Event.NORMALISED, "sha256"))


def time_stamped_key(history: History) -> str:
    """Where the B-T file of a seal that waits lies."""
    return key_of(TIME_STAMPED, history, history.text(Event.TIME_STAMPED, "sha256"))


def sealed_key(history: History) -> str:
    """Where the sealed file lies."""
    return key_of(SEALED, history, history.text(Event.SEALED, "sha256"))


def key_of(folder: str, history: History, sha256: str) -> str:
    """Where a file that was made of a receipt, and is not written down yet, is to lie.

    Args:
        folder: `NORMALISED`, `TIME_STAMPED` or `SEALED`.
        history: The receipt.
        sha256: Hex digest of the file.
    """
    return f"{folder}/{history.receipt}.{sha256}"


def staged(connections: Connections, key: str, sha256: str) -> bytes:
    """Bytes from staging, proved to be the ones recorded.

    Raises:
        Tampered: They have another digest.
        Missing: They are gone.
    """
    content = connections.staging.get(key)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Tampered(f"staging holds other bytes under {key} than were recorded")
    return content


def empty_staging(connections: Connections, history: History) -> None:
    """Remove what staging need not hold any more: of an ARCHIVED receipt all, of a REFUSED one all but its quarantine.

    May be repeated. Never raises: the receipt has its outcome, and what is left behind goes with the next sweep.
    """
    try:
        for key in _done_with(history):
            connections.staging.delete(key)
    except Exception as error:
        log.warning("%s: staging is not emptied yet: %s", history.receipt, error)


def sweep_staging(connections: Connections) -> None:
    """Remove what dead workers left behind of receipts that have their outcome. May be repeated, at any time.

    Never raises: what it could not do, the next one does.
    """
    try:
        for folder in (SEALED, TIME_STAMPED, NORMALISED, ORIGINAL):
            for key in connections.staging.keys(folder):
                _sweep(connections, key)
    except Exception as error:
        log.warning("staging is not swept: %s", error)


def _sweep(connections: Connections, key: str) -> None:
    receipt = key.split("/", 1)[1].split(".")[0]
    row = connections.registry.row(receipt)
    if row is None or row.state not in DONE:
        return
    try:
        history = load(connections.registry, receipt)  # the index alone is no reason to remove anything
    except Exception as error:
        log.warning("%s: staging is not emptied: %s", receipt, error)
        return
    if history.state in DONE:
        empty_staging(connections, history)
        connections.staging.delete(key)


def _done_with(history: History) -> Iterator[str]:
    """Keys that nobody needs any more; the original last, since a sweep after a crash finds the quarantine by it."""
    if history.state is State.ARCHIVED:
        yield sealed_key(history)
        if history.facts(Event.TIME_STAMPED):
            yield time_stamped_key(history)
        yield normalised_key(history)
        yield quarantine_key(history.receipt)  # a refusal that was never written down, and did not come again
    if history.state in DONE:
        yield original_key(history.receipt)
