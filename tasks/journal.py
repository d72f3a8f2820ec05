"""A receipt's history: read and checked, extended by one event at a time, projected to its index row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from connectors.ports import Claim, Conflict, Record, Registry, Row
from receipts.evidence import ChainBroken, Json, Line, check_chain, following
from receipts.receipt import Event, State, after, state_of

Facts: TypeAlias = Mapping[str, Json]

TRIES: Final = 100
"""How often a line is tried that others are always quicker than: each time one of them gets on."""


@dataclass(frozen=True)
class History:
    """Everything that was done to one receipt, oldest first.

    Attributes:
        receipt: The receipt's id.
        lines: Its journal lines, their chain checked.
    """

    receipt: str
    lines: tuple[Line, ...] = ()

    @property
    def state(self) -> State | None:
        """Where the receipt stands; `None` before its first event."""
        return state_of(Event(line.event) for line in self.lines)

    @property
    def tenant(self) -> str:
        """Whose receipt it is."""
        return self.receipt.split("/", 1)[0]

    @property
    def sha256(self) -> str:
        """Digest of the bytes that arrived."""
        return self.receipt.split("/", 1)[1]

    def facts(self, event: Event) -> Facts:
        """The facts of the newest such event; empty if there was none."""
        return next((line.facts for line in reversed(self.lines) if line.event == event), {})

    def text(self, event: Event, name: str) -> str:
        """A fact that must be there, as text.

        Raises:
            ChainBroken: It is not there.
        """
        value = self.facts(event).get(name)
        if not isinstance(value, str):
            raise ChainBroken(f"{self.receipt}: the journal has no {name} of {event.value}")
        return value


def load(registry: Registry, receipt: str) -> History:
    """The history of `receipt`, its hash chain checked against the head in the index; empty if it is unknown.

    Raises:
        ChainBroken: The journal of this receipt is not the one that was written.
    """
    for _ in range(TRIES):
        row = registry.row(receipt)
        records = registry.lines(receipt)
        if len(records) <= (row.count if row else 0):
            break  # else: someone appended between the two reads
    lines = tuple(Line.parse(record.body.encode()) for record in records)
    if row is None:
        if lines:
            raise ChainBroken(f"{receipt}: lines without an index row; run `probant registry rebuild`")
        return History(receipt)
    check_chain(receipt, lines, count=row.count, head=row.head)
    return History(receipt, lines)


def record(
    registry: Registry, history: History, event: Event, facts: Facts, *, at: datetime, claim: Claim | None
) -> History:
    """Write `event` down as the next line of `history`.

    Args:
        registry: Where to.
        history: The receipt as it was read.
        event: What was done; must be legal now.
        facts: What is known of it.
        at: When, UTC-aware.
        claim: The claim under which the work was done, or `None` for what needs none.

    Returns:
        The longer history.

    Raises:
        IllegalEvent: The table of transitions forbids it.
        Conflict: Someone else wrote first: load the history again and decide anew.
        Fenced: A newer claim exists: drop the work.
    """
    after(history.state, event)
    line = following(history.lines, stream=history.receipt, event=event.value, at=at, facts=facts)
    longer = History(history.receipt, (*history.lines, line))
    registry.append(_record(line), _row(longer), claim=claim)
    return longer


def record_beside_others(
    registry: Registry,
    history: History,
    event: Event,
    facts: Facts,
    *,
    at: datetime,
    claim: Claim | None,
) -> History:
    """As `record`, though others may write notes (the same bytes again, say) at this moment: those change no state.

    Raises:
        IllegalEvent: As for `record`.
        Fenced: As for `record`.
        Conflict: Others wrote first, `TRIES` times in a row.
    """
    for _ in range(TRIES - 1):
        try:
            return record(registry, history, event, facts, at=at, claim=claim)
        except Conflict:
            history = load(registry, history.receipt)
    return record(registry, history, event, facts, at=at, claim=claim)


def project(records: Sequence[Record]) -> Row:
    """The index row for all lines of one stream, oldest first: what `Registry.rebuild` asks for.

    Raises:
        ChainBroken: The lines are not an unbroken chain.
    """
    lines = tuple(Line.parse(record.body.encode()) for record in records)
    receipt = lines[0].stream
    check_chain(receipt, lines, count=len(lines), head=lines[-1].digest)
    return _row(History(receipt, lines))


def arrivals(history: History) -> list[tuple[str, str]]:
    """Every arrival of the receipt as (source name, offer key), first one first."""
    return [_arrival(line) for line in history.lines if line.event in _ARRIVED]


def recorded_arrival(history: History, source: str, key: str) -> Line | None:
    """The line that says that this arrival was taken in; `None` if none does."""
    return next((line for line in history.lines if line.event in _ARRIVED and _arrival(line) == (source, key)), None)


_ARRIVED: Final = (Event.RECEIVED, Event.RECEIVED_AGAIN)


def _arrival(line: Line) -> tuple[str, str]:
    return str(line.facts["source"]), str(line.facts["key"])


def _record(line: Line) -> Record:
    return Record(stream=line.stream, position=line.position, body=line.canonical().decode(), digest=line.digest)


def _row(history: History) -> Row:
    state = history.state
    if state is None:
        raise ChainBroken(f"{history.receipt}: no lines")
    told = {
        (line.facts["source"], line.facts["key"]) for line in history.lines if line.event == Event.ACKNOWLEDGED.value
    }
    all_arrivals = arrivals(history)
    return Row(
        stream=history.receipt,
        tenant=history.tenant,
        state=state.value,
        count=len(history.lines),
        head=history.lines[-1].digest,
        received_at=history.lines[0].at,
        summary=_summary(history),
        arrivals=all_arrivals,
        unsettled=[arrival for arrival in all_arrivals if arrival not in told],
    )


_SUMMARY: Mapping[str, tuple[Event, str]] = {
    "channel": (Event.RECEIVED, "channel"),
    "source": (Event.RECEIVED, "source"),
    "source_name": (Event.RECEIVED, "name"),
    "sender": (Event.RECEIVED, "sender"),
    "message": (Event.RECEIVED, "message"),
    "size_bytes": (Event.RECEIVED, "size_bytes"),
    "code": (Event.REFUSED, "code"),
    "detail": (Event.REFUSED, "detail"),
    "media_type": (Event.NORMALISED, "media_type"),
    "route": (Event.NORMALISED, "route"),
    "pages": (Event.NORMALISED, "pages"),
    "time_stamped_at": (Event.TIME_STAMPED, "stamped_at"),
    "sealed_sha256": (Event.SEALED, "sha256"),
    "seal_level": (Event.VERIFIED, "level"),
    "indication": (Event.VERIFIED, "indication"),
    "sealed_at": (Event.VERIFIED, "sealed_at"),
    "development_seal": (Event.SEALED, "development"),
    "archive": (Event.ARCHIVED, "archive"),
    "archive_key": (Event.ARCHIVED, "key"),
    "version_id": (Event.ARCHIVED, "version_id"),
    "lock_mode": (Event.ARCHIVED, "mode"),
    "compliance_tier": (Event.ARCHIVED, "compliance_tier"),
    "retain_until": (Event.ARCHIVED, "retain_until"),
    "deviation": (Event.DEVIATED, "detail"),
}


def _summary(history: History) -> dict[str, str | int | bool | None]:
    summary: dict[str, str | int | bool | None] = {}
    for name, (event, fact) in _SUMMARY.items():
        value = history.facts(event).get(fact)
        summary[name] = value if isinstance(value, str | int | bool) else None
    return summary
