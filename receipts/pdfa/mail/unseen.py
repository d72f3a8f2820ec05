"""What of a message can be seen on its pages. What its HTML hides is told, and a picture that it hides is shown.

1. A word is seen if it stands on the page, at least `HEIGHT_LEAST_PT` high, and differs from what is around it: red,
   green or blue by `CONTRAST_LEAST` of 255 at least. White on white, covered, transparent and tiny words are not.
2. A text of the message, that is what stands between two tags, is hidden if its words are not seen beside each other.
   Letters and digits count; of the pairs of words, one in ten may be apart, as at the end of a page. Letters of India,
   Burma and Cambodia are passed over: their glyphs don't say which letters they stand for.
3. An amount in an alternative that is not shown, that is a number with two decimals, is told if its digits are nowhere.
4. A picture is seen if a page shows what resembles it, not smaller than `SIDE_LEAST_PT` or a fifth of its size.
"""

from __future__ import annotations

import ctypes
import html
import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image
from pypdfium2 import raw

from receipts.likeness import is_alike, is_flat, sketch

HEIGHT_LEAST_PT: Final = 1.2
CONTRAST_LEAST: Final = 24
SIDE_LEAST_PT: Final = 36.0
PAGES_MOST: Final = 50
_SCALE: Final = 2.0
_WORD_MOST: Final = 20
_APART: Final = 10
_NO_TEXT: Final = re.compile(r"(?is)<!--.*?(?:-->|\Z)|<(style|script|title)\b[^<>]*>.*?(?:</\1|\Z)")
_TAG: Final = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_AMOUNT: Final = re.compile(r"(?<![\d.,/=_-])\d{1,3}(?:[ .,'\u00a0\u202f]?\d{3}){0,4}[.,]\d\d(?![\d.,/=_-]?\d)")
_MERGED: Final = (range(0x900, 0xE00), range(0x1000, 0x10A0), range(0x1780, 0x1800))

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What can be seen on pages.

    Attributes:
        is_whole: Whether all pages were looked at.
    """

    is_whole: bool
    _words: list[str] = field(default_factory=list)
    _pictures: dict[tuple[int, int], list[tuple[float, Pixels]]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What can be read, letters and digits alone."""
        return "".join(self._words)

    def hidden(self, body: str) -> list[str]:
        """The texts in `body`, HTML, that are not seen."""
        seen = self.words
        texts = (" ".join(html.unescape(piece).split()) for piece in _TAG.split(_NO_TEXT.sub(" ", body)))
        return [text for text in dict.fromkeys(texts) if not _is_within(text, seen)]

    def shows(self, content: bytes) -> bool:
        """Whether a picture is seen; also if it shows nothing itself, or can't be read."""
        try:
            with Image.open(BytesIO(content), formats=("JPEG", "PNG", "GIF", "WEBP")) as image:
                size, small = image.size, sketch(image)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return True
        least = min(SIDE_LEAST_PT, min(size) * 0.75 / 5)
        shown = (pixels for side, pixels in self._pictures.get(size, ()) if side >= least)
        return is_flat(small) or any(is_alike(small, sketch(Image.fromarray(one))) for one in shown)


def unseen_amounts(alternative: str, seen: str) -> list[str]:
    """The amounts in `alternative`, text or HTML, whose digits are not in `seen`, letters and digits alone."""
    amounts = dict.fromkeys(_AMOUNT.findall(_TAG.sub(" ", _NO_TEXT.sub(" ", alternative))))
    return [amount for amount in amounts if plain(amount) not in seen]


def look(pdf: bytes) -> Look:
    """Look at the pages of `pdf`, at most `PAGES_MOST`."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        found = Look(is_whole=len(document) <= PAGES_MOST)
        for number in range(min(len(document), PAGES_MOST)):
            page = document[number]
            pixels = page.render(scale=_SCALE).to_numpy()[:, :, :3]
            found._words.extend(plain(word) for word, box in _words(page) if _is_seen(page, box, pixels))
            for size, box in _pictures(page):
                crop = _crop(page, box, pixels)
                if crop.size:
                    side = min(box[2] - box[0], box[3] - box[1])
                    found._pictures.setdefault(size, []).append((side, np.ascontiguousarray(crop[:, :, ::-1])))
        return found
    finally:
        document.close()


_Box = tuple[float, float, float, float]


def _words(page: pypdfium2.PdfPage) -> Iterator[tuple[str, _Box]]:
    """Words, or pieces of them on one line, and where they stand."""
    text = page.get_textpage()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    word, box = "", (0.0, 0.0, 0.0, 0.0)
    for place in range(text.count_chars()):
        letter = chr(raw.FPDFText_GetUnicode(text, place))
        raw.FPDFText_GetCharBox(text, place, left, right, bottom, top)
        at = (left.value, bottom.value, right.value, top.value)
        if word and (not letter.isprintable() or letter.isspace() or len(word) >= _WORD_MOST or _is_apart(box, at)):
            yield word, box
            word = ""
        if letter.isprintable() and not letter.isspace():
            box = (min(box[0], at[0]), min(box[1], at[1]), max(box[2], at[2]), max(box[3], at[3])) if word else at
            word += letter
    if word:
        yield word, box


def _is_apart(box: _Box, letter: _Box) -> bool:
    """Whether a letter stands on another line."""
    return letter[1] > box[3] or letter[3] < box[1]


def _pictures(page: pypdfium2.PdfPage) -> Iterator[tuple[tuple[int, int], _Box]]:
    for image in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=1):
        if isinstance(image, pypdfium2.PdfImage):
            yield image.get_px_size(), image.get_bounds()


def _crop(page: pypdfium2.PdfPage, box: _Box, pixels: Pixels) -> Pixels:
    """What the page shows there; nothing for what is beside it."""
    height = page.get_height()
    columns = (int(max(0.0, box[0]) * _SCALE), int(max(0.0, box[2]) * _SCALE) + 1)
    rows = (int(max(0.0, height - box[3]) * _SCALE), int(max(0.0, height - box[1]) * _SCALE) + 1)
    return pixels[rows[0] : rows[1], columns[0] : columns[1]]


def _is_seen(page: pypdfium2.PdfPage, box: _Box, pixels: Pixels) -> bool:
    crop = _crop(page, box, pixels)
    if box[3] - box[1] < HEIGHT_LEAST_PT or box[2] <= 0 or box[3] <= 0 or not crop.size:
        return False
    spread: Any = np.ptp(crop.reshape(-1, 3), axis=0)
    return bool(spread.max() >= CONTRAST_LEAST)


def _is_within(text: str, seen: str) -> bool:
    words = [letters for word in text.split() if (letters := plain(word))]
    if "".join(words) in seen:
        return True
    pairs = list(itertools.pairwise(words))
    apart = sum(one + other not in seen and other + one not in seen for one, other in pairs)  # right to left, too
    return bool(pairs) and apart <= len(pairs) // _APART


def plain(word: str) -> str:
    """Its letters and digits, however they are written."""
    letters = filter(str.isalnum, unicodedata.normalize("NFKC", word).casefold())
    return "".join(one for one in letters if not any(ord(one) in merged for merged in _MERGED))
