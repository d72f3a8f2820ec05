"""Seals of every provider through the whole pipeline: what the judges say, and that no secret is left anywhere."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from receipts.receipt import Event
from tasks.journal import load
from tests import judge
from tests.flows.test_worker import picture
from tests.installation import Installation
from tests.servers.csc import Remote
from tests.servers.softhsm import PIN, Token
from tests.tasks.providers import Configure, remote_settings, token_settings

pytestmark = pytest.mark.needs("softhsm")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three small receipts."""
    found = [tmp_path / f"{number}.jpg" for number in range(3)]
    for number, file in enumerate(found):
        file.write_bytes(picture(number))
    return found


@pytest.mark.needs("java")
def test_the_judge_calls_the_seals_of_every_provider_baseline_lt(
    configured: Configure,
    softhsm: Token,
    keys_on_token: tuple[str, str],
    remote: Remote,
    files: list[Path],
    tmp_path: Path,
) -> None:
    remote.control("")
    paths = []
    on_token = [token_settings(softhsm, key) for key in keys_on_token]
    for number, settings in enumerate((*on_token, remote_settings(remote))):
        installation = configured(**settings, tenant=f"t{number}")
        receptions = installation.receive(*files, name=f"source{number}")
        assert [work.problem for work in installation.ingest() if work.problem] == []
        for reception in receptions:
            paths.append(tmp_path / f"{number}-{reception.name}.pdf")
            paths[-1].write_bytes(installation.archived_file(str(reception.receipt)))
            sealed = load(installation.registry, str(reception.receipt)).facts(Event.SEALED)
            assert sealed["development"] is False
            assert "trusted-list" in sealed["short"]  # type: ignore[operator]
    assert remote.control()["calls"].count("signatures/signHash") == 1
    verdicts = judge.dss(paths, [configured().settings.trust[0]])
    assert [verdicts[str(path)]["passed"] for path in paths] == [True] * 9
    assert {verdict["compliant"] for verdict in judge.verapdf(paths).values()} == {True}


def test_no_secret_is_left_in_journal_logs_staging_or_archive(
    configured: Configure,
    softhsm: Token,
    keys_on_token: tuple[str, str],
    remote: Remote,
    files: list[Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    remote.control("")
    wrong = {"signer_client_secret": SecretStr("WRONG-client-secret"), "signer_secret": SecretStr("WRONG-pin")}
    told = [repr(configured(**remote_settings(remote)).settings)]
    for number, settings in enumerate(
        (
            token_settings(softhsm, keys_on_token[0]) | {"signer": softhsm.uri("unknown")},
            remote_settings(remote) | wrong | {"signer": f"{remote.uri}?credential=seal-1"},
            token_settings(softhsm, keys_on_token[0]),
            remote_settings(remote),
        )
    ):
        installation = configured(**settings, tenant=f"t{number}")
        installation.receive(files[0], name=f"source{number}")
        work = installation.ingest()
        assert [bool(each.problem) for each in work][-1] == (number < 2)
        told += [each.problem for each in work]
        told += [
            line.canonical().decode() for row in installation.registry.rows() for line in _lines(installation, row)
        ]
    for path in tmp_path.rglob("*"):
        if path.is_file():
            told.append(path.read_bytes().decode("latin-1"))
    told += [record.getMessage() + str(record.exc_text) for record in caplog.records]
    secrets = (PIN, remote.client_secret, remote.pin, "WRONG-client-secret", "WRONG-pin")
    assert [secret for secret in secrets if any(secret in text for text in told)] == []
    assert len(told) > 20


def _lines(installation: Installation, row: object) -> tuple[object, ...]:
    return load(installation.registry, row.stream).lines  # type: ignore[attr-defined, return-value]
