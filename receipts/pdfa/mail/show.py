"""Pages of a message: header, body, and the messages and texts that it carries, each under a strip of our own."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from types import MappingProxyType
from typing import Final

import pikepdf
import pypdfium2

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import media, render, typeset
from receipts.pdfa.mail import choose, opening, sections, signed, unseen
from receipts.pdfa.mail.message import Leaf, Message
from receipts.pdfa.model import Part, Shown
from receipts.policy import Limits

CONTAINERS: Final = MappingProxyType({media.MAIL: "mime", media.TNEF: "tnef", media.OUTLOOK: "msg", media.PKCS7: "cms"})
_HEADER_STYLE: Final = "font: 9pt sans-serif; border-bottom: 1pt solid #888888; padding-bottom: 6pt"
_VALUE_MOST: Final = 1000
_AMOUNTS_MOST: Final = 20
_HIDDEN_MOST: Final = 500  # characters that the provenance quotes


def show(original: bytes, limits: Limits) -> Shown:
    """The message as pages, and the receipts that it carries.

    Raises:
        Refused: NO_CONTENT, ENCRYPTED, TOO_MANY_PAGES, TOO_MANY_PARTS, HOSTILE or DAMAGED.
    """
    media_type = media.detect(original)
    message = opening.Opening(limits).message(original, media_type)
    chosen = choose.receipts(message, limits)
    pdf, said = _pages(list(sections.sections(message, chosen)), limits)
    if said.is_blank and not chosen:
        inside = [leaf.sniffed or "something" for leaf in message.leaves if leaf.sniffed != opening.SIGNATURE]
        if media_type in (media.PKCS7, media.TNEF) and inside:
            raise Refused(Code.UNSUPPORTED_TYPE, f"{inside[0]} in {media_type}")
        raise Refused(Code.NO_CONTENT, "mail that shows nothing and carries no receipt")
    parts = tuple(
        Part(name=leaf.name, content=leaf.content, position=position) for position, leaf in enumerate(chosen, 1)
    )
    fidelity = _fidelity(message, parts, chosen, said, CONTAINERS[media_type])
    if typeset.is_certain(pdf):
        return Shown(pdf=pdf, route="mail-body", fidelity=fidelity, parts=parts)
    fidelity |= {"shown": "header and body of the message, set anew, stored as pictures without loss"}
    pictures, copy = pikepdf.new(), BytesIO()
    pdf.save(copy)
    document = pypdfium2.PdfDocument(copy.getvalue())
    dpi = render.add_pages(pictures, document, limits)
    document.close()
    fidelity |= {"dpi": dpi, "pictures_by": render.RENDERER}
    return Shown(pdf=pictures, route="mail-body-rendered", fidelity=fidelity, parts=parts)


@dataclass(kw_only=True)
class _Said:
    blocked: int = 0
    without_glyph: int = 0
    tables_as_blocks: bool = False
    scale_percent: int = 100
    is_blank: bool = True
    is_looked_at: bool = True
    seen: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    pictures: int = 0


def _fidelity(
    message: Message, parts: Sequence[Part], chosen: Sequence[Leaf], said: _Said, container: str
) -> dict[str, Json]:
    everything = list(message.walk())
    return {
        "claim": "original-attached",
        "shown": "header and body of the message, set anew",
        "container": container,
        "body": _kind(everything),
        "messages": len(everything),
        "attachments": sum(len(one.leaves) for one in everything),
        "parts": [_described(part, leaf) for part, leaf in zip(parts, chosen, strict=True)],
        "signatures": _signatures(everything),
        "outside_content_blocked": said.blocked,
        "hidden_text_characters": sum(map(len, said.hidden)) if said.is_looked_at else None,
        "hidden_text": " | ".join(said.hidden)[:_HIDDEN_MOST],
        "hidden_pictures_shown": said.pictures,
        "amounts_not_shown": _amounts(everything, said),
        "characters_without_glyph": said.without_glyph,
        "tables_as_blocks": said.tables_as_blocks,
        "scale_percent": said.scale_percent,
        "rendered_by": typeset.RENDERER,
    }


def _pages(waiting: list[sections.Section], limits: Limits) -> tuple[pikepdf.Pdf, _Said]:
    """All sections, one after the other."""
    said, whole = _Said(), None
    while waiting:
        section = waiting.pop(0)
        left = limits.pages - (len(whole.pages) if whole else 0)
        rows = [*section.rows, *sections.note(section)]
        pages = typeset.pages(_strip(rows), section.body, section.inline, left)
        said.blocked += pages.blocked
        said.without_glyph += pages.without_glyph
        said.tables_as_blocks |= pages.tables_as_blocks
        said.scale_percent = min(said.scale_percent, pages.scale_percent)
        said.is_blank &= pages.is_blank
        if not section.is_html:
            said.seen.append(unseen.plain(section.body))
        elif hidden := _looked_at(section, pages.body, said):
            waiting.insert(0, hidden)
        if whole is None:
            whole = pages.pdf
        else:
            whole.pages.extend(pages.pdf.pages)
    if whole is None:
        raise AssertionError("a message has a section at least")
    return whole, said


def _looked_at(section: sections.Section, body: bytes, said: _Said) -> sections.Section | None:
    """Say what a body hides of its words; the pictures that it hides, to be shown after it."""
    look = unseen.look(body)
    said.is_looked_at &= look.is_whole
    said.seen.append(look.words)
    said.hidden += look.hidden(section.body)
    expected = {address: section.inline[address] for address in section.expected}
    hidden = {address: known for address, known in expected.items() if not look.shows(known[1])}
    said.pictures += len(hidden)
    rows = [("Hidden", f"pictures that the text refers to and hides: {len(hidden)}")]
    return sections.Section(rows=rows, body=sections.shown(hidden), inline=hidden) if hidden else None


def _strip(rows: list[tuple[str, str]]) -> str:
    if len(rows) > sections.ROWS_MOST:
        rows = [
            *rows[: sections.ROWS_MOST],
            ("", f"and {len(rows) - sections.ROWS_MOST} more, in the attached message"),
        ]
    cells = "".join(
        f'<tr><td style="color: #555555; vertical-align: top; padding-right: 8pt">{html.escape(name)}</td>'
        f'<td style="overflow-wrap: anywhere">{html.escape(_short(value))}</td></tr>'
        for name, value in rows
    )
    return f'<div style="{_HEADER_STYLE}"><table style="font: 9pt sans-serif">{cells}</table></div>'


def _short(value: str) -> str:
    """So that the strip stays a page that PDF/A allows (ISO 19005-3 6.1.13)."""
    return value if len(value) <= _VALUE_MOST else f"{value[:_VALUE_MOST]}… (whole in the attached message)"


def _kind(messages: list[Message]) -> str:
    written = [text.is_html for one in messages for text in one.texts]
    return "html" if any(written) else "text" if written else "none"


def _signatures(messages: list[Message]) -> list[Json]:
    """What each signature is worth, and on which of the messages it is: 1 is the mail itself."""
    found = [{"message": number, **one} for number, message in enumerate(messages, 1) for one in message.signatures]
    return list(found[: signed.SIGNATURES_MOST])


def _amounts(messages: list[Message], said: _Said) -> Json:
    """Amounts that are in an alternative of a body and not on the pages, where these were looked at."""
    seen = "".join(said.seen)
    alternatives = [text.content for one in messages for text in one.passed_over] if said.is_looked_at else []
    found = [amount for text in alternatives for amount in unseen.unseen_amounts(text, seen)]
    return list(dict.fromkeys(found))[:_AMOUNTS_MOST]


def _described(part: Part, leaf: Leaf) -> dict[str, Json]:
    return {
        "position": part.position,
        "sha256": hashlib.sha256(part.content).hexdigest(),
        "size_bytes": len(part.content),
        "media_type": leaf.sniffed or "application/octet-stream",
    }
