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


def test_no_secret_is_left_in_the_database_of_prefect(
    configured: Configure,
    softhsm: Token,
    keys_on_token: tuple[str, str],
    remote: Remote,
    files: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
    from prefect.settings import get_current_settings
    from prefect.testing.utilities import prefect_test_harness

    from flows import stages
    from flows.ingest import ingest
    from flows.preserve import preflight
    from tasks.connections import use

    remote.control("")
    wrong = {"signer": f"{remote.uri}?credential=seal-1", "signer_client_secret": SecretStr("WRONG-client-secret")}
    told = b""
    turns: list[int] = []
    real = stages.rate_limit
    monkeypatch.setattr(stages, "rate_limit", lambda name, occupy: (turns.append(occupy), real(name, occupy=occupy)))
    with prefect_test_harness(server_startup_timeout=120):
        with get_client(sync_client=True) as client:
            limit = GlobalConcurrencyLimitCreate(name="tsa", limit=1, slot_decay_per_second=5)
            client.create_global_concurrency_limit(limit)
        for number, settings in enumerate((token_settings(softhsm, keys_on_token[0]), remote_settings(remote), wrong)):
            usual = remote_settings(remote) if settings is wrong else {}
            installation = configured(**usual | settings, tenant=f"t{number}")
            [reception] = installation.receive(files[0], name=f"source{number}")
            use(installation)
            try:
                assert preflight(return_state=True).is_completed() == (settings is not wrong)
                ingest(return_state=True)
            finally:
                use(None)
            assert installation.state(str(reception.receipt)) == ("NORMALISED" if settings is wrong else "ARCHIVED")
        url = str(get_current_settings().server.database.connection_url.get_secret_value())
        for path in Path(url.partition("///")[2]).parent.glob("*.db*"):
            told += path.read_bytes()
    assert set(turns) == {1}
    assert len(turns) >= 3
    assert b"invalid_client" in told  # what it was told of is there
    for secret in (PIN, remote.client_secret, remote.pin, "WRONG-client-secret"):
        assert secret.encode() not in told
