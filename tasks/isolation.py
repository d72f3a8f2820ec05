"""Strangers' files are read in processes of their own, bounded and cut off (docs/adr/0010).

A file that exceeds a bound, or ends the process that reads it, is refused; the batch goes on with a fresh process. Only
what the machine does to us (killed from outside, no process to be had) is our fault, and is tried again.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from receipts.errors import Code, Refused
from receipts.pdfa import Facts, Normalised, Part
from receipts.policy import Limits
from tasks import isolated
from tasks.reader import Answer, Bounds, IsolationFailed, Lost, Reader

__all__ = ["Bounds", "Isolation", "IsolationFailed", "isolation"]

log = logging.getLogger("probant.tasks")


class Isolation:
    """Processes that read files, started when needed, at most `processes` at a time; to be used from many threads."""

    def __init__(self, bounds: Bounds, processes: int = 0, module: str = isolated.__name__) -> None:
        self._module = module
        self.bounds, self.processes = bounds, processes or os.cpu_count() or 1
        self._places = threading.BoundedSemaphore(self.processes)
        self._idle: list[Reader] = []
        atexit.register(self.close)

    def normalise(self, original: bytes, facts: Facts, limits: Limits) -> Normalised:
        """`receipts.pdfa.normalise`, in another process; the same in, the same out.

        Raises:
            Refused: The receipt is wrong, or would cost more than the bounds allow.
            IsolationFailed: We are wrong.
        """
        result, _ = self.measure(original, facts, limits)
        if isinstance(result, Refused):
            raise result
        return result

    def measure(self, original: bytes, facts: Facts, limits: Limits) -> tuple[Normalised | Refused, float | None]:
        """As `normalise`, with a refusal returned, and with the processor time that it took there.

        Returns:
            What became of it, and milliseconds; `None` if the process was lost over it.

        Raises:
            IsolationFailed: We are wrong.
        """
        try:
            answer, blobs = self.run(isolated.asked_to_normalise(facts, limits), [original])
        except Refused as refused:
            return refused, None
        cpu_ms = float(answer["cpu_ms"])
        if "refused" in answer:
            return Refused(Code(answer["refused"]), str(answer["detail"])[:500]), cpu_ms
        told = answer["result"]
        parts = tuple(Part(content=blob, **part) for part, blob in zip(told.pop("parts"), blobs[1:], strict=True))
        return Normalised(pdf=blobs[0], parts=parts, **told), cpu_ms

    def run(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Have an operation of `tasks.isolated` done.

        Args:
            asked: Its name as `operation`, and what it needs to know, fit for JSON.
            blobs: The bytes to work on.

        Returns:
            Its answer, which holds either `result` or `refused` with `detail`, and the bytes that come with it.

        Raises:
            Refused: The process was lost over it.
            IsolationFailed: We are wrong.
        """
        for is_last in (False, True):
            with self._reader(fresh=is_last) as reader:
                was_used = reader.served > 0
                try:
                    return reader.ask(asked, blobs)
                except Lost as lost:
                    reader.kill()
                    log.warning("a process that reads files was lost: %s", lost)
                    if is_last or lost.again == "never" or (lost.again == "if-used" and not was_used):
                        raise lost.verdict from None
        raise AssertionError("unreachable")

    def in_force(self) -> list[str]:
        """What confines the processes on this system; see `tasks.confinement`."""
        with self._reader() as reader:
            return reader.ready()

    def close(self) -> None:
        """End the idle processes; others end with what they are at."""
        atexit.unregister(self.close)
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().kill()

    @contextmanager
    def _reader(self, *, fresh: bool = False) -> Iterator[Reader]:
        with self._places:
            reader = None
            with suppress(IndexError):  # none is idle, or another thread was quicker
                reader = self._idle.pop()  # as many are idle as have left their place, at most
            if fresh and reader is not None:
                reader.kill()
            if fresh or reader is None:
                reader = Reader(self.bounds, self._module)
            try:
                yield reader
            except BaseException:
                reader.kill()  # who knows what it is at
                raise
            finally:
                if reader.served >= self.bounds.files:
                    reader.kill()
                if not reader.is_gone:
                    self._idle.append(reader)


@functools.lru_cache(maxsize=8)
def isolation(bounds: Bounds, processes: int = 0) -> Isolation:
    """This process's isolation for these bounds: one, however often it is asked for."""
    return Isolation(bounds, processes)
