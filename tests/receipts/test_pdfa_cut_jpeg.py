"""JPEGs that were cut and have an end marker all the same: refused, where decoders fill up with grey."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from PIL import Image

from receipts.errors import Code, Refused
from receipts.pdfa import original_of
from tests.receipts.pdfa_cases import made, picture

END = b"\xff\xd9"
NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 255, (320, 480, 3), dtype=np.uint8)).resize((960, 640))
CODINGS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "full colour": {"subsampling": 0},
    "restarts": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
    "progressive with restarts": {"progressive": True, "restart_marker_rows": 2},
}
ARITHMETIC = b64decode(  # 24 x 24 grey pixels of noise, by `cjpeg -arithmetic`
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9"
    "lnN+gXz/yQALCAAYABgBAREA/8wABgAQEAX/2gAIAQEAAD8AyJanxD18CI2GVjcvxbRD6KKq4sqkOysC1YTX6YFzrTbA3ur6Qs6QH54jIh0jV0+W"
    "IDM3cCrGlaPK/BugZb5bnyjyzJemoTN1ipzg/ECtYvoMu2lh+SSnCXT4V8UOfjTHaSaeuvs7ByvQoKnijXNVYBiwVSSF7rhV1Mx46I3XKemt4Pn7"
    "i4veVKlv5kpH4kTTfteAOCHi9lNVNrBy7EHYGSmFckfKX9kOI9ODHUdJAl6ex9YcLXlxFBXvpBkf2oOKehElyu6TDPfEShqUJCGYxUSLZ1Ier4aB"
    "wyuFrq9aje4VIP/Z"
)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_cut_jpeg_is_refused_though_it_has_an_end(coding: str, mode: str) -> None:
    whole = picture(NOISE.convert(mode), "JPEG", **CODINGS[coding])
    start = whole.find(b"\xff\xda") + 20
    for share in (1, 5, 9):
        with pytest.raises(Refused) as refused:
            made(whole[: start + (len(whole) - start) * share // 10] + END)
        assert refused.value.code == Code.TRUNCATED


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_progressive_jpeg_without_its_last_scans_is_refused(mode: str) -> None:
    whole = picture(NOISE.convert(mode), "JPEG", progressive=True)
    scans = [found.start() for found in re.finditer(rb"\xff\xda\0[\x08\x0c]", whole)]
    assert len(scans) > 3
    for start in scans[1:]:
        with pytest.raises(Refused) as refused:
            made(whole[:start] + END)
        assert refused.value.code == Code.TRUNCATED


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("more", [b"", b"\0" * 3, b"\0" * 40, b"\x2a" * 40])
def test_a_whole_jpeg_that_ends_grey_is_taken(coding: str, more: bytes) -> None:
    image = NOISE.copy()
    image.paste((128, 128, 128), (480, 320, 960, 640))
    original = picture(image, "JPEG", **CODINGS[coding])
    if not more or "restarts" not in coding:
        original = original.removesuffix(END) + more + END
        assert original_of(made(original).pdf) == original


def test_an_arithmetic_jpeg_is_decoded_wherever_its_data_stands() -> None:
    shown = made(ARITHMETIC)
    for length in (65_000, 65_200, 65_400):  # the data lies across the end of what Pillow reads at first
        original = ARITHMETIC[:2] + b"\xff\xee" + length.to_bytes(2, "big") + bytes(length - 2) + ARITHMETIC[2:]
        result = made(original)
        assert (result.route, result.fidelity) == ("jpeg-decoded", shown.fidelity)
