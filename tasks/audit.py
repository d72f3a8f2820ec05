"""Audit: does the archive still hold, under the lock that we recorded, everything that the journal says it holds?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from connectors.ports import Missing, Row, Stored
from connectors.registry.listing import every_row
from receipts.pades import validate
from receipts.receipt import Event, State, receipt_of
from tasks.connections import Connections
from tasks.journal import History, load, record_beside_others
from tasks.step import describe
from tasks.trust import anchors


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What an audit says of one receipt; `deviation` is empty when everything holds."""

    receipt: str
    retain_until: str
    deviation: str = ""


def audit(connections: Connections, *, tenant: str | None = None) -> Iterator[Finding]:
    """Compare every ARCHIVED receipt's journal chain, lock, size and digest with what the archive says by version id.

    Reads no content (that is `reverify`). A new deviation is written into the receipt's journal. May be repeated.

    Yields:
        One finding a receipt; then one for each key hidden by a delete marker or unknown to the journal.
    """
    for row in archived_rows(connections, tenant):
        yield _finding(connections, row, _lock_deviation)
    prefix = tenant or ""
    for key in connections.archive.markers(prefix):
        yield Finding(receipt=key, retain_until="", deviation="hidden by a delete marker")
    for stored in connections.archive.versions(prefix):
        deviation = _unknown_deviation(connections, stored)
        if deviation:
            until = stored.retain_until.isoformat() if stored.retain_until else ""
            yield Finding(receipt=stored.key, retain_until=until, deviation=deviation)


def reverify(connections: Connections, rows: list[Row]) -> Iterator[Finding]:
    """Read the archived files back and validate their seals afresh. May be repeated."""
    for row in rows:
        yield _finding(connections, row, _seal_deviation)


def archived_rows(connections: Connections, tenant: str | None = None) -> Iterator[Row]:
    """The index rows of all ARCHIVED receipts, by id."""
    return every_row(connections.registry, tenant=tenant, states=[State.ARCHIVED.value])


def _finding(connections: Connections, row: Row, check: Callable[[Connections, History], str]) -> Finding:
    until = str(row.summary["retain_until"])
    deviation = ""
    try:
        history = load(connections.registry, row.stream)
        deviation = _checked(connections, history, check)
        if deviation and history.facts(Event.DEVIATED).get("detail") != deviation:
            facts, at = {"detail": deviation}, connections.now()
            record_beside_others(connections.registry, history, Event.DEVIATED, facts, at=at, claim=None)
    except Exception as error:
        failed = f"{deviation}; not written down" if deviation else "could not be checked"
        deviation = f"{failed}: {describe(error)}"
    return Finding(receipt=row.stream, retain_until=until, deviation=deviation)


def _checked(connections: Connections, history: History, check: Callable[[Connections, History], str]) -> str:
    try:
        return check(connections, history)
    except Missing:
        return "the archived file is gone"


def _lock_deviation(connections: Connections, history: History) -> str:
    stored = _stored(connections, history)
    facts = history.facts(Event.ARCHIVED)
    recorded_until = datetime.fromisoformat(history.text(Event.ARCHIVED, "retain_until"))
    if stored.retain_until is None:
        return "the file is not locked"
    if stored.retain_until < recorded_until:
        return f"locked only until {stored.retain_until.isoformat()}"
    for name, found in (("mode", stored.mode), ("sha256", stored.sha256), ("size_bytes", stored.size_bytes)):
        if facts[name] != found:
            return f"{name} is {found}, recorded was {facts[name]}"
    return ""


def _unknown_deviation(connections: Connections, stored: Stored) -> str:
    """What is wrong with a file that lies in the archive: that the journal does not know it, asked now.

    Receipts are archived while an audit runs: what was not known when it began may be by now, or in a moment.
    """
    if stored.key.startswith("."):
        return ""
    receipt = receipt_of(stored.key)
    row = connections.registry.row(receipt) if receipt else None
    state = row.state if row else ""
    if row and state == State.ARCHIVED and row.summary["version_id"] == stored.version_id:
        return ""
    if row and state == State.VERIFIED and row.summary["sealed_sha256"] == stored.sha256:
        return ""  # put, and about to be written down; whoever dies in between puts it again
    # Whoever asks for the key alone gets the newest version, which is then not the one that we sealed.
    what = f"version {stored.version_id} is " if state == State.ARCHIVED else ""
    return f"{what}in the archive, but not in the journal"


def _seal_deviation(connections: Connections, history: History) -> str:
    version_id = history.text(Event.ARCHIVED, "version_id")
    content = connections.archive.get(history.text(Event.ARCHIVED, "key"), version_id)
    if hashlib.sha256(content).hexdigest() != history.text(Event.ARCHIVED, "sha256"):
        return "the archived bytes are not the ones recorded"
    at = connections.now()
    report = validate(content, anchors(connections.settings, at=at), at=at)
    return "" if report.passed else f"seal: {report.indication} {report.sub_indication or ''}".strip()


def _stored(connections: Connections, history: History) -> Stored:
    return connections.archive.head(history.text(Event.ARCHIVED, "key"), history.text(Event.ARCHIVED, "version_id"))
