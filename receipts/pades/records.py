"""Judges evidence records that are given with a file: proofs that all of it existed (EN 319 102-1, 5.6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from asn1crypto import cms

from receipts.evidence_record import BadRecord, NotProved, Stamped, check_record
from receipts.pades.algorithms import DIGESTS
from receipts.pades.case import STAMP, Case, Notes, Proof
from receipts.pades.material import Material, among, common_name, read_container
from receipts.pades.report import Finding, Judged, Kind, SubIndication
from receipts.pades.timestamps import check_token_form, info_of, judge_stamp, stamp_words
from receipts.pades.trust import CLOCK_TOLERANCE, Trust, View

RECORD = "evidence record"


def judge_record(case: Case, der: bytes, number: int) -> Judged:
    """The verdict on an evidence record over the file; if it holds, the case has one proof more.

    Args:
        case: The file.
        der: The record (RFC 4998), DER.
        number: Which one it is, from 1.
    """
    notes = Notes(f"evidence record {number}", Kind.EVIDENCE_RECORD)
    notes.current = RECORD
    try:
        case.proofs.append(_prove(case, der, notes))
        return notes.judged(None)
    except Finding as finding:
        return notes.judged(finding)
    except Exception as error:
        return notes.unforeseen(error)


def _prove(case: Case, der: bytes, notes: Notes) -> Proof:
    try:
        stamps = check_record(der, case.file.pdf)
    except NotProved as error:
        raise Finding(RECORD, SubIndication.HASH_FAILURE, str(error)) from error
    except BadRecord as error:
        raise Finding(RECORD, SubIndication.FORMAT_FAILURE, str(error)) from error
    weak = sorted({stamp.algorithm for stamp in stamps} - DIGESTS)
    if weak:
        raise Finding(RECORD, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"it rests on {', '.join(weak)}")
    notes.facts["covered_bytes"] = len(case.file.pdf)
    notes.holds(RECORD, f"{stamps[0].algorithm} of the file leads to its {len(stamps)} time-stamps (RFC 4998, 5.3)")
    notes.current = STAMP
    _check_order(case, stamps)
    for number in reversed(range(len(stamps))):
        _judge_one(case, stamps, number, notes)
    path, info = notes.stamps[-1]
    at: datetime = info["gen_time"].native
    notes.facts |= {"certificate": path.leaf, "path": path, "sealed_at": at, "time_stamped_by": common_name(path.leaf)}
    newest = case.file.reader.total_revisions - 1
    return Proof(at=at, revision=newest, by=notes.field, path=path, info=info, in_file=False)


def _judge_one(case: Case, stamps: Sequence[Stamped], number: int, notes: Notes) -> None:
    """One time-stamp: the newest as of now, each older one as of its renewal, with what that one covers."""
    stamp, is_newest = stamps[number], number == len(stamps) - 1
    everything = _material([each.token for each in stamps])
    view = View(seen_at=case.at, material=everything)
    if not is_newest:
        known = _material([each.token for each in stamps[: number + 1]])
        view = View(seen_at=_time(stamps[number + 1]), material=known, proof="its renewal")
    trust = Trust(
        anchors=among(case.all_anchors, everything),
        view=view,
        everything=everything,
        signed_at=_time(stamp),
        is_time_stamp=True,
        at_once=True,
    )
    check_token_form(stamp.token)
    path = judge_stamp(trust, stamp.token, lambda _: stamp.imprint)
    info = info_of(stamp.token)
    notes.stamps.append((path, info))
    notes.holds(STAMP, stamp_words(info, path, view))


def _check_order(case: Case, stamps: Sequence[Stamped]) -> None:
    times = [_time(stamp) for stamp in stamps]
    if times[-1] > case.at + CLOCK_TOLERANCE:
        raise Finding(STAMP, SubIndication.NOT_YET_VALID, f"the time-stamp of {times[-1]} lies in the future")
    if times != sorted(times):
        raise Finding(STAMP, SubIndication.TIMESTAMP_ORDER_FAILURE, "its time-stamps go back in time")


def _time(stamp: Stamped) -> datetime:
    moment: datetime = info_of(stamp.token)["gen_time"].native
    return moment


def _material(tokens: Sequence[cms.SignedData]) -> Material:
    """What the tokens themselves carry: nothing else is proved by the record's own renewals."""
    found = [read_container(token) for token in tokens]
    return Material(
        certificates=tuple(certificate for each in found for certificate in each.certificates),
        ocsps=tuple(response for each in found for response in each.ocsps),
        crls=tuple(revocation_list for each in found for revocation_list in each.crls),
    )
