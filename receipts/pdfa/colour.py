"""Colour is carried, never converted: profiles as they came, and two of our own where a file names none.

Both are built here, so that they are the same bytes on every machine. ISO 15076-1:2010 (ICC.1) gives their form.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from io import BytesIO
from types import MappingProxyType
from typing import Final

from pikepdf import Array, Name, Pdf
from PIL import ImageCms

SPACES: Final = MappingProxyType({1: b"GRAY", 3: b"RGB ", 4: b"CMYK"})
DEVICE: Final = MappingProxyType({1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK"})

_D50: Final = (0.9642, 1.0, 0.8249)
_SRGB_TO_D50: Final = ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.7141))
_BRADFORD: Final = (1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)
_PRIMARIES: Final = MappingProxyType(
    {9: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046)), 12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))}
)
"""BT.2020 and Display P3: those that pictures come in beside those of sRGB."""
_SDR: Final = frozenset({1, 6, 13, 14, 15})  # sRGB, and those of video that displays show like it
_HDR: Final = frozenset({16, 18})  # PQ and HLG
_GRID: Final = 9


def is_usable(profile: bytes, components: int) -> bool:
    """Whether PDF/A-3 lets `profile` describe pixels of so many components (ISO 19005-3 6.2.4.2)."""
    if len(profile) < 132 or profile[36:40] != b"acsp" or not 2 <= profile[8] <= 4:
        return False
    if int.from_bytes(profile[:4], "big") > len(profile) or profile[16:20] != SPACES.get(components):
        return False
    if profile[12:16] not in (b"mntr", b"prtr", b"scnr", b"spac"):
        return False
    try:
        ImageCms.ImageCmsProfile(BytesIO(profile))
    except OSError:  # lcms can't open it: it is damaged
        return False
    return True


def space(pdf: Pdf, profile: bytes | None, components: int) -> Array | Name:
    """The colour space of `profile`, which must be usable; without one, what the output intent gives a meaning."""
    if profile is None:
        return Name(DEVICE[components])
    return Array([Name.ICCBased, pdf.make_stream(profile, N=components)])


@functools.cache
def srgb() -> bytes:
    """The sRGB profile (IEC 61966-2-1): the output intent of every archive file."""
    return _rgb("sRGB", list(zip(*_SRGB_TO_D50, strict=True)))


def _rgb(name: str, primaries: Sequence[Sequence[float]]) -> bytes:
    """A profile of a display with the curve of sRGB, from its primaries as XYZ under D50."""
    curve = b"para" + struct.pack(">4xH2x", 3) + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    columns = [b"XYZ \0\0\0\0" + _fixed(*column) for column in primaries]
    return _profile(
        b"mntrRGB XYZ ",
        [
            (b"desc", _text(name)),
            (b"cprt", _text("No copyright, use freely")),
            (b"wtpt", b"XYZ \0\0\0\0" + _fixed(*_D50)),
            (b"chad", b"sf32\0\0\0\0" + _fixed(*_BRADFORD)),
            *zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True),
            *((name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")),
        ],
    )


@functools.cache
def of_primaries(code: int) -> bytes | None:
    """The profile of a display with these primaries (ITU-T H.273 table 2), D65 and the curve of sRGB; None: unknown."""
    if code not in _PRIMARIES:
        return None
    x, y = 0.3127, 0.329
    white = (x / y, 1.0, (1 - x - y) / y)
    columns = [(x / y, 1.0, (1 - x - y) / y) for x, y in _PRIMARIES[code]]
    seen = [[sum(_BRADFORD[3 * row + at] * column[at] for at in range(3)) for row in range(3)] for column in columns]
    shares = solved(columns, white)
    adapted = [[value * share for value in column] for column, share in zip(seen, shares, strict=True)]
    return _rgb(f"primaries {code} of ITU-T H.273", adapted)


def by_number(primaries: int, transfer: int) -> tuple[str, bytes | None]:
    """What colours stated by number (ITU-T H.273) mean: in a word, and the profile; None: the output intent."""
    if transfer in _HDR:
        return "hdr-not-carried", None  # PDF/A-3 knows no such curve: shown as if it were that of sRGB
    profile = of_primaries(primaries) if transfer in _SDR else None
    return ("primaries-carried" if profile else "device"), profile


def solved(columns: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """How much of each of three primaries makes the white (Cramer)."""
    whole = _determinant(columns)
    if abs(whole) < 1e-9:
        return [1 / 3] * 3
    return [_determinant([right if at == each else columns[at] for at in range(3)]) / whole for each in range(3)]


def _determinant(m: Sequence[Sequence[float]]) -> float:
    return sum(m[0][a] * (m[1][b] * m[2][c] - m[1][c] * m[2][b]) for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)))


@functools.cache
def plain_cmyk() -> bytes:
    """What CMYK without a profile is taken to mean, as image software does: each ink takes its share of the light."""
    levels = [step / (_GRID - 1) for step in range(_GRID)]
    table = bytearray()
    for cyan in levels:
        for magenta in levels:
            for yellow in levels:
                for black in levels:
                    table += _lab8([(1 - ink) * (1 - black) for ink in (cyan, magenta, yellow)])
    straight = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, _GRID, 0)) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    return _profile(
        b"scnrCMYKLab ",
        [
            (b"desc", _text("CMYK without a profile")),
            (b"cprt", _text("No copyright, use freely")),
            (b"wtpt", b"XYZ \0\0\0\0" + _fixed(*_D50)),
            (b"A2B0", lut + straight * 4 + bytes(table) + straight * 3),
        ],
    )


def _lab8(rgb: Sequence[float]) -> bytes:
    """sRGB values between 0 and 1 as CIELAB D50 in the coding of lut8Type."""
    light = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in rgb]
    xyz = [sum(a * b for a, b in zip(row, light, strict=True)) for row in _SRGB_TO_D50]
    f = [
        share ** (1 / 3) if share > 216 / 24389 else (24389 / 27 * share + 16) / 116
        for share in (value / white for value, white in zip(xyz, _D50, strict=True))
    ]
    lab = ((116 * f[1] - 16) * 2.55, 500 * (f[0] - f[1]) + 128, 200 * (f[1] - f[2]) + 128)
    return bytes(min(255, max(0, round(value))) for value in lab)


def _fixed(*values: float) -> bytes:
    """s15Fixed16Number."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _text(text: str) -> bytes:
    """multiLocalizedUnicodeType with one English string."""
    coded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII4sII", 1, 12, b"enUS", len(coded), 28) + coded


def _profile(kind: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    """A version 4.2 profile; tags with equal content share it."""
    start = 128 + 4 + 12 * len(tags)
    body, places, table = b"", dict[bytes, int](), b""
    for name, content in tags:
        if content not in places:
            places[content] = start + len(body)
            body += content + b"\0" * (-len(content) % 4)
        table += struct.pack(">4sII", name, places[content], len(content))
    header = struct.pack(">I4xI12s6H4s28x", start + len(body), 0x04200000, kind, 2026, 1, 1, 0, 0, 0, b"acsp")
    return header + _fixed(*_D50) + b"\0" * 48 + struct.pack(">I", len(tags)) + table + body
