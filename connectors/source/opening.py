"""Opens a sender's file safely, and asks whether anybody is still writing it."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.ports import Gone


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """The file, opened for reading, never through a link and never waiting for a pipe's other end."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as fault:
        raise Gone(str(path)) from fault
    except OSError as fault:
        if fault.errno in (errno.ELOOP, errno.ENXIO, errno.EMLINK):
            raise Gone(f"not a file: {path}") from fault
        raise
    try:
        yield file
    finally:
        os.close(file)


def is_written(file: int) -> bool | None:
    """Whether anybody has the file open for writing; `None` where the system can't tell (fcntl(2), F_SETLEASE)."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        # A lease that is broken sends SIGIO, which kills; SIGURG is ignored.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as fault:
        return True if fault.errno == errno.EAGAIN else None
    return False
