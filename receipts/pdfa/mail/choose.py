"""Which of the things that a message carries are receipts of their own. This is the whole rule.

1. Type is what the content is, never what a name or header says.
2. A PDF is a receipt, wherever and however it is attached. So is an electronic invoice in XML.
3. A picture attached by hand is a receipt, unless its shorter side has under 50 pixels: nobody can read that.
4. A picture placed in the text (HTML shows it, its header says that it is inline, or it has the name that Outlook gives
   to pictures in a text, image001.png) is a receipt only if it is as large as a photograph or scan: 400 pixels and more
   on each side, 250,000 in all, not over 2.5 times as wide as high, and not there twice, as signatures are in quoted
   mails. Logos, signatures, banners, tracking pixels are not. All are shown in place; one that no page can show there
   (TIFF, BMP, JPEG 2000, CMYK) is a receipt from 200 pixels on each side, lest nobody see it.
5. If the message says nothing and carries nothing else, its pictures from 200 pixels on each side are the message.
6. Documents that we take from nobody (office files, archives such as ZIP, invoices of other schemes) count as
   receipts, to be refused with a reason: their sender must not believe them archived as such. The same holds for what
   claims, by type or by name, to be a PDF, picture or such a document and is empty or unrecognisable, and for a signed
   wrapping that can't be opened.
7. Nothing else is: text, HTML, calendars, contacts, signatures, sound. They stay in the message, archived whole.
8. The same bytes twice are one receipt.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from math import inf
from typing import Final

from PIL import Image, UnidentifiedImageError

from receipts.errors import Code, Refused
from receipts.pdfa import media
from receipts.pdfa.mail import opening, texts
from receipts.pdfa.mail.message import Leaf, Message
from receipts.policy import Limits

LEGIBLE_SIDE_PX: Final = 50
LONE_SIDE_PX: Final = 200
PHOTO_SIDE_PX: Final = 400
PHOTO_PX: Final = 250_000
BANNER: Final = 2.5

_UNREADABLE: Final = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, TypeError, LookupError,
    OverflowError,
)  # fmt: skip
_READABLE: Final = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "JPEG2000")
_SHOWN: Final = frozenset({media.JPEG, media.PNG, media.GIF, media.WEBP})
_FROM_CAMERAS: Final = frozenset({"image/heic", "image/heif", "image/avif"})
_NO_PICTURES: Final = frozenset(
    {"image/svg+xml", "image/svg", "image/emf", "image/wmf", "image/x-emf", "image/x-wmf", "image/x-icon",
     "image/vnd.microsoft.icon"}
)  # fmt: skip
_XML: Final = frozenset({"text/xml", "application/xml", opening.TEXT})
_INVOICE: Final = re.compile(
    rb"urn:oasis:names:specification:ubl:schema:xsd:(?:Invoice|CreditNote)-2|urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:"
    rb"|FatturaElettronica"
)
_INVOICE_WITHIN: Final = 4096
_OUTLOOKS: Final = re.compile(r"(?:image\d{3}|outlook-\w{8})\.(?:png|jpe?g|gif)", re.IGNORECASE)
_DOCUMENTS: Final = (
    "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.", "application/vnd.ms-",
    "application/msword", "application/cdfv2", "application/encrypted", "application/x-ole-storage", "text/rtf",
    "application/rtf", "application/zip", "application/x-zip", "application/x-7z", "application/x-rar",
    "application/vnd.rar", "application/gzip", "application/x-gzip", "application/x-tar", "application/x-bzip2",
    "application/x-xz", media.MAILBOX,
)  # fmt: skip
_CLAIMS: Final = re.compile(
    r"\.(?:pdf|jpe?g|png|tiff?|hei[cf]|avif|webp|gif|bmp|jp2|(?:doc|xls|ppt)[xmb]?|od[tsp]|zip|7z|rar|gz)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the rule asks of the message around a leaf: what its text refers to, and how often each picture is there."""

    referenced: frozenset[str]
    text: str
    times: Counter[bytes]


def receipts(message: Message, limits: Limits) -> list[Leaf]:
    """The receipts in `message` and in every message in it, in order of appearance, each content once.

    Args:
        message: Opened.
        limits: What we accept.

    Raises:
        Refused: TOO_MANY_PARTS.
    """
    everything = [leaf for one in message.walk() for leaf in one.leaves]
    times = Counter(_digest(leaf) for leaf in everything if _is_picture(leaf))
    chosen = [leaf for one in message.walk() for leaf in _of(one, times)]
    if not chosen and not any(one.says_something for one in message.walk()):
        chosen = [leaf for leaf in everything if _is_picture(leaf) and _has(leaf, LONE_SIDE_PX, is_placed=True)]
    unlike = list({_digest(leaf): leaf for leaf in reversed(chosen)}.values())[::-1]
    if len(unlike) > limits.parts:
        raise Refused(Code.TOO_MANY_PARTS, f"{len(unlike)} receipts in one mail, at most {limits.parts} are accepted")
    return unlike


def _of(message: Message, times: Counter[bytes]) -> list[Leaf]:
    text = "\n".join(one.content for one in message.texts)
    seen = _Seen(referenced=frozenset(texts.references(text)), text=text, times=times)
    return [leaf for leaf in message.leaves if _is_receipt(leaf, seen)]


def _is_receipt(leaf: Leaf, seen: _Seen) -> bool:
    if leaf.sniffed == media.PDF:
        return True
    if _is_picture(leaf):
        if not _is_placed(leaf, seen):
            return _has(leaf, LEGIBLE_SIDE_PX)
        if not _is_showable(leaf):
            return _has(leaf, LONE_SIDE_PX, is_placed=True)
        return _has(leaf, PHOTO_SIDE_PX, PHOTO_PX, BANNER, is_placed=True) and seen.times[_digest(leaf)] == 1
    if leaf.sniffed in _XML and _INVOICE.search(leaf.content[:_INVOICE_WITHIN]):
        return True
    if leaf.sniffed == media.PKCS7:
        return not leaf.declared.endswith("pkcs7-signature")
    if leaf.sniffed in ("", opening.EMPTY):
        return leaf.declared.startswith(("image/", media.PDF, *_DOCUMENTS)) or bool(_CLAIMS.search(leaf.name))
    return leaf.sniffed.lower().startswith(_DOCUMENTS)


def _is_placed(leaf: Leaf, seen: _Seen) -> bool:
    """Whether a picture stands in the text rather than beside it."""
    if _OUTLOOKS.fullmatch(leaf.name) or leaf.disposition == "inline" or (not leaf.disposition and leaf.content_id):
        return True
    return leaf.content_id in seen.referenced or bool(leaf.location and leaf.location in seen.text)


def _is_picture(leaf: Leaf) -> bool:
    return leaf.sniffed.startswith("image/") and leaf.sniffed not in _NO_PICTURES


def _has(leaf: Leaf, side_px: int, pixels: int = 0, widest: float = inf, *, is_placed: bool = False) -> bool:
    """Whether a picture is that large and not that wide.

    One whose size can't be read counts as large if it was attached by hand, to be refused with a reason if it is
    damaged, or if it is of a kind that only cameras make.
    """
    try:
        with Image.open(BytesIO(leaf.content), formats=_READABLE) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        return True
    except _UNREADABLE:
        return not is_placed or leaf.sniffed in _FROM_CAMERAS
    return min(width, height) >= side_px and width * height >= pixels and width <= widest * height


def is_legible(content: bytes) -> bool:
    """Whether a picture that a page can show has pixels enough to be read."""
    return _has(Leaf(name="", declared="", content=content), LEGIBLE_SIDE_PX, is_placed=True)


def _is_showable(leaf: Leaf) -> bool:
    """Whether a page of the mail can show the picture: its renderer knows the format, and no CMYK."""
    if leaf.sniffed != media.JPEG:
        return leaf.sniffed in _SHOWN
    try:
        with Image.open(BytesIO(leaf.content), formats=["JPEG"]) as image:
            return image.mode != "CMYK"
    except _UNREADABLE:
        return True


def _digest(leaf: Leaf) -> bytes:
    return hashlib.sha256(leaf.content).digest()
