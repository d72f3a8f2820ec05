"""TIFF pages whose samples Pillow would round or alter: taken as libtiff unpacks them, at their own depth.

Libtiff is shown a directory that calls a row's bytes grey pixels, so that what comes back are the row's bytes.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any, Final, TypeAlias

import numpy as np
import pikepdf
from pikepdf import Array, Stream
from PIL import TiffImagePlugin

from receipts.errors import Code, Refused
from receipts.pdfa import flate, raster
from receipts.pdfa import tiff_directory as tiff
from receipts.pdfa.tiff_directory import Directory

COLOURS: Final = {0: 1, 1: 1, 2: 3, 5: 4}
"""Photometric interpretation -> colours a pixel: white is zero, black is zero, RGB, CMYK."""

_BYTEWISE: Final = frozenset({1, 5, 8, 32773, 32946, 34925, 50000})  # none, LZW, Deflate, PackBits, LZMA, Zstandard
_ASSOCIATED: Final = 1
_UNASSOCIATED: Final = 2
_DIFFERENCES: Final = 2
_Samples: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


def is_wanted(page: Directory) -> bool:
    """Whether the page has samples that Pillow does not give as they are: of other depths, or multiplied with alpha."""
    bits, extra = page.all(tiff.BITS, (1,)), page.all(tiff.EXTRA_SAMPLES)
    if page.one(tiff.COMPRESSION, 1) not in _BYTEWISE or page.one(tiff.PHOTOMETRIC) not in COLOURS:
        return False
    return max(bits) not in (1, 8) or (_ASSOCIATED in extra and max(bits) == 8)


def refuse_other(page: Directory) -> None:
    """Refuse samples that no page of a PDF can show as they are.

    Raises:
        Refused: UNSUPPORTED_TYPE.
    """
    kinds, bits = set(page.all(tiff.SAMPLE_FORMAT, (1,))), set(page.all(tiff.BITS, (1,)))
    if kinds - {1, 4}:  # TIFF 6.0 section 19: unsigned, undefined
        raise Refused(
            Code.UNSUPPORTED_TYPE, f"TIFF with samples of format {sorted(kinds)}, not whole numbers from 0 on"
        )
    if len(bits) > 1 or not 1 <= max(bits) <= 16:
        raise Refused(Code.UNSUPPORTED_TYPE, f"TIFF with samples of {sorted(bits)} bits")
    if max(bits) > 8 and not is_wanted(page):
        said = f"compression {page.one(tiff.COMPRESSION, 1)}, photometric {page.one(tiff.PHOTOMETRIC)}"
        raise Refused(Code.UNSUPPORTED_TYPE, f"TIFF with samples of {max(bits)} bits in {said}")


def stream(pdf: pikepdf.Pdf, original: bytes, page: Directory) -> tuple[Stream, int]:
    """An image stream of the page's samples, without a colour space, and how many colours a pixel has.

    Raises:
        Refused: TRUNCATED, DAMAGED or UNSUPPORTED_TYPE.
    """
    width, height, bits = page.one(tiff.WIDTH), page.one(tiff.HEIGHT), max(page.all(tiff.BITS, (1,)))
    photometric, channels = page.one(tiff.PHOTOMETRIC), page.one(tiff.SAMPLES, 1)
    colours, extra = COLOURS[photometric], page.all(tiff.EXTRA_SAMPLES)[:1] or (0,)
    if not colours <= channels <= colours + 1:
        raise Refused(Code.UNSUPPORTED_TYPE, f"TIFF with {channels} samples for {colours} colours")
    samples = _samples(original, page, width, height, channels, bits)
    shown = flate.image(
        pdf, _packed(samples[:, :, :colours], bits), width, height, channels=colours, bits=16 if bits > 8 else 8
    )
    most = (1 << (16 if bits > 8 else 8)) - 1
    reach = most / ((1 << bits) - 1)
    if reach != 1 or photometric == 0:
        span = [1, 1 - reach] if photometric == 0 else [0, reach]
        shown.Decode = Array([round(value, 6) for value in span] * colours)
    if channels > colours and extra[0] in (_ASSOCIATED, _UNASSOCIATED):
        alpha = _packed(samples[:, :, colours:], bits)
        shown.SMask = flate.image(pdf, alpha, width, height, channels=1, bits=16 if bits > 8 else 8)
        if reach != 1:
            shown.SMask.Decode = Array([0, round(reach, 6)])
        if extra[0] == _ASSOCIATED:
            shown.SMask.Matte = Array([1 if photometric == 0 else 0] * colours)  # ISO 32000-1 11.6.5.3
    return shown, colours


def _packed(samples: _Samples, bits: int) -> bytes:
    """Samples a byte each, or two with the high byte first."""
    return samples.astype(">u2" if bits > 8 else "u1").tobytes()


def _samples(original: bytes, page: Directory, width: int, height: int, channels: int, bits: int) -> _Samples:
    """Every sample as a number: rows, columns, channels."""
    if page.one(tiff.PLANAR, 1) == 1:
        return _plane(original, page, 0, 1, (width, height, channels, bits))
    planes = [_plane(original, page, at, channels, (width, height, 1, bits)) for at in range(channels)]
    return np.concatenate(planes, axis=2)


def _plane(original: bytes, page: Directory, at: int, planes: int, form: tuple[int, int, int, int]) -> _Samples:
    width, height, channels, bits = form
    across = page.one(tiff.TILE_WIDTH) if page.all(tiff.TILES) else width
    row = (across * channels * bits + 7) // 8
    columns = -(-width // max(across, 1))
    content = _unpacked(original, page, at, planes, (row, row * columns, height))
    whole = np.frombuffer(content, "u1").reshape(height, columns, row)
    tiles = [_numbers(whole[:, column], page, across, channels, bits) for column in range(columns)]
    return np.concatenate(tiles, axis=1)[:, :width]


def _numbers(rows: _Samples, page: Directory, across: int, channels: int, bits: int) -> _Samples:
    """The samples in rows of bytes (TIFF 6.0 section 14 for what is stored as differences)."""
    if bits in (8, 16):
        kind = np.dtype("u1" if bits == 8 else f"{page.order}u2")
        samples = np.ascontiguousarray(rows).view(kind).reshape(len(rows), across, channels)
        if page.one(tiff.PREDICTOR, 1) == _DIFFERENCES:
            samples = np.cumsum(samples, axis=1, dtype=kind.newbyteorder("="))
        return samples
    if page.one(tiff.PREDICTOR, 1) != 1:
        raise Refused(Code.UNSUPPORTED_TYPE, f"TIFF with differences of {bits} bits")
    flags = np.unpackbits(rows, axis=1)[:, : across * channels * bits].reshape(len(rows), across, channels, bits)
    return np.dot(flags, 1 << np.arange(bits - 1, -1, -1, dtype="u4"))  # type: ignore[no-any-return]


def _unpacked(original: bytes, page: Directory, at: int, planes: int, size: tuple[int, int, int]) -> bytes:
    """The bytes of all rows of one plane: `size` is those of a tile's row, of a whole row, and the rows."""
    row, width, height = size
    is_tiled = bool(page.all(tiff.TILES))
    places = page.all(tiff.TILES if is_tiled else tiff.STRIPS)
    lengths = page.all(tiff.TILE_LENGTHS if is_tiled else tiff.STRIP_LENGTHS)
    if not places or len(places) != len(lengths) or len(places) % planes:
        raise Refused(Code.DAMAGED, f"TIFF with {len(places)} strips and {len(lengths)} lengths of them")
    if any(place + length > len(original) for place, length in zip(places, lengths, strict=True)):
        raise Refused(Code.TRUNCATED, "TIFF ends before its pixels")
    count = len(places) // planes
    mine = slice(at * count, (at + 1) * count)
    values = {tiff.TILES if is_tiled else tiff.STRIPS: places[mine]}
    values |= {tiff.TILE_LENGTHS if is_tiled else tiff.STRIP_LENGTHS: lengths[mine]}
    values |= {
        tiff.WIDTH: (width,),
        tiff.HEIGHT: (height,),
        tiff.BITS: (8,),
        tiff.SAMPLES: (1,),
        tiff.PHOTOMETRIC: (1,),
    }
    values |= {tiff.COMPRESSION: page.all(tiff.COMPRESSION, (1,)), tiff.FILL_ORDER: page.all(tiff.FILL_ORDER, (1,))}
    if is_tiled:
        values |= {tiff.TILE_WIDTH: (row,), tiff.TILE_HEIGHT: page.all(tiff.TILE_HEIGHT)}
    else:
        values[tiff.ROWS_PER_STRIP] = (min(page.one(tiff.ROWS_PER_STRIP, height), height),)
    with raster.decoding("tiff"):
        image = TiffImagePlugin.TiffImageFile(BytesIO(_with_directory(original, page.order, values)))
        if image.mode != "L" or image.size != (width, height):
            raise ValueError("its directory does not fit its samples")
        return image.tobytes()


def _with_directory(original: bytes, order: str, values: dict[int, tuple[int, ...]]) -> bytes:
    """The file with one directory, behind it, that says `values`: as LONG, so for files of less than 4 GB."""
    start = len(original) + len(original) % 2
    behind = start + 2 + 12 * len(values) + 4
    entries, arrays = b"", b""
    for tag, numbers in sorted(values.items()):
        content = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            place = behind + len(arrays)
            arrays, content = arrays + content, struct.pack(f"{order}I", place)
        entries += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + content
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    directory = struct.pack(f"{order}H", len(values)) + entries + bytes(4) + arrays
    return head + original[8:].ljust(start - 8, b"\0") + directory
