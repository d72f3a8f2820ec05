"""PNG: its compressed pixels become the image stream as they are, or are repacked, unaltered.

PDF's Flate filter with a PNG predictor (ISO 32000-1 7.4.4.4) reads exactly what a PNG's IDAT chunks hold, unless it is
interlaced or carries alpha. Those are unpacked and packed again; alpha becomes a soft mask beside untouched colours.
"""

from __future__ import annotations

import zlib
from decimal import Decimal

import pikepdf
from pikepdf import Array, Name, Pdf, Stream

from receipts.evidence import Json
from receipts.pdfa import flate, png_colour, raster
from receipts.pdfa.document import add_image_page
from receipts.pdfa.model import Shown
from receipts.pdfa.png_chunks import Png, parse, passes, raw, unpacking
from receipts.policy import Limits


def show(original: bytes, limits: Limits) -> Shown:
    """One page with the PNG's pixels, bit for bit.

    Raises:
        Refused: TRUNCATED, DAMAGED, TOO_MANY_PIXELS, or UNSUPPORTED_TYPE for what only Apple's tools read.
    """
    png = parse(original, limits)
    data, is_exact = raw(png)
    pdf = pikepdf.new()
    route, claim = "png-repacked", "samples-equal"
    if png.has_alpha or png.interlaced:
        image = _repacked(pdf, png, data)
    else:
        if is_exact:
            route, claim = "png-stream", "idat-identical"
        image = Stream(pdf, png.data if is_exact else zlib.compress(data), Filter=Name.FlateDecode)
        image.DecodeParms = flate.predictor(png.width, png.channels, png.depth)
        flate.describe(image, png.width, png.height, png.depth)
    meaning = png_colour.set_colour(pdf, png, image)
    png_colour.set_transparency(pdf, png, image)
    add_image_page(pdf, image, dpi=png_colour.dpi(png), exif_orientation=png_colour.orientation(png))
    fidelity: dict[str, Json] = {
        "claim": claim,
        "stream": "page 1, image Im0, FlateDecode",
        "width_px": png.width,
        "height_px": png.height,
        "bits": png.depth,
        "colour": meaning,
        "alpha": "/SMask" in image or "/Mask" in image,
        "interlaced": png.interlaced,
        "animated": b"acTL" in png.chunks,
        "exif_orientation": png_colour.orientation(png),
        "decoded_by": f"zlib and qpdf {pikepdf.__libqpdf_version__}",
    }
    return Shown(pdf=pdf, route=route, fidelity=fidelity)


def _repacked(pdf: Pdf, png: Png, data: bytes) -> Stream:
    """Its samples, colours and alpha apart; each is untouched, also where alpha hides it."""
    bits = max(png.depth, 8) if png.interlaced else png.depth
    samples = _deinterlaced(png, data) if png.interlaced else _unfiltered(png, data, png.width)
    image = raster.planes(pdf, samples, png.width, png.height, channels=png.channels, alpha=png.has_alpha, bits=bits)
    if png.depth < 8 and png.kind == 0:
        image.Decode = Array([0, Decimal(255) / ((1 << png.depth) - 1)])  # a byte each, but the values of fewer bits
    return image


def _unfiltered(png: Png, data: bytes, width: int) -> bytes:
    return flate.unfiltered(zlib.compress(data, 0), width, channels=png.channels, bits=png.depth)


def _deinterlaced(png: Png, data: bytes) -> bytes:
    """Samples of an interlaced PNG (Adam7) row by row, in a byte each where they have less than 8 bits."""
    size = max(1, png.depth // 8) * png.channels
    out = bytearray(png.width * png.height * size)
    unpacked = unpacking(png.depth)
    position = 0
    for x, y, step_x, step_y, width, height in passes(png):
        length = (png.row_bytes(width) + 1) * height
        rows = _unfiltered(png, data[position : position + length], width)
        position += length
        for row in range(height):
            pixels = rows[row * png.row_bytes(width) : (row + 1) * png.row_bytes(width)]
            if unpacked:
                pixels = b"".join(unpacked[byte] for byte in pixels)[: width * size]
            start = ((y + row * step_y) * png.width + x) * size
            stop = (y + row * step_y + 1) * png.width * size
            for byte in range(size):
                out[start + byte : stop : step_x * size] = pixels[byte::size]
    return bytes(out)
