"""The objects of a PDF one by one, with a stack of our own: nesting costs no recursion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pikepdf import (
    Array,
    DeletedObjectError,
    Dictionary,
    ForeignObjectError,
    Object,
    PasswordError,
    Pdf,
    PdfError,
    Stream,
)

STUMBLES: Final = (
    PdfError, PasswordError, ForeignObjectError, DeletedObjectError, ValueError, TypeError, AttributeError, LookupError,
    ArithmeticError, RuntimeError,
)  # fmt: skip
"""What is raised where a stranger's file says something else than it should."""


def containers(pdf: Pdf) -> Iterator[Dictionary | Array]:
    """Every dictionary and array of the file, those of streams and within others too, reachable or not."""
    for top in pdf.objects:
        waiting: list[Any] = [top]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Stream):
                node = node.stream_dict
            if isinstance(node, Dictionary):
                children = [value for _, value in node.items()]
            elif isinstance(node, Array):
                children = list(node)
            else:
                continue
            yield node
            waiting += [one for one in children if isinstance(one, Object) and not one.is_indirect]


def dictionaries(pdf: Pdf) -> Iterator[Dictionary]:
    """Every dictionary of the file."""
    return (node for node in containers(pdf) if isinstance(node, Dictionary))


def written(name: Object) -> str:
    """A name as it is written, which need not be UTF-8."""
    return name.unparse().decode("ascii", "replace")
