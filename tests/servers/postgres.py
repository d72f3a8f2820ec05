"""A real PostgreSQL on a free port, private to the test run.

A test module asks for it by `pytest_plugins = ["tests.servers.postgres"]`.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import free_port
from tests.parts import need

_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",  # what a client that needs durability must notice
    "max_connections": "60",
    "shared_buffers": "32MB",
    "timezone": "Europe/Paris",  # so that a time that is not kept in UTC shows
}


def _identity() -> dict[str, Any]:
    """Whom to run as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of the server's maintenance database; it sorts text as English does, not by code point."""
    programs = Path(need("postgres")).resolve().parent
    identity = _identity()
    # Not below pytest's own folder, which only its owner may enter.
    home = Path(tempfile.mkdtemp(prefix="probant-pg-"))
    if identity:
        os.chown(home, identity["user"], identity["group"])
    port = free_port()
    options = {"stdin": subprocess.DEVNULL, "cwd": home, **identity}
    initdb = (programs / "initdb", "-D", home / "data", "-U", "probant", "-A", "trust", "-N", "-E", "UTF8")
    locale = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en")
    subprocess.run([*initdb, *locale], check=True, capture_output=True, **options)
    address = ("-p", str(port), "-k", str(home), "-c", "listen_addresses=127.0.0.1")
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    with (home / "log").open("wb") as log:
        command = [programs / "postgres", "-D", home / "data", *address, *settings]
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **options)
    url = f"postgresql://probant@127.0.0.1:{port}/postgres"
    try:
        _wait(url, server, home / "log")
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # "fast": does not wait for clients
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)  # takes its children along, unlike SIGKILL
            server.wait()
        shutil.rmtree(home, ignore_errors=True)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
            time.sleep(0.1)


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Callable[[], str]:
    """Makes an empty database at each call; gives its URL. All of them go with the server."""
    numbers = itertools.count(1)

    def make() -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return postgres_server.rpartition("/")[0] + f"/{name}"

    return make
