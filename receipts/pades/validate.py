"""Validates a sealed file afresh, offline, from its bytes and the trust anchors (EN 319 102-1, clause 5.5).

Shares nothing with the making of seals but the library. It fails closed: what it can't establish is not passed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import cms, tsp, x509
from pyhanko.sign.general import find_unique_cms_attribute
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import (
    cms_basic_validation,
    message_imprint_checker,
    validate_sig_integrity,
    validate_tst_signed_data,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.path import ValidationPath

from receipts.pades.algorithms import DIGESTS, Algorithms
from receipts.pades.changes import CHANGES, check_changes
from receipts.pades.qualification import qualification_claim
from receipts.pades.report import FAILURES, Check, Finding, Indication, Report, SubIndication
from receipts.pades.structure import COVERAGE, FORMAT, FOUND, Located, locate
from receipts.pades.trust import (
    CLOCK_TOLERANCE,
    Trust,
    among,
    check_certificates,
    check_responders,
    check_still_valid,
    common_name,
    judge,
    read_material,
)

INTEGRITY: Final = "integrity of the document"
FORM: Final = "PAdES form"
STAMP: Final = "time-stamp"
SEAL: Final = "sealing certificate"
DATA: Final = "validation data"
_SEAL_USAGE: Final = KeyUsageConstraints(key_usage={"non_repudiation"})  # EN 319 412-2, 4.3.2

# What pyHanko would log as warnings is in the report.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


def validate(pdf: bytes, anchors: Sequence[x509.Certificate], *, at: datetime) -> Report:
    """The verdict on a sealed file. Never raises for what is in the file.

    Args:
        pdf: The file.
        anchors: Trust anchors; with none nothing passes.
        at: For which time the verdict is, UTC-aware.

    Raises:
        ValueError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("at must be UTC-aware")
    examination = _Examination(pdf, anchors, at.astimezone(UTC))
    try:
        examination.run()
        return examination.report(None)
    except Finding as finding:
        return examination.report(finding)
    except Exception as error:
        return examination.report(_unforeseen(examination.current, error))


class _Examination:
    """One run over one file; gathers what the report says."""

    def __init__(self, pdf: bytes, anchors: Sequence[x509.Certificate], at: datetime) -> None:
        self.pdf, self.anchors, self.at = pdf, anchors, at
        self.checks: list[Check] = []
        self.facts: dict[str, Any] = {}
        self.stamps: list[tuple[ValidationPath, tsp.TSTInfo]] = []
        self.current = FORMAT

    def run(self) -> None:
        """Look at everything, from the bytes up to the trust.

        Raises:
            Finding: Something doesn't hold.
        """
        located = locate(self.pdf)
        self.facts["covered_bytes"] = located.end
        self._holds(FOUND, f"in field {located.embedded.field_name}, revision {located.revision + 1}")
        self._holds(COVERAGE, f"bytes 0 to {located.end} of {len(self.pdf)}, but for the seal's own container")
        self._integrity(located)
        self.current = CHANGES
        added = check_changes(located)
        self._holds(CHANGES, "one update that adds validation data only" if added else "none")
        self._form(located)
        tokens = self._tokens(located)
        self._chains(located, tokens)

    def _integrity(self, located: Located) -> None:
        self.current = INTEGRITY
        embedded = located.embedded
        self.facts["certificate"] = certificate = embedded.signer_cert
        digest = embedded.compute_digest()
        intact, valid = validate_sig_integrity(embedded.signer_info, certificate, "data", digest)
        if not valid:
            raise Finding(INTEGRITY, SubIndication.SIG_CRYPTO_FAILURE, "the signature value is wrong")
        if not intact:
            raise Finding(INTEGRITY, SubIndication.HASH_FAILURE, "the sealed bytes are not the ones that were sealed")
        name = common_name(certificate)
        self._holds(INTEGRITY, f"{embedded.md_algorithm} of the sealed bytes matches, signed by the key of {name}")

    def _form(self, located: Located) -> None:
        """The PAdES baseline rules of EN 319 142-1, table 1, that no other check covers."""
        self.current = FORM
        embedded = located.embedded
        dictionary, message, signer = embedded.sig_object, embedded.signed_data, embedded.signer_info
        signed = {each["type"].native: len(each["values"]) for each in signer["signed_attrs"]}
        rules = {
            "the signature's type is not /Sig": dictionary.get("/Type", "/Sig") == "/Sig",
            "the SubFilter is not ETSI.CAdES.detached": dictionary.get("/SubFilter") == "/ETSI.CAdES.detached",
            "there is no /Filter": "/Filter" in dictionary,
            "there is a /Cert": "/Cert" not in dictionary,
            "there is no /M": "/M" in dictionary,
            "there is not exactly one signer": len(message["signer_infos"]) == 1,
            "the content type is not id-data": message["encap_content_info"]["content_type"].native == "data",
            "there is no single signing-certificate-v2": signed.get("signing_certificate_v2") == 1,
            "there is a signing-certificate of version 1": "signing_certificate" not in signed,
            "there is a signing-time": "signing_time" not in signed,
            "there is no single content-type": signed.get("content_type") == 1,
            "there is no single message-digest": signed.get("message_digest") == 1,
        }
        for broken, holds in rules.items():
            if not holds:
                raise Finding(FORM, SubIndication.SIG_CONSTRAINTS_FAILURE, broken)
        self.facts["level"] = "PAdES-BASELINE-B"
        self._holds(FORM, "ETSI.CAdES.detached, signing-certificate-v2, no signing-time (EN 319 142-1)")

    def _tokens(self, located: Located) -> list[cms.SignedData]:
        self.current = STAMP
        attributes = located.embedded.signer_info["unsigned_attrs"] or ()
        found = [a for a in attributes if a["type"].native == "signature_time_stamp_token"]
        tokens = [value["content"] for attribute in found for value in attribute["values"]]
        if not tokens:
            raise Finding(STAMP, SubIndication.NO_POE, "the seal has no time-stamp")
        return tokens

    def _chains(self, located: Located, tokens: list[cms.SignedData]) -> None:
        self.current = DATA
        material = read_material(located.reader, located.embedded.signed_data, *tokens)
        self.anchors = among(self.anchors, material)
        self.current = STAMP
        earliest = min(_info(token)["gen_time"].native for token in tokens)
        self.facts["sealed_at"] = earliest
        for token in tokens:  # each must hold: one that nobody trusts is no ornament
            stamped_at = _info(token)["gen_time"].native
            if stamped_at > self.at + CLOCK_TOLERANCE:
                raise Finding(STAMP, SubIndication.NOT_YET_VALID, f"the time-stamp of {stamped_at} lies in the future")
            self._token(located, token, Trust(self.anchors, material, stamped_at, self.at))
        self.facts["level"] = "PAdES-BASELINE-T"
        self.current = SEAL
        trust = Trust(self.anchors, material, earliest, self.at)
        embedded = located.embedded
        status = judge(
            SEAL,
            trust,
            lambda context: cms_basic_validation(
                embedded.signed_data,
                embedded.compute_digest(),
                context,
                key_usage_settings=_SEAL_USAGE,
                algorithm_policy=Algorithms(earliest),
            ),
        )
        # The sealing certificate itself may have expired since: the time-stamp proves the seal older.
        self.facts["seal_path"] = status["validation_path"]
        check_still_valid(SEAL, status["validation_path"], trust, leaf=False)
        self._holds(SEAL, f"valid at {earliest}, up to {_anchor(status)}; {common_name(self.facts['certificate'])}")
        self.current = DATA
        check_responders(DATA, trust)
        check_certificates(DATA, trust)
        fresh = trust.fresh
        self._holds(
            DATA, f"{len(fresh.ocsps)} OCSP responses, {len(fresh.crls)} CRLs since the time-stamp: none revoked"
        )
        self.facts["level"] = "PAdES-BASELINE-LT"

    def _token(self, located: Located, token: cms.SignedData, trust: Trust) -> None:
        if len(token["signer_infos"]) != 1:
            raise Finding(STAMP, SubIndication.FORMAT_FAILURE, "the time-stamp has not exactly one signer")
        if _info(token)["message_imprint"]["hash_algorithm"]["algorithm"].native not in DIGESTS:
            raise Finding(STAMP, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "the time-stamp is over a weak digest")
        find_unique_cms_attribute(token["signer_infos"][0]["signed_attrs"], "signing_certificate_v2")  # RFC 5816
        imprint = message_imprint_checker(located.embedded.signer_info)
        status = judge(
            STAMP,
            trust,
            lambda context: validate_tst_signed_data(token, context, imprint, algorithm_policy=Algorithms(trust.at)),
        )
        unit = status["signing_cert"]
        purposes, critical = unit.extended_key_usage_value, unit.critical_extensions
        if purposes is None or purposes.native != ["time_stamping"] or "extended_key_usage" not in critical:
            evidence = "time-stamping is not the sole and critical purpose of its certificate"  # RFC 3161, 2.3
            raise Finding(STAMP, SubIndication.CHAIN_CONSTRAINTS_FAILURE, evidence)
        check_still_valid(STAMP, status["validation_path"], trust, leaf=True)
        self.facts["time_stamped_by"] = name = common_name(unit)
        self.stamps.append((status["validation_path"], _info(token)))
        self._holds(STAMP, f"{trust.stamped_at} by {name}, up to {_anchor(status)}")

    def _holds(self, name: str, evidence: str) -> None:
        self.checks.append(Check(name, True, evidence))

    def report(self, finding: Finding | None) -> Report:
        """The report, with the one thing that doesn't hold if there is any."""
        indication, sub_indication = Indication.TOTAL_PASSED, None
        checks = tuple(self.checks)
        if finding is not None:
            sub_indication = finding.sub_indication
            indication = Indication.TOTAL_FAILED if sub_indication in FAILURES else Indication.INDETERMINATE
            checks += (Check(finding.check, False, finding.evidence),)
        certificate = self.facts.get("certificate")
        return Report(
            indication=indication,
            sub_indication=sub_indication,
            level=self.facts.get("level"),
            signer=certificate.subject.human_friendly if certificate else None,
            organization_identifier=certificate.subject.native.get("organization_identifier") if certificate else None,
            sealed_at=self.facts.get("sealed_at"),
            time_stamped_by=self.facts.get("time_stamped_by"),
            qualification=qualification_claim(certificate) if certificate else None,
            checks=checks,
            covered_bytes=self.facts.get("covered_bytes"),
            size_bytes=len(self.pdf),
            sha256=hashlib.sha256(self.pdf).hexdigest(),
            anchors=tuple(hashlib.sha256(each.dump()).hexdigest() for each in self.anchors),
            validated_at=self.at,
            certificate=certificate,
            seal_path=self.facts.get("seal_path"),
            stamps=tuple(self.stamps),
        )


def _unforeseen(check: str, error: Exception) -> Finding:
    """What an exception of the library means: mostly that something is malformed."""
    text = (str(error) or type(error).__name__).splitlines()[0][:200]
    sub_indication = SubIndication.FORMAT_FAILURE if check == INTEGRITY else SubIndication.GENERIC
    if isinstance(error, SignatureValidationError) and error.ades_subindication:
        sub_indication = SubIndication.__members__.get(error.ades_subindication.standard_name, sub_indication)
    return Finding(check, sub_indication, f"could not be judged: {text}")


def _info(token: cms.SignedData) -> tsp.TSTInfo:
    content = token["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise Finding(STAMP, SubIndication.FORMAT_FAILURE, "the time-stamp holds no TSTInfo")
    return content["content"].parsed


def _anchor(status: dict[str, Any]) -> str:
    return str(status["validation_path"].trust_anchor.authority.name.native.get("common_name", "the trust anchor"))
