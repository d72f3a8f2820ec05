"""How large a page is and how it is turned; pixels are never touched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SMALLEST_PT: Final = 3.0  # ISO 19005-3 6.1.13: page boundaries between 3 and 14,400 units
LARGEST_PT: Final = 14_400.0
A4_PT: Final = (595.0, 842.0)
ROLL_PT: Final = 227.0  # a till roll is 80 mm wide
LONG: Final = 2.0  # from this ratio on we take a picture for a till roll
CREDIBLE_SIDE_PT: Final = 1191.0  # A2: a receipt's shorter side is not longer: else it's a default, not a fact

ORIENTATIONS: Final = MappingProxyType(
    {
        1: (False, 0),
        2: (True, 0),
        3: (False, 180),
        4: (True, 180),
        5: (True, 270),
        6: (False, 90),
        7: (True, 90),
        8: (False, 270),
    }
)
"""EXIF orientation (CIPA DC-008 4.6.4 A) -> (mirrored left to right first, then turned clockwise by degrees)."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A page and a picture on it that fills it.

    Attributes:
        width_pt: Of the page, before any turning.
        height_pt: The same.
        matrix: Six numbers as PDF syntax: the picture's unit square on the page, mirrored if need be.
        degrees: By how much the page is turned, clockwise.
    """

    width_pt: float
    height_pt: float
    matrix: str
    degrees: int


def placed(width_px: int, height_px: int, dpi: tuple[float, float] | None, exif_orientation: object) -> Placed:
    """The page for a picture, turned by `/Rotate` and mirrored by the matrix as its EXIF orientation says.

    Args:
        width_px: Pixels across, before any turning.
        height_px: Pixels down.
        dpi: Pixels per inch as the file states them, across and down.
        exif_orientation: As the file states it, be it nonsense.
    """
    width, height = page_size(width_px, height_px, dpi)
    mirrored, degrees = orientation(exif_orientation)
    matrix = f"{-width:.3f} 0 0 {height:.3f} {width:.3f} 0" if mirrored else f"{width:.3f} 0 0 {height:.3f} 0 0"
    return Placed(width_pt=width, height_pt=height, matrix=matrix, degrees=degrees)


def orientation(value: object) -> tuple[bool, int]:
    """(mirrored, degrees clockwise) for an EXIF orientation; anything that is none of the eight turns nothing."""
    return ORIENTATIONS.get(value, (False, 0)) if isinstance(value, int) else (False, 0)


def page_size(width_px: int, height_px: int, dpi: tuple[float, float] | None) -> tuple[float, float]:
    """Width and height in points: by the picture's own resolution if that is credible, else fitted into A4 or a roll.

    Args:
        width_px: Pixels across, before any turning.
        height_px: Pixels down.
        dpi: Pixels per inch as the file states them, across and down.
    """
    if dpi is not None and all(math.isfinite(side) and side > 1 for side in dpi):
        width, height = width_px * 72 / dpi[0], height_px * 72 / dpi[1]
        if SMALLEST_PT <= min(width, height) <= CREDIBLE_SIDE_PT and max(width, height) <= LARGEST_PT:
            return _within(width, height)
    short, long = min(width_px, height_px), max(width_px, height_px)
    scale = ROLL_PT / short if long / short > LONG else min(A4_PT[0] / short, A4_PT[1] / long)
    scale = min(scale, LARGEST_PT / long)
    return _within(width_px * scale, height_px * scale)


def _within(width: float, height: float) -> tuple[float, float]:
    return tuple(round(min(max(side, SMALLEST_PT), LARGEST_PT), 3) for side in (width, height))  # type: ignore[return-value]
