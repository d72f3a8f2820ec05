"""Where receipts come from, as an installation sets it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class FolderSource(BaseModel):
    """A watched desktop folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["folder"] = "folder"
    name: str = Field("desktop", description="tells it from other folders")
    path: Path = Field(description="the folder")
    quiet_s: float = Field(2.0, ge=0, description="how long a file must not change before it is taken")


class ImapSource(BaseModel):
    """A mailbox read over IMAP."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["imap"] = "imap"
    name: str = Field("mailbox", description="tells it from other mailboxes")
    host: str = Field(description="the server, which its certificate must name")
    port: int = Field(993, description="its port")
    security: Literal["tls", "starttls", "none"] = Field("tls", description="`none` is refused but on loopback")
    user: str = Field(description="login name")
    password: SecretStr | None = Field(None, description="its password")
    password_file: Path | None = Field(None, description="file with it instead")
    ca_file: Path | None = Field(None, description="PEM file of who may vouch for the server; default: the system's")
    folder: str = Field("INBOX", description="the folder that is read")
    timeout_s: float = Field(60.0, description="longest wait for the network")


class MobileSource(BaseModel):
    """The inbox in which the portal's uploads land: a directory, or `s3://bucket/prefix`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["mobile"] = "mobile"
    name: str = Field("mobile", description="tells it from other inboxes")
    inbox: str = Field("", description="where uploads wait; default: uploads/ in the home folder")


SourceSettings = Annotated[FolderSource | ImapSource | MobileSource, Field(discriminator="kind")]
