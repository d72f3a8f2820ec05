"""docs/seals.md says what is so: every provider, algorithm and level before both judges. All of it must be green."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from connectors.devpki import Service
from tests.judges import seals
from tests.servers.csc import start_remote
from tests.servers.softhsm import Token

pytestmark = [pytest.mark.needs("softhsm"), pytest.mark.needs("java")]


@pytest.fixture
def providers(devpki: Service, softhsm: Token, servers: Any, tmp_path: Path) -> seals.Providers:
    """A key of each kind at each provider."""
    remotes = {}
    for version in (1, 2):
        folder = tmp_path / f"csc-{version}"
        folder.mkdir()
        kinds = ("rsa3072", "p256", "p384")
        remotes[f"`csc:` v{version}"] = start_remote(
            servers, folder, devpki.pki, version=version, kind="p256", more=kinds
        )
    return seals.Providers(pki=devpki.pki, token=softhsm, remotes=remotes, folder=tmp_path)


def test_the_table_is_what_the_run_found(providers: seals.Providers) -> None:
    """`PROBANT_TEST_DRAW=1` writes the page anew."""
    found = seals.page(providers)
    if os.environ.get("PROBANT_TEST_DRAW"):
        seals.PAGE.write_text(found, encoding="utf-8")
    assert found.count("TOTAL-PASSED") == found.count("TOTAL_PASSED, B-LT") == 30
    assert found.count("TOTAL_PASSED") == found.count("| compliant |") == 45
    assert "**" not in found
    assert found == seals.PAGE.read_text(encoding="utf-8")
