"""HTML that would hurt its renderer is found, or made harmless, before it is rendered, in passes over its text."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from receipts.errors import Code, Refused

DEEPEST: Final = 2000  # elements within elements: the renderer needs stack for each
DEEPEST_TABLES: Final = 16  # tables within tables: each level nearly doubles the time of their layout
DEEPEST_BLOCKS: Final = 200  # blocks within blocks in a style sheet
DEEPEST_FUNCTIONS: Final = 500  # functions within functions in a style: reading them takes the square of it
WIDEST_CELL: Final = 1000  # HTML 4.9.11: what browsers cut `colspan` down to
SPANNED_MOST: Final = 2_000_000  # places in a table, over all of its cells that span several
COMPARED_MOST: Final = 5_000_000_000  # siblings looked at for selectors that ask for them: some seconds
ELEMENTS_MOST: Final = 500_000  # a page of a mail has a hundred or two
GENERATED_MOST: Final = 20_000_000  # characters that a style sheet writes, if it did so in every element
ATTRIBUTES_MOST: Final = 2000  # of one element: reading them takes the square of their number
USES_MOST: Final = 30  # of pieces of a drawing, as such or as masks: those within each other multiply
TEXT_MOST: Final = 2000  # characters of one text: laying it out takes the square of them
UNBROKEN_MOST: Final = 1000  # elements in one word, likewise

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_SPAN: Final = re.compile(r"(?i)span\s*=\s*[\"']?\s*(\d+)")
_CELL: Final = re.compile(r"(?i)<(t[dh])\b|\b((?:col|row)span)\s*=\s*[\"']?\s*(\d{1,4})")
_ASKS_SIBLINGS: Final = re.compile(r"(?i)~|:nth-|-of-type|:last-child|:only-child")
_STYLE: Final = re.compile(r"(?is)<style\b[^<>]*>(.*?)(?:</style|\Z)")
_CONTENT: Final = re.compile(r"(?is)\bcontent\s*:\s*(?:\"([^\"]*)\"|'([^']*)')")
_LONG_TAG: Final = re.compile(f"<[a-zA-Z][^<>]{{{2 * ATTRIBUTES_MOST},}}")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_USE: Final = re.compile(r"(?i)<use\b|\bmask\s*[:=]\s*[\"']?\s*url")
_RAW: Final = re.compile(r"(</?(?:style|script|title|textarea)\b)", re.IGNORECASE)
_TOKEN: Final = re.compile(r"<[a-zA-Z/!?][^<>]*>?|[^<]+|<")
_LETTER: Final = r"(?>&[^;\s<&]{1,32};|[^<])"  # never taken apart again
_PIECE: Final = re.compile(f"{_LETTER}{{{TEXT_MOST},{2 * TEXT_MOST}}}?(?=\\s)|{_LETTER}{{{2 * TEXT_MOST}}}")
_INLINE: Final = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "mark", "o:p", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var",
})  # fmt: skip
_UNCLOSED: Final = frozenset({
    "area", "base", "basefont", "bgsound", "br", "col", "colgroup", "dd", "dt", "embed", "frame", "hr", "img", "input",
    "li", "link", "meta", "optgroup", "option", "p", "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr",
    "track", "wbr",
})  # fmt: skip
"""Elements that end without saying so: they don't lie within each other without another one between them."""


def check(html: str) -> bool:
    """Check `html`.

    Returns:
        Whether its tables may be laid out as tables; else they must be laid out as blocks.

    Raises:
        Refused: HOSTILE or TOO_COSTLY.
    """
    _refuse_deep_styles(html)
    _refuse_costly(html)
    open_elements, depth, tables = Counter[str](), 0, 0
    for closing, name in _TAG.findall(html):
        name = name.lower()
        if name in _UNCLOSED:
            continue
        if not closing:
            open_elements[name] += 1
            depth += 1
            tables = max(tables, open_elements["table"])
            if depth > DEEPEST:
                raise Refused(Code.HOSTILE, f"HTML more than {DEEPEST} elements deep")
        elif open_elements[name]:
            open_elements[name] -= 1
            depth -= 1
    return tables <= DEEPEST_TABLES


def _refuse_deep_styles(html: str) -> None:
    if _deepest(re.findall("[{}]", html), *"{}") > DEEPEST_BLOCKS:
        raise Refused(Code.HOSTILE, f"style sheet more than {DEEPEST_BLOCKS} blocks deep")
    if _deepest(re.findall("[()<>;{}]", html), *"()") > DEEPEST_FUNCTIONS:
        raise Refused(Code.HOSTILE, f"style with functions more than {DEEPEST_FUNCTIONS} deep")
    if len(_USE.findall(html)) > USES_MOST:
        raise Refused(Code.HOSTILE, f"drawing that uses pieces of itself more than {USES_MOST} times")


def _deepest(signs: list[str], opening: str, closing: str) -> int:
    """How deep opening signs lie within each other; any other sign but theirs ends them all."""
    depth = deepest = 0
    for sign in signs:
        depth = depth + 1 if sign == opening else max(0, depth - 1) if sign == closing else 0
        deepest = max(deepest, depth)
    return deepest


def _refuse_costly(html: str) -> None:
    if any(len(digits) > 4 or int(digits) > WIDEST_CELL for digits in _SPAN.findall(html)):
        raise Refused(Code.HOSTILE, f"table cell over more than {WIDEST_CELL} columns or rows")
    if (elements := html.count("<")) > ELEMENTS_MOST:
        raise Refused(Code.TOO_COSTLY, f"HTML of more than {ELEMENTS_MOST} elements")
    if any(len(_QUOTED.sub("", tag).split()) > ATTRIBUTES_MOST for tag in _LONG_TAG.findall(html)):
        raise Refused(Code.HOSTILE, f"element with more than {ATTRIBUTES_MOST} attributes")
    written = max((len(one) + len(other) for one, other in _CONTENT.findall(html)), default=0)
    if written * elements > GENERATED_MOST:
        raise Refused(Code.TOO_COSTLY, f"style sheet that writes {written} characters in {elements} elements")
    if _spanned(html) > SPANNED_MOST:
        raise Refused(Code.TOO_COSTLY, f"table with cells over more than {SPANNED_MOST} places")
    if sum(len(_ASKS_SIBLINGS.findall(style)) for style in _STYLE.findall(html)) * elements**2 > COMPARED_MOST:
        raise Refused(Code.TOO_COSTLY, f"style sheet that compares too much in {elements} elements")


def _spanned(html: str) -> int:
    """How many places in their tables the cells take that span several; no more rows than there are in all."""
    rows = len(re.findall(r"(?i)<tr\b", html)) + 1
    places = width = height = 1
    for cell, name, number in _CELL.findall(html):
        if cell:
            places += width * height if width * height > 1 else 0
            width = height = 1
        elif name.lower() == "colspan":
            width = max(1, int(number))
        else:
            height = min(int(number), rows) or rows  # HTML 4.9.11: 0 is all rows that follow
    return places + width * height


def eased(html: str) -> str:
    """The same HTML, with places to break where a text or a word of many elements goes on without end."""
    pieces, is_raw = _RAW.split(html), False
    for number, piece in enumerate(pieces):
        if number % 2:
            is_raw = not piece.startswith("</")
        elif not is_raw:
            pieces[number] = _eased(piece)
    return "".join(pieces)


def _eased(html: str) -> str:
    out, unbroken = [], 0
    for token in _TOKEN.findall(html):
        if tag := _TAG.match(token):
            unbroken = unbroken + 1 if tag[2].lower() in _INLINE else 0
        elif token[0] != "<":
            unbroken = 0 if re.search(r"\s", token) else unbroken
            token = _PIECE.sub(lambda piece: f"{piece[0]}<wbr>", token) if len(token) > TEXT_MOST else token
            if unbroken > UNBROKEN_MOST:
                token, unbroken = f"{token}<wbr>", 0
        out.append(token)
    return "".join(out)
