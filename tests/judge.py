"""The two judges as functions: veraPDF and EU DSS have the last word on what Probant produces."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests import parts

HERE = Path(__file__).parent / "judges"


def cache(judge: str) -> Path:
    """Where a judge's classes and jars are."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "judges" / judge


@functools.cache
def installed(judge: str) -> Path:
    """The judge's command, after installing it if need be."""
    parts.need("java")
    home = cache(judge)
    lock = HERE / judge / "jars.sha256"
    if not (home / "classes").is_dir() or len(list((home / "lib").glob("*.jar"))) != len(lock.read_text().splitlines()):
        parts.need("maven")
        subprocess.run([HERE / "install.sh", judge], check=True)
    return HERE / judge / {"verapdf": "verapdf-check", "dss": "dss-check"}[judge]


def verapdf(paths: Iterable[Path], flavour: str = "3b") -> dict[str, dict[str, Any]]:
    """veraPDF's verdict for each path (its `compliant` is the one that counts); one JVM for all of them."""
    command = [installed("verapdf"), "--flavour", flavour, *paths]
    return _verdicts(command)


def dss(
    paths: Iterable[Path], trust: Iterable[Path], *, level: str = "LT", options: Iterable[str] = ()
) -> dict[str, dict[str, Any]]:
    """DSS's verdict for each path, offline, under the strict policy (its `passed` counts); one JVM for all of them."""
    anchors = [argument for pem in trust for argument in ("--trust", pem)]
    return _verdicts([installed("dss"), *anchors, "--level", level, *options, *paths])


def _verdicts(command: list[Any]) -> dict[str, dict[str, Any]]:
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=900)
    if run.returncode not in (0, 1):
        raise RuntimeError(f"the judge could not run: {run.stderr[-2000:]}")
    return {verdict["path"]: verdict for verdict in map(json.loads, run.stdout.splitlines())}
