"""A message in sections: each a strip of our own, and below it words of the sender."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from receipts.pdfa import typefaces, typeset
from receipts.pdfa.mail import choose, opening, texts
from receipts.pdfa.mail.message import Leaf, Message, Text

SHOWN_FIELDS: Final = ("From", "Sender", "To", "Cc", "Date", "Subject")
ROWS_MOST: Final = 60
_TEXT_MOST: Final = 200_000
_RECEIPT: Final = "a receipt of its own"


@dataclass(frozen=True, kw_only=True)
class Section:
    """What stands together on pages of its own.

    Attributes:
        rows: The strip.
        body: The words, as HTML.
        inline: Pictures by the addresses under which the body may ask for them.
        is_html: Whether the sender wrote HTML, which can hide things.
        expected: Addresses of pictures that nobody would see if the body hid them.
    """

    rows: list[tuple[str, str]]
    body: str
    inline: Mapping[str, tuple[str, bytes]]
    is_html: bool = False
    expected: tuple[str, ...] = ()


def sections(message: Message, chosen: list[Leaf]) -> Iterator[Section]:
    """Every message, and where none carries a receipt, every text that is attached: then it may be one."""
    digests = {hashlib.sha256(leaf.content).digest() for leaf in chosen}
    for one in message.walk():
        rows = [(name, value) for field in SHOWN_FIELDS for name, value in one.fields if name.lower() == field.lower()]
        rows = [("Forwarded", "message within the message"), *rows] if one is not message else rows
        rows += [("Attached", _listed(leaf, digests)) for leaf in one.leaves]
        beside = _beside(one, digests)
        inline = _inline(one.leaves)
        placed = _placed(inline, digests)
        *before, (last, is_html) = list(_apart(one.texts)) or [("", False)]
        for body, was_html in before:
            yield Section(rows=rows, body=body, inline=inline, is_html=was_html, expected=_asked_for(placed, body))
            rows = [("", "the message goes on")]
        yield Section(
            rows=rows,
            body=f"{last}\n{shown(beside)}",
            inline=inline | beside,
            is_html=is_html,
            expected=_asked_for(placed, last),
        )
        for leaf in one.leaves if not chosen else ():
            if leaf.sniffed in (opening.TEXT, opening.HTML) and len(leaf.content) <= _TEXT_MOST:
                is_html = leaf.sniffed == opening.HTML
                words = Text(content=texts.decoded(leaf.content, None, is_html=is_html), is_html=is_html)
                yield Section(
                    rows=[("Attached", leaf.name or "without a name")], body=_html(words), inline={}, is_html=is_html
                )


def note(section: Section) -> list[tuple[str, str]]:
    """What is to be said on the page itself of characters that it can't show."""
    missing = typefaces.without_glyph(section.body + "".join(value for _, value in section.rows))
    said = f"{len(missing)} characters that no font here has show as \ufffd; the attached message has them"
    return [("Note", said)] if missing else []


def shown(pictures: Iterable[str]) -> str:
    """HTML with pictures one below the other, by their addresses."""
    return "\n".join(f'<p><img src="{html.escape(address)}"></p>' for address in pictures)


def _inline(leaves: list[Leaf]) -> dict[str, tuple[str, bytes]]:
    """Pictures by the addresses under which HTML may ask for them (RFC 2392, RFC 2557)."""
    pictures = [leaf for leaf in leaves if leaf.sniffed.startswith("image/")]
    found = {leaf.location: (leaf.sniffed, leaf.content) for leaf in pictures if leaf.location}
    return found | {f"cid:{leaf.content_id}": (leaf.sniffed, leaf.content) for leaf in pictures if leaf.content_id}


def _placed(inline: Mapping[str, tuple[str, bytes]], digests: set[bytes]) -> list[str]:
    """Addresses of the pictures that no receipt of its own shows, and that somebody could read."""
    return [
        address
        for address, (_, content) in inline.items()
        if hashlib.sha256(content).digest() not in digests and choose.is_legible(content)
    ][:ROWS_MOST]


def _asked_for(addresses: list[str], body: str) -> tuple[str, ...]:
    referenced = {f"cid:{name}" for name in texts.references(body)}
    return tuple(one for one in addresses if one in referenced or (not one.startswith("cid:") and one in body))


def _beside(message: Message, digests: set[bytes]) -> dict[str, tuple[str, bytes]]:
    """Pictures that are no receipts and that the text does not show: as mail programs do, they stand below it."""
    text = "\n".join(one.content for one in message.texts)
    referenced = set(texts.references(text))
    return {
        f"cid:beside-{number}@probant": (leaf.sniffed, leaf.content)
        for number, leaf in enumerate(message.leaves[:ROWS_MOST])
        if leaf.sniffed.startswith("image/")
        and leaf.content_id not in referenced
        and not (leaf.location and leaf.location in text)
        and hashlib.sha256(leaf.content).digest() not in digests
    }


def _apart(texts: list[Text]) -> Iterator[tuple[str, bool]]:
    """Texts that may stand together: what one in HTML leaves open, hides or styles must not reach another.

    Yields:
        HTML, and whether it is the sender's.
    """
    plain: list[str] = []
    for text in texts:
        if not text.is_html:
            plain.append(_html(text))
            continue
        if any(plain):
            yield "\n".join(plain), False
        plain = []
        yield text.content, True
    if plain:
        yield "\n".join(plain), False


def _html(text: Text) -> str:
    return text.content if text.is_html else typeset.text(text.content)


def _listed(leaf: Leaf, digests: set[bytes]) -> str:
    fate = f": {_RECEIPT}" if hashlib.sha256(leaf.content).digest() in digests else ""
    return f"{leaf.name or 'without a name'} ({leaf.sniffed or leaf.declared}, {len(leaf.content)} bytes){fate}"
