"""Where receipts come from, as an installation sets it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class FolderSource(BaseModel):
    """A watched desktop folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["folder"] = "folder"
    name: str = "desktop"
    path: Path
    quiet_s: float = Field(2.0, ge=0, description="how long a file must not change before it is taken")


class ImapSource(BaseModel):
    """A mailbox read over IMAP."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["imap"] = "imap"
    name: str = "mailbox"
    host: str
    port: int = 993
    security: Literal["tls", "starttls", "none"] = "tls"
    user: str
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    folder: str = "INBOX"
    timeout_s: float = 60.0


class MobileSource(BaseModel):
    """The inbox in which the portal's uploads land: a directory, or `s3://bucket/prefix`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["mobile"] = "mobile"
    name: str = "mobile"
    inbox: str = ""


SourceSettings = Annotated[FolderSource | ImapSource | MobileSource, Field(discriminator="kind")]
