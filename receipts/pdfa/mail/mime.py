"""MIME (RFC 2045 to 2049, 2183, 2231, 2387): an entity's words and what it carries."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from email import policy
from email.message import Message as Entity
from email.parser import BytesParser
from typing import Any, Final

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import media, saved
from receipts.pdfa.mail import coded, signed, texts
from receipts.pdfa.mail.message import Leaf, Message, Text

DEEPEST: Final = 30
_ENCRYPTED: Final = ("enveloped-data", "authenveloped-data")  # RFC 8551 3.2.2
_FIELDS_MOST: Final = 1000
_FIELD_MOST: Final = 16_384
_LINE: Final = re.compile(rb"^--([^\s\"][^\r\n\"]{0,199}?)[ \t]*\r?\n(?=Content-)", re.MULTILINE | re.IGNORECASE)


def read(data: bytes) -> Message:
    """The message (or bare MIME entity) in `data`; a broken one as far as it goes.

    Raises:
        Refused: ENCRYPTED, or HOSTILE for parts within parts without end.
    """
    try:
        data = saved.as_message(data)
        entity = _parsed(data)
        message = _headed(entity, data)
        message.signatures[:0] = signed.written(message.fields)
        _collect(entity, message, 0, data, is_shown=True)
    except RecursionError as error:
        raise Refused(Code.HOSTILE, f"mail with parts within parts, more than {DEEPEST} deep") from error
    return message


class _Lenient(policy.Compat32):
    """As the standard library has it, but 8-bit text in header fields is read instead of replaced.

    Of endless fields no more is read than any real one has: finding parameters takes the square of it.
    """

    def header_fetch_parse(self, name: str, value: str) -> str:
        """The field's value."""
        return texts.decoded(str(value)[:_FIELD_MOST].encode("utf-8", "surrogateescape"), "utf-8")


def _parsed(data: bytes) -> Entity:
    return BytesParser(policy=_Lenient()).parsebytes(data)


def _signatures(entity: Entity, data: bytes) -> Iterator[Mapping[str, Json]]:
    """What the signatures are worth that stand beside what they sign (RFC 1847 2.1)."""
    beside = [part for part in _walk(entity) if texts.safely(part.get_content_type, "") == "multipart/signed"]
    for part in beside[: signed.SIGNATURES_MOST]:
        payload: Any = part.get_payload()
        if not isinstance(payload, list) or len(payload) < 2:
            continue
        if "pgp" in texts.safely(payload[1].get_content_type, ""):
            yield signed.openpgp()
            continue
        encoding = str(payload[1].get("Content-Transfer-Encoding", ""))
        yield from signed.smime(coded.decoded(_written(payload[1]), encoding), _forms(part, data))


def _walk(entity: Entity) -> Iterator[Entity]:
    """An entity and the parts of it, not those of messages within."""
    waiting = deque([entity])
    while waiting:
        yield (part := waiting.popleft())
        payload: Any = part.get_payload()
        if isinstance(payload, list) and texts.safely(part.get_content_maintype, "") == "multipart":
            waiting += payload


def _headed(entity: Entity, data: bytes) -> Message:
    """A message with its header, and with what the signatures on it are worth."""
    fields = [(name, texts.field(raw)) for name, raw in entity.raw_items()][:_FIELDS_MOST]
    return Message(fields=fields, signatures=list(_signatures(entity, data)))


def _forms(part: Entity, data: bytes) -> tuple[bytes, ...]:
    """The first part of a multipart as it is in the message, and with its lines ended as they are signed."""
    line = b"--" + str(part.get_boundary()).encode("utf-8", "surrogateescape")
    pattern = rb"(?:^|\n)%s[ \t]*\r?\n(.*?)\r?\n%s" % (re.escape(line), re.escape(line))
    found = re.search(pattern, data, re.DOTALL)
    return (found.group(1), re.sub(rb"\r?\n", b"\r\n", found.group(1))) if found else ()


def _collect(part: Entity, message: Message, depth: int, data: bytes, *, is_shown: bool) -> None:
    """Sort a part into words, what is carried, and messages within."""
    if depth > DEEPEST:
        raise Refused(Code.HOSTILE, f"mail with parts within parts, more than {DEEPEST} deep")
    media_type = texts.safely(part.get_content_type, "text/plain")
    wrapping = texts.safely(lambda: str(part.get_param("smime-type")), "").lower()
    if media_type in ("multipart/encrypted", "application/pgp-encrypted") or wrapping in _ENCRYPTED:
        raise Refused(Code.ENCRYPTED, f"mail of type {media_type}")
    if media_type == "message/partial" and str(part.get_param("total")) != "1":
        raise Refused(Code.TRUNCATED, "one of the pieces of a mail that was sent in several (RFC 2046 5.2.2)")
    payload: Any = part.get_payload()
    if isinstance(payload, list):
        if media_type == "message/rfc822":
            _nest(part, payload, message, depth, data)
        elif media_type.startswith("multipart/"):
            _collect_all(part, payload, message, depth, data, is_shown=is_shown)
        else:  # message/delivery-status and its like: a note about a mail, in blocks of fields
            content = b"\n".join(bytes(block) for block in payload)
            message.leaves.append(Leaf(name=texts.name_of(part), declared=media_type, content=content))
        return
    content = _data(part)
    is_typed = "/" in str(part.get("Content-Type", "")).partition(";")[0]
    if (media_type.startswith("multipart/") or not is_typed) and (recovered := _recovered(content)):
        _collect_all(part, recovered, message, depth, data, is_shown=is_shown)
    elif _is_body(part, media_type, content):
        words, files = coded.uuencoded(content)
        message.leaves += [_file(texts.decoded(name, None), inside) for name, inside in files]
        (message.texts if is_shown else message.passed_over).append(_text(words, media_type, part, message))
    elif content or texts.name_of(part):
        message.leaves.append(_leaf(part, media_type, content))


def _nest(part: Entity, payload: list[Entity], message: Message, depth: int, data: bytes) -> None:
    """A message within; one that is in a transfer encoding, which RFC 2046 5.2.1 forbids and some write, as a leaf."""
    encoding = str(part.get("Content-Transfer-Encoding", ""))
    if coded.is_coded(encoding):
        written = texts.safely(payload[0].as_string, "").encode("utf-8", "surrogateescape")
        if (content := coded.decoded(written, encoding)) != written:
            message.leaves.append(_leaf(part, "message/rfc822", content))
            return
    for entity in payload:
        inner = _headed(entity, data)
        _collect(entity, inner, depth + 1, data, is_shown=True)
        message.nested.append(inner)


def _collect_all(
    part: Entity, children: list[Entity], message: Message, depth: int, data: bytes, *, is_shown: bool
) -> None:
    is_choice = texts.safely(part.get_content_type, "") == "multipart/alternative"
    preferred = {id(one) for one in _preferred(children)} if is_choice else set()
    for child in children:
        # A merchant's PDF may hide in the alternative that is not shown: only its words are passed over.
        is_preferred = not is_choice or id(child) in preferred
        _collect(child, message, depth + 1, data, is_shown=is_shown and is_preferred)
    epilogue = part.epilogue
    if epilogue and "\n--" in epilogue:  # a boundary that closed too early
        for child in _recovered(epilogue.encode("utf-8", "surrogateescape")):
            _collect(child, message, depth + 1, data, is_shown=is_shown)


def _preferred(alternatives: list[Entity]) -> list[Entity]:
    """Of the same content in several forms, the last that says something: HTML, else text (RFC 2046 5.1.4).

    HTML without words may be all pictures, that are not there or not to be had: it stands beside the text.
    """
    for media_type in ("text/html", "text/plain"):
        for part in reversed(alternatives):
            if _says(part, media_type):
                wordless = [one for one in alternatives if media_type != "text/html" and _has(one, "text/html")]
                return [*wordless[-1:], part]
    shown = [part for media_type in ("text/plain", "text/html") for part in alternatives if _has(part, media_type)]
    return shown[-1:] or alternatives


def _has(part: Entity, media_type: str) -> bool:
    return any(texts.safely(one.get_content_type, "") == media_type and one.get_payload() for one in part.walk())


def _says(part: Entity, media_type: str) -> bool:
    is_html = media_type == "text/html"
    return any(
        texts.has_words(texts.decoded(_data(one), texts.safely(one.get_content_charset, None)), is_html=is_html)
        for one in part.walk()
        if texts.safely(one.get_content_type, "") == media_type
    )


def _recovered(data: bytes) -> list[Entity]:
    """The parts of a multipart whose boundary is not the one that its header names, or is named nowhere."""
    for found in _LINE.finditer(data):
        header = b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n' % found.group(1)
        payload: Any = _parsed(header + data[found.start() :]).get_payload()
        return payload if isinstance(payload, list) else []
    return []


def _is_body(part: Entity, media_type: str, data: bytes) -> bool:
    if not (media_type in ("text/plain", "text/html") or media_type.startswith("multipart/")):
        return False
    if texts.safely(part.get_content_disposition, None) == "attachment" or texts.name_of(part):
        return False
    return not data.startswith(media.STARTS)


def _text(data: bytes, media_type: str, part: Entity, message: Message) -> Text:
    is_html = media_type == "text/html"
    content = texts.decoded(data, texts.safely(part.get_content_charset, None), is_html=is_html)
    if "-----BEGIN PGP SIGNED MESSAGE-----" in content:
        message.signatures.append(signed.openpgp())
    if "-----BEGIN PGP MESSAGE-----" in content:
        raise Refused(Code.ENCRYPTED, "mail with a body encrypted by PGP")
    return Text(content=content, is_html=is_html)


def _file(name: str, content: bytes) -> Leaf:
    return Leaf(
        name=texts.one_line(name), declared="application/octet-stream", content=content, disposition="attachment"
    )


def _leaf(part: Entity, media_type: str, data: bytes) -> Leaf:
    return Leaf(
        name=texts.name_of(part),
        declared=media_type,
        content=data,
        disposition=texts.safely(part.get_content_disposition, None) or "",
        content_id=texts.field(part.get("Content-ID", "")).strip("<> "),
        location=texts.field(part.get("Content-Location", "")),
    )


def _data(part: Entity) -> bytes:
    """The bytes of a part, out of their transfer encoding (RFC 2045 6)."""
    encoding = str(part.get("Content-Transfer-Encoding", ""))
    return coded.decoded(_written(part), encoding)


def _written(part: Entity) -> bytes:
    """The bytes of a part in their transfer encoding."""
    encoding = part.get("Content-Transfer-Encoding")
    del part["Content-Transfer-Encoding"]  # without it the standard library gives what is written, and doesn't guess
    written: Any = part.get_payload(decode=True)
    if encoding is not None:
        part["Content-Transfer-Encoding"] = encoding
    return written if isinstance(written, bytes) else b""


def fields(data: str) -> Iterator[tuple[str, str]]:
    """The header fields in a text that holds nothing else."""
    for name, raw in _parsed(data.encode("utf-8", "replace")).raw_items():
        yield name, texts.field(raw)
