"""Objects of two revisions beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from receipts.pades.numbers import is_new
from receipts.pades.update import refuse

ELSEWHERE: Final = frozenset({"/P", "/Parent"})
"""Of a widget: the page that it is on, looked at by itself."""
_LARGEST_TREE: Final = 1000


def is_same(one: generic.PdfObject, other: generic.PdfObject) -> bool:
    """Whether two objects say the same, however they are written; what they refer to is not looked at."""
    if type(one) is not type(other):
        return False
    if isinstance(one, generic.DictionaryObject) and isinstance(other, generic.DictionaryObject):
        data = [each.encoded_data for each in (one, other) if isinstance(each, generic.StreamObject)]
        if len(set(data)) > 1 or set(one) != set(other):
            return False
        return all(is_same(one.raw_get(key), other.raw_get(key)) for key in one)
    if isinstance(one, generic.ArrayObject) and isinstance(other, generic.ArrayObject):
        pairs = ((one.raw_get(at), other.raw_get(at)) for at in range(min(len(one), len(other))))
        return len(one) == len(other) and all(is_same(*pair) for pair in pairs)
    return bool(one == other)


def changed(before: generic.DictionaryObject, after: generic.DictionaryObject) -> set[str]:
    """The entries in which two dictionaries differ; what they refer to is not looked at."""
    keys = set(before) | set(after)
    return {key for key in keys if key not in before or key not in after or before.raw_get(key) != after.raw_get(key)}


def references(holder: generic.DictionaryObject, key: str, seen: set[generic.Reference]) -> list[generic.Reference]:
    """What an array in a dictionary refers to; the array itself goes to `seen` if it is an object of its own."""
    if key not in holder:
        return []
    raw = holder.raw_get(key)
    if isinstance(raw, generic.IndirectObject):
        seen.add(raw.reference)
    items = [holder[key].raw_get(position) for position in range(len(holder[key]))]
    if not all(isinstance(each, generic.IndirectObject) for each in items):
        refuse(f"{key} holds something else than references")
    return [each.reference for each in items]


def gather(
    old: HistoricalResolver, new: HistoricalResolver, start: generic.PdfObject, added: set[generic.Reference]
) -> None:
    """Note in `added` all objects under `start` that are new."""
    waiting = [start]
    while waiting:
        item = waiting.pop()
        if isinstance(item, generic.IndirectObject):
            if item.reference in added or not is_new(old, item.reference):
                continue
            added.add(item.reference)
            if len(added) > _LARGEST_TREE:
                refuse("too many objects are added with a signature")
            item = new(item.reference)
        waiting.extend(_children(item))


def _children(item: generic.PdfObject) -> Iterator[generic.PdfObject]:
    if isinstance(item, generic.DictionaryObject):
        yield from (item.raw_get(key) for key in item if key not in ELSEWHERE)
    elif isinstance(item, generic.ArrayObject):
        yield from (item.raw_get(position) for position in range(len(item)))
