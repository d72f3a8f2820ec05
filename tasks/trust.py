"""Whom this installation trusts, and with what it seals: the configured provider, or the development PKI."""

from __future__ import annotations

import atexit
import fcntl
import socket
import threading
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import pem, x509

from config.settings import Settings
from connectors import devpki


class NoAnchors(Exception):
    """No trust anchor is configured: nothing can be validated, so nothing passes."""


def anchors_pem(settings: Settings) -> str:
    """The trust anchors as PEM.

    Raises:
        NoAnchors: There are none.
    """
    if settings.trust:
        return "".join(path.read_text() for path in settings.trust)
    if not settings.is_development:
        why = "no trusted list in force and no PROBANT_TRUST"
        raise NoAnchors(f"{why}: run `probant trust update`, or name PEM files with the trust anchors")
    return development_pki(settings).anchors.read_text()


def anchors(settings: Settings, *, at: datetime | None = None, trusted_list: str = "") -> list[x509.Certificate]:
    """The trust anchors as certificates: the PEM files', and those of the trusted lists if there are any.

    Args:
        settings: Whom this installation trusts.
        at: When the trusted lists must be in force, UTC; default: now.
        trusted_list: Name of the snapshot to use; empty: as configured, else the one in use.

    Raises:
        NoAnchors: There are none.
    """
    from tasks import trustlists  # what reads lists takes long to import

    listed = trustlists.services(settings, trusted_list)
    found = listed.anchors(at or datetime.now(UTC)) if listed else []
    if settings.trust or settings.is_development or not found:
        found = [*pem_anchors(settings), *found]
    return found


def pem_anchors(settings: Settings) -> list[x509.Certificate]:
    """The certificates in the PEM files alone.

    Raises:
        NoAnchors: There are none.
    """
    found = [x509.Certificate.load(der) for _, _, der in pem.unarmor(anchors_pem(settings).encode(), multiple=True)]
    if not found:
        raise NoAnchors("the trust anchor files hold no certificate")
    return found


def development_pki(settings: Settings) -> devpki.DevPki:
    """The development PKI of this installation, made at first use. Worthless in law."""
    folder = settings.home.resolve() / "pki"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers may start at once
        try:
            return devpki.load(folder)
        except FileNotFoundError:
            return devpki.make(folder, _free_port(), datetime.now(UTC))


_serving: dict[Path, ExitStack] = {}
_serving_lock = threading.Lock()


def serve_development_pki(settings: Settings) -> None:
    """Have the development PKI answer for as long as this process lives, unless another process does already.

    May be repeated.
    """
    pki = development_pki(settings)
    with _serving_lock:
        if pki.folder not in _serving and not _answers(pki.port):
            stack = ExitStack()
            with suppress(OSError):  # another process was quicker
                stack.enter_context(devpki.serve(pki.folder))
                _serving[pki.folder] = stack
                atexit.register(stack.close)  # while its thread still lives: later, closing would wait for ever


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
