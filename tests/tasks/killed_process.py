"""A worker that is killed (SIGKILL) right after one outside effect has happened, before anything else can."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from config.settings import Settings
from tests.installation import STAGES, Installation

POINTS = (
    "signed",
    "stamped",
    "document stamped",
    "seal staged",
    "seal recorded",
    "archive written",
    "archive recorded",
)
WAITING_POINTS = ("time-stamped staged", "time-stamped recorded")
"""Reached only if the revocation services' answers are too old, which they then are."""


def main(settings_json: str, point: str) -> None:
    """Lead what waits through the stages; never comes back if `point` is reached."""
    installation = Installation(Settings.model_validate_json(settings_json))
    _arm(installation, point)
    work = installation.claim(lease_s=1)
    for stage in STAGES:
        work = stage(installation, work)


def _arm(installation: Installation, point: str) -> None:
    from connectors.signing import CscSigner, HttpTimeStamper, KeySigner, Pkcs11Signer

    if point == "signed":
        for signer in (KeySigner, Pkcs11Signer, CscSigner):
            # Not at the dry run that only measures.
            signer.async_sign_raw = _async_then_die(signer.async_sign_raw, lambda *_, dry_run=False: not dry_run)  # type: ignore[method-assign]
    elif point == "stamped":
        count = iter(range(100))  # the preflight's and the measure's don't count
        HttpTimeStamper.async_timestamp = _async_then_die(  # type: ignore[method-assign]
            HttpTimeStamper.async_timestamp, lambda *_: next(count) >= 2
        )
    elif point == "document stamped":
        from receipts import pades

        pades.stamp = _async_then_die(pades.stamp, lambda *_: True)
    elif point == "seal staged":
        _die_after(installation.staging, "put", lambda key, _: key.startswith("sealed/"))
    elif point == "time-stamped staged":
        _too_old()
        _die_after(installation.staging, "put", lambda key, _: key.startswith("time-stamped/"))
    elif point == "archive written":
        _die_after(installation.archive, "put", lambda *_, **__: True)
    else:
        named = {"seal recorded": "sealed", "archive recorded": "archived", "time-stamped recorded": "time-stamped"}
        event = named[point]
        if point in WAITING_POINTS:
            _too_old()
        _die_after(installation.registry, "append", lambda record, *_, **__: f'"event":"{event}"' in record.body)


def _too_old() -> None:
    from receipts import pades

    async def validation_data(sealed: list[bytes], *_: Any, **__: Any) -> None:
        newest = max(map(pades.stamped_at, sealed))
        raise pades.NotFresh(newest - timedelta(hours=1), newest)

    pades.validation_data = validation_data  # type: ignore[assignment]


def _die_after(target: Any, name: str, when: Callable[..., bool]) -> None:
    real = getattr(target, name)

    @functools.wraps(real)
    def then_die(*args: Any, **options: Any) -> Any:
        result = real(*args, **options)
        if when(*args, **options):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(target, name, then_die)


def _async_then_die(real: Any, when: Callable[..., bool]) -> Any:
    @functools.wraps(real)
    async def then_die(*args: Any, **options: Any) -> Any:
        result = await real(*args, **options)
        if when(*args, **options):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return then_die


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
