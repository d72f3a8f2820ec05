"""What the steps work with, opened once per process from the settings.

Connectors are imported when they are first asked for: a command that only reads the registry starts in a moment.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from config.settings import FolderSource as FolderSettings
from config.settings import ImapSource as ImapSettings
from config.settings import MobileSource as MobileSettings
from config.settings import Settings, settings
from connectors.ports import Archive, Offer, Outcome, Registry, Source, Store
from receipts.policy import FinancialYear, Limits
from tasks.isolation import Bounds, Isolation, isolation

if TYPE_CHECKING:
    from connectors.s3 import S3Options

SOFTWARE = f"Probant {version('probant')}"
T = TypeVar("T")


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


_opening = threading.RLock()


class opened_once(cached_property[T]):
    """A cached property that many threads may ask for at once: since Python 3.12 the plain one would open several."""

    def __get__(self, instance: object, owner: type[Any] | None = None) -> T:  # type: ignore[override]
        with _opening:
            opened: T = super().__get__(instance, owner)
            return opened


@dataclass(frozen=True)
class Connections:
    """An installation's connections. Each is opened when it is first asked for.

    Attributes:
        settings: What the installation is configured to be.
        now: Its clock.
    """

    settings: Settings
    now: Callable[[], datetime] = now

    @opened_once
    def registry(self) -> Registry:
        """Journal, index and claims."""
        from connectors.registry import open_registry

        self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return open_registry(self.settings.resolved_database_url())

    @opened_once
    def staging(self) -> Store:
        """Work in progress and quarantine."""
        return self._open_store(self.settings.resolved_staging())

    @opened_once
    def archive(self) -> Archive:
        """The locked tier."""
        from connectors.archive import open_archive

        return open_archive(self.settings.resolved_archive(), s3=self._s3, clock=self.now)

    @opened_once
    def limits(self) -> Limits:
        """What this installation accepts."""
        s = self.settings
        return Limits(size_bytes=s.limit_size_bytes, pages=s.limit_pages, pixels=s.limit_pixels)

    @opened_once
    def isolation(self) -> Isolation:
        """Where strangers' files are read."""
        s = self.settings
        bounds = Bounds(
            memory_bytes=s.limit_memory_bytes,
            cpu_s=s.limit_cpu_s,
            wall_s=s.limit_wall_s,
            output_bytes=s.limit_output_bytes,
            open_files=s.limit_open_files,
            files=s.reading_files,
        )
        return isolation(bounds, s.reading_processes)

    @opened_once
    def financial_year(self) -> FinancialYear:
        """The company's financial year."""
        month, day = self.settings.financial_year_end.split("-")
        return FinancialYear(end_month=int(month), end_day=int(day))

    @opened_once
    def owner(self) -> str:
        """Who claims, for ops to read."""
        return f"{socket.gethostname()}:{os.getpid()}"

    @property
    def _s3(self) -> S3Options:
        from connectors.s3 import S3Options

        s = self.settings
        return S3Options(endpoint=s.s3_endpoint, region=s.s3_region, storage_class=s.s3_storage_class)

    @opened_once
    def uploads(self) -> Store:
        """Where the portal's uploads land and the first mobile source reads.

        Raises:
            ValueError: No mobile source is configured.
        """
        for source in self.settings.resolved_sources():
            if source.kind == "mobile":
                return self._open_store(source.inbox)
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

    def _open_store(self, url: str) -> Store:
        from connectors.store import open_store

        return open_store(url, s3=self._s3)

    def _open(self, source: FolderSettings | ImapSettings | MobileSettings) -> Source:
        from connectors import source as sources

        if isinstance(source, FolderSettings):
            if not self.settings.sources:  # the default folder; another one that is missing may be an unmounted disk
                source.path.mkdir(parents=True, exist_ok=True)
            return sources.FolderSource(source.path, name=source.name, quiet_s=source.quiet_s)
        if isinstance(source, MobileSettings):
            return sources.MobileSource(self._open_store(source.inbox), name=source.name)
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
