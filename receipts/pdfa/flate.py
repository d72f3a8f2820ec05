"""Samples -> an image stream that holds exactly these samples, packed without loss (FlateDecode)."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Final

import numpy as np
import pikepdf
from pikepdf import Dictionary, Name, Pdf, Stream
from PIL import Image

from receipts.pdfa.colour import DEVICE

_MODES: Final = {1: "L", 3: "RGB"}


def image(pdf: Pdf, samples: bytes, width: int, height: int, *, channels: int, bits: int) -> Stream:
    """An image XObject in device colours, checked to give `samples` back.

    Args:
        pdf: Where it will belong.
        samples: Rows from the top, each padded to a whole byte; 16-bit samples with the high byte first.
        width: Pixels across.
        height: Pixels down.
        channels: 1, 3 or 4.
        bits: 1, 2, 4, 8 or 16 a sample.
    """
    if bits >= 8:
        is_known = bits == 8 and channels in _MODES
        packed = _with_predictor(_MODES[channels], width, height, samples) if is_known else _with_up(height, samples)
        stream = Stream(pdf, packed, Filter=Name.FlateDecode, DecodeParms=predictor(width, channels, bits))
    else:
        stream = Stream(pdf, zlib.compress(samples, 6), Filter=Name.FlateDecode)
    describe(stream, width, height, bits)
    stream.ColorSpace = Name(DEVICE[channels])
    if stream.read_bytes() != samples:  # by qpdf, which did not pack them
        raise AssertionError("the packed samples are not the ones that were given")
    return stream


def describe(stream: Stream, width: int, height: int, bits: int) -> None:
    """Make `stream` an image XObject of that size."""
    stream.Type, stream.Subtype = Name.XObject, Name.Image
    stream.Width, stream.Height, stream.BitsPerComponent = width, height, bits


def predictor(width: int, channels: int, bits: int) -> Dictionary:
    """The parameters under which Flate reads what PNG's IDAT chunks hold (ISO 32000-1 7.4.4.4)."""
    return Dictionary(Predictor=15, Colors=channels, BitsPerComponent=bits, Columns=width)


def unfiltered(data: bytes, width: int, *, channels: int, bits: int) -> bytes:
    """Packed samples out of IDAT data, without PNG's row filters, by qpdf."""
    with pikepdf.new() as scratch:
        stream = Stream(scratch, data, Filter=Name.FlateDecode, DecodeParms=predictor(width, channels, bits))
        return stream.read_bytes()


def _with_up(height: int, samples: bytes) -> bytes:
    """The same of samples that Pillow writes no PNG of: each byte less the one above it (W3C PNG 9.2, filter 2)."""
    rows = np.frombuffer(samples, "u1").reshape(height, -1)
    filtered = np.full((height, rows.shape[1] + 1), 2, "u1")
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return zlib.compress(filtered.data, 4)


def _with_predictor(mode: str, width: int, height: int, samples: bytes) -> bytes:
    """IDAT data of these samples: PNG's row filters make a third of what plain Flate makes of a page."""
    out = BytesIO()
    Image.frombuffer(mode, (width, height), samples, "raw", mode, 0, 1).save(out, "PNG", compress_level=4)
    png, data, position = out.getvalue(), [], 8
    while position < len(png):
        length, name = struct.unpack(">I4s", png[position : position + 8])
        if name == b"IDAT":
            data.append(png[position + 8 : position + 8 + length])
        position += 12 + length
    return b"".join(data)
