"""What is the same for all signatures of a file while they are judged, and the notes that are taken of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from asn1crypto import cms, tsp, x509
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator.path import ValidationPath

from receipts.pades.changes import Updates
from receipts.pades.material import Material, among, read_material
from receipts.pades.qualification import qualification_claim
from receipts.pades.report import FAILURES, Check, Finding, Indication, Judged, Kind, SubIndication
from receipts.pades.structure import FORMAT, Located, Opened
from receipts.pades.trust import View

INTEGRITY = "integrity of the document"
FORM = "PAdES form"
STAMP = "time-stamp"
SEAL = "sealing certificate"
DATA = "validation data"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """That a file, up to a revision, existed at some time (proof of existence: EN 319 102-1, 5.6.2.3).

    Attributes:
        at: The time.
        revision: The newest revision that it covers, from 0.
        by: What proves it, in words.
        path: From an anchor to the time-stamping unit.
        info: What the time-stamp says.
        in_file: Whether it is in the file, as B-LTA has it.
    """

    at: datetime
    revision: int
    by: str
    path: ValidationPath
    info: tsp.TSTInfo
    in_file: bool


class Case:
    """One file, under validation.

    Args:
        file: The file.
        located: Its signatures that can be read, in the order of the file.
        anchors: Trust anchors.
        at: For which time the verdict is, UTC.
    """

    def __init__(
        self, file: Opened, located: Sequence[Located], anchors: Sequence[x509.Certificate], at: datetime
    ) -> None:
        self.file, self.located, self.at = file, located, at
        self.updates = Updates(file)
        self.proofs: list[Proof] = []
        self.all_anchors = anchors
        self._materials: dict[int, Material] = {}

    @cached_property
    def everything(self) -> Material:
        """All that the file holds."""
        return self._material(self.file.reader.total_revisions - 1)

    @cached_property
    def anchors(self) -> Sequence[x509.Certificate]:
        """The trust anchors that matter here."""
        return among(self.all_anchors, self.everything)

    def covering(self, revision: int) -> list[Proof]:
        """The proofs of existence that cover a revision, newest first."""
        found = [proof for proof in self.proofs if proof.revision >= revision]
        return sorted(found, key=lambda proof: proof.at, reverse=True)

    def views(self, revision: int) -> list[View]:
        """The times at which what is in a revision can be looked at: now, and when later proofs were made."""
        now = View(seen_at=self.at, material=self.everything)
        return [now, *(self.view(proof) for proof in self.covering(revision))]

    def view(self, proof: Proof) -> View:
        """The file as a proof of existence has it."""
        return View(seen_at=proof.at, material=self._material(proof.revision), proof=proof.by)

    def _material(self, revision: int) -> Material:
        if revision not in self._materials:
            reader = self.file.reader
            newest = revision == reader.total_revisions - 1
            root = reader.root if newest else reader.get_historical_resolver(revision).root
            containers = [each.embedded for each in self.located if each.revision <= revision]
            signed = [data for each in containers for data in (each.signed_data, *tokens_of(each.signer_info))]
            self._materials[revision] = read_material(root, signed)
        return self._materials[revision]


def tokens_of(signer: cms.SignerInfo) -> list[cms.SignedData]:
    """The signature time-stamps of a signature; what is no token at all is left out."""
    attributes = signer["unsigned_attrs"] or ()
    found = [each for each in attributes if each["type"].native == "signature_time_stamp_token"]
    return [value["content"] for attribute in found for value in attribute["values"]]


class Notes:
    """What is found out about one signature."""

    def __init__(self, field: str, kind: Kind) -> None:
        self.field, self.kind = field, kind
        self.checks: list[Check] = []
        self.facts: dict[str, Any] = {}
        self.stamps: list[tuple[ValidationPath, tsp.TSTInfo]] = []
        self.current = FORMAT

    def holds(self, name: str, evidence: str) -> None:
        """Note that a check holds."""
        self.checks.append(Check(name, True, evidence))

    def judged(self, finding: Finding | None) -> Judged:
        """The verdict, with the one thing that doesn't hold if there is any."""
        passed, failed = Indication.TOTAL_PASSED, Indication.TOTAL_FAILED
        if self.kind is not Kind.SEAL:
            passed, failed = Indication.PASSED, Indication.FAILED
        indication, sub_indication, checks = passed, None, tuple(self.checks)
        if finding is not None:
            sub_indication = finding.sub_indication
            indication = failed if sub_indication in FAILURES else Indication.INDETERMINATE
            checks += (Check(finding.check, False, finding.evidence),)
        certificate = self.facts.get("certificate")
        names = certificate.subject if certificate else None
        return Judged(
            field=self.field,
            kind=self.kind,
            revision=self.facts.get("revision"),
            indication=indication,
            sub_indication=sub_indication,
            level=self.facts.get("level"),
            signer=names.human_friendly if names else None,
            organization_identifier=names.native.get("organization_identifier") if names else None,
            sealed_at=self.facts.get("sealed_at"),
            time_stamped_by=self.facts.get("time_stamped_by"),
            qualification=qualification_claim(certificate) if certificate else None,
            checks=checks,
            covered_bytes=self.facts.get("covered_bytes"),
            updates=self.facts.get("updates", ()),
            seen_at=self.facts.get("seen_at"),
            certificate=certificate,
            path=self.facts.get("path"),
            stamps=tuple(self.stamps),
        )

    def unforeseen(self, error: Exception) -> Judged:
        """The verdict when a library raises: mostly, something is malformed."""
        text = (str(error) or type(error).__name__).splitlines()[0][:200]
        malformed = self.current in (FORMAT, INTEGRITY)
        sub_indication = SubIndication.FORMAT_FAILURE if malformed else SubIndication.GENERIC
        if isinstance(error, SignatureValidationError) and error.ades_subindication:
            named = error.ades_subindication.standard_name
            if named != SubIndication.GENERIC:
                sub_indication = SubIndication.__members__.get(named, sub_indication)
        return self.judged(Finding(self.current, sub_indication, f"could not be judged: {text}"))
