"""Outlook's RTF bodies as HTML: that which is hidden in them [MS-OXRTFEX], else paragraphs and tables."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

_DEEPEST: Final = 1000
_TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|([^\\{}\r\n\0]+)", re.DOTALL
)
_SKIPPED: Final = frozenset(
    {b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"fldinst", b"header", b"footer", b"headerl",
     b"headerr", b"headerf", b"footerl", b"footerr", b"footerf", b"footnote", b"listtable", b"listoverridetable",
     b"generator", b"mhtmltag", b"bkmkstart", b"bkmkend", b"themedata", b"datastore", b"latentstyles", b"nonshppict"}
)  # fmt: skip
_CHARSETS: Final = MappingProxyType(  # \fcharset: [MS-WMF 2.1.1.5]
    {77: "mac-roman", 128: "cp932", 129: "cp949", 134: "cp936", 136: "cp950", 161: "cp1253", 162: "cp1254",
     163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
     238: "cp1250", 255: "cp437"}
)  # fmt: skip
_CHARACTERS: Final = MappingProxyType(
    {b"tab": "\t", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•",
     b"endash": "–", b"emdash": "—", b"emspace": "\u2003", b"enspace": "\u2002", b"zwj": "\u200d", b"zwnj": "\u200c"}
)  # fmt: skip
_SIGNS: Final = MappingProxyType({b"~": "\xa0", b"_": "\u2011", b"-": "\xad", b"{": "{", b"}": "}", b"\\": "\\"})
_ALIGNED: Final = MappingProxyType({b"ql": "left", b"qc": "center", b"qr": "right", b"qj": "justify"})
_FONT_DEFAULT: Final = 24  # half points


@dataclass(frozen=True)
class _State:
    """What a group may change, and what holds again after it."""

    skipped: bool = False
    tag: bool = False
    repeated: bool = False
    hidden: bool = False
    replacements: int = 1
    font: int = -1
    half_points: int = _FONT_DEFAULT
    bold: bool = False
    italic: bool = False
    underline: bool = False
    fonts: bool = False


def is_plain(rtf: bytes) -> bool:
    """Whether it was made of plain text [MS-OXRTFEX 2.1.3.1.1], which shows better as it was."""
    return b"\\fromtext" in rtf[:4096]


def as_html(rtf: bytes) -> str:
    """The body as HTML; as much as can be read of one that is broken."""
    return _Reader(rtf).read()


class _Reader:
    def __init__(self, rtf: bytes) -> None:
        self.rtf = rtf
        self.is_html = bool(re.search(rb"\\fromhtml(?:1|\b(?!0))", rtf[:4096]))
        self.state, self.stack = _State(), list[_State]()
        self.codepage, self.codepages = "cp1252", dict[int, str]()
        self.raw = bytearray()
        self.left_out = 0  # characters that stand for one that was given by number (\u)
        self.starred = False
        self.out: list[str] = []
        self.page = _Page()

    def read(self) -> str:
        """The whole body."""
        at = 0
        while at < len(self.rtf) and (token := _TOKEN.search(self.rtf, at)):
            at = token.end()
            word, number, coded, sign, brace, text = token.groups()
            if word == b"bin" and number:
                at += max(0, int(number))
            if coded or text:
                self._bytes(bytes((int(coded, 16),)) if coded else text)
                continue
            self._flush()
            if brace:
                self._group(brace)
            elif sign:
                self._sign(sign)
            else:
                self._word(word.lower(), None if number is None else int(number))
        self._flush()
        found = "".join(self.out) if self.is_html else self.page.finished()
        return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # \u gives halves of characters

    def _bytes(self, data: bytes) -> None:
        if self.left_out:
            kept = data[self.left_out :]
            self.left_out -= len(data) - len(kept)
            data = kept
        self.raw += data

    def _flush(self) -> None:
        if self.raw:
            self._text(bytes(self.raw).decode(self.codepages.get(self.state.font, self.codepage), "replace"))
            self.raw.clear()

    def _text(self, words: str) -> None:
        state = self.state
        if state.skipped or state.repeated or state.fonts:
            return
        if self.is_html:
            self.out.append(words if state.tag else html.escape(words, quote=False))
        elif not state.hidden:
            self.page.write(words, state)

    def _group(self, brace: bytes) -> None:
        self.starred = False
        if brace == b"{":
            if len(self.stack) < _DEEPEST:
                self.stack.append(self.state)
        elif self.stack:
            self.state = self.stack.pop()

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":
            self.starred = True
        elif sign in b"\r\n":
            self._word(b"par", None)
        elif sign in _SIGNS:
            self._text(_SIGNS[sign])

    def _word(self, word: bytes, number: int | None) -> None:
        starred, self.starred = self.starred, False
        state, on = self.state, number != 0
        if word == b"htmltag":
            self.state = replace(state, tag=True)
        elif word in _SKIPPED or (starred and word not in (b"shppict", b"pntext", b"listtext")):
            self.state = replace(state, skipped=True, fonts=state.fonts or word == b"fonttbl")
        elif word == b"htmlrtf":
            self.state = replace(state, repeated=on)
        elif word == b"ansicpg" and number:
            self.codepage = _codec(f"cp{number}", self.codepage)
        elif word == b"f" and number is not None:
            self.state = replace(state, font=number)
        elif word == b"fcharset" and state.fonts:
            self.codepages[state.font] = _CHARSETS.get(number or 0, self.codepage)
        elif word == b"uc" and number is not None:
            self.state = replace(state, replacements=min(max(number, 0), 100))
        elif word == b"u" and number is not None:
            self._text(chr(number & 0xFFFF))
            self.left_out = state.replacements
        elif word in _CHARACTERS:
            self._text(_CHARACTERS[word])
        elif self.is_html:
            if word in (b"par", b"line"):
                self._text("\n")
        elif not state.skipped:
            self.state = _formatted(state, word, number)
            self.page.word(word)


def _formatted(state: _State, word: bytes, number: int | None) -> _State:
    on = number != 0
    if word == b"plain":
        return replace(state, bold=False, italic=False, underline=False, hidden=False, half_points=_FONT_DEFAULT)
    if word == b"fs" and number:
        return replace(state, half_points=min(max(number, 8), 144))
    names: Mapping[bytes, str] = {b"b": "bold", b"i": "italic", b"ul": "underline", b"v": "hidden"}
    if word in names:
        return replace(state, **{names[word]: on})
    return replace(state, underline=False) if word == b"ulnone" else state


def _codec(name: str, otherwise: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        return otherwise
    return name


class _Page:
    """Paragraphs and tables as they come."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.line: list[str] = []
        self.cells: list[str] = []
        self.cell: list[str] = []
        self.align = "left"
        self.in_table = self.table_open = False

    def write(self, words: str, state: _State) -> None:
        """Words in the middle of a paragraph."""
        words = html.escape(words, quote=False)
        for is_on, tag in ((state.underline, "u"), (state.italic, "i"), (state.bold, "b")):
            words = f"<{tag}>{words}</{tag}>" if is_on else words
        size = "" if state.half_points == _FONT_DEFAULT else f' style="font-size: {state.half_points / 2:g}pt"'
        self.line.append(f"<span{size}>{words}</span>" if size else words)

    def word(self, word: bytes) -> None:
        """A control word that ends something or says where it stands."""
        if word in (b"par", b"sect", b"page"):
            self._end_paragraph()
        elif word == b"line":
            self.line.append("<br>")
        elif word == b"pard":
            self.align, self.in_table = "left", False
        elif word in (b"intbl", b"trowd"):
            self.in_table = True
        elif word in (b"cell", b"nestcell"):
            self.cells.append("".join([*self.cell, *self.line]))
            self.cell, self.line = [], []
        elif word in (b"row", b"nestrow"):
            self._end_row()
        elif word in _ALIGNED:
            self.align = _ALIGNED[word]

    def finished(self) -> str:
        """All of it."""
        if self.cells:
            self._end_row()
        if self.line or self.cell:
            self._end_paragraph()
        self._close_table()
        return f'<div style="font: 12pt sans-serif; white-space: pre-wrap">{"".join(self.out)}</div>'

    def _end_paragraph(self) -> None:
        words, self.line = "".join(self.line), []
        if self.in_table:
            self.cell.append(f"{words}<br>")
            return
        self._close_table()
        self.out.append(f'<p style="margin: 0; text-align: {self.align}">{words or "&nbsp;"}</p>')

    def _end_row(self) -> None:
        if not self.table_open:
            self.out.append('<table border="1" cellpadding="3" style="border-collapse: collapse">')
        self.table_open = True
        self.out.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in self.cells)}</tr>")
        self.cells, self.cell, self.line = [], [], []

    def _close_table(self) -> None:
        if self.cell or self.cells:
            self.out.append("".join([*self.cells, *self.cell]))
            self.cells, self.cell = [], []
        if self.table_open:
            self.out.append("</table>")
        self.table_open = False
