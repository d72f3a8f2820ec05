"""Time-stamps: those of a signature (EN 319 122-1, 5.3) and those of the document (EN 319 142-1, 5.4.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from asn1crypto import cms, tsp
from pyhanko.sign.validation.generic_cms import validate_sig_integrity, validate_tst_signed_data
from pyhanko_certvalidator.path import ValidationPath

from receipts.pades.algorithms import DIGESTS, Algorithms
from receipts.pades.case import FORM, INTEGRITY, STAMP, Case, Notes, Proof
from receipts.pades.expiry import check_responders, check_still_valid
from receipts.pades.material import common_name
from receipts.pades.report import Finding, SubIndication
from receipts.pades.structure import Located
from receipts.pades.trust import (
    CLOCK_TOLERANCE,
    Trust,
    View,
    anchor_name,
    first_that_holds,
    judge,
)
from receipts.pades.update import CHANGES

Imprint = Callable[[str], bytes]


def judge_document_time_stamp(case: Case, located: Located, notes: Notes) -> Proof:
    """Look at everything about a time-stamp over the document.

    Returns:
        What it proves.

    Raises:
        Finding: Something doesn't hold.
    """
    notes.current = INTEGRITY
    embedded = located.embedded
    notes.facts["certificate"] = embedded.signer_cert
    info = info_of(embedded.signed_data)
    notes.facts["sealed_at"] = info["gen_time"].native
    _check_integrity(located, info, notes)
    notes.current = CHANGES
    updates = case.updates.after(located)
    notes.facts["updates"] = tuple(update.words for update in updates)
    notes.holds(CHANGES, "; ".join(notes.facts["updates"]) or "none")
    notes.current = FORM
    if embedded.sig_object.get("/Type") != "/DocTimeStamp" or embedded.sig_object.get("/SubFilter") != "/ETSI.RFC3161":
        raise Finding(FORM, SubIndication.FORMAT_FAILURE, "it is not of type DocTimeStamp with SubFilter ETSI.RFC3161")
    notes.holds(FORM, "ETSI.RFC3161 (EN 319 142-1, 5.4.3)")
    notes.current = STAMP
    judgement = judge_token(case, embedded.signed_data, embedded.compute_digest, located.revision, at_once=True)
    path, view = judgement
    notes.facts |= {"path": path, "seen_at": view.seen_at, "time_stamped_by": common_name(embedded.signer_cert)}
    notes.stamps.append((path, info))
    notes.holds(STAMP, stamp_words(info, path, view))
    return Proof(
        at=info["gen_time"].native,
        revision=located.revision,
        by=f"document time-stamp {notes.field}",
        path=path,
        info=info,
        in_file=True,
    )


def _check_integrity(located: Located, info: tsp.TSTInfo, notes: Notes) -> None:
    embedded = located.embedded
    algorithm = info["message_imprint"]["hash_algorithm"]["algorithm"].native
    if algorithm not in DIGESTS:
        raise Finding(INTEGRITY, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"it is over {algorithm}")
    if embedded.compute_digest() != info["message_imprint"]["hashed_message"].native:
        raise Finding(INTEGRITY, SubIndication.HASH_FAILURE, "the bytes are not the ones that were time-stamped")
    signer = embedded.signer_info
    content = bytes(embedded.signed_data["encap_content_info"]["content"])
    digest = hashlib.new(signer["digest_algorithm"]["algorithm"].native, content).digest()
    intact, valid = validate_sig_integrity(signer, embedded.signer_cert, "tst_info", digest)
    if not (intact and valid):
        raise Finding(INTEGRITY, SubIndication.SIG_CRYPTO_FAILURE, "the time-stamp's signature is wrong")
    notes.holds(INTEGRITY, f"{algorithm} of the bytes matches, signed by {common_name(embedded.signer_cert)}")


def judge_token(
    case: Case, token: cms.SignedData, imprint: Imprint, revision: int, *, at_once: bool = False
) -> tuple[ValidationPath, View]:
    """Judge a time-stamp token by itself (EN 319 102-1, 5.4), now or when a later proof of existence was made (5.6).

    Args:
        case: The file.
        token: The token.
        imprint: Gives the digest that it must be over, for a digest algorithm.
        revision: Which revision it is in.
        at_once: See `Trust`.

    Returns:
        The path to an anchor, and for when it holds.

    Raises:
        Finding: It does not hold.
    """
    stamped_at: datetime = info_of(token)["gen_time"].native
    if stamped_at > case.at + CLOCK_TOLERANCE:
        raise Finding(STAMP, SubIndication.NOT_YET_VALID, f"the time-stamp of {stamped_at} lies in the future")
    earlier = [proof for proof in case.covering(revision) if proof.at < stamped_at]
    if earlier:  # EN 319 102-1, 5.5.4, 4) e)
        evidence = f"the time-stamp of {stamped_at} is covered by one of {earlier[0].at}"
        raise Finding(STAMP, SubIndication.TIMESTAMP_ORDER_FAILURE, evidence)
    check_token_form(token)
    return first_that_holds(
        case.views(revision), lambda view: judge_in_view(case, token, imprint, view, at_once=at_once)
    )


def check_token_form(token: cms.SignedData) -> None:
    """Check what can be seen of a token without trust (RFC 3161, 2.4.2; RFC 5816).

    Raises:
        Finding: It is not what it must be.
    """
    if len(token["signer_infos"]) != 1:
        raise Finding(STAMP, SubIndication.FORMAT_FAILURE, "the time-stamp has not exactly one signer")
    if info_of(token)["message_imprint"]["hash_algorithm"]["algorithm"].native not in DIGESTS:
        raise Finding(STAMP, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "the time-stamp is over a weak digest")
    names = [each["type"].native for each in token["signer_infos"][0]["signed_attrs"]]
    if names.count("signing_certificate_v2") != 1:
        evidence = "the time-stamp does not name its certificate by a digest better than SHA-1"
        raise Finding(STAMP, SubIndication.SIG_CONSTRAINTS_FAILURE, evidence)


def judge_in_view(
    case: Case, token: cms.SignedData, imprint: Imprint, view: View, *, at_once: bool = False
) -> ValidationPath:
    """The path from an anchor to a token's unit, as seen at one time.

    Raises:
        Finding: It can't be trusted.
    """
    trust = Trust(
        anchors=case.anchors,
        view=view,
        everything=case.everything,
        signed_at=info_of(token)["gen_time"].native,
        is_time_stamp=True,
        at_once=at_once,
    )
    return judge_stamp(trust, token, imprint)


def judge_stamp(trust: Trust, token: cms.SignedData, imprint: Imprint) -> ValidationPath:
    """The path from an anchor to a token's unit.

    Raises:
        Finding: It can't be trusted, or is over something else.
    """
    algorithms = Algorithms(trust.view.seen_at)
    status: dict[str, Any] = judge(
        STAMP,
        trust,
        lambda context: validate_tst_signed_data(token, context, imprint, algorithm_policy=algorithms),
    )
    unit, path = status["signing_cert"], status["validation_path"]
    purposes, critical = unit.extended_key_usage_value, unit.critical_extensions
    if purposes is None or purposes.native != ["time_stamping"] or "extended_key_usage" not in critical:
        evidence = "time-stamping is not the sole and critical purpose of its certificate"  # RFC 3161, 2.3
        raise Finding(STAMP, SubIndication.CHAIN_CONSTRAINTS_FAILURE, evidence)
    check_still_valid(STAMP, path, trust, leaf=True)
    check_responders(STAMP, path, trust)
    found: ValidationPath = path
    return found


def info_of(token: cms.SignedData) -> tsp.TSTInfo:
    """What a token says.

    Raises:
        Finding: It is none.
    """
    content = token["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise Finding(STAMP, SubIndication.FORMAT_FAILURE, "the time-stamp holds no TSTInfo")
    return content["content"].parsed


def stamp_words(info: tsp.TSTInfo, path: ValidationPath, view: View) -> str:
    """A time-stamp that holds, in a line."""
    seen = f", as {view.proof} of {view.seen_at} has it" if view.proof else ""
    return f"{info['gen_time'].native} by {common_name(path.leaf)}, up to {anchor_name(path)}{seen}"
