"""One real Prefect server with the deployments of prefect.yaml and a worker, for all tests of the flows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from apps.services import Services
from apps.starting import deploy, start_pki, start_server, start_worker
from config.settings import Settings
from tasks.connections import Connections


class Running:
    """A running installation with server, development PKI and worker."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(home=home, lease_s=20)
        self.services = Services(self.settings)
        self.connections = Connections(self.settings)
        self.inbox = home / "inbox"
        self.inbox.mkdir(parents=True)
        # The processes that are started read the same settings from here.
        (home / "probant.env").write_text("PROBANT_LEASE_S=20\n")

    @property
    def api(self) -> str:
        """Address of the server's API."""
        return f"{self.services.running()['prefect'].url}/api"

    def start_worker(self) -> int:
        """Start the worker; returns its process id."""
        start_worker(self.services)
        return self.services.running()["worker"].pid

    def trigger(self, *flows: str) -> None:
        """Ask for a run of each flow now, not at the next full minute."""
        for flow in flows:
            found = self._ask("GET", f"deployments/name/{flow}/{flow}")
            self._ask("POST", f"deployments/{found['id']}/create_flow_run", json={})

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        for _ in range(20):
            answer = requests.request(method, f"{self.api}/{path}", timeout=60, **options)
            if answer.status_code != requests.codes.service_unavailable:  # its SQLite database is busy
                break
            time.sleep(1)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="package")  # its schedules would go on beside all other tests
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The running installation; stopped by process id when the tests of the flows end."""
    found = Running(tmp_path_factory.mktemp("running"))
    try:
        start_server(found.services)
        start_pki(found.services)
        deploy(found.services)
        yield found
    finally:
        found.services.stop()
