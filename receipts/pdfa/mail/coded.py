"""Transfer encodings (RFC 2045 6) as mail programs really write them, and files that stand uuencoded within a text."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

_OUTSIDE: Final = re.compile(rb"[^A-Za-z0-9+/=\s]")
_BETWEEN_WORDS: Final = re.compile(rb"[^\s=][ \t]+(?=\S)")
_NOT_CODED: Final = 0.03  # of a text that is not in base64, though it says so, more than this are blanks or signs
_BEGIN: Final = re.compile(rb"^begin(-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)
_END: Final = re.compile(rb"^(?:end|={4})[ \t]*\r?$", re.MULTILINE)


def decoded(data: bytes, encoding: str) -> bytes:
    """The bytes that `data` stands for; `data` itself where the encoding is none, is unknown, or evidently a lie.

    Args:
        data: A part's body as it is in the message.
        encoding: What the part's header says.
    """
    decode = _DECODERS.get(_name(encoding))
    return decode(data) if decode else data


def is_coded(encoding: str) -> bool:
    """Whether that is an encoding which changes bytes."""
    return _name(encoding) in _DECODERS


def _name(encoding: str) -> str:
    return encoding.partition(";")[0].partition("(")[0].strip().strip("\"'").lower()


def uuencoded(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """A text without the files that stand uuencoded in it (POSIX), and these: (name, content)."""
    text, files, at = [], [], 0
    while (begin := _BEGIN.search(data, at)) and (end := _END.search(data, begin.end())):
        coded = data[begin.end() : end.start()]
        content = _base64(coded) if begin.group(1) else _uu_lines(coded)
        text.append(data[at : begin.start() if content is not None else end.end()])
        if content is not None:
            files.append((begin.group(2).strip(), content))
        at = end.end()
    return b"".join([*text, data[at:]]), files


def _base64(data: bytes) -> bytes:
    """Also where pieces follow each other, each padded, and where a footer stands below."""
    if _strange(data) > _NOT_CODED * len(data):
        return data
    first, *more = [piece for piece in data.split(b"=") if piece.strip()] or [b""]
    content = [_piece(first)]
    for piece in more:
        if _strange(piece):
            break
        content.append(_piece(piece))
    return b"".join(content)


def _strange(data: bytes) -> int:
    """How much is in it that no base64 has."""
    return len(_OUTSIDE.findall(data)) + len(_BETWEEN_WORDS.findall(data))


def _piece(data: bytes) -> bytes:
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    if len(letters) % 4 == 1:  # six bits say nothing: cut off, or a letter too many
        letters = letters[:-1]
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))


def _uu(data: bytes) -> bytes:
    _, files = uuencoded(data)
    content = files[0][1] if files else _uu_lines(data)
    return data if content is None else content


def _uu_lines(data: bytes) -> bytes | None:
    """`None` if it is something else."""
    out = []
    for line in data.splitlines():
        if not line.strip():
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            size = (line[0] - 32) & 63  # some programs write more than they count
            try:
                out.append(binascii.a2b_uu(line[: 1 + 4 * -(-size // 3)]))
            except binascii.Error:
                return None
    return b"".join(out)


_DECODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "base64": _base64, "b": _base64, "base-64": _base64,
        "quoted-printable": quopri.decodestring, "q": quopri.decodestring, "quoted_printable": quopri.decodestring,
        "x-uuencode": _uu, "uuencode": _uu, "x-uue": _uu, "uue": _uu,
    }
)  # fmt: skip
