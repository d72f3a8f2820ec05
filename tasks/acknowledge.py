"""Acknowledge: show each sender what became of the receipt, and let the source go of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.devpki import MARK
from connectors.ports import Conflict, Outcome, Source
from receipts.receipt import Event, State
from tasks.connections import Connections
from tasks.journal import History, arrivals, load, record
from tasks.step import describe

FINAL = (State.ARCHIVED, State.REFUSED, State.DISPOSED)


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """An outcome that a sender was shown, or why that failed; without an outcome if even that could not be told."""

    source: str
    receipt: str
    outcome: Outcome | None
    problem: str = ""


def acknowledge_all(connections: Connections, source: Source) -> Iterator[Acknowledgement]:
    """Settle every arrival of `source` whose receipt has its outcome. May be repeated."""
    waiting = connections.registry.unsettled(source.name, states=[state.value for state in FINAL])
    for key, receipt in waiting:
        outcome, problem = None, ""
        try:
            history = load(connections.registry, receipt)
            outcome = outcome_of(history, source.name, key)
            source.settle(key, outcome)
            _record(connections, history, source.name, key, outcome)
        except Exception as error:
            problem = describe(error)
        yield Acknowledgement(source=source.name, receipt=receipt, outcome=outcome, problem=problem)


def outcome_of(history: History, source: str, key: str) -> Outcome:
    """What the sender of that arrival should know."""
    first = (source, key) == arrivals(history)[0]
    if history.state is State.REFUSED:
        advice = str(history.facts(Event.REFUSED)["advice"])
        code = history.text(Event.REFUSED, "code")
        return Outcome(kind="refused", receipt=history.receipt, message=advice, code=code)
    until = history.text(Event.ARCHIVED, "retain_until")[:10]
    keep = why_keep_paper(history)
    paper = f"Keep the paper: {keep}." if keep else "You may destroy the paper."
    if first:
        return Outcome(kind="archived", receipt=history.receipt, message=f"Archived until {until}. {paper}")
    message = f"We had this receipt already; it is archived until {until}. {paper}"
    return Outcome(kind="duplicate", receipt=history.receipt, message=message)


def why_keep_paper(history: History) -> str:
    """Why the paper must be kept, or empty if it may be destroyed: true only when every gate held (C. civ. 1379)."""
    archived, sealed, verified = (history.facts(event) for event in (Event.ARCHIVED, Event.SEALED, Event.VERIFIED))
    if history.state is not State.ARCHIVED:
        return "the receipt is not archived"
    if sealed.get("development") is not False:
        return "it was sealed with a development key, which is worthless in law"
    if MARK in str(verified.get("time_stamped_by")):
        return "its time-stamp is of a development authority, which is worthless in law"
    if archived.get("compliance_tier") is not True:
        return "this archive is a plain directory, not a compliance tier"
    if history.facts(Event.DEVIATED):
        return "an audit found a deviation"
    return ""


def _record(connections: Connections, history: History, source: str, key: str, outcome: Outcome) -> None:
    facts = {"source": source, "key": key, "outcome": outcome.kind, "message": outcome.message}
    for _ in range(5):
        with contextlib.suppress(Conflict):
            record(connections.registry, history, Event.ACKNOWLEDGED, facts, at=connections.now(), claim=None)
            return
        history = load(connections.registry, history.receipt)
