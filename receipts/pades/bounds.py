"""Bounds on the work that a small hostile file can ask of the library: trees whose branches meet again and again."""

from __future__ import annotations

from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import HistoricalResolver

_MOST_FIELDS: Final = 50_000
_MOST_LOOKS: Final = 200_000
_look: Final = HistoricalResolver.__call__


def check_form(root: generic.DictionaryObject) -> None:
    """Check that a walk through the form's fields ends: each is counted as often as it is reached.

    Raises:
        ValueError: It is too long.
    """
    waiting = [_kids(_kids_of(root, "/AcroForm"), "/Fields")]
    seen = 0
    while waiting:
        kids = waiting.pop()
        seen += len(kids)
        if seen > _MOST_FIELDS:
            raise ValueError(f"more than {_MOST_FIELDS} form fields")
        waiting += [_kids(kid, "/Kids") for kid in kids]


def _kids_of(holder: generic.DictionaryObject, key: str) -> object:
    return holder[key] if key in holder else None  # noqa: SIM401 (pyHanko's get doesn't resolve references)


def _kids(holder: object, key: str) -> generic.ArrayObject:
    holder = holder.get_object() if isinstance(holder, generic.IndirectObject) else holder
    found = _kids_of(holder, key) if isinstance(holder, generic.DictionaryObject) else None
    return found if isinstance(found, generic.ArrayObject) else generic.ArrayObject()


def look(resolver: HistoricalResolver, reference: generic.Reference) -> generic.PdfObject:
    """`resolver(reference)`, so many times and no more: pyHanko follows every path from the trailer to every object.

    Raises:
        PdfReadError: That was too often.
    """
    looks = resolver.__dict__["looks"] = resolver.__dict__.get("looks", 0) + 1
    if looks > _MOST_LOOKS:
        raise PdfReadError("too many paths lead to the objects of the file")
    found: generic.PdfObject = _look(resolver, reference)
    return found


def install() -> None:
    """Have the library use it. May be repeated."""
    HistoricalResolver.__call__ = look  # type: ignore[method-assign,assignment]
