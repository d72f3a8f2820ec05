"""The room where sealing happens: one event loop a process, with the key, the TSA and the revocation services."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from asn1crypto import x509
from pyhanko_certvalidator.fetchers import FetcherBackend

from config.settings import Settings
from connectors import signing
from connectors.devpki import MARK
from receipts.pades import Sealer
from tasks.trust import anchors, development_pki, serve_development_pki

T = TypeVar("T")


class SealingRoom:
    """An event loop in a thread of its own; connections stay open and the key is parsed once.

    Args:
        settings: Names the sealing key, its secret, the TSA and the trust anchors.

    Attributes:
        sealer: Who seals and who tells the time.
        anchors: Trust anchors that the chains must reach.
        fetchers: Where revocation information comes from.
    """

    sealer: Sealer
    anchors: list[x509.Certificate]
    fetchers: FetcherBackend

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="sealing", daemon=True).start()
        self.anchors = anchors(settings)
        self.run(self._open(settings))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the room's event loop and wait for its result; callable from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self, settings: Settings) -> None:
        session = signing.open_session()
        uri, secret, tsa_url = _provider(settings)
        timestamper = signing.open_timestamper(tsa_url, session)
        self.sealer = Sealer(signer=signing.open_signer(uri, secret), timestamper=timestamper)
        self.fetchers = signing.open_fetchers(session)


_lock = threading.Lock()
_rooms: dict[tuple[Path, str, str], SealingRoom] = {}


def sealing_room(settings: Settings) -> SealingRoom:
    """This process's sealing room for an installation."""
    with _lock:
        if settings.is_development:
            serve_development_pki(settings)
        key = (settings.home.resolve(), settings.signer, settings.tsa_url)
        if key not in _rooms:
            _rooms[key] = SealingRoom(settings)
        return _rooms[key]


def is_development_seal(room: SealingRoom) -> bool:
    """Whether the key is of a development PKI, though it was configured as if it were a provider's."""
    certificate = room.sealer.signer.signing_cert
    return certificate is not None and MARK in certificate.subject.human_friendly


def _provider(settings: Settings) -> tuple[str, str | None, str]:
    """URI and secret of the sealing key, and the TSA's URL."""
    if settings.is_development:
        pki = development_pki(settings)
        return pki.signer_uri, pki.p12_secret.read_text().strip(), pki.tsa_url
    if not settings.tsa_url:
        raise ValueError("set PROBANT_TSA_URL to the time-stamping authority")
    secret = settings.signer_secret.get_secret_value() if settings.signer_secret else None
    if settings.signer_secret_file:
        secret = settings.signer_secret_file.read_text().strip()
    return settings.signer, secret, settings.tsa_url
