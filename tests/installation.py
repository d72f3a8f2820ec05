"""A whole embedded installation in a temporary folder, its steps run without Prefect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from connectors.source import PathsSource
from receipts.receipt import IN_PROGRESS
from tasks.acknowledge import Acknowledgement, acknowledge_all
from tasks.archive import archive
from tasks.connections import Connections
from tasks.normalise import normalise
from tasks.receive import Reception, receive_all
from tasks.seal import seal
from tasks.step import Work
from tasks.verify import verify

STAGES = (normalise, seal, verify, archive)


class Installation(Connections):
    """Connections with the shortcuts that tests need."""

    def receive(self, *paths: Path, name: str = "command") -> list[Reception]:
        """Take custody of files."""
        return list(receive_all(self, PathsSource(paths, name), tenant=self.settings.tenant))

    def claim(self, lease_s: float = 900) -> list[Work]:
        """Claim everything that waits."""
        now = self.now()
        claims = self.registry.claim(
            [state.value for state in IN_PROGRESS],
            limit=1000,
            now=now,
            lease_until=now + timedelta(seconds=lease_s),
            owner="test",
        )
        return [Work(receipt=claim.stream, claim=claim) for claim in claims]

    def ingest(self, stages: Sequence[object] = STAGES) -> list[Work]:
        """Lead everything that waits through the stages, and give the claims back."""
        work = self.claim()
        for stage in stages:
            work = stage(self, work)  # type: ignore[operator]
        self.registry.release([each.claim for each in work if each.claim])
        return work

    def acknowledge(self, *paths: Path, name: str = "command") -> list[Acknowledgement]:
        """Show the outcomes to the senders of those files."""
        return list(acknowledge_all(self, PathsSource(paths, name)))

    def state(self, receipt: str) -> str | None:
        """Where a receipt stands, as the index says."""
        row = self.registry.row(receipt)
        return row.state if row else None

    def archived_file(self, receipt: str) -> bytes:
        """The archived bytes of a receipt."""
        row = self.registry.row(receipt)
        assert row is not None
        return self.archive.get(str(row.summary["archive_key"]), str(row.summary["version_id"]))


@pytest.fixture(scope="session")
def installation_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a development PKI, made once: its keys and ports are shared by the tests of this process."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def installation(installation_home: Path, tmp_path: Path) -> Iterator[Installation]:
    """An empty installation: registry, staging and archive of its own, the session's development PKI."""
    opened = Installation(
        Settings(
            home=installation_home,
            database_url=f"sqlite:///{tmp_path / 'registry.sqlite'}",
            staging=str(tmp_path / "staging"),
            archive=str(tmp_path / "archive"),
        )
    )
    yield opened
    opened.registry.close()
