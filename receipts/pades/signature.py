"""Judges one signature (seal) of a file by itself (EN 319 102-1, 5.3, 5.5 and 5.6)."""

from __future__ import annotations

from datetime import UTC, datetime

from asn1crypto import cms
from pyhanko.sign.validation.generic_cms import cms_basic_validation, message_imprint_checker, validate_sig_integrity
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.path import ValidationPath

from receipts.pades.algorithms import Algorithms
from receipts.pades.case import DATA, FORM, INTEGRITY, SEAL, STAMP, Case, Notes, tokens_of
from receipts.pades.copies import check_algorithms, check_certificates
from receipts.pades.expiry import check_responders, check_still_valid
from receipts.pades.material import Material, common_name
from receipts.pades.report import Finding, SubIndication
from receipts.pades.structure import Located
from receipts.pades.timestamps import info_of, judge_in_view, judge_token, stamp_words
from receipts.pades.trust import (
    Trust,
    View,
    anchor_name,
    first_that_holds,
    judge,
)
from receipts.pades.update import CHANGES

_SEAL_USAGE = KeyUsageConstraints(key_usage={"non_repudiation"})  # EN 319 412-2, 4.3.2


def judge_signature(case: Case, located: Located, notes: Notes) -> None:
    """Look at everything about a signature, from its bytes up to the trust.

    Raises:
        Finding: Something doesn't hold.
    """
    _integrity(located, notes)
    notes.current = CHANGES
    updates = case.updates.after(located)
    notes.facts["updates"] = tuple(update.words for update in updates)
    notes.holds(CHANGES, "; ".join(notes.facts["updates"]) or "none")
    _form(located, notes)
    signed_at = _time(case, located, notes)
    notes.facts["level"] = "PAdES-BASELINE-T"
    _chain(case, located, notes, signed_at)
    notes.facts["level"] = "PAdES-BASELINE-LT"
    if _is_archival(case, located, signed_at):
        notes.facts["level"] = "PAdES-BASELINE-LTA"


def _integrity(located: Located, notes: Notes) -> None:
    notes.current = INTEGRITY
    embedded = located.embedded
    notes.facts["certificate"] = certificate = embedded.signer_cert
    _check_algorithms(located)
    digest = embedded.compute_digest()
    intact, valid = validate_sig_integrity(embedded.signer_info, certificate, "data", digest)
    if not intact:
        raise Finding(INTEGRITY, SubIndication.HASH_FAILURE, "the sealed bytes are not the ones that were sealed")
    if not valid:
        raise Finding(INTEGRITY, SubIndication.SIG_CRYPTO_FAILURE, "the signature value is wrong")
    name = common_name(certificate)
    notes.holds(INTEGRITY, f"{embedded.md_algorithm} of the sealed bytes matches, signed by the key of {name}")


def _check_algorithms(located: Located) -> None:
    signer = located.embedded.signer_info
    used = signer["digest_algorithm"]["algorithm"].native
    if used not in {each["algorithm"].native for each in located.embedded.signed_data["digest_algorithms"]}:
        evidence = f"{used} is not among the container's digest algorithms"  # RFC 5652, 5.1: it may be refused
        raise Finding(INTEGRITY, SubIndication.SIG_CRYPTO_FAILURE, evidence)
    try:
        _ = signer["signature_algorithm"].signature_algo
    except ValueError as error:
        evidence = f"the signature algorithm {signer['signature_algorithm']['algorithm'].native} is not known"
        raise Finding(INTEGRITY, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, evidence) from error


def _form(located: Located, notes: Notes) -> None:
    """The PAdES baseline rules of EN 319 142-1, table 1, that no other check covers."""
    notes.current = FORM
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
        "the signing-certificate-v2 rests on SHA-1": not _names_by_sha1(embedded.signer_info),
        "the claimed time (/M) is not within the certificate's validity": _claims_a_valid_time(located),
    }
    for broken, holds in rules.items():
        if not holds:
            raise Finding(FORM, SubIndication.SIG_CONSTRAINTS_FAILURE, broken)
    notes.facts["level"] = "PAdES-BASELINE-B"
    notes.holds(FORM, "ETSI.CAdES.detached, signing-certificate-v2, no signing-time (EN 319 142-1)")


def _names_by_sha1(signer: cms.SignerInfo) -> bool:
    """EN 319 122-1, 5.2.2.3: version 2 is for the other digests."""
    attributes = [each for each in signer["signed_attrs"] if each["type"].native == "signing_certificate_v2"]
    named = [entry for each in attributes for value in each["values"] for entry in value["certs"]]
    return any(entry["hash_algorithm"]["algorithm"].native == "sha1" for entry in named)


def _claims_a_valid_time(located: Located) -> bool:
    """EN 319 102-1, 5.2.8: the signer's claim is a signed attribute, which the validation policy constrains."""
    certificate, claimed = located.embedded.signer_cert, located.embedded.self_reported_timestamp
    if claimed is None:
        return False
    if claimed.tzinfo is None:
        claimed = claimed.replace(tzinfo=UTC)  # ISO 32000-1, 7.9.4: unknown; as DSS takes it
    return bool(certificate.not_valid_before <= claimed <= certificate.not_valid_after)


def _time(case: Case, located: Located, notes: Notes) -> datetime:
    """Best-signature-time (EN 319 102-1, 5.5.4): the earliest time at which the signature is proved to have existed."""
    notes.current = STAMP
    tokens, imprint = tokens_of(located.embedded.signer_info), message_imprint_checker(located.embedded.signer_info)
    if not tokens and not case.covering(located.revision):
        raise Finding(STAMP, SubIndication.NO_POE, "the seal has no time-stamp")
    if tokens:
        notes.facts["sealed_at"] = min(info_of(token)["gen_time"].native for token in tokens)
    for token in tokens:  # each must hold: one that nobody trusts is no ornament
        path, view = judge_token(case, token, imprint, located.revision)
        notes.stamps.append((path, info_of(token)))
        notes.holds(STAMP, stamp_words(info_of(token), path, view))
    for proof in case.covering(located.revision):
        notes.stamps.append((proof.path, proof.info))
        notes.holds(STAMP, f"{proof.at}, {proof.by}")
    path, info = min(notes.stamps, key=lambda each: each[1]["gen_time"].native)
    notes.facts["time_stamped_by"] = common_name(path.leaf)
    notes.facts["sealed_at"] = signed_at = info["gen_time"].native
    found: datetime = signed_at
    return found


def _chain(case: Case, located: Located, notes: Notes, signed_at: datetime) -> None:
    notes.current = SEAL
    (path, fresh), view = first_that_holds(
        case.views(located.revision), lambda each: _judge_in_view(case, located, each, signed_at)
    )
    seen = f", as {view.proof} of {view.seen_at} has it" if view.proof else ""
    notes.facts |= {"path": path, "seen_at": view.seen_at}
    notes.holds(SEAL, f"valid at {signed_at}, up to {anchor_name(path)}; {common_name(path.leaf)}{seen}")
    notes.current = DATA
    check_algorithms(DATA, case.everything)
    check_certificates(DATA, case.everything, case.anchors)
    evidence = f"{len(fresh.ocsps)} OCSP responses, {len(fresh.crls)} CRLs since the time-stamp: none revoked"
    notes.holds(DATA, evidence)


def _judge_in_view(case: Case, located: Located, view: View, signed_at: datetime) -> tuple[ValidationPath, Material]:
    embedded = located.embedded
    trust = Trust(anchors=case.anchors, view=view, everything=case.everything, signed_at=signed_at)
    status = judge(
        SEAL,
        trust,
        lambda context: cms_basic_validation(
            embedded.signed_data,
            embedded.compute_digest(),
            context,
            key_usage_settings=_SEAL_USAGE,
            algorithm_policy=Algorithms(signed_at),
        ),
    )
    # The sealing certificate itself may have expired since: the time-stamp proves the seal older.
    check_still_valid(SEAL, status["validation_path"], trust, leaf=False)
    check_responders(DATA, status["validation_path"], trust)
    return status["validation_path"], trust.fresh


def _is_archival(case: Case, located: Located, signed_at: datetime) -> bool:
    """Whether a document time-stamp that holds covers all that the signature and its time-stamps need (B-LTA)."""
    imprint = message_imprint_checker(located.embedded.signer_info)
    for proof in case.covering(located.revision):
        if not proof.in_file:
            continue
        try:
            _judge_in_view(case, located, case.view(proof), signed_at)
            for token in tokens_of(located.embedded.signer_info):
                judge_in_view(case, token, imprint, case.view(proof))
        except Finding:
            continue
        return True
    return False
