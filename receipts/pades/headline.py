"""Which of a file's signatures the file as a whole stands for (ADR 0019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from receipts.pades.case import Notes
from receipts.pades.report import Check, Finding, Indication, Judged, Kind, SubIndication
from receipts.pades.structure import FOUND

PROOFS: Final = "proofs of existence"
_RANKS: Final = {Indication.TOTAL_FAILED: 0, Indication.FAILED: 0, Indication.INDETERMINATE: 1}


def headline_of(pdf: bytes, judged: Sequence[Judged], records: Sequence[Judged] = ()) -> Judged:
    """The verdict on a file: on the archive's own seal in an archive file, else the weakest of all.

    A document time-stamp is no seal; one that doesn't hold spoils the verdict, since it proves no time. So does an
    evidence record.

    Args:
        pdf: The file.
        judged: Its signatures and document time-stamps, in the order of the file.
        records: The evidence records that were given with it.
    """
    seals = [each for each in judged if each.kind is Kind.SEAL]
    if not seals:
        evidence = f"the file has no signature; {len(judged)} document time-stamps seal nothing"
        return Notes("", Kind.SEAL).judged(Finding(FOUND, SubIndication.NO_SIGNATURE, evidence))
    newest, first = seals[-1], 0
    if len(judged) > 1 and newest.revision is not None and _is_archives_own(pdf, newest, seals[:-1]):
        seals, first = [newest], newest.revision
    weakest = min(reversed(seals), key=_rank)
    spoilt = [
        each
        for each in judged
        if each.kind is Kind.TIME_STAMP and not each.passed and (each.revision is None or each.revision >= first)
    ]
    spoilt += [each for each in records if not each.passed]
    return _spoilt(weakest, spoilt) if spoilt and weakest.passed else weakest


def seal_in(judged: Sequence[Judged], field: str, records: Sequence[Judged] = ()) -> Judged:
    """The verdict on the seal in one form field, whatever else was signed in the file.

    A later document time-stamp or an evidence record that doesn't hold spoils it, as it would spoil a headline.
    """
    for seal in judged:
        if seal.field == field and seal.kind is Kind.SEAL:
            late = [each for each in judged if each.kind is Kind.TIME_STAMP and not each.passed]
            spoilt = [each for each in late if each.revision is None or each.revision >= (seal.revision or 0)]
            spoilt += [each for each in records if not each.passed]
            return _spoilt(seal, spoilt) if spoilt and seal.passed else seal
    return Notes(field, Kind.SEAL).judged(Finding(FOUND, SubIndication.NO_SIGNATURE, f"no seal is in field {field}"))


def _rank(judged: Judged) -> int:
    return _RANKS.get(judged.indication, 2 if judged.passed else 1)


def _spoilt(seal: Judged, stamps: Sequence[Judged]) -> Judged:
    """A seal that holds, in a file with a document time-stamp or evidence record that does not."""
    worst = min(stamps, key=_rank)
    is_open = worst.indication is Indication.INDETERMINATE
    evidence = f"{worst.field}: {worst.indication} / {worst.sub_indication}: {worst.why}"
    return replace(
        seal,
        indication=Indication.INDETERMINATE,
        sub_indication=worst.sub_indication if is_open else SubIndication.NO_POE,
        checks=(*seal.checks, Check(PROOFS, False, evidence)),
    )


def _is_archives_own(pdf: bytes, newest: Judged, others: Sequence[Judged]) -> bool:
    """Whether the newest signature is the first that covers the provenance: whoever signs later is somebody else."""
    return _has_provenance(pdf, newest) and not any(_has_provenance(pdf, each) for each in others)


def _has_provenance(pdf: bytes, seal: Judged) -> bool:
    from receipts.pdfa import provenance_of

    if seal.covered_bytes is None:
        return False
    try:
        provenance_of(pdf[: seal.covered_bytes])
    except ValueError:
        return False
    return True
