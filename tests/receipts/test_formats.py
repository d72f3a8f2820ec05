"""The page that says what becomes of which file is what the normaliser does."""

from __future__ import annotations

from tests.receipts import formats


def test_the_page_is_current() -> None:
    assert formats.PAGE.read_text(encoding="utf-8") == formats.page(), "run `python -m tests.receipts.formats`"
