"""The faces that words are set in: a few of our own and Noto's for every other script, whatever the machine has."""

from __future__ import annotations

import functools
import html
import locale
import os
import re
import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

import plutoprint
from fontTools.ttLib import TTCollection, TTFont  # type: ignore[import-untyped]

_OURS: Final = Path(str(files("receipts.pdfa") / "fonts"))
_NOTO: Final = (Path(str(files("manimgx_fonts"))), Path(str(files("manimgx_fonts_cjk"))))
_PIECE: Final = re.compile(r"<[^<>]*>|&#[xX]?[0-9a-fA-F]{1,8};?|[^\x00-\x7f]")
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0000, 0xE1000), range(0x180B, 0x1810))
"""Variation selectors and tags: they choose a form of the character before them (Unicode 23.4)."""
_FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")  # Default_Ignorable_Code_Point, not Cf
_SYMBOLS: Final = MappingProxyType(
    {"\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "➢", "\uf0fc": "✓", "\uf0e0": "→", "\uf04a": "☺"}
)
"""What Word writes for its list marks and smiles: places in Symbol and Wingdings, which only Windows has."""

plutoprint.plutobook_set_fontconfig_path(str(_OURS))  # before the first Book, for good


@functools.cache
def load() -> None:
    """Let the libraries read the faces and settle for good how to choose; repeating it changes nothing.

    Each asks once: fontconfig where the folders of Noto are, which fonts.conf names from there, and all of them which
    language is spoken here, by which they would choose forms of Han characters.
    """
    settings = {"XDG_DATA_HOME": str(_NOTO[0].parent), "LC_ALL": "C"}
    before = {name: os.environ.get(name) for name in settings}
    spoken = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C")
        os.environ.update(settings)
        first = plutoprint.Book(plutoprint.PAGE_SIZE_A4, plutoprint.PAGE_MARGINS_NARROW, plutoprint.MEDIA_TYPE_PRINT)
        first.load_html("x")
        first.get_page_count()
    finally:
        locale.setlocale(locale.LC_CTYPE, spoken)
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def without_glyph(content: str) -> set[str]:
    """The characters in `content`, text or HTML, that none of the faces has."""
    return {one for one in set(html.unescape(content)) if not one.isascii() and one not in _SYMBOLS and _lacks(one)}


def replaced(content: str, missing: set[str]) -> str:
    """HTML that shows U+FFFD for each of the characters in `missing`: never a box (ISO 19005-3 6.2.11.8)."""
    shown = dict.fromkeys(missing, "\ufffd") | dict(_SYMBOLS)
    return _PIECE.sub(lambda found: shown.get(html.unescape(found.group()), found.group()), content)


def _lacks(character: str) -> bool:
    if unicodedata.category(character) in _INVISIBLE or character in _FILLERS:
        return False
    return not any(ord(character) in places for places in _SELECTORS) and ord(character) not in _glyphs()


@functools.cache
def _glyphs() -> frozenset[int]:
    return frozenset(code for face in _faces() for code in face.getBestCmap())


def _faces() -> Iterator[TTFont]:
    """One face of each file: what a bold one has, its upright one has, and all of a collection have the same."""
    for folder in (_OURS, *_NOTO):
        for path in sorted(folder.iterdir()):
            # Closed at once: a warning of an open file would reach whatever runs when it is collected.
            if path.suffix == ".ttf":
                with TTFont(path, lazy=True) as face:
                    yield face
            elif path.suffix == ".ttc":
                with TTCollection(path, lazy=True) as faces:
                    yield faces.fonts[0]
