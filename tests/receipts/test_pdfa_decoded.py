"""Pictures that PDF can't hold as they come: shown as the decoder gave them, and the original comes out again."""

from __future__ import annotations

import random
import struct
from io import BytesIO

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from receipts.errors import Code, Refused
from receipts.pdfa import colour, detect, original_of
from receipts.policy import Limits
from tests.conftest import SAMPLES
from tests.receipts.pdfa_cases import made, picture, rendered, with_orientation

KINDS = [
    ("TIFF", "1", {"compression": "group3"}),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "1", {}),
    ("TIFF", "L", {"compression": "tiff_lzw"}),
    ("TIFF", "P", {"compression": "packbits"}),
    ("TIFF", "I;16", {}),
    ("TIFF", "I;16B", {}),
    ("TIFF", "LA", {}),
    ("TIFF", "RGB", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", "RGB", {"compression": "jpeg"}),
    ("TIFF", "RGBA", {}),
    ("TIFF", "CMYK", {"compression": "tiff_lzw"}),
    ("BMP", "1", {}),
    ("BMP", "L", {}),
    ("BMP", "P", {}),
    ("BMP", "RGB", {}),
    ("BMP", "RGBA", {}),
    ("GIF", "P", {}),
    ("GIF", "P", {"transparency": 3}),
    ("WEBP", "RGB", {"lossless": True}),
    ("WEBP", "RGBA", {"lossless": True, "exact": True}),
    ("WEBP", "RGB", {"quality": 50}),
    ("JPEG2000", "L", {}),
    ("JPEG2000", "RGB", {}),
    ("JPEG2000", "RGBA", {}),
    ("JPEG2000", "I;16", {}),
    ("JPEG2000", "RGB", {"no_jp2": True}),
    ("AVIF", "RGB", {"quality": 90}),
    ("AVIF", "RGBA", {}),
]
TYPES = {"TIFF": "tiff", "BMP": "bmp", "GIF": "gif", "WEBP": "webp", "JPEG2000": "jp2", "AVIF": "avif"}


def noise(mode: str, size: tuple[int, int], seed: int) -> Image.Image:
    size_bytes = {"1": 1, "L": 1, "P": 1, "LA": 2, "I;16": 2, "I;16B": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    content = random.Random(seed).randbytes(size[0] * size[1] * size_bytes)
    if mode == "1":
        return Image.frombytes("L", size, content).convert("1", dither=Image.Dither.NONE)
    image = Image.frombytes(mode, size, content)
    if mode == "P":
        image.putpalette(random.Random(seed).randbytes(768))
    return image


def shown(pdf: bytes, page: int = 0) -> tuple[bytes, bytes | None]:
    """Samples of colours and of alpha, as qpdf reads them."""
    with pikepdf.open(BytesIO(pdf)) as opened:
        image = opened.pages[page].obj.Resources.XObject.Im0
        return image.read_bytes(), image.SMask.read_bytes() if "/SMask" in image else None


@settings(max_examples=120)
@given(st.sampled_from(KINDS), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_what_is_shown_is_what_was_decoded(
    kind: tuple[str, str, dict[str, object]], width: int, height: int, seed: int
) -> None:
    form, mode, options = kind
    original = picture(noise(mode, (width, height), seed), form, **options)
    assert detect(original) == f"image/{TYPES[form]}"
    result = made(original)
    assert original_of(result.pdf) == original
    assert made(original).pdf == result.pdf
    if result.route == "jp2-stream":
        assert form == "JPEG2000"
        assert mode in ("L", "RGB", "I;16")
        return
    if options.get("compression") in ("group3", "group4"):
        assert result.route == "tiff-stream"  # tests/receipts/test_pdfa_tiff.py
        return
    assert result.route == f"{TYPES[form]}-decoded"
    assert result.fidelity["is_precision_reduced"] is False
    decoded = Image.open(BytesIO(original))
    colours, alpha = shown(result.pdf)
    bands = decoded.split()
    if decoded.mode.startswith("I;16"):
        assert colours == _high_byte_first(decoded)
    elif decoded.mode in ("LA", "RGBA"):
        assert colours == Image.merge("L" if decoded.mode == "LA" else "RGB", bands[:-1]).tobytes()
        assert (alpha or b"\xff" * width * height) == bands[-1].tobytes()
    else:
        assert colours == decoded.tobytes()


def _high_byte_first(image: Image.Image) -> bytes:
    values = [image.getpixel((x, y)) for y in range(image.height) for x in range(image.width)]
    return b"".join(int(value).to_bytes(2, "big") for value in values)


@pytest.mark.parametrize("form", ["TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("turned", range(10))
def test_a_picture_stands_as_it_was_taken(form: str, turned: int) -> None:
    image = Image.new("RGB", (64, 32), "white")
    image.paste("red", (0, 0, 32, 16))
    image.paste("blue", (32, 16, 64, 32))
    image.paste("lime", (32, 0, 64, 16))
    original = picture(image, form, exif=with_orientation(turned))
    upright = Image.open(BytesIO(original))
    upright.load()
    upright = ImageOps.exif_transpose(upright)
    page = rendered(made(original).pdf)
    assert (page.width > page.height) == (upright.width > upright.height)
    for x in (0.25, 0.75):
        for y in (0.25, 0.75):
            wanted = upright.getpixel((int(upright.width * x), int(upright.height * y)))
            got = page.getpixel((int(page.width * x), int(page.height * y)))
            assert max(abs(a - b) for a, b in zip(wanted, got, strict=True)) < 60


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_plain_jpeg_2000_is_its_own_image_stream(mode: str) -> None:
    image = noise(mode, (40, 30), 5)
    original = picture(image, "JPEG2000", irreversible=False)
    result = made(original)
    assert result.route == "jp2-stream"
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        stream = pdf.pages[0].obj.Resources.XObject.Im0
        assert stream.read_raw_bytes() == original
        assert stream.Filter == pikepdf.Name.JPXDecode
    page, first = rendered(result.pdf), image.getpixel((0, 0))
    got = page.getpixel((2, 2))
    wanted = (first,) * 3 if mode == "L" else first
    assert max(abs(a - b) for a, b in zip(wanted, got, strict=True)) < 40


def test_turning_a_tiff_leaves_its_pixels_alone() -> None:
    image = noise("RGB", (20, 10), 1)
    result = made(picture(image, "TIFF", exif=with_orientation(6)))
    assert shown(result.pdf)[0] == image.tobytes()


def test_every_page_of_a_tiff_is_shown_with_its_resolution() -> None:
    pages = [noise("1", (300, 400), 1), noise("RGB", (200, 100), 2), noise("L", (50, 60), 3)]
    out = BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:], dpi=(100, 100))
    result = made(out.getvalue())
    assert result.pages == 3
    assert [shown(result.pdf, number)[0] for number in range(3)] == [page.tobytes() for page in pages]
    assert rendered(result.pdf).size == (216, 288)
    with pytest.raises(Refused) as refused:
        made(out.getvalue(), Limits(pages=2))
    assert refused.value.code == Code.TOO_MANY_PAGES


def test_no_bits_of_a_tiff_are_dropped() -> None:
    values = {256: 2, 257: 1, 258: 16, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 4}
    deep = {**values, 258: 16, 262: 2, 277: 3, 279: 12}
    for tags in (values, deep):
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        directory = struct.pack("<H", len(tags)) + entries + bytes(4)
        result = made(struct.pack("<2sHI", b"II", 42, 20) + bytes(range(12)) + directory)
        assert result.fidelity["is_precision_reduced"] is False
        assert result.fidelity["shown"][0]["bits"] == 16  # type: ignore[index]


@pytest.mark.parametrize("name", ["tika__IMG_1034.heic", "tika__testHEIF.heic"])
def test_heic_is_decoded_once_and_kept_whole(name: str) -> None:
    original = (SAMPLES / "images" / name).read_bytes()
    result = made(original)
    assert (result.media_type, result.route, result.pages) == ("image/heic", "heif-decoded", 1)
    assert original_of(result.pdf) == original
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        assert pdf.pages[0].obj.Resources.XObject.Im0.ColorSpace[0] == pikepdf.Name.ICCBased


def _wrong() -> dict[str, tuple[bytes, Code]]:
    heic = (SAMPLES / "images/tika__testHEIF.heic").read_bytes()
    tiff = picture(noise("RGB", (40, 40), 1), "TIFF", compression="tiff_lzw")
    webp = picture(noise("RGB", (40, 40), 1), "WEBP")
    gif = picture(noise("P", (40, 40), 1), "GIF")
    bmp = picture(noise("RGB", (40, 40), 1), "BMP")
    jp2 = picture(noise("RGB", (40, 40), 1), "JPEG2000")
    avif = picture(noise("RGB", (40, 40), 1), "AVIF")
    huge = bmp[:18] + (60_000).to_bytes(4, "little") * 2 + bmp[26:]
    return {
        "half a heic": (heic[: len(heic) // 2], Code.TRUNCATED),
        "half a webp": (webp[: len(webp) // 2], Code.TRUNCATED),
        "half a gif": (gif[: len(gif) // 2], Code.TRUNCATED),
        "half a bmp": (bmp[: len(bmp) // 2], Code.TRUNCATED),
        "half an avif": (avif[: len(avif) // 2], Code.TRUNCATED),
        "tiff without directory": (b"II*\0\x08\0\0\0", Code.TRUNCATED),
        "tiff start": (tiff[:8], Code.TRUNCATED),
        "tiff of nothing": (b"II*\0" + bytes(30), Code.DAMAGED),
        "gif start": (b"GIF89a", Code.TRUNCATED),
        "bmp bomb": (huge, Code.TOO_MANY_PIXELS),
        "jp2 of nothing": (jp2[:12], Code.DAMAGED),
        "heic of nothing": (heic[: int.from_bytes(heic[:4], "big")], Code.DAMAGED),
    }


@pytest.mark.parametrize("name", _wrong())
def test_wrong_pictures_are_refused(name: str) -> None:
    original, code = _wrong()[name]
    with pytest.raises(Refused) as refused:
        made(original)
    assert refused.value.code == code, refused.value.detail


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

GOOD = [picture(noise(mode, (12, 12), 1), form, **options) for form, mode, options in KINDS]
GOOD.append((SAMPLES / "images/tika__testHEIF.heic").read_bytes())


@settings(max_examples=250)
@given(st.sampled_from(GOOD), st.data())
def test_a_mutated_picture_is_archived_whole_or_refused(original: bytes, data: st.DataObject) -> None:
    mutated = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        mutated[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        result = made(bytes(mutated), Limits(pixels=1_000_000))
    except Refused:
        return
    assert original_of(result.pdf) == bytes(mutated)


def with_profile(jp2: bytes, profile: bytes) -> bytes:
    """The JP2 with its colour stated by a profile instead of a name (ISO 15444-1 I.5.3.3)."""
    at = jp2.index(b"colr") - 4
    length = int.from_bytes(jp2[at : at + 4], "big")
    box = struct.pack(">I4s3B", 11 + len(profile), b"colr", 2, 0, 0) + profile
    outer = jp2.index(b"jp2h") - 4
    size = int.from_bytes(jp2[outer : outer + 4], "big") + len(box) - length
    return jp2[:outer] + size.to_bytes(4, "big") + jp2[outer + 4 : at] + box + jp2[at + length :]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_the_profile_of_a_jpeg_2000_is_carried(mode: str) -> None:
    profile = colour.srgb() if mode != "L" else colour.srgb().replace(b"RGB ", b"GRAY", 1)
    original = with_profile(picture(noise(mode, (40, 30), 5), "JPEG2000"), profile)
    result = made(original)
    assert result.route == ("jp2-decoded" if mode == "RGBA" else "jp2-stream")
    assert result.fidelity["colour"] == "profile-carried"
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        assert pdf.pages[0].obj.Resources.XObject.Im0.ColorSpace[1].read_bytes() == profile


def test_a_jpeg_2000_of_16_bits_keeps_them() -> None:
    original = picture(noise("I;16", (40, 30), 5), "JPEG2000")
    result = made(original)
    assert (result.route, result.fidelity["bits"]) == ("jp2-stream", 16)
    assert original_of(result.pdf) == original


def test_samples_that_the_decoder_rounds_are_not_called_equal() -> None:
    original = picture(noise("RGB", (40, 30), 5), "JPEG2000", no_jp2=True)
    at = original.index(b"\xff\x51") + 40
    deep = bytearray(original)
    deep[at : at + 9 : 3] = b"\x0f\x0f\x0f"  # Ssiz: 16 bits (ISO 15444-1 A.5.1)
    for content, claim, is_reduced in ((original, "samples-equal", False), (bytes(deep), "samples-rounded", True)):
        fidelity = made(content).fidelity
        assert (fidelity["claim"], fidelity["is_precision_reduced"]) == (claim, is_reduced)
