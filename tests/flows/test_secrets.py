"""The secrets of the sealing key never reach Prefect; and its limit on time-stamps holds for all workers together."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from flows import stages
from flows.ingest import ingest
from flows.preserve import preflight
from tasks.connections import use
from tests.flows.conftest import Running
from tests.flows.test_worker import picture
from tests.servers.csc import Remote
from tests.servers.softhsm import PIN, Token
from tests.tasks.providers import Configure, remote_settings, token_settings


@pytest.mark.needs("softhsm")
def test_no_secret_is_left_in_the_database_of_prefect(
    running: Running,
    configured: Configure,
    softhsm: Token,
    keys_on_token: tuple[str, str],
    remote: Remote,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remote.control("")
    (tmp_path / "receipt.jpg").write_bytes(picture(815))
    wrong = {"signer": f"{remote.uri}?credential=seal-1", "signer_client_secret": SecretStr("WRONG-client-secret")}
    turns: list[int] = []
    real = stages.rate_limit
    monkeypatch.setattr(stages, "rate_limit", lambda name, occupy: (turns.append(occupy), real(name, occupy=occupy)))
    with temporary_settings({PREFECT_API_URL: running.api}), get_client(sync_client=True) as client:
        limit = GlobalConcurrencyLimitCreate(name="tsa", limit=1, slot_decay_per_second=5)
        identifier = client.create_global_concurrency_limit(limit)
        for number, settings in enumerate(
            (token_settings(softhsm, keys_on_token[0]), remote_settings(remote), remote_settings(remote) | wrong)
        ):
            installation = configured(**settings, tenant=f"t{number}")
            [reception] = installation.receive(tmp_path / "receipt.jpg", name=f"source{number}")
            use(installation)
            try:
                assert preflight(return_state=True).is_completed() == (number < 2)
                ingest(return_state=True)
            finally:
                use(None)
            assert installation.state(str(reception.receipt)) == ("ARCHIVED" if number < 2 else "NORMALISED")
        assert client.read_global_concurrency_limit_by_name("tsa").id == identifier
        client.delete_global_concurrency_limit_by_name("tsa")
    assert set(turns) == {1}
    assert len(turns) >= 3
    [path] = (running.home / "prefect").glob("*.db")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        told = "\n".join(database.iterdump())
    assert "invalid_client" in told  # what it was told of is there
    for secret in (PIN, remote.client_secret, remote.pin, "WRONG-client-secret"):
        assert secret not in told
