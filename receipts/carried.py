"""How a signature dictionary carries a provenance: as strings, under a key of ours (ISO 32000-1, annex E).

An object of its own beside the dictionary, even one that it refers to, would be one more change to what others signed.
"""

from __future__ import annotations

from typing import Final

import pikepdf
from pyhanko.pdf_utils import generic

KEY: Final = "/ProbantProvenance"
LONGEST_STRING_BYTES: Final = 32767  # ISO 19005-3, 6.1.13


def written(provenance: bytes) -> generic.ArrayObject:
    """The value for `KEY`."""
    starts = range(0, len(provenance), LONGEST_STRING_BYTES)
    return generic.ArrayObject(
        [generic.ByteStringObject(provenance[start : start + LONGEST_STRING_BYTES]) for start in starts]
    )


def read(value: object) -> bytes:
    """The provenance in the value of `KEY`, as pikepdf has it.

    Raises:
        ValueError: It is none of ours.
    """
    if not isinstance(value, pikepdf.Array) or not all(isinstance(each, pikepdf.String) for each in value):
        raise ValueError(f"{KEY} is not as we write it")
    return b"".join(bytes(each) for each in value)
