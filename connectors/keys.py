"""Keys of stored objects: one form for every store and archive, so that none can escape its folder or prefix."""

from __future__ import annotations

import re
from typing import Final

SEGMENT: Final = re.compile(r"[A-Za-z0-9._-]{1,240}")
"""A file name has 255 bytes at most; the rest is for endings of our own."""

LENGTH: Final = 900
"""An S3 key has 1024 bytes at most; the rest is for the prefix of the installation."""


def check_key(key: str) -> str:
    """`key` itself, if it is one.

    Args:
        key: `/`-separated segments of `[A-Za-z0-9._-]` (at most 240 each, 900 in all), none of them `.` or `..`.

    Raises:
        ValueError: It is not of that form.
    """
    segments = key.split("/")
    if len(key) > LENGTH or not all(SEGMENT.fullmatch(s) and s not in {".", ".."} for s in segments):
        raise ValueError(f"not a key: {key[:LENGTH]!r}")
    return key


def below(prefix: str) -> str:
    """What all keys below `prefix` begin with: `prefix` and a slash, or nothing for all.

    Raises:
        ValueError: `prefix` is neither empty nor of a key's form.
    """
    return f"{check_key(prefix)}/" if prefix else ""
