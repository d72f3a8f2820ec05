"""TIFF: faxes keep their own stream, samples keep their depth, and what can't be shown as it is is refused."""

from __future__ import annotations

import random
import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from receipts.errors import Code, Refused
from receipts.pdfa import original_of
from receipts.policy import Limits
from tests.receipts.pdfa_cases import made, picture, rendered

FAXES = ["group3", "group4", "tiff_ccitt"]


def bilevel(width: int, height: int, seed: int) -> Image.Image:
    """Runs of black and white, as on paper."""
    chance = random.Random(seed)
    image = Image.new("1", (width, height), 1)
    for _ in range(12):
        x, y = chance.randrange(width), chance.randrange(height)
        image.paste(chance.randrange(2), (x, y, x + chance.randrange(1, 60), y + chance.randrange(1, 9)))
    return image


def pixels(pdf: bytes, page: int = 0) -> bytes:
    """What PDFium decodes the picture of a page to, in bits."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        (shown,) = document[page].get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
        return bytes(shown.get_bitmap(render=False).to_pil().convert("1", dither=Image.Dither.NONE).tobytes())
    finally:
        document.close()


def image_of(pdf: bytes) -> tuple[pikepdf.Pdf, Any]:
    opened = pikepdf.open(BytesIO(pdf))
    return opened, opened.pages[0].obj.Resources.XObject.Im0


@settings(max_examples=60)
@given(
    st.sampled_from(FAXES), st.sampled_from([0, 1]), st.sampled_from([0, 1, 4, 5]), st.integers(1, 300),
    st.integers(1, 60), st.integers(0, 1 << 32),
)  # fmt: skip
def test_a_fax_is_its_own_image_stream(
    coding: str, photometric: int, options: int, width: int, height: int, seed: int
) -> None:
    image = bilevel(width, height, seed)
    tags = {262: photometric, 278: height, **({292: options} if coding == "group3" else {})}
    original = picture(image, "TIFF", compression=coding, tiffinfo=tags)
    result = made(original)
    assert (result.route, result.fidelity["claim"]) == ("tiff-stream", "strips-identical")
    assert original_of(result.pdf) == original
    _, shown = image_of(result.pdf)
    start, end = result.fidelity["shown"][0]["bytes_of_original"]  # type: ignore[index]
    assert shown.Filter == pikepdf.Name.CCITTFaxDecode
    assert shown.read_raw_bytes() == original[start:end]
    assert pixels(result.pdf) == Image.open(BytesIO(original)).tobytes()


@pytest.mark.parametrize("tags", [{266: 2}, {278: 8}], ids=["bits in the other order", "several strips"])
@pytest.mark.parametrize("coding", FAXES)
def test_a_fax_that_pdf_can_not_read_is_decoded(coding: str, tags: dict[int, int]) -> None:
    original = picture(bilevel(200, 50, 1), "TIFF", compression=coding, tiffinfo=tags)
    result = made(original)
    assert (result.route, result.fidelity["claim"]) == ("tiff-decoded", "samples-equal")
    assert pixels(result.pdf) == Image.open(BytesIO(original)).tobytes()


def test_every_page_of_a_fax_is_its_own_stream() -> None:
    out = BytesIO()
    pages = [bilevel(100, 50, 1), bilevel(90, 40, 2)]
    pages[0].save(out, "TIFF", compression="group4", save_all=True, append_images=pages[1:], dpi=(204, 196))
    result = made(out.getvalue())
    assert (result.route, result.pages) == ("tiff-stream", 2)
    assert [pixels(result.pdf, number) for number in range(2)] == [page.tobytes() for page in pages]
    assert rendered(result.pdf).size == (36, 19)  # 204 dots across an inch and 196 down


@settings(max_examples=80)
@given(st.sampled_from(FAXES), st.data())
def test_a_damaged_fax_is_shown_as_libtiff_reads_it_or_refused(coding: str, data: st.DataObject) -> None:
    original = bytearray(picture(bilevel(200, 60, 5), "TIFF", compression=coding, tiffinfo={278: 60}))
    for _ in range(data.draw(st.integers(1, 4))):
        original[data.draw(st.integers(8, len(original) - 1))] = data.draw(st.integers(0, 255))
    try:
        result = made(bytes(original))
    except Refused:
        return
    assert original_of(result.pdf) == original
    decoded = Image.open(BytesIO(original))
    if decoded.mode == "1":
        assert pixels(result.pdf) == decoded.tobytes()


def tiff_of(
    samples: np.ndarray[Any, Any], bits: int, photometric: int, *, order: str = "<", planar: bool = False,
    tile: int = 0, differences: bool = False, packed: bool = False, more: dict[int, tuple[int, ...]] | None = None,
) -> bytes:  # fmt: skip
    """A TIFF of `samples` (rows, columns, channels), written without any library."""
    height, width, channels = samples.shape
    planes = [samples[:, :, at : at + 1] for at in range(channels)] if planar else [samples]
    blocks = []
    for plane in planes:
        across, down = (tile, tile) if tile else (width, max(1, height // 2))
        for y in range(0, height, down):
            for x in range(0, width, across):
                block = plane[y : y + down, x : x + across].astype("u4")
                if tile:
                    block = np.pad(block, ((0, tile - block.shape[0]), (0, tile - block.shape[1]), (0, 0)))
                if differences:
                    block = np.diff(block, axis=1, prepend=block[:, :1] * 0) % (1 << bits)
                if bits in (8, 16):
                    content = block.astype("u1" if bits == 8 else f"{order}u2").tobytes()
                else:
                    flags = (block[..., None] >> np.arange(bits - 1, -1, -1)) & 1
                    content = np.packbits(flags.reshape(len(block), -1), axis=1).tobytes()
                blocks.append(zlib.compress(content) if packed else content)
    places = [8 + sum(map(len, blocks[:at])) for at in range(len(blocks))]
    lengths = [len(block) for block in blocks]
    values: dict[int, tuple[int, ...]] = {
        256: (width,), 257: (height,), 258: (bits,) * channels, 259: (8 if packed else 1,), 262: (photometric,),
        277: (channels,), 284: (2 if planar else 1,), 317: (2 if differences else 1,),
    }  # fmt: skip
    if tile:
        values |= {322: (tile,), 323: (tile,), 324: tuple(places), 325: tuple(lengths)}
    else:
        values |= {273: tuple(places), 278: (max(1, height // 2),), 279: tuple(lengths)}
    values |= more or {}
    body = b"".join(blocks)
    start = 8 + len(body) + len(body) % 2
    behind, entries, arrays = start + 2 + 12 * len(values) + 4, b"", b""
    for tag, numbers in sorted(values.items()):
        content = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            arrays, content = arrays + content, struct.pack(f"{order}I", behind + len(arrays))
        entries += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + content
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, start)
    return head + body.ljust(start - 8, b"\0") + struct.pack(f"{order}H", len(values)) + entries + bytes(4) + arrays


def noise(height: int, width: int, channels: int, bits: int, seed: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 1 << bits, (height, width, channels), dtype="u4")


@settings(max_examples=120)
@given(
    st.sampled_from([(0, 1), (1, 1), (2, 3), (5, 4)]), st.sampled_from([2, 4, 10, 12, 16]), st.sampled_from("<>"),
    st.booleans(), st.sampled_from([0, 16, 32]), st.booleans(), st.booleans(), st.integers(1, 40), st.integers(2, 40),
    st.integers(0, 1 << 32),
)  # fmt: skip
def test_samples_of_every_depth_are_the_ones_that_were_sent(
    form: tuple[int, int], bits: int, order: str, planar: bool, tile: int, differences: bool, packed: bool,
    width: int, height: int, seed: int,
) -> None:  # fmt: skip
    photometric, channels = form
    samples = noise(height, width, channels, bits, seed)
    original = tiff_of(
        samples, bits, photometric, order=order, planar=planar, tile=tile,
        differences=differences and packed and bits == 16, packed=packed,
    )  # fmt: skip
    result = made(original)
    assert original_of(result.pdf) == original
    assert (result.route, result.fidelity["is_precision_reduced"]) == ("tiff-decoded", False)
    _, shown = image_of(result.pdf)
    kind = ">u2" if bits > 8 else "u1"
    assert np.array_equal(np.frombuffer(shown.read_bytes(), kind).reshape(samples.shape), samples)
    most = (1 << (16 if bits > 8 else 8)) - 1
    low, high = (float(value) for value in list(shown.get("/Decode", [0, 1]))[:2])
    for value in (0, (1 << bits) - 1):  # what the least and the greatest sample mean
        meant = low + value * (high - low) / most
        assert meant == pytest.approx(float((value != 0) != (photometric == 0)), abs=1e-4)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", [1, 2])
def test_alpha_of_a_tiff_is_neither_multiplied_nor_divided(bits: int, kind: int) -> None:
    samples = noise(20, 30, 4, bits, 1)
    result = made(tiff_of(samples, bits, 2, more={338: (kind,)}))
    _, shown = image_of(result.pdf)
    form = ">u2" if bits == 16 else "u1"
    assert np.array_equal(np.frombuffer(shown.read_bytes(), form).reshape(20, 30, 3), samples[:, :, :3])
    assert np.array_equal(np.frombuffer(shown.SMask.read_bytes(), form).reshape(20, 30), samples[:, :, 3])
    assert ("/Matte" in shown.SMask) == (kind == 1)


def test_colours_multiplied_with_alpha_are_shown_as_they_were_before() -> None:
    samples = np.zeros((40, 40, 4), "u4")
    samples[:, :] = (100, 50, 0, 128)  # half of (200, 100, 0)
    shown = rendered(made(tiff_of(samples, 8, 2, more={338: (1,)})).pdf)
    got = shown.getpixel((shown.width // 2, shown.height // 2))
    assert max(abs(a - b) for a, b in zip(got, (100 + 127, 50 + 127, 127), strict=True)) <= 6


WRONG = {
    "32 bits": (tiff_of(noise(4, 4, 1, 8, 1), 32, 1), Code.UNSUPPORTED_TYPE),
    "floating point": (tiff_of(noise(4, 4, 1, 16, 1), 16, 1, more={339: (3,)}), Code.UNSUPPORTED_TYPE),
    "with a sign": (tiff_of(noise(4, 4, 3, 16, 1), 16, 2, more={339: (2, 2, 2)}), Code.UNSUPPORTED_TYPE),
    "lab": (tiff_of(noise(4, 4, 3, 16, 1), 16, 8), Code.UNSUPPORTED_TYPE),
    "lab of 8 bits": (tiff_of(noise(4, 4, 3, 8, 1), 8, 8), Code.UNSUPPORTED_TYPE),
    "different depths": (tiff_of(noise(4, 4, 3, 8, 1), 8, 2, more={258: (5, 6, 5)}), Code.UNSUPPORTED_TYPE),
    "raw": (tiff_of(noise(4, 4, 3, 8, 1), 8, 2, more={50706: (1,)}), Code.UNSUPPORTED_TYPE),
    "a preview of raw": (tiff_of(noise(4, 4, 3, 8, 1), 8, 2, more={254: (1,), 330: (8,)}), Code.UNSUPPORTED_TYPE),
    "no width": (tiff_of(noise(4, 4, 3, 8, 1), 8, 2, more={256: (0,)}), Code.DAMAGED),
    "a billion columns": (tiff_of(noise(4, 4, 3, 16, 1), 16, 2, more={256: (1 << 30,)}), Code.TOO_MANY_PIXELS),
    "strips beyond the end": (
        tiff_of(noise(4, 4, 3, 16, 1), 16, 2, more={273: (8, 9_000), 279: (48, 48)}),
        Code.TRUNCATED,
    ),
    "no strips": (tiff_of(noise(4, 4, 3, 16, 1), 16, 2, more={273: (8,)}), Code.DAMAGED),
    "directory beyond the end": (b"II*\0\xff\xff\0\0" + bytes(50), Code.TRUNCATED),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_a_picture_that_can_be_shown_is_refused(name: str) -> None:
    original, code = WRONG[name]
    with pytest.raises(Refused) as refused:
        made(original)
    assert refused.value.code == code, refused.value.detail


def test_a_chain_of_directories_that_loops_ends() -> None:
    original = bytearray(tiff_of(noise(4, 4, 1, 8, 1), 8, 1))
    (start,) = struct.unpack_from("<I", original, 4)
    (count,) = struct.unpack_from("<H", original, start)
    struct.pack_into("<I", original, start + 2 + 12 * count, start)
    assert made(bytes(original)).pages == 1


def test_a_page_that_is_behind_the_end_is_missed() -> None:
    out = BytesIO()
    bilevel(100, 50, 1).save(out, "TIFF", compression="group4", save_all=True, append_images=[bilevel(90, 40, 2)])
    original = out.getvalue()
    with pytest.raises(Refused) as refused:
        made(original[:200])
    assert refused.value.code == Code.TRUNCATED
    assert "page 2" in refused.value.detail


def test_pages_are_counted_before_they_are_decoded() -> None:
    entry = struct.pack("<H", 0)
    places = range(8, 8 + 6 * 5000, 6)
    chain = b"".join(entry + struct.pack("<I", place + 6) for place in places) + bytes(6)
    with pytest.raises(Refused) as refused:
        made(b"II*\0\x08\0\0\0" + chain, Limits(pages=500))
    assert refused.value.code == Code.TOO_MANY_PAGES


@pytest.mark.parametrize("turned", [*range(10), 65_536, 1 << 31])
def test_any_orientation_is_written_down_or_none(turned: int) -> None:
    for bits in (8, 16):
        result = made(tiff_of(noise(4, 4, 3, bits, 1), bits, 2, more={274: (turned,)}))
        assert result.fidelity["shown"][0]["exif_orientation"] == (turned if turned < 1 << 16 else 1)  # type: ignore[index]


def in_one_strip(image: Image.Image, across: int, down: int) -> bytes:
    """An unpacked TIFF of YCbCr, one colour for each `across` x `down` pixels (TIFF 6.0 section 21)."""
    light, blue, red = (np.asarray(band) for band in image.convert("YCbCr").split())
    blocks = [
        [*light[y : y + down, x : x + across].ravel(), blue[y, x], red[y, x]]
        for y in range(0, image.height, down)
        for x in range(0, image.width, across)
    ]
    data = bytes(value for block in blocks for value in block)
    tags = {256: image.width, 257: image.height, 259: 1, 262: 6, 277: 3, 278: image.height, 279: len(data)}
    rows = [(tag, 4, 1, struct.pack("<I", value)) for tag, value in tags.items()]
    rows += [(258, 3, 3, struct.pack("<I", 8 + len(data))), (273, 4, 1, struct.pack("<I", 8))]
    rows += [(530, 3, 2, struct.pack("<HH", across, down))]
    entries = b"".join(struct.pack("<HHI", *row[:3]) + row[3] for row in sorted(rows))
    directory = struct.pack("<H", len(rows)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(data) + 6) + data + struct.pack("<HHH", 8, 8, 8) + directory


@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (2, 2), (4, 2), (4, 4)])
def test_colours_at_less_than_full_size_are_read(across: int, down: int) -> None:
    image = Image.new("RGB", (48, 32), "navy")
    image.paste("orange", (16, 0, 32, 32))
    result = made(in_one_strip(image, across, down))
    shown = rendered(result.pdf)
    for x in (8, 24, 40):
        seen = shown.getpixel((x * shown.width // 48, shown.height // 2))
        assert seen == pytest.approx(image.getpixel((x, 16)), abs=4)


def test_unpacked_tiles_that_reach_beyond_the_picture_are_read() -> None:
    grey = np.arange(50 * 70, dtype=np.uint8).reshape(50, 70)
    tiles = np.zeros((64, 96), np.uint8)
    tiles[:50, :70] = grey
    data = b"".join(tiles[y : y + 32, x : x + 32].tobytes() for y in (0, 32) for x in (0, 32, 64))
    tags = {256: 70, 257: 50, 258: 8, 259: 1, 262: 1, 277: 1, 322: 32, 323: 32}
    rows = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()]
    places = struct.pack("<12I", *(8 + 1024 * at for at in range(6)), *[1024] * 6)
    rows += [struct.pack("<HHII", 324, 4, 6, 8 + len(data)), struct.pack("<HHII", 325, 4, 6, 8 + len(data) + 24)]
    directory = struct.pack("<H", len(rows)) + b"".join(rows) + bytes(4)
    original = b"II*\0" + struct.pack("<I", 8 + len(data) + 48) + data + places + directory
    pdf, image = image_of(made(original).pdf)
    with pdf:
        assert image.read_bytes() == grey.tobytes()
