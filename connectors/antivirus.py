"""A virus scanner is asked before anything reads a file: clamd, by its INSTREAM command (clamd(8))."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 16
_REPLY_MOST: Final = 4096


class NotScanned(Exception):
    """The scanner gave no verdict: a technical fault; the file is neither clean nor infected."""


def scan(address: str, content: bytes, *, timeout_s: float) -> str | None:
    """Ask clamd about `content`; may be repeated.

    Args:
        address: `unix:/path/of/the.sock` (or just its path), or `tcp:host:port`.
        content: The bytes of one file, as they arrived.
        timeout_s: For connecting, and for each answer, in seconds.

    Returns:
        The name of what was found, or `None` if clamd calls it clean.

    Raises:
        NotScanned: clamd can't be reached or gives no verdict, for example because its `StreamMaxLength` is smaller
            than the file.
        ValueError: The address is not of that form.
    """
    family, place = _place(address)
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(place)
            reply = _asked(connection, content)
    except OSError as error:
        raise NotScanned(f"clamd at {address}: {error}") from error
    if reply == "stream: OK":
        return None
    if reply.startswith("stream: ") and reply.endswith(" FOUND"):
        return reply.removeprefix("stream: ").removesuffix(" FOUND")
    raise NotScanned(f"clamd at {address}: {reply[:200] or 'no answer'}")


def _asked(connection: socket.socket, content: bytes) -> str:
    """Send the stream; clamd may answer and hang up before its end, when it is too long for it."""
    try:
        connection.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), _CHUNK):
            chunk = content[start : start + _CHUNK]
            connection.sendall(struct.pack(">I", len(chunk)) + chunk)
        connection.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # what it has to say is still there to be read
    reply = b""
    while b"\0" not in reply and len(reply) < _REPLY_MOST:
        piece = connection.recv(_REPLY_MOST)
        if not piece:
            break
        reply += piece
    return reply.split(b"\0")[0].decode("utf-8", "replace").strip()


def _place(address: str) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
    if address.startswith("tcp:"):
        host, _, port = address.removeprefix("tcp:").rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"not an address of clamd: {address}")
        host = host.strip("[]")
        return socket.AF_INET6 if ":" in host else socket.AF_INET, (host, int(port))
    path = address.removeprefix("unix:")
    if not Path(path).is_absolute():
        raise ValueError(f"not an address of clamd: {address}")
    return socket.AF_UNIX, path
