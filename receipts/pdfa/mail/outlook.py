"""Outlook's .msg files [MS-OXMSG]: properties and attachments in an OLE2 compound file."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from io import BytesIO
from typing import Final

import olefile

from receipts.errors import Code, Refused
from receipts.pdfa.mail import mapi
from receipts.pdfa.mail.message import Message

_PROPERTIES: Final = "__properties_version1.0"
_STREAM: Final = "__substg1.0_"
_ATTACHMENT: Final = "__attach_version1.0_#"
_TOP_HEAD: Final = 32  # [MS-OXMSG 2.4.1]
_NESTED_HEAD: Final = 24
_ATTACHMENT_HEAD: Final = 8
_METHOD: Final = 0x3705
_DEEPEST: Final = 10

_Path = tuple[str, ...]


def read(content: bytes) -> Message:
    """The message in a .msg file.

    Raises:
        Refused: DAMAGED, TRUNCATED, or HOSTILE for messages in messages without end.
    """
    try:
        with olefile.OleFileIO(BytesIO(content)) as opened:
            return _File(opened, len(content)).message((), _TOP_HEAD)
    except Refused:
        raise
    except Exception as error:  # olefile raises faults of every kind on damaged files
        raise Refused(Code.DAMAGED, f"Outlook message: {type(error).__name__}: {error}"[:200]) from error


class _File:
    def __init__(self, opened: olefile.OleFileIO, size_bytes: int) -> None:
        self.opened, self.size_bytes = opened, size_bytes
        self.children: dict[_Path, list[str]] = {}
        for path in opened.listdir(streams=True, storages=True):
            self.children.setdefault(tuple(path[:-1]), []).append(path[-1])

    def message(self, at: _Path, head: int) -> Message:
        """The message in a storage."""
        if len(at) > 2 * _DEEPEST:
            raise Refused(Code.HOSTILE, f"Outlook message in message, more than {_DEEPEST} deep")
        message = mapi.message(self.properties(at, head))
        for name in sorted(name for name in self.children.get(at, []) if name.startswith(_ATTACHMENT)):
            self._attach(message, (*at, name))
        return message

    def _attach(self, message: Message, at: _Path) -> None:
        properties = self.properties(at, _ATTACHMENT_HEAD)
        nested = (*at, f"{_STREAM}{mapi.DATA:04X}{mapi.OBJECT:04X}")
        if _PROPERTIES in self.children.get(nested, []):
            message.nested.append(self.message(nested, _NESTED_HEAD))
        else:
            message.leaves.append(mapi.leaf(properties, mapi.binary(properties, mapi.DATA)))

    def properties(self, at: _Path, head: int) -> Mapping[int, tuple[int, bytes]]:
        """The properties of a storage: those of fixed length in one stream, the others in one each."""
        found: dict[int, tuple[int, bytes]] = {}
        names = self.children.get(at, [])
        if _PROPERTIES in names:
            fixed = self._stream((*at, _PROPERTIES))
            for place in range(head, len(fixed) - 15, 16):
                kind, name, value = struct.unpack_from("<HH4x8s", fixed, place)
                found[name] = (kind, value)
        for stream in names:
            code = stream.removeprefix(_STREAM)
            if len(code) == 8 and code != stream and self.opened.get_type([*at, stream]) == olefile.STGTY_STREAM:
                found[int(code[:4], 16)] = (int(code[4:], 16), self._stream((*at, stream)))
        return found

    def _stream(self, path: _Path) -> bytes:
        if self.opened.get_size(list(path)) > self.size_bytes:
            raise Refused(Code.HOSTILE, "Outlook message with a stream longer than the file")
        found = bytes(self.opened.openstream(list(path)).read())
        if len(found) != self.opened.get_size(list(path)):
            raise Refused(Code.TRUNCATED, "Outlook message that lacks a part of what it says to hold")
        return found
