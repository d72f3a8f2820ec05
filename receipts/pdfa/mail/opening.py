"""Opens a message of any format, and every message and wrapping in it, by what it is and never by what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from receipts.errors import Code, Refused
from receipts.pdfa import media, saved
from receipts.pdfa.mail import cms, mime, outlook, signed, tnef
from receipts.pdfa.mail.message import Leaf, Message
from receipts.policy import Limits

TEXT: Final = "text/plain"
HTML: Final = "text/html"
SIGNATURE: Final = "application/pkcs7-signature"
EMPTY: Final = "application/x-empty"
_DEEPEST: Final = 30
_PIECES_MOST: Final = 2000
_ENTITY: Final = re.compile(rb"\s*(?:[!-9;-~]{1,76}:[^\n]*\n(?:[ \t][^\n]*\n)*){0,50}?Content-Type:", re.IGNORECASE)
_HTML_START: Final = re.compile(rb"\s*<(?:!doctype html|html|head|body|table|div)\b", re.IGNORECASE)
_ENTITIES: Final = frozenset({"message/rfc822", "message/global", "multipart/signed", "multipart/mixed"})
_PGP: Final = b"-----BEGIN PGP MESSAGE-----"
_SUFFIX: Final = re.compile(r"\.p7[ms]$", re.IGNORECASE)


class Opening:
    """Opens one message; counts what it opens, so that a bomb of parts comes to an end.

    Args:
        limits: What we accept.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.pieces = 0
        self.inflated = 0

    def message(self, content: bytes, media_type: str) -> Message:
        """The message that `content` is.

        Args:
            content: The bytes.
            media_type: What they are, as `media.detect` says.

        Raises:
            Refused: ENCRYPTED, DAMAGED, TOO_LARGE or HOSTILE.
        """
        if media_type == media.TNEF:
            found = tnef.read(content)
        elif media_type == media.OUTLOOK:
            found = outlook.read(content)
        elif media_type == media.PKCS7:
            cms.unwrapped(content, self.limits.size_bytes)  # a damaged one is refused here: it is all that there is
            found = Message(leaves=[Leaf(name="", declared=media.PKCS7, content=content)])
        else:
            found = mime.read(content)
        self._open(found, 0)
        return found

    def _open(self, message: Message, depth: int) -> None:
        """Look at everything that `message` carries: what is a message or a wrapping gives way to what is in it."""
        if depth > _DEEPEST:
            raise Refused(Code.HOSTILE, f"mail with messages in messages, more than {_DEEPEST} deep")
        self._count(1 + len(message.leaves))
        for nested in message.nested:
            self._open(nested, depth + 1)
        carried, message.leaves = message.leaves, []
        for leaf in carried:
            self._take(message, replace(leaf, sniffed=sniffed(leaf)), depth)

    def _take(self, message: Message, leaf: Leaf, depth: int) -> None:
        if leaf.content.lstrip()[: len(_PGP)] == _PGP:
            raise Refused(Code.ENCRYPTED, "mail with an attachment encrypted by PGP")
        if leaf.sniffed == media.MAIL:
            self._nest(message, mime.read(leaf.content), depth)
        elif leaf.sniffed == media.OUTLOOK:
            self._nest(message, outlook.read(leaf.content), depth)
        elif leaf.sniffed == media.TNEF:
            self._absorb(message, tnef.read(leaf.content), depth)
        elif leaf.sniffed == media.PKCS7:
            self._unwrap(message, leaf, depth)
        else:
            message.leaves.append(leaf)

    def _nest(self, message: Message, inner: Message, depth: int) -> None:
        self._open(inner, depth + 1)
        message.nested.append(inner)

    def _absorb(self, message: Message, inner: Message, depth: int, *, adds_words: bool = False) -> None:
        """Take over what is in a wrapping; its words only where they are not there already."""
        self._open(inner, depth + 1)
        if adds_words or not message.says_something:
            message.texts += inner.texts
        message.leaves += inner.leaves
        message.nested += inner.nested
        message.signatures += inner.signatures
        known = {name.lower() for name, _ in message.fields}
        message.fields += [(name, value) for name, value in inner.fields if name.lower() not in known]

    def _unwrap(self, message: Message, leaf: Leaf, depth: int) -> None:
        try:
            content = cms.unwrapped(leaf.content, self.limits.size_bytes - self.inflated)
        except Refused as refused:
            if refused.code is not Code.DAMAGED:
                raise
            message.leaves.append(leaf)  # the rest of the message is whole
            return
        if content is None:
            message.leaves.append(replace(leaf, sniffed=SIGNATURE))
            return
        message.signatures += signed.smime(leaf.content)
        self.inflated += len(content)
        if _ENTITY.match(content[:8192]):
            self._absorb(message, mime.read(content), depth, adds_words=True)
            return
        inner = Leaf(name=_SUFFIX.sub("", leaf.name), declared="application/octet-stream", content=content)
        self._absorb(message, Message(leaves=[replace(inner, disposition="attachment")]), depth)

    def _count(self, pieces: int) -> None:
        self.pieces += pieces
        if self.pieces > _PIECES_MOST:
            raise Refused(Code.HOSTILE, f"mail of more than {_PIECES_MOST} parts")


def sniffed(leaf: Leaf) -> str:
    """The media type of a leaf by its content; empty if nobody can tell."""
    if leaf.declared in _ENTITIES and (_ENTITY.match(leaf.content[:8192]) or saved.is_message(leaf.content)):
        return media.MAIL
    try:
        return media.detect(leaf.content)
    except Refused as refused:
        if refused.code is Code.EMPTY:
            return EMPTY
    if _HTML_START.match(leaf.content[:1024]):
        return HTML
    return TEXT if _is_text(leaf.content) else ""


def _is_text(content: bytes) -> bool:
    if b"\0" in content[:65536]:
        return False
    letters = content[:65536].decode("utf-8", "replace")
    return letters.isprintable() or sum(one.isprintable() or one.isspace() for one in letters) > 0.95 * len(letters)
