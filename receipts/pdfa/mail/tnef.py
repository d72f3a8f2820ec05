"""winmail.dat (TNEF) [MS-OXTNEF]: read to the last byte of what is attached, which packages for it trim."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from receipts.errors import Code, Refused
from receipts.pdfa.mail import mapi
from receipts.pdfa.mail.message import Message, Text

_HEAD: Final = 6
_LEVELS: Final = (1, 2)  # of the message, of an attachment
_RENDER_DATA: Final = 0x9002
_ATTACH_DATA: Final = 0x800F
_TITLE: Final = 0x8010
_ATTACHMENT: Final = 0x9005
_PROPERTIES: Final = 0x9003
_OEM_CODEPAGE: Final = 0x9007
_BODY: Final = 0x800C
_SUBJECT: Final = 0x8004
_IMESSAGE: Final = bytes.fromhex("0703020000000000c000000000000046")
_FIXED: Final = {0x2: 2, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 2, 0x14: 8, 0x40: 8, 0x48: 16}
_VARIABLE: Final = frozenset({0xD, 0x1E, 0x1F, 0x102})
_SEVERAL: Final = 0x1000
_NAMED: Final = 0x8000
_SHORT_NAME: Final = 0x3704
_PROPERTIES_MOST: Final = 20_000
_DEEPEST: Final = 10


@dataclass
class _Attached:
    title: bytes = b""
    data: bytes = b""
    properties: dict[int, tuple[int, bytes]] = field(default_factory=dict)


def read(content: bytes, depth: int = 0) -> Message:
    """The message in a TNEF stream.

    Raises:
        Refused: TRUNCATED, DAMAGED, or HOSTILE for messages in messages without end.
    """
    if depth > _DEEPEST:
        raise Refused(Code.HOSTILE, f"TNEF in TNEF, more than {_DEEPEST} deep")
    codepage, body, subject = 1252, b"", b""
    properties: dict[int, tuple[int, bytes]] = {}
    attached: list[_Attached] = []
    for name, value in _attributes(content):
        if name == _OEM_CODEPAGE:
            codepage = int.from_bytes(value[:4], "little")
        elif name == _PROPERTIES:
            properties |= _properties(value)
        elif name == _BODY:
            body = value
        elif name == _SUBJECT:
            subject = value
        elif name == _RENDER_DATA or (name in (_ATTACH_DATA, _TITLE, _ATTACHMENT) and not attached):
            attached.append(_Attached())
        if name == _ATTACH_DATA:
            attached[-1].data = value
        elif name == _TITLE:
            attached[-1].title = value
        elif name == _ATTACHMENT:
            attached[-1].properties |= _properties(value)
    properties.setdefault(0x0037, (mapi.STRING, subject))
    message = mapi.message(properties, codepage=codepage)
    if not message.texts and body.strip(b"\0"):
        words = mapi.text({0x1000: (mapi.STRING, body)}, 0x1000, codepage=codepage)
        message.texts.append(Text(content=words, is_html=False))
    for one in attached:
        _attach(message, one, codepage, depth)
    return message


def _attach(message: Message, one: _Attached, codepage: int, depth: int) -> None:
    carried = mapi.binary(one.properties, mapi.DATA)
    if carried.startswith(_IMESSAGE):
        message.nested.append(read(carried[len(_IMESSAGE) :], depth + 1))
        return
    known = {_SHORT_NAME: (mapi.STRING, one.title), **one.properties}
    message.leaves.append(mapi.leaf(known, one.data or carried, codepage=codepage))


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(attribute, value), in order [MS-OXTNEF 2.1.3.2]."""
    at = _HEAD
    while at + 9 <= len(content) and content[at] in _LEVELS:
        name, size = struct.unpack_from("<H2xI", content, at + 1)
        if at + 9 + size > len(content):
            raise Refused(Code.TRUNCATED, "winmail.dat without its end")
        yield name, content[at + 9 : at + 9 + size]
        at += 9 + size + 2
    if content[at:].strip(b"\0\r\n\t "):
        raise Refused(Code.DAMAGED, "winmail.dat with something unreadable in it")  # more may have been attached


def _properties(value: bytes) -> dict[int, tuple[int, bytes]]:
    """Property list [MS-OXTNEF 2.1.3.4]; where it breaks off, what came before."""
    found: dict[int, tuple[int, bytes]] = {}
    try:
        (count,) = struct.unpack_from("<I", value)
        at = 4
        for _ in range(min(count, _PROPERTIES_MOST)):
            kind, name = struct.unpack_from("<HH", value, at)
            at += 4
            if name >= _NAMED:
                (by_name,) = struct.unpack_from("<16xI", value, at)
                (size,) = struct.unpack_from("<I", value, at + 20) if by_name else (0,)
                at += 24 + _padded(size)
            values, at = _values(value, at, kind)
            if name < _NAMED and len(values) == 1:
                found[name] = (kind, values[0])
    except struct.error:
        pass
    return found


def _values(value: bytes, at: int, kind: int) -> tuple[list[bytes], int]:
    """The values at that place and the place after them.

    Raises:
        struct.error: It breaks off, or no one can tell how long it is.
    """
    base, is_variable = kind & ~_SEVERAL, kind & ~_SEVERAL in _VARIABLE
    count = 1
    if kind & _SEVERAL or is_variable:
        (count,) = struct.unpack_from("<I", value, at)
        at += 4
    if count > _PROPERTIES_MOST or not (is_variable or base in _FIXED):
        raise struct.error("unknown type or too many values")
    values = []
    for _ in range(count):
        size = _FIXED.get(base, 0)
        if is_variable:
            (size,) = struct.unpack_from("<I", value, at)
            at += 4
        if at + size > len(value):
            raise struct.error("breaks off")
        values.append(value[at : at + size])
        at += _padded(size) if is_variable or not kind & _SEVERAL else size
    return values, at if is_variable else _padded(at)


def _padded(size: int) -> int:
    return size + -size % 4
