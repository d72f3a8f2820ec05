"""One process that reads strangers' files, and what it means when it is lost over one."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import psutil

from receipts.errors import Code, Refused
from tasks import framing

_START_S: Final = 120
_WATCH_S: Final = 0.5
_END_S: Final = 10
"""How long a process that said nothing more may take to end: then it only hung up."""
_CRASHES: Final = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGSYS}
)
Answer: TypeAlias = tuple[dict[str, Any], list[bytes]]


class IsolationFailed(Exception):
    """The process that reads files was killed from outside or could not work: our fault, to be tried again."""


class Lost(Exception):
    """A process is lost over a file.

    Attributes:
        verdict: What that means.
        again: Whether a fresh process might end better: `always`, `never`, or `if-used` if this one was not fresh.
    """

    def __init__(self, verdict: Refused | IsolationFailed, again: Literal["always", "if-used", "never"]) -> None:
        super().__init__(str(verdict))
        self.verdict, self.again = verdict, again


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What reading one file may cost.

    Attributes:
        memory_bytes: Address space on Linux, resident memory elsewhere.
        cpu_s: Processor time.
        wall_s: Time by the clock.
        output_bytes: Size of what comes out.
        open_files: File descriptors.
        files: After how many files a process is replaced.
    """

    memory_bytes: int = 2 * 1024**3
    cpu_s: float = 180
    wall_s: float = 270
    output_bytes: int = 512 * 1024**2
    open_files: int = 64
    files: int = 100


class Reader:
    """One process, and the socket to it."""

    def __init__(self, bounds: Bounds, module: str) -> None:
        self.bounds, self.served, self.is_gone = bounds, 0, False
        self._held: list[str] | None = None
        self._socket, other = socket.socketpair()
        bounds_json = json.dumps({name: asdict(bounds)[name] for name in ("memory_bytes", "cpu_s", "open_files")})
        try:
            self._peak_at_start_bytes = _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            self._process = subprocess.Popen(  # noqa: S603  our own code
                [sys.executable, "-P", "-m", module, bounds_json],
                stdin=other.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
                cwd="/",
                start_new_session=True,  # an interrupt at the terminal is for the parent to handle
            )
        finally:
            other.close()

    def ready(self) -> list[str]:
        """Wait until it can be asked; what confines it.

        Raises:
            IsolationFailed: It does not start.
        """
        if self._held is None:
            try:
                header, _ = framing.read(self._receiver(time.monotonic() + _START_S), most=0)
                self._held = [str(each) for each in header["ready"]]
            except (EOFError, OSError, ValueError, KeyError, framing.TooMuch, Lost) as error:
                self.kill()
                raise IsolationFailed(f"the process that reads files does not start: {error!r}") from error
        return self._held

    def ask(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Have one file read.

        Raises:
            Lost: The process is not to be used again.
        """
        self.ready()
        until = time.monotonic() + self.bounds.wall_s
        cpu_before_s = self._cpu_s()
        try:
            for piece in framing.packed(asked, blobs):
                self._socket.settimeout(max(0.01, until - time.monotonic()))
                self._socket.sendall(piece)
            header, results = framing.read(self._receiver(until), most=self.bounds.output_bytes)
        except TimeoutError:
            is_busy = self._cpu_s() - cpu_before_s > self.bounds.wall_s / 4
            verdict = Refused(Code.TOO_COSTLY, f"not done after {self.bounds.wall_s:g} s")
            raise Lost(verdict, "never" if is_busy else "always") from None
        except framing.TooMuch as error:
            raise Lost(Refused(Code.TOO_COSTLY, f"what comes of it is too large: {error}"), "never") from None
        except (EOFError, ConnectionError):
            raise self._ended() from None
        except ValueError as error:
            raise Lost(IsolationFailed(f"an answer that is none: {error}"), "never") from None
        self.served += 1
        return self._judged(header), results

    def kill(self) -> None:
        """End it now; may be repeated."""
        if not self.is_gone:
            self.is_gone = True
            self._socket.close()
            self._process.kill()
            self._process.wait()

    def _judged(self, header: dict[str, Any]) -> dict[str, Any]:
        """An answer with a result or a refusal; everything else is raised."""
        if header.get("exceeded") == "memory":
            raise Lost(self._too_much_memory(), "if-used")
        if "unforeseen" in header:
            # Ours to mend, but the file is what brought it about, and its sender must hear of it.
            raise Lost(Refused(Code.DAMAGED, f"it can't be read: {header['unforeseen']}"[:500]), "if-used")
        if "result" not in header and "refused" not in header:
            raise Lost(IsolationFailed(str(header.get("fault", "no result"))), "never")
        return header

    def _ended(self) -> Lost:
        """Why it ended by itself."""
        until = time.monotonic() + _END_S
        while not (ended := os.wait4(self._process.pid, os.WNOHANG))[0]:
            if time.monotonic() > until:  # and who knows what it is at: `kill` follows
                return Lost(Refused(Code.DAMAGED, "it makes what reads it hang up"), "always")
            time.sleep(0.01)
        _, status, usage = ended
        self._process.returncode = code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGXCPU:
            return Lost(Refused(Code.TOO_COSTLY, f"more than {self.bounds.cpu_s:g} s of processor time"), "never")
        if code < 0 and -code not in _CRASHES:
            return Lost(
                IsolationFailed(f"the process that reads files was killed: {signal.Signals(-code).name}"), "always"
            )
        peak_bytes = _bytes(usage.ru_maxrss)
        # Linux counts the peak of the process that started it too (getrusage(2)): only what lies above is its own.
        is_its_own = peak_bytes > 1.1 * self._peak_at_start_bytes
        if is_its_own and peak_bytes > self.bounds.memory_bytes / 2:  # C libraries abort when they get no more
            return Lost(self._too_much_memory(), "if-used")
        how = signal.Signals(-code).name if code < 0 else f"exit {code}"
        return Lost(Refused(Code.DAMAGED, f"it brings down what reads it: {how}"), "always")

    def _too_much_memory(self) -> Refused:
        return Refused(Code.TOO_COSTLY, f"more than {self.bounds.memory_bytes} bytes of memory")

    def _receiver(self, until: float) -> framing.Read:
        """Reads exactly so many bytes, and watches over memory meanwhile."""

        def receive(size: int) -> bytes:
            content = bytearray(size)
            view = memoryview(content)
            while view:
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self._socket.settimeout(min(left, _WATCH_S))
                try:
                    count = self._socket.recv_into(view)
                except TimeoutError:
                    self._watch()
                    continue
                if not count:
                    raise EOFError
                view = view[count:]
            return bytes(content)

        return receive

    def _watch(self) -> None:
        with suppress(psutil.Error):
            if psutil.Process(self._process.pid).memory_info().rss > self.bounds.memory_bytes:
                raise Lost(self._too_much_memory(), "if-used")

    def _cpu_s(self) -> float:
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)


def _bytes(maxrss: int) -> int:
    """getrusage(2) counts in KiB, on macOS in bytes."""
    return maxrss * (1 if sys.platform == "darwin" else 1024)


def environment() -> dict[str, str]:
    """No secret, one thread a library, and the same words and hours everywhere."""
    kept = {name: value for name, value in os.environ.items() if name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")}
    return {
        **kept,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        # glibc gives pictures' memory back to the system and asks for it again, page by page: half of the time.
        "MALLOC_MMAP_THRESHOLD_": str(32 * 1024**2),
        "MALLOC_TRIM_THRESHOLD_": str(64 * 1024**2),
    }
