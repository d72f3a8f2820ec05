"""Mail (RFC 5322): the message is carried whole, byte for byte; its header and body are shown."""

from __future__ import annotations

import html
from contextlib import suppress
from dataclasses import dataclass, field
from email import policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from io import BytesIO
from typing import Any, Final

import pikepdf
import pypdfium2

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import render, typeset
from receipts.pdfa.model import Shown
from receipts.policy import Limits

SHOWN_FIELDS: Final = ("From", "Sender", "To", "Cc", "Date", "Subject")
_DEEPEST: Final = 30
_REPEATED_MOST: Final = 5
_NAMED_MOST: Final = 50
_LONGEST: Final = 500
_HEADER_STYLE: Final = "font: 9pt sans-serif; border-bottom: 1pt solid #888888; padding-bottom: 6pt"


@dataclass
class Content:
    """What a message is made of."""

    body: list[str] = field(default_factory=list)
    inline: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    attached: list[tuple[str, str, int]] = field(default_factory=list)
    has_html: bool = False


def show(original: bytes, limits: Limits) -> Shown:
    """The header, the list of what is attached and the body.

    Raises:
        Refused: NO_CONTENT, ENCRYPTED, TOO_MANY_PAGES, HOSTILE or DAMAGED.
    """
    try:
        message = BytesParser(policy=policy.compat32).parsebytes(original)
    except RecursionError as error:
        raise Refused(Code.HOSTILE, "mail with parts within parts without end") from error
    content = Content()
    _collect(message, content, 0)
    pages = typeset.pages(_header(message, content), "\n".join(content.body), content.inline, limits)
    if pages.is_blank and not content.attached:
        raise Refused(Code.NO_CONTENT, "mail with an empty body and nothing attached")
    fidelity: dict[str, Json] = {
        "claim": "original-attached",
        "shown": "header and body of the message, set anew",
        "body": "html" if content.has_html else "text",
        "attachments": len(content.attached),
        "outside_content_blocked": pages.blocked,
        "characters_without_glyph": pages.without_glyph,
        "tables_as_blocks": pages.tables_as_blocks,
        "rendered_by": typeset.RENDERER,
    }
    if typeset.is_certain(pages.pdf):
        return Shown(pdf=pages.pdf, route="mail-body", fidelity=fidelity)
    fidelity |= {"shown": "header and body of the message, set anew, stored as pictures without loss"}
    pictures, copy = pikepdf.new(), BytesIO()
    pages.pdf.save(copy)
    document = pypdfium2.PdfDocument(copy.getvalue())
    dpi = render.add_pages(pictures, document, limits)
    document.close()
    fidelity |= {"dpi": dpi, "pictures_by": render.RENDERER}
    return Shown(pdf=pictures, route="mail-body-rendered", fidelity=fidelity)


def _collect(part: Message, content: Content, depth: int) -> None:
    """Sort the parts of a message into shown text, inline pictures and attachments (RFC 2045, 2046, 2183, 2387)."""
    media_type = part.get_content_type()
    if media_type == "multipart/encrypted" or part.get_param("smime-type") == "enveloped-data":
        raise Refused(Code.ENCRYPTED, f"mail of type {media_type}")
    payload: Any = part.get_payload()
    if isinstance(payload, list) and media_type.startswith("multipart/"):
        if depth > _DEEPEST:
            raise Refused(Code.HOSTILE, f"mail with parts within parts, more than {_DEEPEST} deep")
        for child in _preferred(payload) if media_type == "multipart/alternative" else payload:
            _collect(child, content, depth + 1)
        return
    data = part.get_payload(decode=True) if not isinstance(payload, list) else b"".join(map(bytes, payload))
    data = data if isinstance(data, bytes) else b""
    is_attachment = part.get_content_disposition() == "attachment" or _filename(part) is not None
    if media_type in ("text/plain", "text/html") and not is_attachment:
        written = _decoded(data, part.get_content_charset())
        content.has_html |= media_type == "text/html"
        content.body.append(written if media_type == "text/html" else typeset.text(written))
        return
    identity = part.get("Content-ID")
    if identity and media_type.startswith("image/"):
        content.inline[str(identity).strip().strip("<>")] = (media_type, data)
    if data or is_attachment:
        content.attached.append((_filename(part) or "without a name", media_type, len(data)))


def _preferred(alternatives: list[Message]) -> list[Message]:
    """Of the same content in several forms, the last that can be shown: HTML, else text, else all (RFC 2046 5.1.4)."""

    def has(part: Message, media_type: str) -> bool:
        return any(one.get_content_type() == media_type and one.get_payload() for one in part.walk())

    for media_type in ("text/html", "text/plain"):
        for part in reversed(alternatives):
            if has(part, media_type):
                others = [
                    other for other in alternatives if not other.get_content_type().startswith(("text/", "multipart/"))
                ]
                return [part, *(other for other in others if other is not part)]
    return alternatives


def _decoded(data: bytes, charset: str | None) -> str:
    """Text in the charset it names, or in the one that it evidently is in."""
    for name in (charset, "utf-8"):
        try:
            return data.decode(name or "utf-8").replace("\0", "")
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    return data.decode("cp1252", "replace").replace("\0", "")


def _header(message: Message, content: Content) -> str:
    rows = [(name, value) for name in SHOWN_FIELDS for value in _field(message, name)[:_REPEATED_MOST]]
    named = content.attached[:_NAMED_MOST]
    rows += [("Attached", f"{_cut(name)} ({_cut(media_type)}, {size} bytes)") for name, media_type, size in named]
    if len(named) < len(content.attached):
        rows.append(("Attached", f"and {len(content.attached) - len(named)} more"))
    cells = "".join(
        f'<tr><td style="color: #555555; vertical-align: top; padding-right: 8pt">{name}</td>'
        f'<td style="overflow-wrap: anywhere">{html.escape(_cut(value))}</td></tr>'
        for name, value in rows
    )
    return f'<div style="{_HEADER_STYLE}"><table style="font: 9pt sans-serif">{cells}</table></div>'


def _cut(value: str) -> str:
    """As much of it as a header needs: all of it is in the attached message."""
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"


def _field(message: Message, name: str) -> list[str]:
    """Every occurrence of a field, readable (RFC 2047; raw 8-bit text as UTF-8 or Latin-1)."""
    values = []
    for key, raw in message.raw_items():
        if key.lower() == name.lower():
            written = _decoded(str(raw).encode("utf-8", "surrogateescape"), "utf-8")
            with suppress(MessageError, LookupError, UnicodeDecodeError, ValueError):  # else as it was written
                written = str(make_header(decode_header(written)))
            values.append(" ".join(written.replace("\0", " ").split()))
    return values


def _filename(part: Message) -> str | None:
    try:
        name = part.get_filename()
        return None if name is None else " ".join(str(make_header(decode_header(name))).replace("\0", " ").split())
    except (MessageError, LookupError, UnicodeDecodeError, ValueError, TypeError):
        return "unreadable name"
