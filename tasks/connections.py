"""What the steps work with, opened once per process from the settings."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version

from config.settings import FolderSource as FolderSettings
from config.settings import ImapSource as ImapSettings
from config.settings import MobileSource as MobileSettings
from config.settings import Settings, settings
from connectors import source as sources
from connectors.archive import S3Options, open_archive
from connectors.ports import Archive, Offer, Outcome, Registry, Source, Store
from connectors.registry import open_registry
from connectors.store import open_store
from receipts.policy import FinancialYear, Limits

SOFTWARE = f"Probant {version('probant')}"


def now() -> datetime:
    """The present, UTC-aware."""
    return datetime.now(UTC)


class Unopened:
    """A configured `Source` that could not be opened: it is told as a fault of its own, the others go on."""

    def __init__(self, channel: str, name: str, fault: Exception) -> None:
        self.channel, self.name, self._fault = channel, name, fault

    def offers(self) -> Iterator[Offer]:
        """See `Source.offers`."""
        raise self._fault

    def read(self, offer: Offer) -> bytes:
        """See `Source.read`."""
        raise self._fault

    def settle(self, key: str, outcome: Outcome) -> None:
        """See `Source.settle`."""
        raise self._fault

    def close(self) -> None:
        """See `Source.close`."""


@dataclass(frozen=True)
class Connections:
    """An installation's connections. Each is opened when it is first asked for.

    Attributes:
        settings: What the installation is configured to be.
        now: Its clock.
    """

    settings: Settings
    now: Callable[[], datetime] = now

    @cached_property
    def registry(self) -> Registry:
        """Journal, index and claims."""
        self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return open_registry(self.settings.resolved_database_url())

    @cached_property
    def staging(self) -> Store:
        """Work in progress and quarantine."""
        return open_store(self.settings.resolved_staging(), s3=self._s3)

    @cached_property
    def archive(self) -> Archive:
        """The locked tier."""
        return open_archive(self.settings.resolved_archive(), s3=self._s3, clock=self.now)

    @cached_property
    def limits(self) -> Limits:
        """What this installation accepts."""
        s = self.settings
        return Limits(size_bytes=s.limit_size_bytes, pages=s.limit_pages, pixels=s.limit_pixels)

    @cached_property
    def financial_year(self) -> FinancialYear:
        """The company's financial year."""
        month, day = self.settings.financial_year_end.split("-")
        return FinancialYear(end_month=int(month), end_day=int(day))

    @cached_property
    def owner(self) -> str:
        """Who claims, for ops to read."""
        return f"{socket.gethostname()}:{os.getpid()}"

    @property
    def _s3(self) -> S3Options:
        s = self.settings
        return S3Options(endpoint=s.s3_endpoint, region=s.s3_region, storage_class=s.s3_storage_class)

    @cached_property
    def uploads(self) -> Store:
        """Where the portal's uploads land and the first mobile source reads.

        Raises:
            ValueError: No mobile source is configured.
        """
        for source in self.settings.resolved_sources():
            if source.kind == "mobile":
                return open_store(source.inbox, s3=self._s3)
        raise ValueError("the portal needs a source of kind mobile in PROBANT_SOURCES")

    def open_sources(self) -> list[Source]:
        """Every configured source; the caller closes them. One that can't be opened says so when it is used."""
        found: list[Source] = []
        for source in self.settings.resolved_sources():
            try:
                found.append(self._open(source))
            except Exception as fault:
                found.append(Unopened(source.kind, f"{source.kind}:{source.name}", fault))
        return found

    def _open(self, source: FolderSettings | ImapSettings | MobileSettings) -> Source:
        if isinstance(source, FolderSettings):
            if (
                not self.settings.sources
            ):  # the default folder; a configured one that is missing may be an unmounted disk
                source.path.mkdir(parents=True, exist_ok=True)
            return sources.FolderSource(source.path, name=source.name, quiet_s=source.quiet_s)
        if isinstance(source, MobileSettings):
            return sources.MobileSource(open_store(source.inbox, s3=self._s3), name=source.name)
        password = source.password.get_secret_value() if source.password else ""
        if source.password_file:
            password = source.password_file.read_text().strip()
        return sources.ImapSource(
            name=source.name,
            host=source.host,
            port=source.port,
            security=source.security,
            user=source.user,
            password=password,
            ca_file=source.ca_file,
            folder=source.folder,
            timeout_s=source.timeout_s,
        )


_lock = threading.Lock()
_connections: Connections | None = None


def connections() -> Connections:
    """This process's connections."""
    global _connections
    with _lock:
        if _connections is None:
            _connections = Connections(settings())
        return _connections


def use(replacement: Connections | None) -> None:
    """Make `connections()` answer `replacement`; for tests and for commands that open another installation."""
    global _connections
    with _lock:
        _connections = replacement
