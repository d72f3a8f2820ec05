"""How a process that reads strangers' files is spoken to: a length, JSON, then bytes. Never pickle: it would run."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

HEADER_MOST: Final = 4 * 1024 * 1024
_LENGTH: Final = struct.Struct(">I")

Read = Callable[[int], bytes]


class TooMuch(Exception):
    """The other side announces more than is taken."""


def packed(header: dict[str, Any], blobs: Sequence[bytes] = ()) -> list[bytes]:
    """A message, in pieces to be sent one after another."""
    text = json.dumps({**header, "sizes": [len(blob) for blob in blobs]}).encode()
    return [_LENGTH.pack(len(text)) + text, *blobs]


def read(receive: Read, *, most: int) -> tuple[dict[str, Any], list[bytes]]:
    """The next message.

    Args:
        receive: Gives exactly so many bytes, or raises EOFError.
        most: How many bytes may follow the header.

    Raises:
        EOFError: The other side is gone.
        TooMuch: It announces more than that.
        ValueError: It does not keep to the form.
    """
    (length,) = _LENGTH.unpack(receive(_LENGTH.size))
    if length > HEADER_MOST:
        raise TooMuch(f"a header of {length} bytes, at most {HEADER_MOST} are taken")
    header = json.loads(receive(length))
    sizes = header.pop("sizes", None) if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ValueError("not a message")
    if sum(sizes) > most:
        raise TooMuch(f"{sum(sizes)} bytes, at most {most} are taken")
    return header, [receive(size) for size in sizes]
