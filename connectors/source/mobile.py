"""The inbox in which the portal's uploads wait, and that inbox as a source."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from connectors.ports import Gone, Missing, Offer, Outcome, Store


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload as its sender may see it.

    Attributes:
        upload: Its id, which only its sender knows.
        sha256: Digest of the bytes that arrived, in lower-case hex.
        size_bytes: Their number.
        name: File name as its sender's device knows it; untrusted text.
        sender: Who sent it, as far as known; untrusted text.
        at: When it was whole and durable here, ISO 8601 in UTC.
        state: `received`, then the outcome's kind: `archived`, `refused` or `duplicate`.
        receipt: The receipt's id, once there is an outcome.
        message: What the sender should know, once there is an outcome.
        code: Stable code of a refusal.
    """

    upload: str
    sha256: str
    size_bytes: int
    name: str
    sender: str
    at: str
    state: str = "received"
    receipt: str | None = None
    message: str | None = None
    code: str | None = None


class KeyReused(Exception):
    """The idempotency key was used before for other bytes: a fault of the sending device."""


class Inbox:
    """Uploads in a store: `content/` holds the bytes, `waiting/` and `settled/` what is known of them.

    An upload exists once its record in `waiting/` or `settled/` does, which is written last: a crash before leaves
    bytes that nobody was told about and that the same upload, sent again, replaces.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._one_at_a_time = threading.Lock()

    def deposit(self, content: bytes, name: str, sender: str, idempotency_key: str, at: datetime) -> Upload:
        """Keep an upload; durable when this returns. The same key with the same bytes is the same upload again.

        Args:
            content: The bytes as they arrived.
            name: File name as its sender knows it.
            sender: Who sent it.
            idempotency_key: Chosen by the sending device, unguessable, one for each upload.
            at: Now, UTC-aware.

        Raises:
            KeyReused: The key was used before for other bytes.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        key_digest = hashlib.sha256(idempotency_key.encode()).hexdigest()
        # The id follows from key and bytes, so that two tries at the same moment in two processes make one upload.
        upload = hashlib.sha256(f"upload\0{key_digest}\0{sha256}".encode()).hexdigest()[:40]
        with self._one_at_a_time:
            first = self._get(f"keys/{key_digest}")
            if first not in (None, upload.encode()):
                raise KeyReused(f"first used for upload {first!r}")
            there = self.find(upload)
            if there is not None:
                return there
            made = Upload(
                upload=upload,
                sha256=sha256,
                size_bytes=len(content),
                name=_text(name),
                sender=_text(sender),
                at=at.astimezone(UTC).isoformat(timespec="seconds"),
            )
            self._store.put(f"content/{upload}", content)
            self._store.put(f"keys/{key_digest}", upload.encode())
            self._store.put(f"waiting/{upload}.json", _json(made))
        return made

    def find(self, upload: str) -> Upload | None:
        """The upload of that id, or `None`."""
        if len(upload) != 40 or not set(upload) <= set("0123456789abcdef"):
            return None
        for folder in ("settled", "waiting"):
            record = self._get(f"{folder}/{upload}.json")
            if record is not None:
                return Upload(**json.loads(record))
        return None

    def waiting(self) -> Iterator[Upload]:
        """Uploads without an outcome, oldest first."""
        records = [self._get(key) for key in list(self._store.keys("waiting"))]
        found = [Upload(**json.loads(record)) for record in records if record is not None]
        yield from sorted(found, key=lambda upload: (upload.at, upload.upload))

    def content(self, upload: str) -> bytes:
        """The bytes of an upload.

        Raises:
            Missing: There is none, or it was archived.
        """
        return self._store.get(f"content/{upload}")

    def settle(self, upload: str, outcome: Outcome) -> None:
        """Note the outcome and remove the bytes, but those of a refused upload. May be repeated."""
        keeps = {"archived": False, "duplicate": False, "refused": True}[outcome.kind]
        found = self.find(upload)
        if found is None:
            return
        if found.state == "received":
            known = {**asdict(found), "state": outcome.kind}
            known |= {"receipt": outcome.receipt, "message": outcome.message, "code": outcome.code}
            self._store.put(f"settled/{upload}.json", _json(Upload(**known)))
        self._store.delete(f"waiting/{upload}.json")
        if not keeps:
            self._store.delete(f"content/{upload}")

    def _get(self, key: str) -> bytes | None:
        try:
            return self._store.get(key)
        except Missing:
            return None


class MobileSource:
    """The portal's inbox as a source.

    Args:
        inbox: The store that the portal fills through `Inbox`.
        name: Names this source among all inboxes.
    """

    channel = "mobile"

    def __init__(self, inbox: Store, name: str) -> None:
        self.name = f"mobile:{name}"
        self._inbox = Inbox(inbox)

    def offers(self) -> Iterator[Offer]:
        """Whole uploads without an outcome, oldest first: see `Source.offers`."""
        for upload in self._inbox.waiting():
            facts = {"sender": upload.sender, "uploaded": upload.at}
            yield Offer(
                key=upload.upload,
                name=upload.name,
                size_bytes=upload.size_bytes,
                facts={name: value for name, value in facts.items() if value},
            )

    def read(self, offer: Offer) -> bytes:
        """The bytes as the portal acknowledged them: see `Source.read`.

        Raises:
            OSError: The store gives back other bytes than were acknowledged.
        """
        upload = self._inbox.find(offer.key)
        if upload is None or upload.state != "received":
            raise Gone(offer.key)
        try:
            content = self._inbox.content(offer.key)
        except Missing as fault:
            raise Gone(offer.key) from fault
        if hashlib.sha256(content).hexdigest() != upload.sha256:
            raise OSError(f"upload {offer.key} is not what was acknowledged")
        return content

    def settle(self, key: str, outcome: Outcome) -> None:
        """Show the outcome on the upload's page; the bytes of a refused upload stay: see `Source.settle`."""
        self._inbox.settle(key, outcome)

    def close(self) -> None:
        """Nothing to give back."""


def _json(upload: Upload) -> bytes:
    return json.dumps(asdict(upload), sort_keys=True).encode()


def _text(untrusted: str) -> str:
    """Text that any store and database can keep."""
    return untrusted.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:1000]
