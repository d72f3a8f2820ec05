"""What is measured of a picture: whole numbers from planes of samples, the same on every machine."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np

Plane: TypeAlias = "np.ndarray[Any, np.dtype[np.signedinteger[Any]]]"
"""Samples of 0 to 255, by row and column."""

_TILE: Final = 32
_BAND: Final = 4  # rows of tiles that are looked at together: what they take stays in the processor's cache
_CONTRAST_LEAST: Final = 150  # variance of a tile that shows more than paper and shadow
_INK: Final = 60


def colour(chroma: Plane) -> int:
    """How far a plane of chroma goes away from grey, 0 to 128."""
    return max(int(chroma.max()) - 128, 128 - int(chroma.min()))


def percentile(histogram: list[int], percent: int) -> int:
    """The value below or at which so many samples lie.

    Args:
        histogram: How many samples there are of each value from 0 to 255.
        percent: Of the samples.
    """
    seen, wanted = 0, sum(histogram) * percent // 100
    for value, count in enumerate(histogram):
        seen += count
        if seen > wanted:
            return value
    return 255


def sharpness(light: Plane) -> int | None:
    """Of tiles with contrast, how much of it lies between neighbouring pixels; `None` if no tile has any.

    Returns:
        Variance of the Laplacian over variance of the luminance, per mille, in the sharpest tenth of the tiles.
    """
    if min(light.shape) < 5:
        return None
    step = _BAND * min(_TILE, light.shape[0] - 2)
    bands = [_ratios(light[top : top + step + 2]) for top in range(0, _whole_tiles(light.shape[0] - 2), step)]
    ratios = np.sort(np.concatenate(bands))
    return int(ratios[len(ratios) * 9 // 10]) if len(ratios) else None


def _whole_tiles(side: int) -> int:
    return side // min(_TILE, side) * min(_TILE, side)


def _ratios(light: Plane) -> Plane:
    """Of each tile with contrast, how much of it lies between neighbouring pixels, per mille."""
    light = light.astype(np.int16)
    inner = light[1:-1, 1:-1]
    edges = 4 * inner  # from here on at most 1020, up or down, which 16 bits hold
    for neighbour in (light[:-2, 1:-1], light[2:, 1:-1], light[1:-1, :-2], light[1:-1, 2:]):
        edges -= neighbour
    contrast, detail = _variances(inner), _variances(edges)
    telling = contrast >= _CONTRAST_LEAST
    ratios: Plane = detail[telling] * 1000 // contrast[telling]
    return ratios


def _variances(plane: Plane) -> Plane:
    """The variance of each tile, rounded down."""
    high, wide = (min(_TILE, side) for side in plane.shape)
    rows, columns = plane.shape[0] // high, plane.shape[1] // wide
    tiles = np.ascontiguousarray(plane[: rows * high, : columns * wide]).reshape(rows, high, columns * wide)

    def across(lines: Plane) -> Plane:  # at most 1024 * 1020 ** 2, which 32 bits hold
        tile: Plane = lines.reshape(rows, columns, wide).sum(2, dtype=np.int32).astype(np.int64)
        return tile

    count, total = high * wide, across(tiles.sum(1, dtype=np.int16))  # at most 32 * 1020, which 16 bits hold
    squares = across(np.einsum("rhc,rhc->rc", tiles, tiles, dtype=np.int32))  # without a plane of squares in between
    result: Plane = (count * squares - total * total) // (count * count)
    return result


def strokes_cut(light: Plane, paper: int) -> int:
    """How many strokes run off the side where most do; sides where something darker than the paper lies don't count.

    Args:
        light: Luminance.
        paper: That of the paper.
    """
    most = 0
    for side in (light[:3], light[-3:], light[:, :3].T, light[:, -3:].T):
        darkest = side.min(0).astype(np.int16)
        background = int(np.sort(darkest)[len(darkest) // 2])
        if background * 10 >= paper * 7:
            ink = np.concatenate(([0], (darkest < background - _INK).astype(np.int64), [0]))
            turns = np.flatnonzero(np.diff(ink))
            lengths = turns[1::2] - turns[::2]
            most = max(most, int(((lengths >= 2) & (lengths <= 30)).sum()))
    return most
