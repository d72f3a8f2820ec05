"""Finds the real programs that tests run against; installs those that a package manager at hand offers.

A part that can't be had is said loudly and counted at the end of the test run; in CI (`CI=true`) it is a failure.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "probant-tests"
APT = {
    "dovecot": "dovecot-imapd",
    "postgres": "postgresql",
    "softhsm": "softhsm2",
    "java": "default-jdk-headless",
    "maven": "maven",
    "chromium": "chromium",
    "ghostscript": "ghostscript",
}
LACKING: dict[str, str] = {}


def need(part: str) -> str:
    """Path of the program of `part`; skips the test (fails it in CI) if it can't be had."""
    path = find(part) or (install(part) and find(part))
    if path:
        return path
    LACKING.setdefault(part, f"{part} is not on this machine and could not be installed")
    if os.environ.get("CI"):
        pytest.fail(LACKING[part])
    pytest.skip(LACKING[part])


def find(part: str) -> str | None:
    """Path of the program of `part`, if it is there."""
    if part == "postgres":
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        return str(found[-1]) if found else shutil.which("postgres")
    if part == "softhsm":
        found = [*Path("/usr/lib").glob("**/libsofthsm2.so"), *Path("/opt").glob("homebrew/lib/softhsm/libsofthsm2.so")]
        return str(found[0]) if found else None
    if part == "versitygw":
        return str(CACHE / "versitygw") if (CACHE / "versitygw").exists() else shutil.which("versitygw")
    program = {
        "java": "javac",
        "maven": "mvn",
        "dovecot": "dovecot",
        "go": "go",
        "chromium": "chromium",
        "ghostscript": "gs",
    }[part]
    return shutil.which(
        program,
        path=os.pathsep.join(
            [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", str(Path(sys.executable).parent)]
        ),
    )


@functools.cache
def install(part: str) -> bool:
    """Try to install `part` once; True if the installer said it succeeded."""
    if part == "versitygw":
        go = find("go")
        if not go:
            return False
        CACHE.mkdir(parents=True, exist_ok=True)
        sys.stderr.write("building the S3 server for the tests, about 4 minutes the first time\n")
        env = {**os.environ, "GOBIN": str(CACHE), "GOFLAGS": "-trimpath"}
        return subprocess.run([go, "install", "-ldflags", "-s -w", VERSITYGW], env=env, check=False).returncode == 0
    if part not in APT or not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"stdout": subprocess.DEVNULL, "env": env, "check": False}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", APT[part]]
    return subprocess.run(command, **quiet).returncode == 0
