"""Pictures that break a rule of their format: shown as decoders agree on, or refused with the right reason."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pikepdf
import pytest
from PIL import Image, ImageCms

from receipts.errors import Code, Refused
from receipts.pdfa import boxes, colour, geometry, original_of
from tests.conftest import SAMPLES
from tests.receipts.pdfa_cases import chunk, made, picture, png_of, rendered, with_orientation

HEIC = (SAMPLES / "images/tika__testHEIF.heic").read_bytes()
GRID = (SAMPLES / "images/tika__IMG_1034.heic").read_bytes()
AVIF = picture(Image.new("RGB", (16, 16), "red"), "AVIF")
NOISE = {form: picture(Image.effect_noise((90, 90), 90).convert("RGB"), form) for form in ("AVIF", "WEBP", "JPEG2000")}
BOXED = NOISE["JPEG2000"]
JPEG = picture(Image.effect_noise((90, 90), 50), "JPEG")
ROWS = b"".join(b"\0" + bytes((x * 9, x * 5, x * 3, 255 - x)) * 4 for x in range(4))  # 4 x 4 pixels with alpha


def png_with_data(data: bytes, kind: int = 6) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def bmp(*, bits: int, coding: int, colours: int = 0, palette: bytes = b"", pixels: bytes = bytes(64)) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, bits, coding, len(pixels), 2835, 2835, colours, 0)
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + palette + pixels


REFUSED = {
    "a bmp around a jpeg": (bmp(bits=0, coding=4), Code.UNSUPPORTED_TYPE),
    "a bmp around a png": (bmp(bits=0, coding=5), Code.UNSUPPORTED_TYPE),
    "a bmp of 30000 bits": (bmp(bits=30_000, coding=0), Code.DAMAGED),
    "a bmp of 5 billion colours": (bmp(bits=8, coding=0, colours=0xFFFF0000), Code.DAMAGED),
    "a heif whose picture is gone": (HEIC.replace(b"hvc1", b"zzzz"), Code.DAMAGED),
    "a heif with an uncompressed picture": (HEIC.replace(b"hvc1", b"unci"), Code.UNSUPPORTED_TYPE),
    "a heif whose grid says that it is huge": (
        GRID[: GRID.index(b"idat") + 8] + b"\xff\xff\xff\xff" + GRID[GRID.index(b"idat") + 12 :],
        Code.TOO_MANY_PIXELS,
    ),
    "a heif with a film alone": (
        b"\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc" + b"\0\0\0\x10moov\0\0\0\x08mvhd",
        Code.UNSUPPORTED_TYPE,
    ),
    "an avif of a billion pixels": (
        AVIF.replace(struct.pack(">II", 16, 16), struct.pack(">II", 40_000, 40_000)),
        Code.TOO_MANY_PIXELS,
    ),
    "a png for ios": (
        b"\x89PNG\r\n\x1a\n" + chunk(b"CgBI", b"P\0 \2") + png_with_data(zlib.compress(ROWS)[2:-4])[8:],
        Code.UNSUPPORTED_TYPE,
    ),
    "a png that is not what was packed": (png_with_data(zlib.compress(ROWS)[:-4] + bytes(4)), Code.DAMAGED),
    "a heif with an item whose type is no text": (
        HEIC.replace(b"mime\0application/rdf", b"mime\0application/\xe9df"),
        Code.DAMAGED,
    ),
    "a heif that did not arrive whole": (HEIC[:5000].ljust(len(HEIC), b"\0"), Code.TRUNCATED),
    "an avif that did not arrive whole": (NOISE["AVIF"][:2000].ljust(len(NOISE["AVIF"]), b"\0"), Code.TRUNCATED),
    "a webp that did not arrive whole": (NOISE["WEBP"][:2000].ljust(len(NOISE["WEBP"]), b"\0"), Code.TRUNCATED),
    "a jpeg 2000 that did not arrive whole": (
        NOISE["JPEG2000"][:2000].ljust(len(NOISE["JPEG2000"]), b"\0"),
        Code.TRUNCATED,
    ),
    "a jpeg 2000 that was cut, in a box up to its end": (
        BOXED[: BOXED.index(b"jp2c") - 4] + bytes(4) + BOXED[BOXED.index(b"jp2c") : 2000],
        Code.TRUNCATED,
    ),
    "a jpeg 2000 that was cut, without boxes": (BOXED[BOXED.index(b"jp2c") + 4 : 2000], Code.TRUNCATED),
    "a jpeg that was cut and goes on with another": (JPEG[: len(JPEG) // 2] + JPEG, Code.TRUNCATED),
    "a jpeg that was cut and filled up": (
        JPEG[:2000] + bytes(3000),
        Code.TRUNCATED,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_shown_is_refused(name: str) -> None:
    original, code = REFUSED[name]
    with pytest.raises(Refused) as refused:
        made(original)
    assert refused.value.code == code, refused.value.detail


@pytest.mark.parametrize("form", ["AVIF", "JPEG2000", "WEBP", "HEIF"])
def test_what_a_memory_card_held_before_does_no_harm(form: str) -> None:
    whole = HEIC if form == "HEIF" else NOISE[form]
    for more in (bytes(5000), b"\x91\xf0" * 400):
        result = made(whole + more)
        assert original_of(result.pdf) == whole + more
        assert rendered(result.pdf).tobytes() == rendered(made(whole).pdf).tobytes()


def test_an_avif_is_shown_whatever_its_exif_holds() -> None:
    exif = with_orientation(6)
    exif[0x010E] = "a red square"
    sound = picture(Image.new("RGB", (16, 16), "red"), "AVIF", exif=exif)
    broken = sound.replace(b"II*\0", b"????").replace(b"MM\0*", b"????")
    assert broken != sound
    assert made(broken).fidelity == made(sound).fidelity


@pytest.mark.parametrize("start", [b"IIU\0", b"FUJIFILMCCD-RAW 0201", b"\0MRM", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"])
def test_a_cameras_raw_file_is_known_and_refused(start: bytes) -> None:
    with pytest.raises(Refused) as refused:
        made(start + bytes(5000))
    assert refused.value.code == Code.UNSUPPORTED_TYPE


@pytest.mark.parametrize("form", ["AVIF", "JPEG2000", "WEBP"])
def test_a_blank_page_is_whole(form: str) -> None:
    original = picture(Image.new("RGB", (1200, 1600), "white"), form)
    assert original_of(made(original).pdf) == original


@pytest.mark.parametrize("kind", [2, 6])
@pytest.mark.parametrize("spoilt", ["more than its rows", "no checksum"])
def test_png_data_that_is_not_exactly_its_rows_is_packed_anew(kind: int, spoilt: str) -> None:
    rows = ROWS if kind == 6 else b"".join(b"\0" + bytes(range(x, x + 12)) for x in range(4))
    data = zlib.compress(rows + bytes(100_000)) if spoilt == "more than its rows" else zlib.compress(rows)[:-4]
    original = png_with_data(data, kind)
    result = made(original)
    assert (result.route, result.fidelity["claim"]) == ("png-repacked", "samples-equal")
    assert original_of(result.pdf) == original
    assert len(result.pdf) < 20_000
    whole = made(png_with_data(zlib.compress(rows), kind))
    assert rendered(result.pdf).tobytes() == rendered(whole.pdf).tobytes()


@pytest.mark.parametrize("form", ["PNG", "BMP"])
def test_what_a_palette_lacks_is_black_as_everywhere(form: str) -> None:
    if form == "PNG":
        original = png_of(4, 1, 8, 3, b"\0\0\1\2\x09", more=chunk(b"PLTE", b"\xff\0\0\0\xff\0"))
    else:
        original = bmp(bits=8, coding=0, colours=2, palette=b"\0\0\xff\0\0\xff\0\0", pixels=b"\0\1\2\x09" * 4)
    decoded = Image.open(BytesIO(original)).convert("RGB")
    page = rendered(made(original).pdf)
    for x in range(4):
        at = (page.width * (2 * x + 1) // 8, page.height // 2)
        assert page.getpixel(at) == decoded.getpixel((x, 0)) == [(255, 0, 0), (0, 255, 0), (0, 0, 0), (0, 0, 0)][x]


def test_a_palette_longer_than_its_indexes_and_more_alpha_than_colours_do_no_harm() -> None:
    more = chunk(b"PLTE", b"\xff\0\0\0\0\xff" * 100) + chunk(b"tRNS", b"\0" + bytes([255]) * 300)
    shown = rendered(made(png_of(2, 1, 1, 3, b"\0\x40", more=more)).pdf)
    assert shown.getpixel((shown.width // 4, shown.height // 2)) == (255, 255, 255)
    assert shown.getpixel((3 * shown.width // 4, shown.height // 2)) == (0, 0, 255)


def test_a_grey_gif_lets_the_page_shine_through() -> None:
    image = Image.frombytes("L", (256, 32), bytes(range(256)) * 16 + bytes(256) * 16)
    original = picture(image, "GIF", transparency=0)
    assert Image.open(BytesIO(original)).mode == "L"
    shown = rendered(made(original).pdf)
    assert shown.getpixel((shown.width // 2, 3 * shown.height // 4)) == (255, 255, 255)
    assert shown.getpixel((shown.width // 2, shown.height // 4))[0] == pytest.approx(128, abs=3)


@pytest.mark.parametrize("white", [(0, 32900), (0, 100_000), (4_000_000_000, 1)])
def test_an_impossible_white_point_is_not_carried(white: tuple[int, int]) -> None:
    points = struct.pack(">8I", *white, 64000, 33000, 30000, 60000, 15000, 6000)
    more = chunk(b"gAMA", struct.pack(">I", 100_000)) + chunk(b"cHRM", points)
    result = made(png_of(1, 1, 8, 2, b"\0\x80\x80\x80", more=more))
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        point = pdf.pages[0].obj.Resources.XObject.Im0.ColorSpace[1].WhitePoint
        assert min(float(value) for value in point) > 0.5


@pytest.mark.parametrize("dpi", [(float("nan"), 300), (300, float("nan")), (float("inf"), 300), (300, float("inf"))])
def test_a_resolution_that_is_no_number_is_none(dpi: tuple[float, float]) -> None:
    assert geometry.page_size(100, 200, dpi) == geometry.page_size(100, 200, None)


def test_our_profile_of_display_p3_means_what_it_says() -> None:
    p3 = ImageCms.ImageCmsProfile(BytesIO(colour.of_primaries(12) or b""))
    srgb = ImageCms.ImageCmsProfile(BytesIO(colour.srgb()))
    red = Image.new("RGB", (1, 1), (255, 0, 0))
    shown = ImageCms.profileToProfile(red, srgb, p3)
    assert shown is not None
    got = shown.getpixel((0, 0))
    assert isinstance(got, tuple)
    assert max(abs(a - b) for a, b in zip(got, (234, 51, 35), strict=True)) <= 2  # what sRGB's red is there
    white = ImageCms.profileToProfile(Image.new("RGB", (1, 1), "white"), p3, srgb)
    assert white is not None
    assert white.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("numbers", "meaning"),
    [
        ((12, 13), "primaries-carried"),
        ((9, 14), "primaries-carried"),
        ((1, 13), "device"),
        ((9, 16), "hdr-not-carried"),
    ],
)
@pytest.mark.parametrize("form", ["AVIF", "PNG"])
def test_colours_that_are_stated_by_number_are_carried(form: str, numbers: tuple[int, int], meaning: str) -> None:
    if form == "AVIF":
        original = NOISE["AVIF"].replace(b"colrnclx\0\1\0\x0d", b"colrnclx" + struct.pack(">HH", *numbers))
        assert boxes.primaries(original) == numbers
    else:
        original = png_of(1, 1, 8, 2, b"\0\x80\x80\x80", more=chunk(b"cICP", bytes((*numbers, 0, 1))))
    result = made(original)
    assert result.fidelity["colour"] == meaning
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        space = pdf.pages[0].obj.Resources.XObject.Im0.ColorSpace
        assert isinstance(space, pikepdf.Array) == (meaning == "primaries-carried")
