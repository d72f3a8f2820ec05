"""HTML that would hurt its renderer is found before it is rendered, in one pass over its text."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from receipts.errors import Code, Refused

DEEPEST: Final = 2000  # elements within elements: the renderer needs stack for each
DEEPEST_TABLES: Final = 16  # tables within tables: each level nearly doubles the time of their layout
DEEPEST_BLOCKS: Final = 200  # blocks within blocks in a style sheet
WIDEST_CELL: Final = 1000  # HTML 4.9.11: what browsers cut `colspan` down to

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_SPAN: Final = re.compile(r"(?i)span\s*=\s*[\"']?\s*(\d+)")
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
        Refused: HOSTILE.
    """
    if any(len(digits) > 4 or int(digits) > WIDEST_CELL for digits in _SPAN.findall(html)):
        raise Refused(Code.HOSTILE, f"table cell over more than {WIDEST_CELL} columns or rows")
    if _deepest_block(html) > DEEPEST_BLOCKS:
        raise Refused(Code.HOSTILE, f"style sheet more than {DEEPEST_BLOCKS} blocks deep")
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


def _deepest_block(html: str) -> int:
    depth = deepest = 0
    for brace in re.findall("[{}]", html):
        depth = max(0, depth + (1 if brace == "{" else -1))
        deepest = max(deepest, depth)
    return deepest
