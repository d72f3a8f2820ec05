"""One value with all that was found about one file, and its JSON form (docs/verify.schema.json)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from receipts.pades.report import Judged, Report
from receipts.trust import Qualification, Standing
from receipts.verdict.points import Point
from receipts.verdict.revisions import Gap, Revision

_SHOWN: Final = MappingProxyType(
    {
        "stream-identical": "the picture shown is the received file's own data, byte for byte",
        "idat-identical": "the picture shown is the received file's own compressed data; the file itself is attached",
        "strips-identical": "the pages show the received file's own fax data; the file itself is attached",
        "samples-equal": "the picture shown has the very same samples; the file itself is attached, byte for byte",
        "samples-rounded": "the picture shown has its samples rounded to 8 bits; the file itself is attached",
        "original-attached": "it is attached, byte for byte; the pages show a rendition of it",
    }
)
"""What the provenance's fidelity claims mean (receipts.pdfa)."""


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """Whether the file still holds what was received.

    Attributes:
        original_sha256: Digest of the original that was taken out of the file, or `None`.
        problem: Why none could be taken out, or empty.
        provenance: What the file says of where it came from; believe it only if the seal passed.
    """

    original_sha256: str | None
    problem: str
    provenance: Mapping[str, Any]

    @property
    def statement(self) -> str:
        """What can be said, in a sentence."""
        if self.original_sha256 is None:
            return f"The file does not hold an original: {self.problem}."
        shown = self.provenance.get("fidelity")
        claim = shown.get("claim") if isinstance(shown, Mapping) else None
        how = _SHOWN.get(str(claim), "it is inside, byte for byte")
        return f"The received file with SHA-256 {self.original_sha256} was taken out of this file: {how}."


@dataclass(frozen=True, kw_only=True)
class Custody:
    """What the archive and the journal of this installation say of the file.

    Attributes:
        receipt: The receipt's id.
        state: Where it stands; `unknown` if that could not be told.
        journal_lines: How many lines its journal has; its hash chain was checked.
        journal_head: Digest of the last.
        archived_sha256: Digest of the archived file.
        is_this_file: Whether that is the file at hand.
        lock_mode: Such as `COMPLIANCE`; `None` if it is not locked.
        locked_until: End of its lock, UTC.
        legal_hold: Whether a hold without end is on it.
        problem: What could not be told, or empty.
    """

    receipt: str
    state: str
    journal_lines: int = 0
    journal_head: str | None = None
    archived_sha256: str | None = None
    is_this_file: bool = False
    lock_mode: str | None = None
    locked_until: datetime | None = None
    legal_hold: bool | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """All that was found about one file.

    Attributes:
        name: Path, or the receipt's id.
        report: The verdict on its seal.
        points: The eight points of eIDAS art. 32(1).
        qualification: What the trusted lists say; `None` without lists, or if the seal's chain does not hold.
        qualified_as: What they say of each signature of the report and then of each evidence record, in a word.
        trusted_list: Name of the snapshot that was looked at, or `None`.
        trusted_list_sha256: Digest of its manifest.
        revisions: What each revision changed.
        gaps: Bytes that the seal does not cover.
        pdfa_claim: What the file claims to be.
        fidelity: Whether it holds what was received.
        custody: What archive and journal say, where they are at hand.
        of_seal_alone: Whether it was asked about one seal, whatever else is in the file and wherever that came from.
    """

    name: str
    report: Report
    points: tuple[Point, ...]
    qualification: Qualification | None
    trusted_list: str | None
    trusted_list_sha256: str | None
    revisions: tuple[Revision, ...]
    gaps: tuple[Gap, ...]
    pdfa_claim: str | None
    fidelity: Fidelity
    qualified_as: tuple[str | None, ...] = ()
    custody: Custody | None = None
    of_seal_alone: bool = False

    @property
    def holds(self) -> bool:
        """Whether the seal is TOTAL-PASSED and the file holds the very original that it speaks of, if it must."""
        return self.report.passed and (self.of_seal_alone or self.fidelity.original_sha256 is not None)

    @property
    def fidelity_statement(self) -> str:
        """Whether the file holds what was received, and what that is worth."""
        if self.fidelity.original_sha256 is None or self.report.passed:
            return self.fidelity.statement
        return f"{self.fidelity.statement} The seal does not hold, so that proves nothing."

    @property
    def signatures(self) -> list[tuple[Judged, str | None]]:
        """Each signature and document time-stamp, then each evidence record, and what it is by the lists."""
        found = [*self.report.signatures, *self.report.evidence_records]
        words = self.qualified_as or (None,) * len(found)
        return list(zip(found, words, strict=True))

    @property
    def kind(self) -> str:
        """What the seal is (`QESeal`, `AdESeal-QC`, ...); a word that is not proved is not said."""
        return str(self.qualification.seal) if self.qualification else "not established"

    def to_json(self) -> dict[str, Any]:
        """The verdict as machines read it; keys are only ever added."""
        report = self.report.to_json()
        claims = report.pop("qualification")
        if self.trusted_list:  # thousands of anchors: the name says which; here those that were used
            paths = [
                path for path in (self.report.headline.path, *(path for path, _ in self.report.headline.stamps)) if path
            ]
            used = [next(iter(path.iter_certs(include_root=True))) for path in paths]
            report["anchors"] = sorted({hashlib.sha256(each.dump()).hexdigest() for each in used})
        for each, (_, word) in zip([*report["signatures"], *report["evidence_records"]], self.signatures, strict=True):
            each["qualified_as"] = word
        return {
            "file": self.name,
            "holds": self.holds,
            **report,
            "claims": claims,
            "points": [
                {"letter": p.letter, "text": p.text, "holds": p.holds, "evidence": p.evidence} for p in self.points
            ],
            "qualification": _qualification(self.qualification),
            "trusted_list": {"name": self.trusted_list, "sha256": self.trusted_list_sha256}
            if self.trusted_list
            else None,
            "revisions": [asdict(each) for each in self.revisions],
            "not_covered": [asdict(each) for each in self.gaps],
            "pdfa_claim": self.pdfa_claim,
            "fidelity": self.fidelity_statement,
            "original_sha256": self.fidelity.original_sha256,
            "original_problem": self.fidelity.problem or None,
            "provenance": dict(self.fidelity.provenance),
            "custody": _custody(self.custody),
        }


def _qualification(found: Qualification | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "seal": str(found.seal),
        "at_issuance": _standing(found.at_issuance),
        "at_signing": _standing(found.at_signing),
        "time_stamp": str(found.time_stamp),
        "time_stamp_evidence": found.time_stamp_evidence,
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return asdict(standing) | {"at": standing.at.isoformat()}


def _custody(custody: Custody | None) -> dict[str, Any] | None:
    if custody is None:
        return None
    until = custody.locked_until
    return asdict(custody) | {"locked_until": until.isoformat() if until else None, "problem": custody.problem or None}
