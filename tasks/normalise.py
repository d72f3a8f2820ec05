"""Normalise: the bytes that arrived become a PDF/A-3 file that carries them, or the receipt is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from connectors import antivirus
from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import Facts as PdfaFacts
from receipts.pdfa import Part
from receipts.receipt import Event, State
from tasks.connections import SOFTWARE, Connections
from tasks.journal import Facts, History
from tasks.parts import arrival_of
from tasks.receive import take
from tasks.staging import NORMALISED, key_of, original_key, quarantine_key, staged
from tasks.step import Work, refusal, run_stage


def normalise(connections: Connections, chunk: Sequence[Work], *, last_try: bool = True) -> list[Work]:
    """Lead the RECEIVED receipts of `chunk` to NORMALISED or REFUSED. May be repeated."""
    return run_stage(connections, chunk, State.RECEIVED, _normalise, last_try=last_try)


def scan(connections: Connections, original: bytes) -> None:
    """Ask the virus scanner, where one is configured.

    Raises:
        Refused: HOSTILE, with the name of what it found.
        NotScanned: It gave no verdict: never taken for a good one.
    """
    settings = connections.settings
    if settings.clamav_socket:
        found = antivirus.scan(settings.clamav_socket, original, timeout_s=settings.clamav_timeout_s)
        if found is not None:
            raise Refused(Code.HOSTILE, f"the virus scanner found {found}"[:200])


def _normalise(connections: Connections, history: History) -> tuple[Event, Facts]:
    original = staged(connections, original_key(history.receipt), history.sha256)
    received = history.facts(Event.RECEIVED)
    sender = received.get("sender")
    facts = PdfaFacts(
        receipt=history.receipt,
        tenant=history.tenant,
        channel=str(received["channel"]),
        source_name=str(received["name"]),
        sender=sender if isinstance(sender, str) else None,
        received_at=history.lines[0].at,
        original_sha256=history.sha256,
        software=SOFTWARE,
        message=str(received["message"]) if "message" in received else None,
    )
    try:
        scan(connections, original)
        result = connections.isolation.normalise(original, facts, connections.limits)
    except Refused as error:
        connections.staging.put(quarantine_key(history.receipt), original)
        return Event.REFUSED, {**refusal(error), "quarantine": quarantine_key(history.receipt)}
    parts = [take_part(connections, history, part) for part in result.parts]
    sha256 = hashlib.sha256(result.pdf).hexdigest()
    connections.staging.put(key_of(NORMALISED, history, sha256), result.pdf)
    return Event.NORMALISED, {
        "sha256": sha256,
        "size_bytes": len(result.pdf),
        "media_type": result.media_type,
        "route": result.route,
        "pages": result.pages,
        "fidelity": result.fidelity,
        "quality": result.quality,
        "software": SOFTWARE,
        **({"parts": parts} if parts else {}),
    }


def take_part(connections: Connections, mail: History, part: Part) -> Json:
    """Take custody of a receipt that came inside `mail`, before the mail itself goes on. May be repeated.

    Returns:
        What the mail's journal says of it.
    """
    sha256 = hashlib.sha256(part.content).hexdigest()
    source, key = arrival_of(mail.receipt, part.position, sha256)
    received = mail.facts(Event.RECEIVED)
    facts: dict[str, Json] = {
        "source": source,
        "key": key,
        "channel": received["channel"],
        "name": part.name or f"attachment {part.position}",
        "message": mail.receipt,
    }
    if "sender" in received:
        facts["sender"] = received["sender"]
    reception = take(connections, part.content, facts, tenant=mail.tenant)
    return {"position": part.position, "name": facts["name"], "receipt": reception.receipt}
