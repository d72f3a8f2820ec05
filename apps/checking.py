"""What is checked of a sealed file for the people who hold it: its seal, and that the original is inside."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from config.settings import Settings
from receipts.pades import Report
from receipts.pdfa import original_of, provenance_of


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A file and what was found.

    Attributes:
        name: Path, or the receipt's id.
        report: The verdict on its seal.
        original_sha256: Digest of the original that was taken out of the file, or `None`.
        problem: Why no original could be taken out, or empty.
        provenance: What the file says of where it came from; believe it only if the seal passed.
    """

    name: str
    report: Report
    original_sha256: str | None
    problem: str
    provenance: Mapping[str, object]

    @property
    def holds(self) -> bool:
        """Whether the seal is TOTAL-PASSED and the file holds the very original that it speaks of."""
        return self.report.passed and self.original_sha256 is not None

    def to_json(self) -> dict[str, object]:
        """The report as machines read it; keys are only ever added."""
        return {
            "file": self.name,
            "holds": self.holds,
            **self.report.to_json(),
            "original_sha256": self.original_sha256,
            "original_problem": self.problem or None,
            "provenance": dict(self.provenance),
        }


def check(name: str, content: bytes, settings: Settings) -> Checked:
    """Validate one file from its bytes and the installation's trust anchors alone.

    Raises:
        NoAnchors: No trust anchor is configured.
    """
    from receipts.pades import validate
    from tasks.connections import now
    from tasks.trust import anchors

    report = validate(content, anchors(settings), at=now())
    digest, problem, provenance = None, "", {}
    try:
        digest = hashlib.sha256(original_of(content)).hexdigest()
        provenance = dict(provenance_of(content))
    except ValueError as error:
        problem = str(error)
    return Checked(name=name, report=report, original_sha256=digest, problem=problem, provenance=provenance)
