"""Messages as programs save them, brought to what RFC 5322 describes: for reading, what is kept is what arrived."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

_HEAD: Final = 262_144  # what of a file is looked at to tell whether it is a message
_BLOCKS_MOST: Final = 60
_FIRST_LINES: Final = 8192  # enough of a header
_LOOKED_AT: Final = 5000  # lines that may begin a further message
_BLANKS: Final = b" \t\r\n"
_ENVELOPE: Final = re.compile(rb">?From (?![ \t]*:)[^\r\n]*(?:\r\n|\r|\n)")  # RFC 4155: what a mail file may start with
_FURTHER: Final = re.compile(rb"(?<=[\r\n])From (?![ \t]*:)[^\r\n]*(?:\r\n|\r|\n)")
_COUNT: Final = re.compile(rb"[ \t]*(\d{1,10})[ \t]*\r?\n")  # Apple Mail's .emlx: how long the message is
_PLIST: Final = (b"<?xml", b"<!DOCTYPE plist", b"<plist", b"bplist00")
_LINE: Final = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FIELD: Final = re.compile(rb"([!-9;-~]{1,76})[ \t]*:")  # RFC 5322 2.2; blanks before the colon: 4.5.8
_MULTIPART: Final = re.compile(rb"^content-type:\s*multipart/", re.IGNORECASE | re.MULTILINE)
_BOUNDARY: Final = re.compile(rb"boundary\s*=\s*\"?([^\"\r\n;]{1,200})", re.IGNORECASE)
_ORIGIN: Final = frozenset({b"from", b"sender", b"return-path", b"received", b"delivered-to", b"x-sender"})
_ENTITY: Final = frozenset({b"content-type", b"content-transfer-encoding", b"content-disposition"})
_KNOWN: Final = _ORIGIN | _ENTITY | {b"to", b"cc", b"date", b"subject", b"message-id", b"mime-version", b"x-mailer"}


def as_message(data: bytes) -> bytes:
    """The message in a file: without mark, mbox or Apple envelope, in lines, with a header of fields alone."""
    data = _in_bytes(data)
    if (count := _COUNT.match(data)) and _is_emlx(data, end := count.end() + int(count.group(1))):
        data = data[count.end() : end]
    data = data.lstrip(_BLANKS)
    while envelope := _ENVELOPE.match(data):
        data = data[envelope.end() :].lstrip(_BLANKS)
    start = data[:_FIRST_LINES]
    if b"\r\r\n" in start:
        data = data.replace(b"\r\r\n", b"\r\n")
    elif b"\r" in start and b"\n" not in start:
        data = data.replace(b"\r", b"\n")
    header, at = _header(data)
    return header + data[at:]


def is_message(data: bytes) -> bool:
    """Whether a file is a message: with a field that names an origin and more that are known, or a MIME entity."""
    read = as_message(data[:_HEAD])
    header, at = _header(read)
    names = _names(header)
    is_entity = {b"mime-version", b"content-type"} <= names  # RFC 2045 4: saved without the header of its message
    is_entity |= b"content-type" in names and len(names & _ENTITY) > 1
    is_entity |= bool(_MULTIPART.search(header)) and b"\n--" in read
    ended = at == len(read) or read[:at].endswith((b"\n\n", b"\n\r\n"))
    return is_entity or (bool(names & _ORIGIN) and len(names & _KNOWN) >= (2 if ended else 3))


def is_mailbox(data: bytes) -> bool:
    """Whether a file in mbox form (RFC 4155) holds a second message; also one whose first line was lost."""
    first = _ENVELOPE.match(data)
    start = first.end() if first else _closed(data)
    for found, _ in zip(_FURTHER.finditer(data, start), range(_LOOKED_AT), strict=False):
        if is_message(data[found.end() : found.end() + _FIRST_LINES]):
            return True
    return False


def _closed(data: bytes) -> int:
    """Where the parts of a message have come to their end; the end of `data` if it has none, or they don't."""
    header, _ = _header(data[:_HEAD])
    boundary = _BOUNDARY.search(header) if _MULTIPART.search(header) else None
    at = data.find(b"--" + boundary.group(1) + b"--") if boundary else -1
    return at if at >= 0 else len(data)


def _in_bytes(data: bytes) -> bytes:
    """Without a byte order mark, and out of UTF-16."""
    zeros = bytes(not byte for byte in data[:8])
    coded = {b"\0\1" * 4: "utf-16-le", b"\1\0" * 4: "utf-16-be"}.get(zeros)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        coded = "utf-16"
    if coded:
        return data[: len(data) & ~1].decode(coded, "replace").encode("utf-8")
    return data.removeprefix(codecs.BOM_UTF8)


def _is_emlx(data: bytes, end: int) -> bool:
    rest = data[end:].lstrip(_BLANKS)
    return not rest or rest.startswith(_PLIST)


def _header(data: bytes) -> tuple[bytes, int]:
    """The header, in one piece and of fields alone, and where in `data` it ends.

    Fields after a blank line belong to it if those before it name no origin, as where a program put lines of its own on
    top; and if every field so far had a blank line of its own.
    """
    header, at = _block(data, 0)
    is_spaced = len(_names(header)) == 1
    for _ in range(_BLOCKS_MOST):
        names = _names(header)
        more, end = _block(data, at)
        added = _names(more)
        is_spaced &= len(added) == 1
        is_first = not names & _ORIGIN and not names & _ENTITY and bool(added & _ORIGIN)
        if not names or not ((is_spaced and added & _KNOWN) or is_first):
            break
        header, at = header.rstrip(b"\r\n") + b"\r\n" + more, end
    return header, at


def _block(data: bytes, at: int) -> tuple[bytes, int]:
    """Lines up to and with the next blank one, mended, and the place after them."""
    out: list[bytes] = []
    while at < len(data) and (line := _LINE.match(data, at)):
        text, after = line.group(), line.end()
        following = _LINE.match(data, after)
        goes_on = bool(following and (_FIELD.match(following.group()) or following.group()[:1] in (b" ", b"\t")))
        if not text.strip(_BLANKS):
            if text.strip(b"\r\n") and goes_on and following and following.group().strip(_BLANKS):
                at = after  # blanks alone within a field (RFC 5322 4.2)
                continue
            return b"".join([*out, b"\r\n"]), after
        if field := _FIELD.match(text):
            out.append(field.group(1) + text[field.end() - 1 :])
        elif text[:1] in (b" ", b"\t"):
            out.append(text)
        elif out and not text.startswith(b"--") and _known_follows(data, after):
            out.append(b" " + text)  # a line that should have been folded
        else:
            return b"".join([*out, b"\r\n"]) if out else b"", at
        at = after
    return b"".join(out), at


def _known_follows(data: bytes, at: int) -> bool:
    """Whether a known field comes before the next blank line."""
    for line in _lines(data[at : at + 8192]):
        if not line.strip(_BLANKS):
            return False
        if (field := _FIELD.match(line)) and field.group(1).lower() in _KNOWN:
            return True
    return False


def _names(header: bytes) -> set[bytes]:
    return {found.group(1).lower() for line in _lines(header) if (found := _FIELD.match(line))}


def _lines(data: bytes) -> Iterator[bytes]:
    for found in _LINE.finditer(data):
        if found.group():
            yield found.group()
