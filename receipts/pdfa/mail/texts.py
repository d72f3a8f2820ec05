"""Text as mail programs really write it: charsets that lie, header fields that are broken, names in every coding."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as Entity
from types import MappingProxyType
from typing import Final, TypeVar
from urllib.parse import unquote

BROKEN: Final = (ValueError, LookupError, TypeError, AttributeError, AssertionError, MessageError)
"""What the standard library raises on headers that no standard allows."""

_T = TypeVar("_T")
_NAME_MOST: Final = 255
_FIELD_MOST: Final = 65_536
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ALIASES: Final = MappingProxyType(
    {
        # WHATWG Encoding Standard 4.2: what is called Latin-1 or ASCII is windows-1252 in the wild.
        "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
        "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
        "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932", "iso-8859-8-i": "iso-8859-8",
        "iso-8859-9": "cp1254", "tis-620": "cp874", "x-mac-roman": "mac-roman", "macintosh": "mac-roman",
        "unicode-1-1-utf-8": "utf-8", "utf8mb4": "utf-8", "cp-850": "cp850", "ansi": "cp1252",
    }
)  # fmt: skip
_BROKEN_MOST: Final = 0.02  # of the characters of a text: cut off or garbled somewhere, and in that charset still
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})
_META: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_META_WITHIN: Final = 1024  # HTML Living Standard 13.2.3.2
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HALF: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_CID: Final = re.compile(r"cid:([^\s\"'()<>\]]{1,500})", re.IGNORECASE)
_UNSEEN: Final = ("style", "script", "head", "title", "!--")


def decoded(data: bytes, charset: str | None, *, is_html: bool = False) -> str:
    """Text in the charset that it names, or in the one that it evidently is in; always something.

    Args:
        data: The bytes.
        charset: As declared, if at all.
        is_html: Whether a `<meta>` in it may name the charset.
    """
    named = [name for mark, name in _BOMS if data.startswith(mark)]
    named += [charset] if charset else []
    named += [found.group(1).decode() for found in _META.finditer(data[:_META_WITHIN])] if is_html else []
    for name in (*named[:3], "utf-8"):
        with suppress(*BROKEN):
            return _plain(data.decode(_codec(name, data)))
    for name in (*named[:3], "utf-8"):
        with suppress(*BROKEN):
            found = data.decode(_codec(name, data), "replace")
            if found.count("\ufffd") <= len(found) * _BROKEN_MOST:
                return _plain(found)
    return _plain(data.decode("cp1252", "replace"))


def _codec(name: str, data: bytes) -> str:
    known = name.strip().strip("\"'").lower()
    if known in _NO_CHARSETS:
        raise LookupError(known)
    if _ALIASES.get(known) == "cp1252":
        with suppress(UnicodeDecodeError):
            data.decode("utf-8")  # text of other words is hardly ever valid UTF-8 by chance
            return "utf-8"
    return _ALIASES.get(known, known)


def _plain(text: str) -> str:
    """Without NUL, and without halves of characters that no file can hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def field(raw: object) -> str:
    """A header field's text on one line (RFC 2047; raw 8-bit text as UTF-8 or windows-1252), or the start of it."""
    start = _HALF.sub("\ufffd", str(raw)[:_FIELD_MOST])  # from UTF-7, say; what stands for raw bytes is no such half
    written = decoded(start.encode("utf-8", "surrogateescape"), "utf-8")
    with suppress(*BROKEN):  # else as it was written
        written = str(make_header(decode_header(written)))
    return one_line(written)


def one_line(text: str) -> str:
    """On one line, without what would hide or turn around a part of it."""
    return " ".join(_CONTROL.sub("\ufffd", _plain(text)).split())


def name_of(part: Entity) -> str:
    """The file name of a part (RFC 2183, 2231, and 2047 where no standard allows it); empty if it has none."""
    found = safely(part.get_filename, None)
    return "" if found is None else field(found)[:_NAME_MOST]


def safely(ask: Callable[[], _T], default: _T) -> _T:
    """What `ask` answers, or `default` where the header is too broken for the standard library."""
    with suppress(*BROKEN):
        return ask()
    return default


def references(html: str) -> Iterator[str]:
    """Every content id that a text refers to (RFC 2392)."""
    for found in _CID.finditer(html):
        yield unquote(found.group(1))


def has_words(text: str, *, is_html: bool) -> bool:
    """Whether a text says anything to a reader."""
    if not is_html:
        return bool(text.strip())
    first, *pieces = text.split("<")
    if first.strip():
        return True
    seen = (piece.partition(">")[2] for piece in pieces if not piece.lower().startswith(_UNSEEN))
    return any(one.replace("&nbsp;", "").replace("\u200b", "").strip() for one in seen)
