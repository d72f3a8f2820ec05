"""JPEG and PNG: what goes in comes out, what is shown is what was sent."""

from __future__ import annotations

import hashlib
import random
import struct
from io import BytesIO

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from receipts.pdfa import colour, geometry, normalise, original_of, provenance_of
from tests.receipts.pdfa_cases import LIMITS, chunk, facts, made, picture, png_of, rendered, with_orientation

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))
SEEDS = st.integers(0, 2**32 - 1)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(mode: str, size: tuple[int, int], seed: int) -> Image.Image:
    bands = {"1": 1, "L": 1, "P": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    content = random.Random(seed).randbytes(size[0] * size[1] * bands)
    if mode == "1":
        return Image.frombytes("L", size, content).convert("1")
    image = Image.frombytes(mode, size, content)
    if mode == "P":
        image.putpalette(random.Random(seed).randbytes(768))
    return image


@settings(max_examples=60)
@given(SIZES, SEEDS, st.sampled_from(["L", "RGB", "CMYK"]), st.booleans(), st.integers(0, 12), st.booleans())
def test_a_jpeg_is_its_own_image_stream(
    size: tuple[int, int], seed: int, mode: str, progressive: bool, turned: int, with_profile: bool
) -> None:
    options = {"icc_profile": PROFILE} if with_profile else {}
    original = picture(
        noise(mode, size, seed), "JPEG", progressive=progressive, exif=with_orientation(turned), **options
    )
    result = made(original)
    assert result.route == "jpeg-stream"
    assert original_of(result.pdf) == original
    assert normalise(original, facts(original), LIMITS).pdf == result.pdf
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        page = pdf.pages[0].obj
        image = page.Resources.XObject.Im0
        assert image.read_raw_bytes() == original
        assert page.get("/Rotate", 0) == {3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}.get(turned, 0)
        is_icc = isinstance(image.ColorSpace, pikepdf.Array)
        assert is_icc == (mode == "CMYK" or (with_profile and mode == "RGB"))
        if with_profile and mode == "RGB":
            assert image.ColorSpace[1].read_bytes() == PROFILE


@settings(max_examples=60)
@given(SIZES, SEEDS, st.sampled_from(["1", "L", "P", "LA", "RGB", "RGBA"]), st.integers(0, 12))
def test_a_png_comes_out_again_and_shows_its_own_pixels(
    size: tuple[int, int], seed: int, mode: str, turned: int
) -> None:
    image = noise(mode, size, seed)
    original = picture(image, "PNG", exif=with_orientation(turned))
    result = made(original)
    assert original_of(result.pdf) == original
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        shown = pdf.pages[0].obj.Resources.XObject.Im0
        bands = image.split()
        colours = bands[:-1] if mode in ("LA", "RGBA") else bands
        if len(colours) == 1:
            assert shown.read_bytes() == colours[0].tobytes()
        else:
            assert shown.read_bytes() == Image.merge("RGB", colours).tobytes()
        if mode in ("LA", "RGBA") and "/SMask" in shown:
            assert shown.SMask.read_bytes() == bands[-1].tobytes()


@settings(max_examples=60)
@given(
    st.integers(1, 20),
    st.integers(1, 20),
    SEEDS,
    st.sampled_from(
        [
            (0, 1),
            (0, 2),
            (0, 4),
            (0, 8),
            (0, 16),
            (2, 8),
            (2, 16),
            (3, 1),
            (3, 4),
            (3, 8),
            (4, 8),
            (4, 16),
            (6, 8),
            (6, 16),
        ]
    ),
)
def test_an_interlaced_png_shows_what_the_plain_one_shows(
    width: int, height: int, seed: int, form: tuple[int, int]
) -> None:
    kind, depth = form
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    values = [random.Random(seed).getrandbits(depth) for _ in range(width * height * channels)]
    more = chunk(b"PLTE", random.Random(seed).randbytes(3 << depth)) if kind == 3 else b""

    def rows(columns: range, lines: range) -> bytes:
        packed = b""
        for y in lines:
            bits = "".join(
                f"{values[(y * width + x) * channels + channel]:0{depth}b}"
                for x in columns
                for channel in range(channels)
            )
            bits += "0" * (-len(bits) % 8)
            packed += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
        return packed

    plain = png_of(width, height, depth, kind, rows(range(width), range(height)), more=more)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    parts = [(range(x, width, dx), range(y, height, dy)) for x, y, dx, dy in passes]
    laced = png_of(
        width, height, depth, kind, b"".join(rows(*part) for part in parts if all(part)), interlace=1, more=more
    )
    assert Image.open(BytesIO(laced)).tobytes() == Image.open(BytesIO(plain)).tobytes()  # the test's own PNGs are right
    one, other = made(plain), made(laced)
    assert original_of(other.pdf) == laced
    assert rendered(one.pdf, dpi=144).tobytes() == rendered(other.pdf, dpi=144).tobytes()


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("turned", range(10))
def test_a_picture_stands_as_its_camera_was_held(form: str, turned: int) -> None:
    image = Image.new("RGB", (64, 32), "white")
    image.paste("red", (0, 0, 32, 16))
    image.paste("blue", (32, 16, 64, 32))
    image.paste("lime", (32, 0, 64, 16))
    original = picture(image, form, exif=with_orientation(turned))
    upright = ImageOps.exif_transpose(Image.open(BytesIO(original)))
    shown = rendered(made(original).pdf)
    assert (shown.width > shown.height) == (upright.width > upright.height)
    for x in (0.25, 0.75):
        for y in (0.25, 0.75):
            wanted = upright.getpixel((int(upright.width * x), int(upright.height * y)))
            got = shown.getpixel((int(shown.width * x), int(shown.height * y)))
            assert max(abs(a - b) for a, b in zip(wanted, got, strict=True)) < 40


def test_a_marker_after_the_pixels_says_nothing_of_colours() -> None:
    original = picture(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG")
    at = original.index(b"\xff\xee")
    marker = original[at : at + 16]
    plain, late = original.replace(marker, b""), original.replace(marker, b"")[:-2] + marker + original[-2:]
    for original in (plain, late):
        with pikepdf.open(BytesIO(made(original).pdf)) as pdf:
            assert "/Decode" not in pdf.pages[0].images["/Im0"]


def test_inverted_cmyk_of_adobe_is_shown_the_right_way_round() -> None:
    original = picture(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG")  # red; Pillow writes it as Adobe does
    red, green, blue = rendered(made(original).pdf).getpixel((50, 50))
    assert red > 200
    assert max(green, blue) < 80


def test_what_follows_a_jpeg_stays_with_it() -> None:
    original = picture(noise("RGB", (16, 16), 1), "JPEG") + b"a film that a phone appended" * 20
    result = made(original)
    assert original_of(result.pdf) == original
    assert result.fidelity["bytes_after_end"] == 560
    assert rendered(result.pdf).getextrema() != ((255, 255),) * 3


def test_nonsense_in_exif_turns_nothing() -> None:
    block = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40
    image = noise("RGB", (8, 8), 2)
    for original in (picture(image, "JPEG", exif=block), picture(image, "PNG", exif=block)):
        assert made(original).fidelity["exif_orientation"] == 1


def test_an_unusable_profile_is_not_shown_but_stays_in_the_original() -> None:
    for profile in (b"nonsense" * 40, PROFILE[:12] + b"link" + PROFILE[16:], PROFILE[:16] + b"GRAY" + PROFILE[20:]):
        original = picture(noise("RGB", (8, 8), 3), "JPEG", icc_profile=profile)
        result = made(original)
        assert result.fidelity["colour"] == "profile-unusable"
        assert original_of(result.pdf) == original


def test_a_colour_key_and_a_palette_with_alpha_let_the_page_shine_through() -> None:
    key = png_of(2, 1, 8, 2, b"\0\xff\0\0\0\0\xff", more=chunk(b"tRNS", struct.pack(">3H", 255, 0, 0)))
    palette = chunk(b"PLTE", b"\xff\0\0\0\0\xff") + chunk(b"tRNS", b"\0")
    indexed = png_of(2, 1, 1, 3, b"\0\x40", more=palette)
    for original in (key, indexed):
        shown = rendered(made(original).pdf)
        assert shown.getpixel((shown.width // 4, shown.height // 2)) == (255, 255, 255)
        assert shown.getpixel((3 * shown.width // 4, shown.height // 2)) == (0, 0, 255)


def test_a_png_gamma_is_carried() -> None:
    original = png_of(1, 1, 8, 2, b"\0\x80\x80\x80", more=chunk(b"gAMA", struct.pack(">I", 100_000)))
    result = made(original)
    assert result.fidelity["colour"] == "gamma-carried"
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        assert pdf.pages[0].obj.Resources.XObject.Im0.ColorSpace[0] == pikepdf.Name.CalRGB


@given(st.integers(1, 10**5), st.integers(1, 10**5), st.none() | st.tuples(*[st.floats(0, 1e6)] * 2))
def test_pages_are_within_the_limits_of_pdfa(width: int, height: int, dpi: tuple[float, float] | None) -> None:
    assert all(3 <= side <= 14_400 for side in geometry.page_size(width, height, dpi))


def test_page_size_follows_a_credible_resolution_only() -> None:
    assert geometry.page_size(2480, 3508, (300, 300)) == (595.2, 841.92)
    assert geometry.page_size(4032, 3024, (72, 72))[0] < 1000  # a phone's 72 dpi is no fact
    assert geometry.page_size(640, 6400, None) == (227.0, 2270.0)  # a till roll


def test_provenance_says_where_it_came_from() -> None:
    original = picture(noise("L", (9, 9), 4), "JPEG")
    result = normalise(original, facts(original, sender="a@b.example", source_name="x\udcff"), LIMITS)
    provenance = provenance_of(result.pdf)
    assert provenance["source_name"] == "x\\udcff"
    assert provenance["sender"] == "a@b.example"
    assert provenance["original"] == {
        "sha256": hashlib.sha256(original).hexdigest(),
        "size_bytes": len(original),
        "media_type": "image/jpeg",
        "carried_as": "image-stream",
        "page": 1,
    }
    assert provenance["fidelity"] == result.fidelity
    assert provenance["received_at"] == "2026-11-23T12:30:15.123456+00:00"


def test_an_altered_file_does_not_give_an_original() -> None:
    original = picture(noise("RGB", (30, 30), 5), "JPEG")
    pdf = bytearray(made(original).pdf)
    at = pdf.index(original) + len(original) // 2
    pdf[at] ^= 1
    with pytest.raises(ValueError, match="digest"):
        original_of(bytes(pdf))
    for other in (b"", b"no pdf", b"%PDF-1.7\n%%EOF"):
        with pytest.raises(ValueError, match=r"PDF|archive file"):
            original_of(other)


def test_our_own_profiles_mean_what_they_say() -> None:
    srgb = ImageCms.ImageCmsProfile(BytesIO(colour.srgb()))
    image = noise("RGB", (16, 16), 6)
    same = ImageCms.profileToProfile(image, srgb, ImageCms.createProfile("sRGB"))
    assert max(abs(a - b) for a, b in zip(same.tobytes(), image.tobytes(), strict=True)) <= 1
    inks = Image.new("CMYK", (1, 1), (0, 255, 255, 0))
    cmyk = ImageCms.ImageCmsProfile(BytesIO(colour.plain_cmyk()))
    shown = ImageCms.profileToProfile(inks, cmyk, srgb, outputMode="RGB").getpixel((0, 0))
    assert shown[0] > 240
    assert max(shown[1:]) < 20


def test_facts_of_other_bytes_are_our_fault() -> None:
    original = picture(noise("L", (4, 4), 7), "PNG")
    with pytest.raises(ValueError, match="other bytes"):
        normalise(original, facts(original + b"x"), LIMITS)
