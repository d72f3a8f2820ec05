"""Settings, read from `PROBANT_*` environment variables and, if there is one, the file `probant.env` in the home
folder.

Unknown names are refused. Without any, Probant runs as an embedded installation under `./var` with a development PKI.
Secrets (passwords, PINs) come from the environment or from files named in it; they are never parameters of a flow.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from config.sources import FolderSource, ImapSource, MobileSource, SourceSettings

__all__ = ["FolderSource", "ImapSource", "MobileSource", "Settings", "WrongSetting", "settings"]


class Settings(BaseSettings):
    """Everything an installation can set. Defaults make an embedded one, good for development and the demo."""

    model_config = SettingsConfigDict(
        env_prefix="PROBANT_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,  # it may hold a password
    )

    home: Path = Field(Path("var"), description="where an embedded installation keeps everything")
    tenant: str = Field("default", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="lower-case letters, digits, -")

    database_url: str = Field("", description="SQLAlchemy URL of the registry; default: SQLite in the home folder")
    staging: str = Field("", description="directory or s3://bucket/prefix for work in progress and quarantine")
    archive: str = Field("", description="local directory, s3://bucket/prefix, or memory:; default: archive/ in home")
    s3_endpoint: str | None = Field(None, description="S3 endpoint when it is not Amazon's")
    s3_region: str | None = Field(None, description="its region; default: as configured for AWS clients")
    s3_storage_class: str = Field("STANDARD", description="tier of archived objects, such as GLACIER_IR")

    sources: list[SourceSettings] = Field(
        default_factory=list, description="as JSON; default: a folder inbox/ in home and the portal's uploads"
    )

    signer: str = Field("", description="URI of the sealing key (file:, pkcs11:, csc:); default: the development PKI")
    signer_secret: SecretStr | None = Field(None, description="password or PIN of the sealing key")
    signer_secret_file: Path | None = Field(None, description="file with it instead")
    signer_certificates: list[Path] = Field(
        default_factory=list, description="PEM files, for a token that holds none: the sealing certificate, its chain"
    )
    signer_client_id: str = Field("", description="OAuth2 client of the remote signing service (csc:)")
    signer_client_secret: SecretStr | None = Field(None, description="its secret")
    signer_client_secret_file: Path | None = Field(None, description="file with it instead")
    tsa_url: str = Field("", description="URL of the time-stamping authority; default: the development PKI")
    tsa_urls: list[str] = Field(
        default_factory=list, description="further ones, as JSON, in the order in which they stand in for one another"
    )
    tsa_per_minute: float | None = Field(None, gt=0, description="time-stamps that one process asks of an authority")
    organization_identifier: str = Field(
        "", description="the tenant's (EN 319 412-1, such as NTRFR-123456789); a seal of another's is never used"
    )
    seal_level: Literal["B-LT", "B-LTA"] = Field(
        "B-LT", description="PAdES level of seals; B-LTA adds a document time-stamp over the validation data"
    )
    seal_mark: bool = Field(False, description="whether the first page shows in its margin who sealed it and when")
    require_qualified: bool = Field(False, description="whether anything short of a qualified seal stops a batch")
    certificate_margin_days: int = Field(30, ge=0, description="certificates that end sooner are spoken of")
    preflight_s: int = Field(300, ge=0, description="how long what a preflight saw is good for")
    trust: list[Path] = Field(default_factory=list, description="PEM files with the trust anchors")
    trusted_list_url: str = Field(
        "https://ec.europa.eu/tools/lotl/eu-lotl.xml", description="the European list of the trusted lists"
    )
    trusted_list_signers: list[Path] = Field(
        default_factory=list, description="PEM files with who signs that list; default: as in OJ C/2026/1944"
    )
    trusted_list_snapshot: str = Field("", description="name of the snapshot to use; default: the one last taken")
    trusted_list_timeout_s: float = Field(60, gt=0, description="for each list that is fetched")

    limit_size_bytes: int = Field(50 * 1024 * 1024, gt=0, description="the largest file that is accepted")
    limit_pages: int = Field(500, gt=0, description="of one document")
    limit_pixels: int = Field(200_000_000, gt=0, description="of one picture")
    limit_memory_bytes: int = Field(2 * 1024**3, gt=0, description="of a process that reads files")
    limit_cpu_s: float = Field(180, gt=0, description="processor time for one file")
    limit_wall_s: float = Field(270, gt=0, description="time by the clock for one file; well below lease_s")
    limit_output_bytes: int = Field(512 * 1024**2, gt=0, description="what may come of one file")
    limit_open_files: int = Field(64, ge=32, description="in a process that reads files")
    reading_processes: int = Field(0, ge=0, description="that read files at a time, per worker; 0: one a processor")
    reading_files: int = Field(100, gt=0, description="after how many files such a process is replaced")
    clamav_socket: str = Field("", description="clamd's socket (unix:/path or tcp:host:port); empty: not asked")
    clamav_timeout_s: float = Field(60, gt=0, description="for connecting, and for each answer")
    financial_year_end: str = Field(
        "12-31", pattern=r"^\d\d-\d\d$", description="month-day from which the ten years run"
    )

    chunk_size: int = Field(25, gt=0, description="receipts per task run")
    batch_size: int = Field(500, gt=0, description="receipts per flow run")
    lease_s: int = Field(900, gt=0, description="how long a worker may be silent before others take over its receipts")

    prefect_port: int = Field(4200, description="where the embedded Prefect server listens, if it is free")
    portal_port: int = Field(8080, description="where the portal listens, if it is free")
    portal_host: str = Field("127.0.0.1", description="the address on which it listens")
    portal_names: list[str] = Field(
        default_factory=list, description="host names under which the portal is reached, as JSON; needed off loopback"
    )
    portal_token: SecretStr | None = Field(
        None, description="shared secret of everyone who may upload; needed off loopback"
    )
    portal_token_file: Path | None = Field(None, description="file with it instead")

    @field_validator("financial_year_end")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        date.fromisoformat(f"2024-{value}")  # a leap year: 29 February means the last day of February
        return value

    @property
    def is_development(self) -> bool:
        """Whether receipts are sealed with the development PKI, which is worthless in law."""
        return not self.signer

    def resolved_database_url(self) -> str:
        """SQLAlchemy URL of the registry."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'registry.sqlite'}"

    def resolved_staging(self) -> str:
        """Directory or S3 URL of the staging store."""
        return self.staging or str(self.home.resolve() / "staging")

    def resolved_archive(self) -> str:
        """Directory or URL of the archive."""
        return self.archive or str(self.home.resolve() / "archive")

    def resolved_sources(self) -> list[FolderSource | ImapSource | MobileSource]:
        """The configured sources, or the embedded defaults."""
        home = self.home.resolve()
        sources = list(self.sources) or [FolderSource(path=home / "inbox"), MobileSource()]
        return [
            s.model_copy(update={"inbox": str(home / "uploads")}) if isinstance(s, MobileSource) and not s.inbox else s
            for s in sources
        ]


class WrongSetting(ValueError):
    """A setting's name is unknown, or its value is not of its kind. The message holds no value: it may be a secret."""


_OTHER_NAMES = frozenset({"root", "trace"})
"""Names that begin like a setting and are none: where the program lies, and whether it shows where a fault arose."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        WrongSetting: A name is unknown, or a value is not of its kind.
    """
    import os

    unknown = sorted(
        name
        for name in os.environ
        if name.upper().startswith("PROBANT_")
        and not name.upper().startswith("PROBANT_TEST_")
        and name.upper().removeprefix("PROBANT_").split("__")[0].lower() not in {*Settings.model_fields, *_OTHER_NAMES}
    )
    if unknown:  # pydantic-settings only refuses those in a file; a slip must not seal with the development key
        raise WrongSetting(f"no such setting: {', '.join(unknown)}")
    home = Path(os.environ.get("PROBANT_HOME") or "var")
    env_file = home / "probant.env"
    try:
        return Settings(_env_file=env_file if env_file.is_file() else None)
    except ValidationError as invalid:
        slips = [_told(slip["loc"], slip["type"], slip["msg"]) for slip in invalid.errors()]
        raise WrongSetting("; ".join(slips)) from invalid
    except SettingsError as unread:
        raise WrongSetting(f"{unread}: it must be JSON") from unread


def _told(place: tuple[int | str, ...], kind: str, message: str) -> str:
    """A slip by the name of its variable and where in it, such as `PROBANT_SOURCES.0.imap.host: Field required`."""
    first, *rest = map(str, place)
    prefix = "" if first.lower().startswith("probant_") else "PROBANT_"  # unknown names from a file come with theirs
    why = "no such setting" if kind == "extra_forbidden" else message
    return f"{'.'.join([prefix + first.upper(), *rest])}: {why}"
