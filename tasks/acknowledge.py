"""Acknowledge: show each sender what became of the receipt, and let the source go of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.devpki import MARK
from connectors.ports import Outcome, Source
from receipts.quality import reasons
from receipts.receipt import Event, State
from tasks.connections import Connections
from tasks.journal import History, arrivals, load, record_beside_others
from tasks.parts import Taken, is_told, parts_of
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
    """Settle every arrival of `source` whose receipt has its outcome, and if it is a mail, every receipt in it too.

    May be repeated.
    """
    waiting = connections.registry.unsettled(source.name, states=[state.value for state in FINAL])
    for key, receipt in waiting:
        outcome, problem = None, ""
        try:
            history = load(connections.registry, receipt)
            parts = parts_of(connections.registry, history)
            if any(part.history.state not in FINAL for part in parts):
                continue
            outcome = outcome_of(history, source.name, key, parts)
            source.settle(key, outcome)
            for part in parts:  # before the mail, which after a crash would not come here again
                if not is_told(part):
                    told = outcome_of(part.history, part.source, part.key)
                    _record(connections, part.history, part.source, part.key, told)
            _record(connections, history, source.name, key, outcome)
        except Exception as error:
            problem = describe(error)
        yield Acknowledgement(source=source.name, receipt=receipt, outcome=outcome, problem=problem)


def outcome_of(history: History, source: str, key: str, parts: Sequence[Taken] = ()) -> Outcome:
    """What the sender of that arrival should know.

    Args:
        history: The receipt.
        source: With `key`, the arrival meant.
        key: As above.
        parts: The receipts that came inside it, all with their outcome. If one was refused, so is the whole: its
            sender has to do something.
    """
    refused = [part for part in parts if part.history.state is State.REFUSED]
    if refused:
        told = [f"{part.name}: {part.history.text(Event.REFUSED, 'advice')}" for part in refused]
        told.append(f"The message and {len(parts) - len(refused)} of its {len(parts)} receipts are archived.")
        code = refused[0].history.text(Event.REFUSED, "code")
        return Outcome(kind="refused", receipt=history.receipt, message=" ".join(told), code=code)
    first = (source, key) == arrivals(history)[0]
    if history.state is State.REFUSED:
        advice = str(history.facts(Event.REFUSED)["advice"])
        code = history.text(Event.REFUSED, "code")
        return Outcome(kind="refused", receipt=history.receipt, message=advice, code=code)
    until = history.text(Event.ARCHIVED, "retain_until")[:10]
    keep = next(filter(None, (why_keep_paper(each) for each in (history, *(part.history for part in parts)))), "")
    paper = f"Keep the paper: {keep}." if keep else "You may destroy the paper."
    if parts:
        paper = f"So are the {len(parts)} receipts attached to it. {paper}"
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
    if verified.get("qualification") != "QESeal":  # décret 2016-1673 art. 3: what the presumption rests on
        return "no trusted list proves that its seal is qualified"
    if archived.get("compliance_tier") is not True:
        return "this archive is a plain directory, not a compliance tier"
    if history.facts(Event.DEVIATED):
        return "an audit found a deviation"
    quality = history.facts(Event.NORMALISED).get("quality")
    return " and ".join(reasons(quality if isinstance(quality, Mapping) else {}))


def _record(connections: Connections, history: History, source: str, key: str, outcome: Outcome) -> None:
    facts = {"source": source, "key": key, "outcome": outcome.kind, "message": outcome.message}
    record_beside_others(connections.registry, history, Event.ACKNOWLEDGED, facts, at=connections.now(), claim=None)
