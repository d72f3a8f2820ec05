"""Refusals: every code tells its sender what to do, and survives the way between processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from receipts.errors import ADVICE, Code, Refused

PUBLISHED = {
    "EMPTY", "TOO_LARGE", "TOO_MANY_PAGES", "TOO_MANY_PIXELS", "UNKNOWN_TYPE", "UNSUPPORTED_TYPE", "TRUNCATED",
    "DAMAGED", "ENCRYPTED", "NO_CONTENT", "HOSTILE", "TOO_COSTLY", "LOCKED", "NOT_SEALABLE", "ALREADY_SEALED",
    "CLAIMS_CUSTODY",
}  # fmt: skip


def test_no_published_code_is_renamed_or_dropped() -> None:
    assert {code.value for code in Code} >= PUBLISHED
    assert all(code.value == code.name for code in Code)


@pytest.mark.parametrize("code", Code)
def test_every_code_advises_its_sender(code: Code) -> None:
    advice = Refused(code, "detail").advice
    assert advice == ADVICE[code]
    assert advice.strip() == advice
    assert advice.endswith(".")
    assert "\n" not in advice
    assert "please" in advice.lower()


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_refusal_survives_the_way_between_processes(code: Code, protocol: int) -> None:
    refused = Refused(code, "page 3: é")
    for other in (pickle.loads(pickle.dumps(refused, protocol)), copy.copy(refused)):
        assert type(other) is Refused
        assert (other.code, other.detail, other.advice, str(other)) == (
            refused.code, refused.detail, refused.advice, f"{code}: page 3: é",
        )  # fmt: skip
