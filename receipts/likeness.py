"""Whether two pictures look alike, by small grey sketches of them that are thrown away: nothing is altered."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Sketch: TypeAlias = NDArray[np.int64]

LIKENESS_LEAST_PERCENT: Final = 50
_SIDE: Final = 32
_FLAT: Final = 3


def sketch(image: Image.Image) -> Sketch:
    """A picture as on white paper, in grey and small.

    Raises:
        OSError: It can't be decoded.
    """
    coloured = image.convert("RGBA")
    on_white = Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    return np.asarray(on_white.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)).astype(np.int64).ravel()


def is_flat(one: Sketch) -> bool:
    """Whether it shows nothing."""
    return _varies_with(one, one) < (_FLAT * one.size) ** 2


def is_alike(one: Sketch, other: Sketch) -> bool:
    """Whether the two vary together (Pearson)."""
    together = _varies_with(one, other)
    alike_least = LIKENESS_LEAST_PERCENT**2 * _varies_with(one, one) * _varies_with(other, other)
    return not is_flat(other) and together > 0 and 100**2 * together**2 >= alike_least


def _varies_with(one: Sketch, other: Sketch) -> int:
    """Their covariance, in whole numbers so that every machine finds the same."""
    return int(one.size * (one * other).sum() - one.sum() * other.sum())
