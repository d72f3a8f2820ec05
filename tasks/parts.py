"""The receipts that came inside a mail: each goes its own way, and the sender is told of all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.ports import Registry
from receipts.receipt import Event
from tasks.journal import History, load


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A receipt that came inside a mail.

    Attributes:
        name: As its sender calls it.
        source: With `key`, the arrival inside that mail.
        key: As above.
        history: What became of it.
    """

    name: str
    source: str
    key: str
    history: History


def arrival_of(mail: str, position: int, sha256: str) -> tuple[str, str]:
    """(source name, key) of what came inside a mail.

    The digest is in the key, so that a later release that counts parts differently meets no arrival of other bytes.

    Args:
        mail: The mail's receipt id.
        position: The part's number.
        sha256: Digest of the part.
    """
    return f"message:{mail}", f"part-{position}-{sha256[:16]}"


def parts_of(registry: Registry, mail: History) -> list[Taken]:
    """The receipts that came inside `mail`, in their order; none if it was refused or is none."""
    listed = mail.facts(Event.NORMALISED).get("parts", ())
    found = []
    for one in listed if isinstance(listed, list | tuple) else ():
        if isinstance(one, Mapping) and isinstance(position := one["position"], int):
            history = load(registry, str(one["receipt"]))
            source, key = arrival_of(mail.receipt, position, history.sha256)
            found.append(Taken(name=str(one["name"]), source=source, key=key, history=history))
    return found


def is_told(part: Taken) -> bool:
    """Whether the sender was told of it."""
    told = [line.facts for line in part.history.lines if line.event == Event.ACKNOWLEDGED]
    return (part.source, part.key) in [(facts["source"], facts["key"]) for facts in told]
