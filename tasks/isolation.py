"""Strangers' files are read in processes of their own, bounded and cut off (docs/adr/0010).

A file that exceeds a bound, or ends the process that reads it, is refused; the batch goes on with a fresh process. Only
what the machine does to us (killed from outside, no process to be had) is our fault, and is tried again.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import psutil

from receipts.errors import Code, Refused
from receipts.pdfa import Facts, Normalised
from receipts.policy import Limits
from tasks import framing, isolated

log = logging.getLogger("probant.tasks")

_START_S: Final = 120
_WATCH_S: Final = 0.5
_CRASHES: Final = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGSYS}
)
Answer: TypeAlias = "tuple[dict[str, Any], list[bytes]]"


class IsolationFailed(Exception):
    """The process that reads files was killed from outside or could not work: our fault, to be tried again."""


class _Lost(Exception):
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


class Isolation:
    """Processes that read files, started when needed, at most `processes` at a time; to be used from many threads."""

    def __init__(self, bounds: Bounds, processes: int = 0) -> None:
        self.bounds = bounds
        self._places = threading.BoundedSemaphore(processes or os.cpu_count() or 1)
        self._idle: list[_Child] = []
        atexit.register(self.close)

    def normalise(self, original: bytes, facts: Facts, limits: Limits) -> tuple[Normalised, float]:
        """`receipts.pdfa.normalise`, in another process.

        Returns:
            The archive file, and the processor time that it took there in milliseconds.

        Raises:
            Refused: The receipt is wrong, or would cost more than the bounds allow.
            IsolationFailed: We are wrong.
        """
        answer, blobs = self.run(isolated.asked_to_normalise(facts, limits), [original])
        if len(blobs) != 1:
            raise IsolationFailed("an answer without a file")
        return Normalised(pdf=blobs[0], **answer["result"]), float(answer["cpu_ms"])

    def run(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Have an operation of `tasks.isolated` done.

        Args:
            asked: Its name as `operation`, and what it needs to know, fit for JSON.
            blobs: The bytes to work on.

        Raises:
            Refused: The receipt is wrong.
            IsolationFailed: We are wrong.
        """
        for is_last in (False, True):
            with self._child() as child:
                was_used = child.served > 0
                try:
                    return child.ask(asked, blobs)
                except _Lost as lost:
                    child.kill()
                    log.warning("a process that reads files was lost: %s", lost)
                    if is_last or lost.again == "never" or (lost.again == "if-used" and not was_used):
                        raise lost.verdict from None
        raise AssertionError("unreachable")

    def in_force(self) -> list[str]:
        """What confines the processes on this system; see `tasks.confinement`."""
        with self._child() as child:
            return child.ready()

    def close(self) -> None:
        """End the idle processes; others end with what they are at."""
        atexit.unregister(self.close)
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().kill()

    @contextmanager
    def _child(self) -> Iterator[_Child]:
        with self._places:
            try:
                child = self._idle.pop()
            except IndexError:
                child = _Child(self.bounds)
            try:
                yield child
            except Refused:
                raise
            except BaseException:
                child.kill()  # who knows what it is at
                raise
            finally:
                if child.served >= self.bounds.files:
                    child.kill()
                if not child.is_gone:
                    self._idle.append(child)


class _Child:
    """One process, and the socket to it."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds, self.served, self.is_gone = bounds, 0, False
        self._held: list[str] | None = None
        self._socket, other = socket.socketpair()
        bounds_json = json.dumps({name: asdict(bounds)[name] for name in ("memory_bytes", "cpu_s", "open_files")})
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own code
                [sys.executable, "-P", "-m", isolated.__name__, bounds_json],
                stdin=other,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
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
            except (EOFError, OSError, ValueError, KeyError, framing.TooMuch, _Lost) as error:
                self.kill()
                raise IsolationFailed(f"the process that reads files does not start: {error!r}") from error
        return self._held

    def ask(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Have one file read.

        Raises:
            Refused: The file is wrong; the process goes on.
            _Lost: The process does not.
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
            raise _Lost(verdict, "never" if is_busy else "always") from None
        except framing.TooMuch as error:
            raise _Lost(Refused(Code.TOO_COSTLY, f"what comes of it is too large: {error}"), "never") from None
        except (EOFError, ConnectionError):
            raise self._ended() from None
        except ValueError as error:
            raise _Lost(IsolationFailed(f"an answer that is none: {error}"), "never") from None
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
        """An answer with a result; everything else is raised."""
        if "refused" in header:
            raise Refused(Code(header["refused"]), str(header["detail"])[:500])
        if header.get("exceeded") == "depth":
            raise Refused(Code.HOSTILE, "things within things, deeper than anything genuine")
        if "exceeded" in header:
            raise _Lost(self._too_much_memory(), "if-used")
        if "unforeseen" in header:
            # Ours to mend, but the file is what brought it about, and its sender must hear of it.
            raise _Lost(Refused(Code.DAMAGED, f"it can't be read: {header['unforeseen']}"[:500]), "if-used")
        if "result" not in header:
            raise _Lost(IsolationFailed(str(header.get("fault", "no result"))), "never")
        return header

    def _ended(self) -> _Lost:
        """Why it ended by itself."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGXCPU:
            return _Lost(Refused(Code.TOO_COSTLY, f"more than {self.bounds.cpu_s:g} s of processor time"), "never")
        if code < 0 and -code not in _CRASHES:
            return _Lost(IsolationFailed(f"the process that reads files was killed: {signal.Signals(-code).name}"), "always")
        peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if peak_bytes > self.bounds.memory_bytes / 2:  # C libraries abort when they get no more
            return _Lost(self._too_much_memory(), "if-used")
        how = signal.Signals(-code).name if code < 0 else f"exit {code}"
        return _Lost(Refused(Code.DAMAGED, f"it brings down what reads it: {how}"), "always")

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
                raise _Lost(self._too_much_memory(), "if-used")

    def _cpu_s(self) -> float:
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)


def _environment() -> dict[str, str]:
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
    }
