"""No PDF hangs, blows up or brings down what reads it: each ends as PDF/A-3 with its original inside, or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from receipts.errors import Code, Refused
from receipts.pdfa import Normalised, original_of
from receipts.policy import Limits
from tasks.isolation import Bounds, Isolation
from tests import judge
from tests.receipts import pdf_attacks
from tests.receipts.pdfa_cases import facts

LIMITS = Limits(pixels=4_000_000)
ATTACKS = pdf_attacks.all_of_them()
REFUSED = {
    "content bomb": Code.TOO_COSTLY,
    "forms three times each": Code.TOO_COSTLY,
    "fields twice each": Code.HOSTILE,
    "picture huge": Code.TOO_MANY_PIXELS,
    "picture negative": Code.DAMAGED,
    "picture no size": Code.DAMAGED,
    "picture many bits": Code.DAMAGED,
    "picture in JBIG2": Code.DAMAGED,
    "picture in JPX": Code.DAMAGED,
    "picture in unknown": Code.DAMAGED,
    "kids are numbers": Code.DAMAGED,
    "number for catalog": Code.DAMAGED,
    "text for pages": Code.DAMAGED,
    "pages is catalog": Code.HOSTILE,
    "encrypted with nothing": Code.ENCRYPTED,
    "encrypted by no one": Code.ENCRYPTED,
    "encrypted by itself": Code.ENCRYPTED,
}


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, Normalised | Refused]]:
    isolation = Isolation(Bounds(cpu_s=60, wall_s=150))

    def one(original: bytes) -> Normalised | Refused:
        return isolation.measure(original, facts(original), LIMITS)[0]

    with ThreadPoolExecutor(isolation.processes) as pool:
        yield dict(zip(ATTACKS, pool.map(one, ATTACKS.values()), strict=True))
    isolation.close()


def test_each_attack_has_its_outcome(outcomes: dict[str, Normalised | Refused]) -> None:
    for name, outcome in outcomes.items():
        if isinstance(outcome, Refused):
            assert not re.search("can't be read: |brings down|not done after", outcome.detail), (name, outcome.detail)
        else:
            assert original_of(outcome.pdf) == ATTACKS[name], name
    codes = {name: outcome.code for name, outcome in outcomes.items() if isinstance(outcome, Refused)}
    assert {name: codes.get(name) for name in REFUSED} == REFUSED


def test_what_is_made_of_attacks_is_pdf_a(outcomes: dict[str, Normalised | Refused], tmp_path: Path) -> None:
    files = {}
    for number, (name, outcome) in enumerate(outcomes.items()):
        if isinstance(outcome, Normalised):
            path = tmp_path / f"{number}.pdf"
            path.write_bytes(outcome.pdf)
            files[path] = name
    verdicts = judge.verapdf(files)
    assert {name: verdicts[str(path)] for path, name in files.items() if not verdicts[str(path)]["compliant"]} == {}
