"""The room where sealing happens: one event loop a process, with the key, the TSAs and the revocation services."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from asn1crypto import x509
from pydantic import SecretStr
from pyhanko_certvalidator.fetchers import FetcherBackend

from config.settings import Settings
from connectors import signing
from connectors.devpki import MARK
from receipts.pades import Sealer
from receipts.pades.token import check_token
from tasks.trust import anchors, development_pki, serve_development_pki

T = TypeVar("T")
Signer = signing.KeySigner | signing.Pkcs11Signer | signing.CscSigner


class SealingRoom:
    """An event loop in a thread of its own; connections stay open and the key is parsed once.

    Args:
        settings: Names the sealing key, its secret, the TSAs and the trust anchors.

    Attributes:
        signer: The sealing key.
        authorities: The time-stamping authorities.
        sealer: Both.
        anchors: Trust anchors that the chains must reach.
        fetchers: Where revocation information comes from.
        seen: What the last preflight saw; it and `looking` are for `tasks.preflight` only.
        looking: Held by who looks.
    """

    signer: Signer
    authorities: signing.TimeStampAuthorities
    sealer: Sealer
    anchors: list[x509.Certificate]
    fetchers: FetcherBackend
    seen: Any
    _session: aiohttp.ClientSession

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.new_event_loop()
        self.seen = None
        self.looking = threading.Lock()
        self.anchors = anchors(settings)
        threading.Thread(target=self._loop.run_forever, name="sealing", daemon=True).start()
        try:
            self.run(self._open(settings))
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise
        atexit.register(self._close)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the room's event loop and wait for its result; callable from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _close(self) -> None:
        with contextlib.suppress(Exception):  # the process ends anyway
            asyncio.run_coroutine_threadsafe(self._session.close(), self._loop).result(timeout=2)

    async def _open(self, settings: Settings) -> None:
        session = self._session = signing.open_session()
        try:
            urls = tsa_urls(settings)
            self.signer = await _open_signer(settings, session)
            self.authorities = signing.open_authorities(
                urls,
                session,
                # With only one, the check that every seal makes anyway is enough.
                check=check_token if len(urls) > 1 else None,
                per_minute=settings.tsa_per_minute,
                memory=settings.home.resolve() / "time-stamping.json",
            )
            self.sealer = Sealer(signer=self.signer, timestamper=self.authorities, mark=settings.seal_mark)
        except BaseException:
            await session.close()
            raise
        self.fetchers = signing.open_fetchers(session)


_lock = threading.Lock()
_rooms: dict[tuple[Path, str, bool, tuple[str, ...]], SealingRoom] = {}


def sealing_room(settings: Settings) -> SealingRoom:
    """This process's sealing room for an installation.

    Raises:
        Exception: The key or a time-stamping authority can't be used as configured. May be repeated.
    """
    with _lock:
        if settings.is_development:
            serve_development_pki(settings)
        key = _key(settings)
        if key not in _rooms:
            _rooms[key] = SealingRoom(settings)
        return _rooms[key]


def is_development_seal(room: SealingRoom) -> bool:
    """Whether the key is of a development PKI, though it was configured as if it were a provider's."""
    certificate = room.sealer.signer.signing_cert
    return certificate is not None and MARK in certificate.subject.human_friendly


def leave_room(settings: Settings, room: SealingRoom) -> None:
    """Have the next `sealing_room` open everything anew. What is under way in the old room ends there."""
    with _lock:
        if _rooms.get(_key(settings)) is room:
            del _rooms[_key(settings)]


def tsa_urls(settings: Settings) -> list[str]:
    """The time-stamping authorities, best first.

    Raises:
        ValueError: None is configured.
    """
    urls = [url for url in (settings.tsa_url, *settings.tsa_urls) if url]
    if not urls and settings.is_development:
        return [development_pki(settings).tsa_url]
    if not urls:
        raise ValueError("set PROBANT_TSA_URL to the time-stamping authority")
    return list(dict.fromkeys(urls))


async def _open_signer(settings: Settings, session: aiohttp.ClientSession) -> Signer:
    if settings.is_development:
        pki = development_pki(settings)
        return signing.open_signer(pki.signer_uri, pki.p12_secret.read_text().strip())
    secret = _secret(settings.signer_secret, settings.signer_secret_file)
    if settings.signer.startswith("csc:"):
        client_secret = _secret(settings.signer_client_secret, settings.signer_client_secret_file)
        secrets = signing.CscSecrets(
            client_id=settings.signer_client_id, client_secret=client_secret or "", pin=secret or ""
        )
        return await signing.open_remote_signer(settings.signer, secrets, session)
    certificates = signing.load_anchors(settings.signer_certificates)
    # A token may take its time, but nothing else happens here before it is open.
    return signing.open_signer(settings.signer, secret, certificates=certificates)


def _secret(value: SecretStr | None, file: Path | None) -> str | None:
    """A secret from its file, such as a secret store mounts it, or from the environment."""
    if file:
        return file.read_text().strip()
    return value.get_secret_value() if value else None


def _key(settings: Settings) -> tuple[Path, str, bool, tuple[str, ...]]:
    return settings.home.resolve(), settings.signer, settings.seal_mark, (settings.tsa_url, *settings.tsa_urls)
