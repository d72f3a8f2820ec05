"""What a file is worth at another time, with or without proofs that it is older: never more than DSS says."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

import pytest

from receipts import pades
from receipts.pades import Report, SubIndication
from tests import judge
from tests.pki import anchors_of
from tests.receipts.past import Case, Past

NOW = datetime.now(UTC).replace(microsecond=0)
STRICTER = {
    "RSA-2048 sealed in 2029",  # TS 119 312 V2.1.1, 8.4: DSS has later dates
    "archived before it was sealed",  # DSS compares only the time-stamps of the signature
    "certificate not for seals",  # EN 319 412-3: DSS only warns of a key usage without nonRepudiation
    "not yet sealed",  # a time-stamp from the future
    "validation data unreadable",  # DSS leaves out what it can't use
}
"""Where we refuse and DSS under the strict policy only warns, or nothing at all."""


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[Past, dict[str, Case]]:
    made = Past(tmp_path_factory.mktemp("past"), NOW)
    return made, made.cases()


@pytest.fixture(scope="module")
def reports(past: tuple[Past, dict[str, Case]]) -> dict[str, Report]:
    made, cases = past
    anchors = [anchor for pki in made.pkis for anchor in anchors_of(pki)]
    return {name: pades.validate(each.content, anchors, at=NOW + each.after) for name, each in cases.items()}


def test_each_has_the_sub_indication_of_the_standard(
    past: tuple[Past, dict[str, Case]], reports: dict[str, Report]
) -> None:
    found = {name: "" if each.passed else str(each.sub_indication) for name, each in reports.items()}
    assert found == {name: each.expected for name, each in past[1].items()}
    assert set(found.values()) - {""} == set(SubIndication)


def test_none_passes_that_dss_does_not_pass(past: tuple[Past, dict[str, Case]], reports: dict[str, Report]) -> None:
    made, cases = past
    groups = defaultdict(list)
    for name, case in cases.items():
        groups[case.after].append(name)
    theirs: set[str] = set()
    for after, names in groups.items():
        paths = {name: made.folder / f"{number}-{after.days}.pdf" for number, name in enumerate(names)}
        for name, path in paths.items():
            path.write_bytes(cases[name].content)
        options = ["--no-render", "--at", (NOW + after).strftime("%Y-%m-%dT%H:%M:%SZ")]
        said = judge.dss(paths.values(), [pki.anchors for pki in made.pkis], options=options)
        theirs |= {name for name, path in paths.items() if said[str(path)]["passed"]}
    ours = {name for name, report in reports.items() if report.passed}
    assert ours - theirs == set()
    assert theirs - ours == STRICTER


def test_archived_files_are_of_level_lta(reports: dict[str, Report]) -> None:
    levels = {name: each.headline.level for name, each in reports.items() if each.passed and "archived" in name}
    assert set(levels.values()) == {"PAdES-BASELINE-LTA"}
    seen = reports["unit expired, archived"].headline.seen_at
    assert seen is not None
    assert "TimeStamp1" in reports["unit expired, archived"].headline.checks[-3].evidence
