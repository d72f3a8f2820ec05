"""Verify: the sealed bytes are validated afresh, from the file alone and the anchors. Nothing else is archived."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from receipts.pades import validate
from receipts.pdfa import original_of
from receipts.receipt import Event, State
from tasks import trustlists
from tasks.connections import Connections
from tasks.journal import Facts, History
from tasks.staging import sealed_key, staged
from tasks.step import Work, run_stage
from tasks.trust import anchors

REQUIRED_LEVELS = frozenset({"PAdES-BASELINE-LT", "PAdES-BASELINE-LTA"})


class NotVerified(Exception):
    """The sealed file did not prove itself: it stays before the archive until it does."""


def verify(connections: Connections, chunk: Sequence[Work], *, last_try: bool = True) -> list[Work]:
    """Lead the SEALED receipts of `chunk` to VERIFIED. May be repeated."""
    return run_stage(connections, chunk, State.SEALED, _verify, last_try=last_try)


def _verify(connections: Connections, history: History) -> tuple[Event, Facts]:
    content = staged(connections, sealed_key(history), history.text(Event.SEALED, "sha256"))
    at, listed = connections.now(), trustlists.services(connections.settings)
    trusted = anchors(connections.settings, at=at, trusted_list=listed.snapshot.name if listed else "")
    report = validate(content, trusted, at=at)
    if not report.passed:
        raise NotVerified(f"{report.indication}/{report.sub_indication}: {report.why}")
    if report.headline.level not in REQUIRED_LEVELS:
        raise NotVerified(f"level {report.headline.level} is below PAdES-BASELINE-LT")
    claimed = history.facts(Event.SEALED).get("level", report.headline.level)
    if report.headline.level != claimed:
        raise NotVerified(f"the level is {report.headline.level}, it was sealed as {claimed}")
    # Décret 2016-1673 art. 3: the copy must still be the one that was received.
    if hashlib.sha256(original_of(report.sealed_part(content))).hexdigest() != history.sha256:
        raise NotVerified("the original inside the sealed file is not the one received")
    qualification = trustlists.worth(listed, report.headline, report.validated_at)
    if connections.settings.require_qualified and not (qualification and qualification.is_proved):
        raise NotVerified(f"qualified is required, this is {qualification.words if qualification else 'not proved'}")
    return Event.VERIFIED, {
        "sha256": hashlib.sha256(content).hexdigest(),
        "indication": report.indication,
        "level": report.headline.level,
        "sealed_at": report.headline.sealed_at.isoformat() if report.headline.sealed_at else None,
        "signer": report.headline.signer,
        "qualification": str(qualification.seal) if qualification else None,
        "time_stamp": str(qualification.time_stamp) if qualification else None,
        "trusted_list": listed.snapshot.name if listed else None,
        "time_stamped_by": report.headline.time_stamped_by,
    }
