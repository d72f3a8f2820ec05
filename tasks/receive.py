"""Receive: take custody of what a source offers. Nothing is let go before it is durable and in the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.ports import Conflict, Gone, Offer, Source
from receipts.receipt import Event, receipt_id
from tasks.connections import Connections
from tasks.journal import TRIES, Facts, load, record, recorded_arrival
from tasks.staging import original_key


@dataclass(frozen=True, kw_only=True)
class Reception:
    """What became of one offer: `received`, `received-again`, or `failed` with the reason."""

    source: str
    name: str
    receipt: str | None
    outcome: str
    reason: str = ""


def receive_all(connections: Connections, source: Source, *, tenant: str) -> Iterator[Reception]:
    """Take custody of everything that `source` offers and that is not yet in the journal.

    A fault with one offer is told in its `Reception` and leaves the others alone; the offer comes again next time.
    May be repeated: what is in the journal is passed over.
    """
    for offer in source.offers():
        if connections.registry.arrival(source.name, offer.key) is not None:
            continue
        try:
            yield receive(connections, source, offer, tenant=tenant)
        except Gone:
            continue
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            yield Reception(source=source.name, name=offer.name, receipt=None, outcome="failed", reason=reason)


def receive(connections: Connections, source: Source, offer: Offer, *, tenant: str) -> Reception:
    """Take custody of one offer.

    The bytes are hashed before any parser sees them (LPF art. A102 B-2) and are durable in staging before the journal
    says RECEIVED. The same bytes again are the same receipt; their arrival is recorded as such.

    Raises:
        Gone: The offer vanished or changed.
    """
    facts: Facts = {
        **offer.facts,
        "source": source.name,
        "key": offer.key,
        "channel": source.channel,
        "name": offer.name,
    }
    return take(connections, source.read(offer), facts, tenant=tenant)


def take(connections: Connections, content: bytes, facts: Facts, *, tenant: str) -> Reception:
    """Take custody of bytes that arrived. May be repeated: the same arrival is recorded once.

    Args:
        connections: The installation.
        content: The bytes.
        facts: What is known of the arrival: at least its `source` and `key`, `channel` and `name`.
        tenant: Whose receipt it is.

    Raises:
        Gone: The arrival was recorded for other bytes.
        Conflict: Others wrote first, again and again.
    """
    receipt = receipt_id(tenant, hashlib.sha256(content).hexdigest())
    source, key, name = str(facts["source"]), str(facts["key"]), str(facts["name"])
    facts = {**facts, "size_bytes": len(content)}
    for _ in range(TRIES):
        history = load(connections.registry, receipt)
        if recorded := recorded_arrival(history, source, key):
            return Reception(source=source, name=name, receipt=receipt, outcome=recorded.event)
        event = Event.RECEIVED if history.state is None else Event.RECEIVED_AGAIN
        if event is Event.RECEIVED:
            connections.staging.put(original_key(receipt), content)
        try:
            record(connections.registry, history, event, facts, at=connections.now(), claim=None)
        except Conflict:
            if connections.registry.arrival(source, key) not in (None, receipt):
                raise Gone(f"{name}: taken in by someone else meanwhile") from None
        else:
            return Reception(source=source, name=name, receipt=receipt, outcome=event.value)
    raise Conflict(f"{name}: others always wrote first")
