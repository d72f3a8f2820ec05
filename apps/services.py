"""The processes of an embedded installation: started apart, remembered in the home folder, stopped by process id."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from config.prefect_env import prefect_env
from config.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 240


@dataclass(frozen=True, kw_only=True)
class Service:
    """A process that runs for this installation.

    Attributes:
        name: `prefect`, `pki`, `portal` or `worker`.
        pid: Its process id.
        started_s: When that process started, as the system tells it: a reused id is not taken for ours.
        url: Where it answers, or empty.
    """

    name: str
    pid: int
    started_s: float
    url: str

    @property
    def is_running(self) -> bool:
        """Whether that very process is alive."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started_s) < 1 and process.status() != psutil.STATUS_ZOMBIE
        return False


class Unavailable(Exception):
    """A service did not start; the message names its log."""


class Services:
    """The running services of one installation.

    Args:
        settings: The installation.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home.resolve()
        self._file = self.home / "run" / "services.json"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Held by whoever starts or stops services here: a second one waits and finds what the first left."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with (self._file.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def running(self) -> dict[str, Service]:
        """Those that are alive, by name."""
        if not self._file.is_file():
            return {}
        services = [Service(**entry) for entry in json.loads(self._file.read_text())]
        return {service.name: service for service in services if service.is_running}

    def environment(self) -> dict[str, str]:
        """Environment for processes that run our flows or talk to the server."""
        prefect = self.running().get("prefect")
        api_url = os.environ.get("PREFECT_API_URL") or (f"{prefect.url}/api" if prefect else None)
        return {
            **prefect_env(self.home, api_url=api_url),
            "PROBANT_HOME": str(self.home),
            "PROBANT_ROOT": str(ROOT),
        }

    def start(
        self,
        name: str,
        command: list[str],
        *,
        url: str = "",
        health: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Service:
        """Start a service unless it runs, and wait until it answers. May be repeated.

        Args:
            name: Its name.
            command: Arguments for this Python.
            url: Where it will answer.
            health: Path below `url` that answers when it is ready.
            env: More environment.

        Raises:
            Unavailable: It died or did not answer in time.
        """
        if name in self.running():
            return self.running()[name]
        log = self.home / "log" / f"{name}.log"
        process = self._launch(command, log, env or {})
        service = Service(name=name, pid=process.pid, started_s=psutil.Process(process.pid).create_time(), url=url)
        self._remember(service)
        deadline = time.monotonic() + START_TIMEOUT_S
        while health and not answers(url + health):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"{name} did not start; see {log}")
            time.sleep(0.2)
        return service

    def stop(self, *, timeout_s: float = 20) -> list[str]:
        """Stop all services and their children, newest first; returns their names. May be repeated."""
        stopped = []
        for service in reversed(list(self.running().values())):
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(service.pid)
                family = [process, *process.children(recursive=True)]
                for member in family:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        member.terminate()
                _, stubborn = psutil.wait_procs(family, timeout=timeout_s)
                for member in stubborn:
                    member.kill()
            stopped.append(service.name)
        self._file.unlink(missing_ok=True)
        return stopped

    def _launch(self, command: list[str], log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment(), **env},
                cwd=ROOT,
                start_new_session=True,
            )

    def _remember(self, service: Service) -> None:
        services = [*self.running().values(), service]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps([asdict(entry) for entry in services]))
        temporary.replace(self._file)


def answers(url: str) -> bool:
    """Whether `url` answers with success."""
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # ours
        return bool(200 <= response.status < 300)
    return False


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """`wanted`, or any free port if somebody listens there."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                return int(probe.getsockname()[1])
    raise OSError(f"no free port on {host}")
