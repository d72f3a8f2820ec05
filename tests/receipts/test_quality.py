"""Captures that can't be read are flagged, sharp ones are not; nothing is ever corrected."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageFilter

from receipts.errors import ADVICE
from receipts.pdfa import provenance_of
from receipts.quality import WORDS, Flag, measure, reasons
from tests.conftest import SAMPLES
from tests.receipts.pdfa_cases import made, picture

RECEIPTS = (
    "azure-samples__receipt.png",
    "receipt-ocr__main-street-restaurant-receipt.jpeg",
    "receipt-ocr__receipt.jpg",
    "textract-samples__expense.png",
    "textract-samples__patient_intake_form_sample.jpg",
    "azure-samples__invoice_sample.jpg",
)
IN_COLOUR = RECEIPTS[:-1]


def opened(name: str) -> Image.Image:
    return Image.open(SAMPLES / "images" / name).convert("RGB")


def flags(image: Image.Image, form: str = "JPEG") -> list[str]:
    found = measure(picture(image, form), f"image/{form.lower()}")
    assert found["measured"] is True
    return list(found["flags"])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", IN_COLOUR)
def test_sharp_receipts_pass(name: str) -> None:
    original = (SAMPLES / "images" / name).read_bytes()
    result = made(original)
    assert result.quality["measured"] is True
    assert result.quality["flags"] == []
    assert provenance_of(result.pdf)["quality"] == result.quality


@pytest.mark.parametrize("name", RECEIPTS)
def test_blurred_ones_are_flagged(name: str) -> None:
    image = opened(name)
    blurred = image.filter(ImageFilter.GaussianBlur(3 * max(image.size) / 1200))
    assert Flag.BLURRED in flags(blurred)
    assert Flag.BLURRED in flags(blurred.resize((image.width // 2, image.height // 2)))
    assert Flag.BLURRED not in flags(image.resize((image.width * 2 // 3, image.height * 2 // 3)))


@pytest.mark.parametrize("name", RECEIPTS)
def test_small_ones_are_flagged(name: str) -> None:
    image = opened(name)
    image.thumbnail((280, 280))
    assert Flag.TOO_SMALL in flags(image)


@pytest.mark.parametrize(
    "name", ["azure-samples__invoice_sample.jpg", "azure-samples__receipt.png", "textract-samples__expense.png"]
)
def test_cut_off_ones_are_flagged(name: str) -> None:
    image = opened(name)
    assert Flag.CUT_OFF in flags(image.crop((0, 0, image.width * 7 // 10, image.height)))
    assert Flag.CUT_OFF in flags(image.crop((image.width * 3 // 10, 0, image.width, image.height)))
    assert Flag.CUT_OFF not in flags(image)


@pytest.mark.parametrize("name", IN_COLOUR)
@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_and_bilevel_ones_are_flagged(name: str, mode: str) -> None:
    assert Flag.NO_COLOUR in flags(opened(name).convert(mode), "PNG")
    assert Flag.NO_COLOUR in flags(opened(name).convert("L").convert("RGB"))


def test_an_empty_page_is_flagged() -> None:
    assert Flag.BLANK in flags(Image.new("RGB", (1000, 1400), (250, 248, 240)))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_can_be_measured(mode: str) -> None:
    image = opened("receipt-ocr__receipt.jpg")
    grey = image.convert("L")
    made_up = (
        grey.convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else image.convert(mode)
    )
    assert Flag.BLURRED not in flags(made_up, "PNG")
    assert Flag.BLANK not in flags(made_up, "PNG")


def test_a_scan_in_a_pdf_is_measured_and_what_is_set_in_type_is_not(samples: Path) -> None:
    import img2pdf

    image = opened("receipt-ocr__receipt.jpg")
    blurred = image.filter(ImageFilter.GaussianBlur(6)).convert("L")
    sharp, unsharp = (img2pdf.convert(picture(each, "JPEG")) for each in (image, blurred))
    assert measure(sharp, "application/pdf")["flags"] == []
    assert set(measure(unsharp, "application/pdf")["flags"]) == {"blurred", "no-colour"}  # type: ignore[arg-type]
    typeset = (samples / "pdf/azure-samples__invoice.pdf").read_bytes()
    assert measure(typeset, "application/pdf") == {"measured": False, "flags": []}


def test_the_worst_page_counts() -> None:
    image = opened("receipt-ocr__receipt.jpg")
    blurred = image.filter(ImageFilter.GaussianBlur(6))
    both = BytesIO()
    image.save(both, "TIFF", save_all=True, append_images=[blurred])
    found = measure(both.getvalue(), "image/tiff")
    assert found["pictures"] == 2
    assert found["flags"] == ["blurred"]


def test_what_can_not_be_measured_says_so() -> None:
    assert measure(b"\x89PNG\r\n\x1a\nno", "image/png") == {"measured": False, "flags": ["not-measured"]}
    assert measure(b"From: a@b.example", "message/rfc822") == {"measured": False, "flags": []}
    empty = BytesIO()
    pikepdf.new().save(empty)
    assert measure(empty.getvalue(), "application/pdf")["flags"] in ([], ["not-measured"])


def test_every_flag_has_its_words() -> None:
    assert set(WORDS) == set(Flag)
    assert reasons({"flags": [flag.value for flag in Flag]}) == list(WORDS.values())
    assert reasons({"flags": []}) == []
    assert reasons({}) == [WORDS[Flag.NOT_MEASURED]]
    assert not set(WORDS.values()) & set(ADVICE.values())


def test_every_process_finds_the_same() -> None:
    program = (
        "from pathlib import Path; from receipts.quality import measure\n"
        f"print(measure(Path({str(SAMPLES / 'images/receipt-ocr__receipt.jpg')!r}).read_bytes(), 'image/jpeg'))"
    )
    said = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env).stdout
        for env in ({"PYTHONPATH": ".", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3"}, {"PYTHONPATH": "."})
    }
    assert len(said) == 1
