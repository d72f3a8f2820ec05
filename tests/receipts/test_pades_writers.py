"""What other programs write passes where it changes nothing that is shown; what only looks like it does not."""

from __future__ import annotations

from receipts import pades
from tests.judges.corpus import JUDGED_AT, damage, writers
from tests.judges.corpus.good import locked
from tests.judges.corpus.sealing import bt, identity, lt, lta

HARMLESS = {
    "hybrid-before-the-seal", "hybrid-before-the-seal-lta", "packed-data", "packed-data-lta",
    "packed-data-table-without-itself", "table-number-given-again", "freed-numbers-never-used", "left-over-dictionary",
    "left-over-table", "data-written-anew",
}  # fmt: skip


def test_only_what_shows_nothing_passes() -> None:
    reports = {name: _judged(pdf) for name, pdf in writers.cases()}
    assert {name for name, report in reports.items() if report.passed} == HARMLESS
    assert len(reports) > 3 * len(HARMLESS)
    unsure = {name for name, report in reports.items() if report.indication == "INDETERMINATE"}
    assert unsure == {"form-fonts-added-without-text"}  # DSS passes it, under a stricter policy it does not


def test_what_is_signed_in_no_known_way_leaves_the_seal_in_doubt() -> None:
    for name, pdf in damage.unknown():
        report = _judged(pdf)
        assert (report.indication, report.sub_indication) == ("INDETERMINATE", "GENERIC"), name


def test_validation_data_changes_no_field_that_is_locked() -> None:
    for seal in (locked("All"), locked("Include", ["(Amount)"]), locked("Include", ["(Stamp)"])):
        assert _judged(lt(seal).data).passed
    assert _judged(lta(lt(locked("Include", ["(Amount)"]))).data).headline.level == "PAdES-BASELINE-LTA"
    for seal in (locked("All"), locked("Include", ["(Stamp)"])):
        assert "locked fields are filled" in _judged(lta(lt(seal)).data).why
    amount = locked("Include", ["(Amount)"])
    filled = lt(amount).update({7: amount.get(7) | {"V": "(999)"}})
    assert _judged(filled.data).sub_indication == "FORMAT_FAILURE"


def test_a_second_signature_leaves_the_first_in_doubt() -> None:
    report = _judged(lt(bt(base=bt(), name="Second")).data)
    assert [each.indication for each in report.signatures] == ["INDETERMINATE", "TOTAL-PASSED"]


def _judged(pdf: bytes) -> pades.Report:
    return pades.validate(pdf, [identity("root").asn1], at=JUDGED_AT)
