"""A door for every kind of source: how a sender puts something in, and what the sender sees afterwards."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from connectors.ports import Source
from connectors.source import FolderSource, ImapSource, Inbox, MobileSource
from connectors.store import MemoryStore
from tests.servers.dovecot import PASSWORD, Dovecot

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Door(Protocol):
    """The sender's side of a source."""

    def source(self) -> Source:
        """A new source, as a new process would make it."""

    def put(self, content: bytes, name: str) -> None:
        """Send something."""

    def take_back(self, content: bytes) -> None:
        """Remove what was sent, behind the source's back."""

    def archived(self) -> list[bytes]:
        """What the sender still sees among the archived, in the order of sending."""

    def rejected(self) -> list[bytes]:
        """What the sender still sees among the refused."""


class FolderDoor:
    def __init__(self, path: Path) -> None:
        self.path = path

    def source(self) -> FolderSource:
        return FolderSource(self.path, "desktop", quiet_s=0, blind_quiet_s=0)

    def put(self, content: bytes, name: str) -> None:
        (self.path / name).write_bytes(content)

    def take_back(self, content: bytes) -> None:
        for path in self.path.iterdir():
            if path.is_file() and path.read_bytes() == content:
                path.unlink()

    def archived(self) -> list[bytes]:
        return self._in("Archived")

    def rejected(self) -> list[bytes]:
        return self._in("Rejected")

    def _in(self, folder: str) -> list[bytes]:
        there = self.path / folder
        files = sorted(there.iterdir(), key=os.path.getmtime) if there.exists() else []
        return [path.read_bytes() for path in files if path.suffix != ".txt"]


class ImapDoor:
    def __init__(self, server: Dovecot) -> None:
        self.server, self.user = server, server.new_user()

    def source(self) -> ImapSource:
        return ImapSource(
            "mailbox", self.server.host, self.server.tls_port, self.user, PASSWORD, ca_file=self.server.ca_file
        )

    def put(self, content: bytes, name: str) -> None:
        self.server.append(self.user, content)

    def take_back(self, content: bytes) -> None:
        with self.server.client(self.user) as client:
            client.select_folder("INBOX")
            client.delete_messages(client.search())
            client.expunge()

    def archived(self) -> list[bytes]:
        return [content for content, _ in self.server.messages(self.user, "Archived").values()]

    def rejected(self) -> list[bytes]:
        return [content for content, _ in self.server.messages(self.user, "Rejected").values()]


class MobileDoor:
    def __init__(self) -> None:
        self._store = MemoryStore()
        self._inbox = Inbox(self._store)
        self._numbers = itertools.count()
        self._sent: list[str] = []

    def source(self) -> MobileSource:
        return MobileSource(self._store, "phone")

    def put(self, content: bytes, name: str) -> None:
        made = self._inbox.deposit(content, name, "jo", f"key-{next(self._numbers)}", AT)
        self._sent.append(made.upload)

    def take_back(self, content: bytes) -> None:
        for key in list(self._store.keys("content")):
            if self._store.get(key) == content:
                self._store.delete(key)

    def archived(self) -> list[bytes]:
        # The bytes of an archived upload are in the archive; the sender sees that they are.
        return [b"" for upload in self._sent if self._state(upload) in ("archived", "duplicate")]

    def rejected(self) -> list[bytes]:
        return [self._inbox.content(upload) for upload in self._sent if self._state(upload) == "refused"]

    def _state(self, upload: str) -> str:
        found = self._inbox.find(upload)
        return found.state if found else "gone"
