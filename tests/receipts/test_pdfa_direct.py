"""Files written at once are what a PDF library would have made of the same objects."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from io import BytesIO

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin

from receipts.errors import WrongFacts
from receipts.pdfa import colour, normalise, original_of, provenance_of
from receipts.quality import Flag, measure
from tests.receipts import pdf_cases
from tests.receipts.pdfa_cases import LIMITS, facts, made, picture, rendered, with_orientation
from tests.receipts.test_pdfa_images import PROFILE, SEEDS, SIZES, noise


@settings(max_examples=60)
@given(SIZES, SEEDS, st.sampled_from(["L", "RGB", "CMYK"]), st.integers(0, 9), st.booleans())
def test_every_object_stands_where_the_table_says(
    size: tuple[int, int], seed: int, mode: str, turned: int, with_profile: bool
) -> None:
    options = {"icc_profile": PROFILE} if with_profile else {}
    pdf = made(picture(noise(mode, size, seed), "JPEG", exif=with_orientation(turned), **options)).pdf
    at = int(re.findall(rb"startxref\n(\d+)\n%%EOF\n$", pdf)[0])
    table = pdf[at:].splitlines()
    assert table[0] == b"xref"
    for number, entry in enumerate(table[3 : 2 + int(table[1].split()[1])], 1):
        assert pdf.startswith(b"%d 0 obj\n" % number, int(entry.split()[0]))
    with pikepdf.open(BytesIO(pdf), attempt_recovery=False) as opened:
        assert opened.check_pdf_syntax() == []
        assert opened.get_warnings() == []
        intent = opened.Root.OutputIntents[0]
        assert intent.DestOutputProfile.read_bytes() == colour.srgb()
        assert opened.Root.AF[0].objgen == opened.Root.Names.EmbeddedFiles.Names[1].objgen
        attached = opened.Root.AF[0].EF.F
        assert attached.Params.Size == len(attached.read_bytes())
        assert bytes(attached.Params.CheckSum) == hashlib.md5(attached.read_bytes()).digest()


@pytest.mark.parametrize("form", ["JPEG", "JPEG2000"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_page_shows_what_is_in_the_stream(form: str, mode: str) -> None:
    original = picture(Image.radial_gradient("L").convert(mode), form)
    result = made(original)
    assert result.route in ("jpeg-stream", "jp2-stream")
    assert original_of(result.pdf) == original
    shown = rendered(result.pdf, dpi=256 * 72 / 595)
    wanted = Image.open(BytesIO(original)).convert("RGB").resize(shown.size)
    for x in range(8, 250, 16):
        for y in range(8, 250, 16):
            pairs = zip(shown.getpixel((x, y)), wanted.getpixel((x, y)), strict=True)
            assert max(abs(a - b) for a, b in pairs) <= 24


def test_what_was_decoded_to_be_checked_is_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    original = picture(noise("RGB", (900, 1300), 1), "JPEG", quality=60)
    loads: list[tuple[int, int]] = []
    load = JpegImagePlugin.JpegImageFile.load

    def counted(image: JpegImagePlugin.JpegImageFile) -> object:
        if image.tile:
            loads.append(image.size)
        return load(image)

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", counted)
    result = made(original)
    assert len(loads) == 1
    assert result.quality == measure(original, "image/jpeg")


@pytest.mark.parametrize("form", ["WEBP", "GIF", "BMP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_other_pictures_are_measured_as_they_were_decoded_too(form: str, mode: str) -> None:
    image = Image.radial_gradient("L").resize((400, 500)).convert(mode)
    original = picture(image.convert("RGB") if form == "BMP" else image, form)
    assert made(original).quality == measure(original, made(original).media_type)


def test_rgb_without_a_transform_is_measured_too() -> None:
    stored = picture(noise("RGB", (640, 640), 2), "JPEG", keep_rgb=True)
    result = made(stored)
    assert result.quality["measured"] is True
    assert Flag.NO_COLOUR not in result.quality["flags"]  # type: ignore[operator]


def test_what_senders_write_stays_out_of_the_syntax() -> None:
    original = picture(noise("L", (9, 9), 3), "JPEG")
    strange = "endstream endobj (()\\ \u2028 <</AA>> \udcff"
    result = normalise(original, facts(original, source_name=strange, sender=strange), LIMITS)
    with pikepdf.open(BytesIO(result.pdf), attempt_recovery=False) as opened:
        assert opened.check_pdf_syntax() == []
    assert provenance_of(result.pdf)["sender"] == strange.encode(errors="backslashreplace").decode()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "PDF/A"])
def test_a_time_without_a_zone_is_our_fault(form: str) -> None:
    original = pdf_cases.pdf_a() if form == "PDF/A" else picture(noise("L", (9, 9), 4), form)
    with pytest.raises(WrongFacts):
        normalise(original, facts(original, received_at=datetime(2026, 11, 23)), LIMITS)
