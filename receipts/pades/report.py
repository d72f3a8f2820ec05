"""What validation found, in the words of ETSI EN 319 102-1."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import StrEnum
from typing import Any

from asn1crypto import tsp, x509
from pyhanko_certvalidator.path import ValidationPath

_COMPLETE = frozenset({"PAdES-BASELINE-LT", "PAdES-BASELINE-LTA"})
_OF_THE_FILE = (
    "indication", "sub_indication", "passed", "level", "signer", "organization_identifier", "sealed_at",
    "time_stamped_by",
)  # fmt: skip
"""What a report says of the file as it says it of its headline."""


class Indication(StrEnum):
    """The three answers of EN 319 102-1, 5.1.3 for signatures; PASSED and FAILED are those of 5.4 for time-stamps."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"
    PASSED = "PASSED"
    FAILED = "FAILED"


class SubIndication(StrEnum):
    """Why not TOTAL-PASSED (EN 319 102-1, tables 5 and 6); NO_SIGNATURE is our own word."""

    NO_SIGNATURE = "NO_SIGNATURE"
    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NOT_YET_VALID = "NOT_YET_VALID"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    TRY_LATER = "TRY_LATER"
    NO_POE = "NO_POE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    GENERIC = "GENERIC"


FAILURES = frozenset(
    {
        SubIndication.NO_SIGNATURE,
        SubIndication.FORMAT_FAILURE,
        SubIndication.HASH_FAILURE,
        SubIndication.SIG_CRYPTO_FAILURE,
    }
)
"""Those that make TOTAL-FAILED; all others leave it INDETERMINATE."""


class Finding(Exception):
    """A check that does not hold, and what that means.

    Args:
        check: Name of the check.
        sub_indication: What it means.
        evidence: What was found, one line.
    """

    def __init__(self, check: str, sub_indication: SubIndication, evidence: str) -> None:
        super().__init__(f"{check}: {evidence}")
        self.check = check
        self.sub_indication = sub_indication
        self.evidence = evidence


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: Whether it holds.
        evidence: What was found, one line.
    """

    name: str
    ok: bool
    evidence: str


class Kind(StrEnum):
    """What is judged: what a signature field of a PDF holds, or an evidence record (RFC 4998) beside it."""

    SEAL = "seal"
    TIME_STAMP = "document time-stamp"
    EVIDENCE_RECORD = "evidence record"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The verdict on one signature or document time-stamp. What could not be established is `None`.

    Attributes:
        field: Name of its form field; empty if the file has none.
        kind: What it is: a signature (seal), or a time-stamp over the document.
        revision: Number of the revision that it is in, from 1.
        indication: The verdict.
        sub_indication: Why, unless it passed.
        level: `PAdES-BASELINE-LT` or `-LTA` when passed; a lower one as far as it was established. Of seals only.
        signer: Subject of the certificate, as text; not proved unless passed.
        organization_identifier: Its organizationIdentifier (EN 319 412-1), such as NTRFR-123456789.
        sealed_at: The earliest time that it is proved to have existed, UTC; proved only if passed.
        time_stamped_by: Who told that time: subject of a time-stamping unit's certificate.
        qualification: What the certificate claims of itself; only a trusted list can prove it.
        checks: What was looked at, in order; after one that doesn't hold nothing more is looked at.
        covered_bytes: How many bytes from the file's start it covers (but for its own container).
        updates: What each later revision adds, in words.
        seen_at: The time by which the certificates were judged: that of validation, or of a later proof of existence.
        certificate: The certificate that the file names.
        path: From an anchor to the certificate, once that chain held; for what trusted lists say.
        stamps: Path and content of each time-stamp that proves its time.
    """

    field: str
    kind: Kind
    revision: int | None
    indication: Indication
    sub_indication: SubIndication | None
    level: str | None
    signer: str | None
    organization_identifier: str | None
    sealed_at: datetime | None
    time_stamped_by: str | None
    qualification: str | None
    checks: tuple[Check, ...]
    covered_bytes: int | None
    updates: tuple[str, ...] = ()
    seen_at: datetime | None = None
    certificate: x509.Certificate | None = dataclass_field(default=None, compare=False, repr=False)
    path: ValidationPath | None = dataclass_field(default=None, compare=False, repr=False)
    stamps: tuple[tuple[ValidationPath, tsp.TSTInfo], ...] = dataclass_field(default=(), compare=False, repr=False)

    @property
    def passed(self) -> bool:
        """Whether it holds in full: a seal at level B-LT or better."""
        if self.kind is not Kind.SEAL:
            return self.indication is Indication.PASSED
        return self.indication is Indication.TOTAL_PASSED and self.level in _COMPLETE

    @property
    def why(self) -> str:
        """What doesn't hold, in one line; empty when everything does."""
        return "; ".join(f"{check.name}: {check.evidence}" for check in self.checks if not check.ok)

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON values; names and meanings are stable, times are ISO 8601 in UTC."""
        return {
            "field": self.field,
            "kind": str(self.kind),
            "revision": self.revision,
            "indication": str(self.indication),
            "sub_indication": None if self.sub_indication is None else str(self.sub_indication),
            "passed": self.passed,
            "level": self.level,
            "signer": self.signer,
            "organization_identifier": self.organization_identifier,
            "sealed_at": None if self.sealed_at is None else self.sealed_at.isoformat(),
            "time_stamped_by": self.time_stamped_by,
            "claims": self.qualification,
            "checks": [{"name": each.name, "ok": each.ok, "evidence": each.evidence} for each in self.checks],
            "covered_bytes": self.covered_bytes,
            "updates": list(self.updates),
            "seen_at": None if self.seen_at is None else self.seen_at.isoformat(),
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    """The verdict on one file: that of its headline, and that of each signature and document time-stamp.

    Attributes:
        headline: What the file as a whole is: the archive's seal in an archive file, else the weakest of all.
        signatures: Each, in the order of the file.
        evidence_records: Those that were given with the file.
        size_bytes: Size of the file.
        sha256: Hex digest of the file.
        anchors: Hex SHA-256 of the trust anchors' certificates.
        validated_at: For which time the verdict is, UTC.
    """

    headline: Judged
    signatures: tuple[Judged, ...]
    evidence_records: tuple[Judged, ...]
    size_bytes: int
    sha256: str
    anchors: tuple[str, ...]
    validated_at: datetime

    @property
    def indication(self) -> Indication:
        """The headline's verdict."""
        return self.headline.indication

    @property
    def sub_indication(self) -> SubIndication | None:
        """Why, unless TOTAL-PASSED."""
        return self.headline.sub_indication

    def sealed_part(self, pdf: bytes) -> bytes:
        """The file as it was sealed, without what came after; all of it where no seal covers anything.

        Args:
            pdf: The file that this is about.
        """
        return pdf[: self.headline.covered_bytes]

    @property
    def passed(self) -> bool:
        """Whether the headline's seal holds in full: TOTAL-PASSED at level B-LT or B-LTA."""
        return self.headline.passed

    @property
    def why(self) -> str:
        """What doesn't hold, in one line; empty when everything does."""
        return self.headline.why

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; names and meanings are stable, times are ISO 8601 in UTC."""
        headline = self.headline.to_json()
        return {
            "version": 1,
            **{key: headline[key] for key in _OF_THE_FILE},
            "qualification": headline["claims"],
            "checks": headline["checks"],
            "covered_bytes": headline["covered_bytes"],
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "anchors": list(self.anchors),
            "validated_at": self.validated_at.isoformat(),
            "field": self.headline.field or None,
            "signatures": [each.to_json() for each in self.signatures],
            "evidence_records": [each.to_json() for each in self.evidence_records],
        }
