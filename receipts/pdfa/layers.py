"""Optional content (ISO 32000-1 8.11) as PDF/A-3 allows it, judged and taken out of a copy."""

from __future__ import annotations

import re
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from receipts.pdfa.graph import dictionaries

_MARKED: Final = re.compile(rb"/OC\s+/([A-Za-z0-9_.-]+)\s+BDC\b")
_NAMED: Final = re.compile(rb"/[A-Za-z0-9_.-]+")
_KINDS: Final = (Name.OCG, Name.OCMD)
_DEEPEST: Final = 50


def take_out(copy: Pdf) -> None:
    """Take the layers out of `copy` if they are as ISO 19005-3 6.9 wants them: what they hold becomes plain content."""
    properties: Any = copy.Root.get("/OCProperties")
    if not isinstance(properties, Dictionary) or not _conform(properties):
        return
    del copy.Root.OCProperties
    for node in dictionaries(copy):
        if _is_layer(node.get("/OC")):
            del node.OC
    for page in copy.pages:
        contents: Any = page.obj.get("/Contents")
        streams = [contents] if isinstance(contents, Stream) else list(contents or [])
        _unmark(page.obj.get("/Resources"), streams)
    for thing in list(copy.objects):
        if isinstance(thing, Stream) and thing.get("/Subtype") == Name.Form:
            _unmark(thing.get("/Resources"), [thing])
    for node in dictionaries(copy):
        listed: Any = node.get("/Properties")
        if isinstance(listed, Dictionary):
            for name in [name for name, value in listed.items() if _is_layer(value)]:
                del listed[name]


def _conform(properties: Dictionary) -> bool:
    """6.9: each configuration has its own name, lists all layers if it orders them, and switches none by itself."""
    layers, default, others = properties.get("/OCGs"), properties.get("/D"), properties.get("/Configs", Array())
    if not isinstance(layers, Array) or not isinstance(others, Array):
        return False
    configurations: list[Any] = [default, *others]
    names = [one.get("/Name") if isinstance(one, Dictionary) else None for one in configurations]
    if not all(isinstance(name, String) and bytes(name) for name in names):
        return False
    if len({str(name) for name in names}) != len(names) or any("/AS" in one for one in configurations):
        return False
    every = {one.objgen for one in layers if isinstance(one, Dictionary)}
    return all("/Order" not in one or _ordered(one.Order, 0) == every for one in configurations)


def _ordered(order: object, depth: int) -> set[tuple[int, int]]:
    if isinstance(order, Dictionary):
        return {order.objgen}
    if not isinstance(order, Array) or depth > _DEEPEST:
        return set()
    return set().union(*(_ordered(one, depth + 1) for one in order))


def _is_layer(value: object) -> bool:
    return isinstance(value, Dictionary) and value.get("/Type") in _KINDS


def _unmark(resources: object, streams: list[Any]) -> None:
    """Make marked content that is a layer plain marked content, where its name is in the resources (6.2.2)."""
    listed: Any = resources.get("/Properties") if isinstance(resources, Dictionary) else None
    if not isinstance(listed, Dictionary):
        return
    names = {name.encode() for name, value in listed.items() if _NAMED.fullmatch(name.encode()) and _is_layer(value)}
    for stream in streams:
        if isinstance(stream, Stream):
            old = stream.read_bytes()
            new = _MARKED.sub(lambda found: b"/OC BMC" if b"/" + found[1] in names else found[0], old)
            if new != old:
                stream.write(new)
