"""Pages of a message: header, body, and the messages and texts that it carries, each under a strip of our own."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Final

import pikepdf
import pypdfium2

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import media, render, typefaces, typeset
from receipts.pdfa.mail import choose, opening, signed, texts
from receipts.pdfa.mail.message import Leaf, Message, Text
from receipts.pdfa.model import Part, Shown
from receipts.policy import Limits

SHOWN_FIELDS: Final = ("From", "Sender", "To", "Cc", "Date", "Subject")
CONTAINERS: Final = MappingProxyType({media.MAIL: "mime", media.TNEF: "tnef", media.OUTLOOK: "msg", media.PKCS7: "cms"})
_HEADER_STYLE: Final = "font: 9pt sans-serif; border-bottom: 1pt solid #888888; padding-bottom: 6pt"
_VALUE_MOST: Final = 1000
_ROWS_MOST: Final = 60
_TEXT_MOST: Final = 200_000
_RECEIPT: Final = "a receipt of its own"


@dataclass(frozen=True, kw_only=True)
class _Section:
    """What stands together: a strip of our own, and below it words of the sender."""

    rows: list[tuple[str, str]]
    body: str
    inline: Mapping[str, tuple[str, bytes]]


def show(original: bytes, limits: Limits) -> Shown:
    """The message as pages, and the receipts that it carries.

    Raises:
        Refused: NO_CONTENT, ENCRYPTED, TOO_MANY_PAGES, TOO_MANY_PARTS, HOSTILE or DAMAGED.
    """
    media_type = media.detect(original)
    message = opening.Opening(limits).message(original, media_type)
    chosen = choose.receipts(message, limits)
    pdf, said = _pages(list(_sections(message, chosen)), limits)
    if said.is_blank and not chosen:
        inside = [leaf.sniffed or "something" for leaf in message.leaves if leaf.sniffed != opening.SIGNATURE]
        if media_type in (media.PKCS7, media.TNEF) and inside:
            raise Refused(Code.UNSUPPORTED_TYPE, f"{inside[0]} in {media_type}")
        raise Refused(Code.NO_CONTENT, "mail that shows nothing and carries no receipt")
    parts = tuple(
        Part(name=leaf.name, content=leaf.content, position=position) for position, leaf in enumerate(chosen, 1)
    )
    everything = list(message.walk())
    fidelity: dict[str, Json] = {
        "claim": "original-attached",
        "shown": "header and body of the message, set anew",
        "container": CONTAINERS[media_type],
        "body": _kind(everything),
        "messages": len(everything),
        "attachments": sum(len(one.leaves) for one in everything),
        "parts": [_described(part, leaf) for part, leaf in zip(parts, chosen, strict=True)],
        "signatures": _signatures(everything),
        "outside_content_blocked": said.blocked,
        "characters_without_glyph": said.without_glyph,
        "tables_as_blocks": said.tables_as_blocks,
        "scale_percent": said.scale_percent,
        "rendered_by": typeset.RENDERER,
    }
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


def _pages(sections: list[_Section], limits: Limits) -> tuple[pikepdf.Pdf, _Said]:
    """All sections, one after the other."""
    said, whole = _Said(), None
    for section in sections:
        left = limits.pages - (len(whole.pages) if whole else 0)
        rows = [*section.rows, *_note(section)]
        pages = typeset.pages(_strip(rows), section.body, section.inline, left)
        said.blocked += pages.blocked
        said.without_glyph += pages.without_glyph
        said.tables_as_blocks |= pages.tables_as_blocks
        said.scale_percent = min(said.scale_percent, pages.scale_percent)
        said.is_blank &= pages.is_blank
        if whole is None:
            whole = pages.pdf
        else:
            whole.pages.extend(pages.pdf.pages)
    if whole is None:
        raise AssertionError("a message has a section at least")
    return whole, said


def _note(section: _Section) -> list[tuple[str, str]]:
    """What is to be said on the page itself of characters that it can't show."""
    missing = typefaces.without_glyph(section.body + "".join(value for _, value in section.rows))
    said = f"{len(missing)} characters that no font here has show as \ufffd; the attached message has them"
    return [("Note", said)] if missing else []


def _sections(message: Message, chosen: list[Leaf]) -> Iterator[_Section]:
    """Every message, and where none carries a receipt, every text that is attached: then it may be one."""
    digests = {hashlib.sha256(leaf.content).digest() for leaf in chosen}
    for one in message.walk():
        rows = [(name, value) for field in SHOWN_FIELDS for name, value in one.fields if name.lower() == field.lower()]
        rows = [("Forwarded", "message within the message"), *rows] if one is not message else rows
        rows += [("Attached", _listed(leaf, digests)) for leaf in one.leaves]
        beside = _beside(one, digests)
        below = (f'<p><img src="{address}"></p>' for address in beside)
        *before, last = list(_apart(one.texts)) or [""]
        for body in before:
            yield _Section(rows=rows, body=body, inline=_inline(one.leaves))
            rows = [("", "the message goes on")]
        yield _Section(rows=rows, body="\n".join([last, *below]), inline=_inline(one.leaves) | beside)
        for leaf in one.leaves if not chosen else ():
            if leaf.sniffed in (opening.TEXT, opening.HTML) and len(leaf.content) <= _TEXT_MOST:
                is_html = leaf.sniffed == opening.HTML
                words = Text(content=texts.decoded(leaf.content, None, is_html=is_html), is_html=is_html)
                yield _Section(rows=[("Attached", leaf.name or "without a name")], body=_html(words), inline={})


def _inline(leaves: list[Leaf]) -> dict[str, tuple[str, bytes]]:
    """Pictures by the addresses under which HTML may ask for them (RFC 2392, RFC 2557)."""
    pictures = [leaf for leaf in leaves if leaf.sniffed.startswith("image/")]
    found = {leaf.location: (leaf.sniffed, leaf.content) for leaf in pictures if leaf.location}
    return found | {f"cid:{leaf.content_id}": (leaf.sniffed, leaf.content) for leaf in pictures if leaf.content_id}


def _beside(message: Message, digests: set[bytes]) -> dict[str, tuple[str, bytes]]:
    """Pictures that are no receipts and that the text does not show: as mail programs do, they stand below it."""
    text = "\n".join(one.content for one in message.texts)
    referenced = set(texts.references(text))
    return {
        f"cid:beside-{number}@probant": (leaf.sniffed, leaf.content)
        for number, leaf in enumerate(message.leaves[:_ROWS_MOST])
        if leaf.sniffed.startswith("image/")
        and leaf.content_id not in referenced
        and not (leaf.location and leaf.location in text)
        and hashlib.sha256(leaf.content).digest() not in digests
    }


def _apart(texts: list[Text]) -> Iterator[str]:
    """Texts that may stand together: what one in HTML leaves open, hides or styles must not reach another."""
    plain: list[str] = []
    for text in texts:
        if not text.is_html:
            plain.append(_html(text))
            continue
        if any(plain):
            yield "\n".join(plain)
        plain = []
        yield text.content
    if plain:
        yield "\n".join(plain)


def _html(text: Text) -> str:
    return text.content if text.is_html else typeset.text(text.content)


def _listed(leaf: Leaf, digests: set[bytes]) -> str:
    fate = f": {_RECEIPT}" if hashlib.sha256(leaf.content).digest() in digests else ""
    return f"{leaf.name or 'without a name'} ({leaf.sniffed or leaf.declared}, {len(leaf.content)} bytes){fate}"


def _strip(rows: list[tuple[str, str]]) -> str:
    if len(rows) > _ROWS_MOST:
        rows = [*rows[:_ROWS_MOST], ("", f"and {len(rows) - _ROWS_MOST} more, in the attached message")]
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


def _described(part: Part, leaf: Leaf) -> dict[str, Json]:
    return {
        "position": part.position,
        "sha256": hashlib.sha256(part.content).hexdigest(),
        "size_bytes": len(part.content),
        "media_type": leaf.sniffed or "application/octet-stream",
    }
