"""Spot colours (ISO 32000-1 8.6.6.4) as PDF/A-3 allows them, judged and taken out of a copy."""

from __future__ import annotations

from typing import Any, Final

from pikepdf import Array, Dictionary, Name, Pdf, Stream

from receipts.pdfa.graph import containers, written

_DEVICE: Final = {"/DeviceGray": (1, 3, 4), "/DeviceRGB": (3,), "/DeviceCMYK": (4,)}
_INDEPENDENT: Final = (Name.ICCBased, Name.CalGray, Name.CalRGB, Name.Lab)
_CMYK: Final = 4
_STITCHING: Final = 3
_FUNCTIONS: Final = (0, 2, 4)
_DEEPEST: Final = 2
_MOST: Final = 50


def take_out(copy: Pdf) -> None:
    """Make spot colours of one ink grey ones in `copy` if each is as ISO 19005-3 6.2.4.4 wants it.

    What they stand for is listed among the colour spaces of the first page, so that the validator judges it.
    """
    spots: list[Array] = []
    for node in containers(copy):
        if isinstance(node, Array):
            if len(node) == _CMYK and node[0] == Name.Separation:
                spots.append(node)
        elif _asks_for_more(node):
            return
    if not spots or not _agree(spots) or not all(_is_allowed(spot[2], _intended(copy)) for spot in spots):
        return
    alternates = [spot[2] for spot in spots]
    for spot in spots:
        del spot[1:]
        spot[0] = Name.CalGray
        spot.append(Dictionary(WhitePoint=Array([0.9505, 1, 1.089])))
    resources = copy.pages[0].obj.Resources
    spaces = Dictionary(dict(resources.get("/ColorSpace", Dictionary()).items()))
    for number, alternate in enumerate(alternates):
        spaces[f"/ProbantAlternate{number}"] = alternate
    resources.ColorSpace = spaces


def _asks_for_more(node: Dictionary) -> bool:
    """Whether a spot colour stands where a colour of another kind must."""
    keys = [key for key in ("/DefaultGray", "/DefaultRGB", "/DefaultCMYK", "/CS", "/Alternate") if key in node]
    return any(isinstance(node[key], Array) and len(node[key]) and node[key][0] == Name.Separation for key in keys)


def _agree(spots: list[Array]) -> bool:
    """6.2.4.4: one name, one meaning."""
    meant: dict[str, bytes] = {}
    for spot in spots:
        if not isinstance(spot[1], Name) or not _is_function(spot[3], 0):
            return False
        meaning = spot[2].unparse() + b" " + (b"%d" % spot[3].objgen[0] if spot[3].is_indirect else spot[3].unparse())
        if meant.setdefault(written(spot[1]), meaning) != meaning:
            return False
    return True


def _is_function(value: object, depth: int) -> bool:
    """Whether it is a function that does not lead back into itself (ISO 32000-1 7.10)."""
    if not isinstance(value, Dictionary | Stream) or depth > _DEEPEST:
        return False
    if value.get("/FunctionType") != _STITCHING:
        return value.get("/FunctionType") in _FUNCTIONS
    inner: Any = value.get("/Functions")
    return isinstance(inner, Array) and len(inner) <= _MOST and all(_is_function(one, depth + 1) for one in inner)


def _is_allowed(alternate: object, intended: int) -> bool:
    if isinstance(alternate, Name):
        return intended in _DEVICE.get(written(alternate), ())
    if not isinstance(alternate, Array) or not len(alternate) or alternate[0] not in _INDEPENDENT:
        return False
    profile: Any = alternate[1] if len(alternate) > 1 else None
    return not (isinstance(profile, Stream) and profile.get("/N") == _CMYK)  # with overprint it would not be allowed


def _intended(pdf: Pdf) -> int:
    """How many components the output intent has, 0 if there is none."""
    intents: Any = pdf.Root.get("/OutputIntents")
    for intent in intents if isinstance(intents, Array) else []:
        profile = intent.get("/DestOutputProfile") if isinstance(intent, Dictionary) else None
        if isinstance(profile, Stream):
            return int(profile.get("/N", 0))
    return 0
