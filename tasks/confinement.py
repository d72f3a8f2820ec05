"""What a process that reads strangers' files may do: compute, and nothing else.

Each layer is put in force where the system offers it, and `confine` says which ones are. Nothing is assumed: a layer
that the kernel refuses is not in the answer.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

_NO_NEW_PRIVILEGES: Final = 38  # prctl(2): PR_SET_NO_NEW_PRIVS
_SET_SECCOMP: Final = 22
_SECCOMP_FILTER: Final = 2
_NEW_USER, _NEW_NET, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ: Final = 1 << 2 | 1 << 3  # landlock(7): READ_FILE, READ_DIR
_FILES_BY_ABI: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_BARRED: Final = {  # machine -> (audit arch, system calls: sockets, programs, other processes, io_uring)
    "x86_64": (0xC000003E, (41, 42, 49, 50, 53, 59, 62, 101, 129, 310, 311, 322, 425, 426, 427, 434)),
    "aarch64": (0xC00000B7, (198, 199, 200, 201, 203, 117, 129, 138, 221, 270, 271, 281, 425, 426, 427, 434)),
}
_EVENTS: Final = ("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork")


def leave_network() -> str:
    """Move into a network without interfaces; must come before the process has a second thread.

    Returns:
        `namespace`, or empty where that is not allowed.
    """
    if sys.platform != "linux":
        return ""
    return "namespace" if _libc().unshare(_NEW_USER | _NEW_NET | _NEW_IPC) == 0 else ""


def limit(*, memory_bytes: int, open_files: int) -> None:
    """Bound what the kernel gives: memory where it counts (Linux), files, no core dump, nothing written."""
    if sys.platform == "linux":  # elsewhere address space is not counted: the parent watches the resident size
        _set(resource.RLIMIT_AS, memory_bytes)
    _set(resource.RLIMIT_NOFILE, open_files)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, 0)


def limit_cpu(seconds: float) -> None:
    """Let the process use so much more processor time; beyond it the kernel ends it with SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def confine(readable: Iterable[Path]) -> list[str]:
    """Take away network, programs and files; for good. To be called when everything needed is imported.

    Args:
        readable: Files and folders that may still be read.

    Returns:
        What is in force: `landlock` (no file but the readable ones, by the kernel), `seccomp` (no socket, no program,
        by the kernel), `audit-hook` (the same for Python code alone: no protection from a hole in a C library).
    """
    held = []
    if sys.platform == "linux":
        libc = _libc()
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        held += ["landlock"] * _landlock(libc, readable)
        held += ["seccomp"] * _seccomp(libc)
    sys.addaudithook(_hook)
    return [*held, "audit-hook"]


def _libc() -> Any:  # noqa: ANN401  what ctypes gives has no type
    return ctypes.CDLL(None, use_errno=True)


def _set(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (most, most))


def _landlock(libc: Any, readable: Iterable[Path]) -> bool:  # noqa: ANN401
    """No file may be opened but those beneath `readable`, and those only to be read (landlock(7))."""
    abi = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        return False
    attributes = struct.pack("=Q", _FILES_BY_ABI[min(abi, 5)])
    ruleset = libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rights = _READ if path.is_dir() else 1 << 2
            libc.syscall(_LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", rights, opened), 0)
            os.close(opened)
        return bool(libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _seccomp(libc: Any) -> bool:  # noqa: ANN401
    """Sockets, programs and other processes' memory give EPERM (seccomp(2), classic BPF)."""
    if platform.machine() not in _BARRED:
        return False
    arch, calls = _BARRED[platform.machine()]
    deny = len(calls) + 1  # jumps count from the instruction after
    program = [(0x20, 0, 0, 4), (0x15, 1, 0, arch), (0x06, 0, 0, 0x80000000), (0x20, 0, 0, 0)]  # other arch: end it
    program.append((0x35, deny, 0, 0x40000000))  # x32 numbers
    program += [(0x15, len(calls) - at, 0, call) for at, call in enumerate(calls)]
    program += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | 1)]  # allow; EPERM
    code = b"".join(struct.pack("=HBBI", *each) for each in program)
    held = ctypes.create_string_buffer(code, len(code))
    filter_program = struct.pack("@HxxxxxxP", len(program), ctypes.addressof(held))
    return bool(libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, filter_program, 0, 0) == 0)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    """Bars what Python code could do (PEP 578)."""
    if event.startswith(_EVENTS):
        raise PermissionError(f"{event} is barred where strangers' files are read")
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        raise PermissionError("nothing is written where strangers' files are read")
