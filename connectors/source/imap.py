"""An IMAP mailbox as a source (RFC 9051): reads without a trace, moves what is settled."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal, TypeVar

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError

from connectors.loopback import is_loopback
from connectors.ports import Gone, Offer, Outcome
from connectors.source.imap_headers import HEADERS, offer_of

Security = Literal["tls", "starttls", "none"]
_T = TypeVar("_T")

_BATCH: Final = 200


class ImapSource:
    """One folder of a mailbox. Settled mails move to the folders `archived` and `rejected`, made if they are not there.

    An arrival's key is `folder/UIDVALIDITY/UID`: the server never gives it to another mail (RFC 9051, 2.3.1.1). A lost
    connection is made anew once per call; then the fault is the caller's to retry.

    Args:
        name: Names this source among all mailboxes.
        host: Host name, which the server's certificate must carry.
        port: TCP port.
        user: Login name.
        password: Its password.
        security: `tls` from the first byte, `starttls`, or `none`, which is refused but on loopback.
        ca_file: PEM file of the authorities that may vouch for the server; default: the system's.
        folder: The folder that is read.
        timeout_s: Longest wait for the network, in seconds.
        archived: Folder for archived mails and duplicates; default: Archived in the user's namespace.
        rejected: Folder for refused mails; default: Rejected in the user's namespace.

    Raises:
        ValueError: The password would cross a network unprotected.
    """

    channel = "imap"

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        user: str,
        password: str,
        *,
        security: Security = "tls",
        ca_file: Path | None = None,
        folder: str = "INBOX",
        timeout_s: float = 60.0,
        archived: str | None = None,
        rejected: str | None = None,
    ) -> None:
        if security == "none" and not is_loopback(host):
            raise ValueError(f"a mailbox on {host} is read over TLS only")
        self.name = f"imap:{name}"
        self._address = host, port
        self._login = user, password
        self._security = security
        self._ca_file = ca_file
        self._folder = folder
        self._timeout_s = timeout_s
        self._targets = {"archived": archived, "duplicate": archived, "refused": rejected}
        self._client: IMAPClient | None = None

    def offers(self) -> Iterator[Offer]:
        """All mails in the folder, oldest first, known by their size and headers alone: see `Source.offers`."""
        yield from self._connected(self._look)

    def read(self, offer: Offer) -> bytes:
        """The raw message (RFC 5322) as the server keeps it; it stays unread: see `Source.read`."""
        folder, validity, uid = _parsed(offer.key)

        def fetch(client: IMAPClient) -> bytes:
            if _select(client, folder, readonly=True) == validity:
                content = client.fetch([uid], ["BODY.PEEK[]"]).get(uid, {}).get(b"BODY[]")
                if content is not None:
                    return bytes(content)
            raise Gone(f"no longer in the mailbox: {offer.key}")

        return self._connected(fetch)

    def settle(self, key: str, outcome: Outcome) -> None:
        """Move the mail, marked with the outcome where the server keeps keywords: see `Source.settle`."""
        folder, validity, uid = _parsed(key)
        target = self._targets[outcome.kind] or None
        title = "Rejected" if outcome.kind == "refused" else "Archived"

        def move(client: IMAPClient) -> None:
            if _select(client, folder, readonly=False) != validity or not client.search(["UID", str(uid)]):
                return
            _move(client, uid, target or f"{_prefix(client)}{title}", f"Probant-{outcome.code or outcome.kind}")

        self._connected(move)

    def close(self) -> None:
        """Log out: see `Source.close`."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(IMAPClientError, OSError, EOFError):
                client.logout()
            with contextlib.suppress(OSError):
                client.shutdown()

    def _connected(self, action: Callable[[IMAPClient], _T]) -> _T:
        """Do a repeatable action; if the connection is lost in its midst, once more on a new one."""
        try:
            return self._tried(action)
        except (IMAPClientAbortError, OSError, EOFError):
            return self._tried(action)

    def _tried(self, action: Callable[[IMAPClient], _T]) -> _T:
        if self._client is None:
            self._client = self._connect()
        try:
            return action(self._client)
        except Gone:
            raise
        except BaseException:
            # Whatever it was, what is still to come on this connection may answer another question.
            self.close()
            raise

    def _connect(self) -> IMAPClient:
        host, port = self._address
        tls = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
        client = IMAPClient(host, port, ssl=self._security == "tls", ssl_context=tls, timeout=self._timeout_s)
        try:
            if self._security == "starttls":
                client.starttls(tls)
            client.login(*self._login)
        except BaseException:
            with contextlib.suppress(OSError):
                client.shutdown()
            raise
        client.normalise_times = False
        return client

    def _look(self, client: IMAPClient) -> list[Offer]:
        validity = _select(client, self._folder, readonly=True)
        uids = sorted(int(uid) for uid in client.search(["ALL"]))
        offers = []
        for start in range(0, len(uids), _BATCH):
            batch = uids[start : start + _BATCH]
            found = client.fetch(batch, ["RFC822.SIZE", "INTERNALDATE", HEADERS])
            offers += [
                offer_of(f"{self._folder}/{validity}/{uid}", found[uid])
                for uid in batch
                if b"RFC822.SIZE" in found.get(uid, {})
            ]
        return offers


def _select(client: IMAPClient, folder: str, *, readonly: bool) -> int:
    """Select the folder and return its UIDVALIDITY."""
    return int(client.select_folder(folder, readonly=readonly)[b"UIDVALIDITY"])


def _parsed(key: str) -> tuple[str, int, int]:
    folder, validity, uid = key.rsplit("/", 2)
    return folder, int(validity), int(uid)


def _prefix(client: IMAPClient) -> str:
    """What names of the user's own folders begin with (RFC 2342), such as `INBOX.`."""
    if not client.has_capability("NAMESPACE"):
        return ""
    personal = client.namespace().personal
    return str(personal[0][0]) if personal else ""


def _move(client: IMAPClient, uid: int, target: str, keyword: str) -> None:
    """Move one mail of the selected folder.

    Without MOVE (RFC 6851) a crash in between leaves a second copy in `target`; nothing is ever expunged that is not
    copied.
    """
    can_move = client.has_capability("MOVE")
    if not can_move and not client.has_capability("UIDPLUS"):
        raise CapabilityError("the server can neither MOVE nor UID EXPUNGE: it can't let go of a single mail")
    if not client.folder_exists(target):
        # Another reader may have been quicker: then the move itself tells whether the folder is there.
        with contextlib.suppress(IMAPClientError):
            client.create_folder(target)
    with contextlib.suppress(IMAPClientError):
        # RFC 9051, 2.3.2: a server may not let clients make keywords; the folder alone tells the outcome then.
        client.add_flags([uid], [keyword], silent=True)
    if can_move:
        client.move([uid], target)
    else:
        client.copy([uid], target)
        client.delete_messages([uid], silent=True)
        client.uid_expunge([uid])
