"""Runs a command and says what it took: processor time with that of its children, and peak resident memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tasks import reader


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a command took: CPU in seconds, the largest resident size of any of its processes in bytes."""

    cpu_s: float
    peak_bytes: int


def cost(command: Sequence[str]) -> Cost:
    """Run `command` to its end, with the memory allocator set as in our processes that read files.

    Raises:
        RuntimeError: It failed.
    """
    environment = {**os.environ, **{name: value for name, value in reader.environment().items() if "MALLOC" in name}}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} exits with {process.returncode}: {said.decode(errors='replace')[-500:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(cpu_s=usage.ru_utime + usage.ru_stime, peak_bytes=usage.ru_maxrss * unit)


def best(costs: Sequence[Cost]) -> Cost:
    """The quickest, with the largest memory."""
    return Cost(cpu_s=min(each.cpu_s for each in costs), peak_bytes=max(each.peak_bytes for each in costs))
