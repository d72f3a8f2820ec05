"""What validation found, in the words of ETSI EN 319 102-1."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from asn1crypto import tsp, x509
from pyhanko_certvalidator.path import ValidationPath


class Indication(StrEnum):
    """The three answers of EN 319 102-1, 5.1.3."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


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
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    TRY_LATER = "TRY_LATER"
    NO_POE = "NO_POE"
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


@dataclass(frozen=True, kw_only=True)
class Report:
    """The verdict on one file. What could not be established is `None`.

    Attributes:
        indication: The verdict.
        sub_indication: Why, unless TOTAL-PASSED.
        level: `PAdES-BASELINE-LT` when passed; a lower level as far as it was established, else `None`.
        signer: Subject of the sealing certificate, as text; not proved unless passed.
        organization_identifier: Its organizationIdentifier (EN 319 412-1), such as NTRFR-123456789.
        sealed_at: Time of the time-stamp, UTC; proved only if passed.
        time_stamped_by: Subject of the time-stamping unit's certificate.
        qualification: What the sealing certificate claims of itself; only a trusted list can prove it.
        checks: What was looked at, in order; after one that doesn't hold nothing more is looked at.
        covered_bytes: How many bytes from the file's start the seal covers (but for its own container).
        size_bytes: Size of the file.
        sha256: Hex digest of the file.
        anchors: Hex SHA-256 of the trust anchors' certificates.
        validated_at: For which time the verdict is, UTC.
        certificate: The sealing certificate that the file names.
        seal_path: From an anchor to the sealing certificate, once that chain held; for what trusted lists say.
        stamps: Path and content of each time-stamp of the seal that held.
    """

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
    size_bytes: int
    sha256: str
    anchors: tuple[str, ...]
    validated_at: datetime
    certificate: x509.Certificate | None = field(default=None, compare=False, repr=False)
    seal_path: ValidationPath | None = field(default=None, compare=False, repr=False)
    stamps: tuple[tuple[ValidationPath, tsp.TSTInfo], ...] = field(default=(), compare=False, repr=False)

    @property
    def passed(self) -> bool:
        """Whether the seal holds in full: TOTAL-PASSED at level B-LT."""
        return self.indication is Indication.TOTAL_PASSED and self.level == "PAdES-BASELINE-LT"

    @property
    def why(self) -> str:
        """What doesn't hold, in one line; empty when everything does."""
        return "; ".join(f"{check.name}: {check.evidence}" for check in self.checks if not check.ok)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; names and meanings are stable, times are ISO 8601 in UTC."""
        return {
            "version": 1,
            "indication": str(self.indication),
            "sub_indication": None if self.sub_indication is None else str(self.sub_indication),
            "passed": self.passed,
            "level": self.level,
            "signer": self.signer,
            "organization_identifier": self.organization_identifier,
            "sealed_at": None if self.sealed_at is None else self.sealed_at.isoformat(),
            "time_stamped_by": self.time_stamped_by,
            "qualification": self.qualification,
            "checks": [{"name": each.name, "ok": each.ok, "evidence": each.evidence} for each in self.checks],
            "covered_bytes": self.covered_bytes,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "anchors": list(self.anchors),
            "validated_at": self.validated_at.isoformat(),
        }
