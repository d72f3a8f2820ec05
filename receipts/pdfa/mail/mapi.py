"""MAPI properties [MS-OXPROPS]: what Outlook keeps a message in, in a .msg file as in winmail.dat."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from compressed_rtf import decompress

from receipts.pdfa.mail import mime, rtf, texts
from receipts.pdfa.mail.message import Leaf, Message, Text

STRING: Final = 0x001E
UNICODE: Final = 0x001F
BINARY: Final = 0x0102
OBJECT: Final = 0x000D
SHORT: Final = 0x0002
LONG: Final = 0x0003
BOOLEAN: Final = 0x000B
TIME: Final = 0x0040
DATA: Final = 0x3701
NESTED_METHOD: Final = 5

Properties = Mapping[int, tuple[int, bytes]]
"""Property id -> (property type, value as it is stored, without padding)."""

_CODEPAGES: Final = MappingProxyType(
    {
        1200: "utf-16-le", 65001: "utf-8", 20127: "us-ascii", 20866: "koi8-r", 21866: "koi8-u", 936: "gb18030",
        54936: "gb18030", 50220: "iso-2022-jp", 51932: "euc-jp", 51949: "cp949", 10000: "mac-roman",
    }
)  # fmt: skip
_HEADERS: Final = 0x007D
_INTERNET_CODEPAGE: Final = 0x3FDE
_MESSAGE_CODEPAGE: Final = 0x3FFD
_HTML: Final = 0x1013
_BODY: Final = 0x1000
_RTF: Final = 0x1009
_SENT: Final = 0x0039
_SENDER_NAME: Final = 0x0C1A
_SENDER_SMTP: Final = 0x5D01
_SENDER: Final = 0x0C1F
_FIELDS: Final = (("To", 0x0E04), ("Cc", 0x0E03), ("Subject", 0x0037))
_LONG_NAME: Final = 0x3707
_SHORT_NAME: Final = 0x3704
_DISPLAY_NAME: Final = 0x3001
_MIME: Final = 0x370E
_CONTENT_ID: Final = 0x3712
_LOCATION: Final = 0x3713
_FLAGS: Final = 0x3714
_HIDDEN: Final = 0x7FFE
_IN_BODY: Final = 4


def text(properties: Properties, *names: int, codepage: int = 0) -> str:
    """The first of the properties that is there, as text; empty if none is."""
    for name in names:
        kind, value = properties.get(name, (0, b""))
        charset = "utf-16-le" if kind == UNICODE else _charset(properties, codepage)
        if kind in (STRING, UNICODE) and (found := texts.decoded(value, charset).rstrip("\0")):
            return found
    return ""


def binary(properties: Properties, name: int) -> bytes:
    """A property's bytes; none if it is not there."""
    kind, value = properties.get(name, (0, b""))
    return value if kind in (BINARY, OBJECT) else b""


def number(properties: Properties, name: int) -> int:
    """A property's whole number; 0 if it is not there."""
    kind, value = properties.get(name, (0, b""))
    width = {SHORT: 2, BOOLEAN: 2, LONG: 4}.get(kind, 0)
    return int.from_bytes(value[:width], "little")


def message(properties: Properties, *, codepage: int = 0) -> Message:
    """The header and the words that a message's properties hold; what it carries is elsewhere."""
    found = Message(fields=list(mime.fields(text(properties, _HEADERS, codepage=codepage))))
    if not any(name.lower() == "from" for name, _ in found.fields):
        found.fields = _fields(properties, codepage)
    if words := _words(properties, codepage):
        found.texts.append(words)
    return found


def leaf(properties: Properties, content: bytes, *, codepage: int = 0) -> Leaf:
    """What is attached with these properties."""
    is_placed = number(properties, _FLAGS) & _IN_BODY or number(properties, _HIDDEN)
    name = text(properties, _LONG_NAME, _SHORT_NAME, _DISPLAY_NAME, codepage=codepage)
    return Leaf(
        name=texts.one_line(name),
        declared=text(properties, _MIME, codepage=codepage).lower() or "application/octet-stream",
        content=content,
        disposition="inline" if is_placed else "attachment",
        content_id=text(properties, _CONTENT_ID, codepage=codepage).strip("<> "),
        location=text(properties, _LOCATION, codepage=codepage),
    )


def _charset(properties: Properties, codepage: int) -> str:
    known = number(properties, _INTERNET_CODEPAGE) or number(properties, _MESSAGE_CODEPAGE) or codepage
    if 28591 <= known <= 28606:
        return f"iso-8859-{known - 28590}"
    return _CODEPAGES.get(known, f"cp{known or 1252}")


def _fields(properties: Properties, codepage: int) -> list[tuple[str, str]]:
    name = text(properties, _SENDER_NAME, codepage=codepage)
    address = text(properties, _SENDER_SMTP, _SENDER, codepage=codepage)
    sender = f"{name} <{address}>" if name and address and name != address else name or address
    fields = [("From", sender), *((field, text(properties, known, codepage=codepage)) for field, known in _FIELDS)]
    kind, value = properties.get(_SENT, (0, b""))
    if kind == TIME and len(value) >= 8:
        with suppress(OverflowError):
            ticks = int.from_bytes(value[:8], "little")  # of 100 ns since 1601 [MS-DTYP 2.3.3]
            sent = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
            fields.append(("Date", sent.strftime("%a, %d %b %Y %H:%M:%S +0000")))
    return [(field, texts.one_line(found)) for field, found in fields if found]


def _words(properties: Properties, codepage: int) -> Text | None:
    kind, value = properties.get(_HTML, (0, b""))
    if value:
        charset = "utf-16-le" if kind == UNICODE else _charset(properties, codepage)
        return Text(content=texts.decoded(value, charset, is_html=True), is_html=True)
    plain, rich = text(properties, _BODY, codepage=codepage), _rich(binary(properties, _RTF))
    if rich and rich.has_words and not (plain and rich.was_plain):
        return rich
    return Text(content=plain, is_html=False) if plain else None


def _rich(packed: bytes) -> Text | None:
    """What compressed RTF [MS-OXRTFCP] says."""
    try:
        content = decompress(packed) if packed else b""
        return Text(content=rtf.as_html(content), is_html=True, was_plain=rtf.is_plain(content))
    except Exception:  # a small package, with faults of many kinds; the message itself keeps the words
        return None
