"""What this installation's journal and archive say of a file that is checked, where they are at hand."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.ports import Missing
from receipts.evidence import ChainBroken
from receipts.receipt import Event
from receipts.verdict import Custody
from tasks.connections import Connections
from tasks.journal import History, load
from tasks.step import describe


def custody_of(connections: Connections, provenance: Mapping[str, object], sha256: str) -> Custody | None:
    """What is known here of the receipt that a file says it is; `None` if it is not known here.

    Args:
        connections: The installation; nothing is made or changed in it.
        provenance: What the file says of itself.
        sha256: Hex digest of the file.
    """
    receipt = provenance.get("receipt")
    if not isinstance(receipt, str) or not _has_registry(connections):
        return None
    try:
        if connections.registry.row(receipt) is None:
            return None
        return _known(connections, load(connections.registry, receipt), sha256)
    except ChainBroken as error:
        problem = f"the journal was altered: {error}"
    except Exception as error:  # the seal's verdict must not depend on whether registry and archive answer
        problem = f"could not be asked: {describe(error)}"
    return Custody(receipt=receipt, state="unknown", problem=problem)


def _known(connections: Connections, history: History, sha256: str) -> Custody:
    archived = history.facts(Event.ARCHIVED)
    stored, problem = None, ""
    if archived:
        try:
            stored = connections.archive.head(str(archived["key"]), str(archived["version_id"]))
            problem = "" if stored.sha256 == archived["sha256"] else "the archive holds other bytes than were recorded"
        except Missing:
            problem = "the archived file is gone"
    return Custody(
        receipt=history.receipt,
        state=str(history.state),
        journal_lines=len(history.lines),
        journal_head=history.lines[-1].digest,
        archived_sha256=stored.sha256 if stored else None,
        is_this_file=stored is not None and stored.sha256 == sha256,
        lock_mode=stored.mode if stored else None,
        locked_until=stored.retain_until if stored else None,
        legal_hold=stored.legal_hold if stored else None,
        problem=problem,
    )


def _has_registry(connections: Connections) -> bool:
    """Opening the embedded one would make it; checking a file must leave no trace."""
    settings = connections.settings
    return bool(settings.database_url) or (settings.home / "registry.sqlite").is_file()
