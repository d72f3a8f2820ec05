"""The promises that connectors keep. The docstrings are the contract; tests/contract/ runs it on every implementation.

All times are UTC-aware. All digests are SHA-256 in lower-case hex. Every fault that is not named here is a technical
one: the caller tries again later.
"""

from connectors.ports.archive import Archive, Locked, NotEnforced, Stored, Taken
from connectors.ports.registry import Claim, Conflict, Fenced, Record, Registry, Row
from connectors.ports.source import Gone, Offer, Outcome, Source
from connectors.ports.store import Missing, Store

__all__ = [
    "Archive",
    "Claim",
    "Conflict",
    "Fenced",
    "Gone",
    "Locked",
    "Missing",
    "NotEnforced",
    "Offer",
    "Outcome",
    "Record",
    "Registry",
    "Row",
    "Source",
    "Store",
    "Stored",
    "Taken",
]
