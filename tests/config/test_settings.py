"""A slip in a setting is refused: it must never make an installation that only looks like the one that was meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import FolderSource, ImapSource, MobileSource, Settings, WrongSetting, settings
from tests.config import page


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PROBANT_HOME", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROBANT_SINGER", "file:///run/secrets/seal.p12"),
        ("PROBANT_ARCHIV", "s3://bucket"),
        ("PROBANT_TENANT", "Acme & Sons"),
        ("PROBANT_FINANCIAL_YEAR_END", "13-45"),
        ("PROBANT_SOURCES", "{not json"),
        ("PROBANT_SOURCES", '[{"kind": "folder", "path": "/in", "pathh": "/in"}]'),
    ],
)
def test_a_slip_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting, match=r"(?i)such|tenant|financial|sources"):
        settings()


def test_a_password_is_not_shown_with_the_slip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBANT_SOURCES", '[{"kind": "imap", "user": "u", "password": "hunter2"}]')
    with pytest.raises(WrongSetting, match=r"PROBANT_SOURCES\.0\.imap\.host") as slip:
        settings()
    assert "hunter2" not in str(slip.value)


def test_a_slip_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "probant.env").write_text("PROBANT_SINGER=file:///run/secrets/seal.p12\n")
    with pytest.raises(WrongSetting, match="PROBANT_SINGER"):
        settings()


def test_what_is_known_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "probant.env").write_text("PROBANT_TENANT=acme\n")
    monkeypatch.setenv("PROBANT_FINANCIAL_YEAR_END", "02-29")
    monkeypatch.setenv("PROBANT_ROOT", "/opt/probant")
    assert (settings().tenant, settings().financial_year_end) == ("acme", "02-29")


def test_the_page_says_what_can_be_set() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "run: python -m tests.config.page"
    for model in (Settings, FolderSource, ImapSource, MobileSource):
        assert not [name for name, field in model.model_fields.items() if not field.description and name != "kind"]
