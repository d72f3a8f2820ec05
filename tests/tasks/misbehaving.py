"""What a file could make the process that reads it do: `tasks.isolated` with operations that misbehave."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tasks import isolated

STATE = {"asked": 0}


def reach_out() -> list[str]:
    """Everything that must not work, by way of C, where no audit hook is asked; what did work."""
    libc = ctypes.CDLL(None, use_errno=True)
    tried = {
        "socket": lambda: libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0),
        "unix socket": lambda: libc.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0),
        "read": lambda: libc.open(b"/etc/passwd", os.O_RDONLY),
        "write": lambda: libc.open(b"/tmp/probant-was-here", os.O_WRONLY | os.O_CREAT, 0o600),
        "delete": lambda: libc.unlink(b"/tmp/probant-to-be-left"),
        "signal": lambda: libc.kill(os.getppid(), 0),
        "program": lambda: libc.execv(b"/bin/true", (ctypes.c_char_p * 2)(b"true", None)),
    }
    return [name for name, attempt in tried.items() if attempt() >= 0]


def reach_out_in_python() -> list[str]:
    """The same by way of Python."""
    tried = {
        "socket": lambda: socket.socket(),
        "program": lambda: subprocess.run(["/bin/true"], check=False),
        "fork": os.fork,
        "write": lambda: Path("/tmp/probant-was-here").write_text("x"),
    }
    worked = []
    for name, attempt in tried.items():
        try:
            attempt()
            worked.append(name)
        except PermissionError:
            pass
    return worked


def do(asked: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    STATE["asked"] += 1
    match asked["what"]:
        case "fine":
            return {"result": {"asked": STATE["asked"], "pid": os.getpid(), "size": sum(map(len, blobs))}}, []
        case "crash":
            signal.raise_signal(signal.SIGSEGV)
        case "abort":
            os.abort()
        case "exit":
            os._exit(0)
        case "spin":
            while True:
                pass
        case "hang up":
            os.close(0)
            time.sleep(3600)
        case "sleep":
            time.sleep(3600)
        case "hoard":
            hoarded = [bytearray(os.urandom(1 << 20)) * 64 for _ in range(1000)]
            return {"result": {"size": len(hoarded)}}, []
        case "flood":
            return {"result": {}}, [bytes(1 << 20)] * 100
        case "die":
            signal.raise_signal(signal.SIGKILL)
        case "open":
            held = [os.dup(0) for _ in range(1000)]
            return {"result": {"size": len(held)}}, []
        case "nest":

            def deeper() -> None:
                deeper()

            deeper()
        case "stumble":
            raise KeyError("an unforeseen one")
        case "stumble once used":
            if STATE["asked"] > 1:
                raise KeyError("left behind by an earlier file")
        case "miss":
            Path(os.__file__).with_name("a font that an upgrade removed").read_bytes()
        case "doubt":
            raise AssertionError("ours")
        case "garble":
            os.write(0, b"\0\0\0\x04nope")
        case "boast":
            os.write(0, b"\xff\xff\xff\xff")
            time.sleep(3600)
        case "reach out":
            return {"result": {"python": reach_out_in_python(), "c": reach_out()}}, []
        case "environment":
            return {"result": {"names": sorted(os.environ)}}, []
    return {"result": {}}, []


if __name__ == "__main__":
    isolated._load = lambda: {"do": do}  # quicker to start without the normaliser
    isolated.main(json.loads(sys.argv[1]))
