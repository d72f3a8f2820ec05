"""PDFs of which something is missing are refused: a viewer would show less than was in them, and say nothing."""

from __future__ import annotations

import zlib
from io import BytesIO

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image

from receipts.errors import Code, Refused
from receipts.pdfa import whole
from receipts.policy import Limits
from tests.receipts import pdf_attacks, pdf_cases
from tests.receipts.pdfa_cases import made, picture, rendered

TEXT = zlib.compress(b"BT /F 9 Tf (Total 120.00) Tj ET " * 300)
PHOTO = picture(Image.linear_gradient("L").resize((300, 300)), "JPEG")

PHOTO_2000 = picture(Image.linear_gradient("L").resize((300, 300)), "JPEG2000")


def showing(content: bytes = b"/P Do", *, packed: bool = False) -> Pdf:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(200, 200))
    page.obj.Contents = pdf.make_indirect(Stream(pdf, content))
    if packed:
        page.obj.Contents.Filter = Name.FlateDecode
    return pdf


def with_picture(data: bytes, form: Name, **more: object) -> bytes:
    pdf = showing()
    image = Stream(pdf, data, Type=Name.XObject, Subtype=Name.Image, Filter=form, **more)
    image.Width, image.Height, image.ColorSpace, image.BitsPerComponent = 300, 300, Name.DeviceGray, 8
    pdf.pages[0].obj.Resources = Dictionary(XObject=Dictionary(P=pdf.make_indirect(image)))
    return raw(pdf)


def raw(pdf: Pdf) -> bytes:
    """Written as it is: what is broken stays so."""
    return pdf_cases.written(pdf, stream_decode_level=pikepdf.StreamDecodeLevel.none, compress_streams=False)


def with_form(content: bytes) -> bytes:
    pdf = showing(b"q /P Do Q")
    form = Stream(pdf, content, Type=Name.XObject, Subtype=Name.Form, Filter=Name.FlateDecode)
    form.BBox = Array([0, 0, 200, 200])
    pdf.pages[0].obj.Resources = Dictionary(XObject=Dictionary(P=pdf.make_indirect(form)))
    return raw(pdf)


def referring_to_nothing(where: str) -> bytes:
    pdf = showing()
    gone = pdf.make_indirect(Stream(pdf, b"0 0 1 rg 0 0 50 50 re f"))
    page = pdf.pages[0].obj
    if where == "content":
        page.Contents = gone
    elif where == "one of its contents":
        page.Contents = Array([page.Contents, gone])
    elif where == "font":
        page.Contents = pdf.make_indirect(Stream(pdf, b"BT /F 9 Tf (Total) Tj ET"))
        page.Resources = Dictionary(Font=Dictionary(F=gone))
    elif where == "picture":
        page.Resources = Dictionary(XObject=Dictionary(P=gone))
    else:
        pdf.Root.Pages.Kids.append(gone)
    content = raw(pdf)
    with pikepdf.open(BytesIO(content)) as written:
        [number] = [
            thing.objgen[0]
            for thing in written.objects
            if isinstance(thing, Stream) and thing.read_bytes().startswith(b"0 0 1 rg")
        ]
    start = content.index(b"\n%d 0 obj" % number) + len(b"\n%d 0 obj\n" % number)
    end = content.index(b"endobj", start)
    return content[:start] + b"null".ljust(end - start - 1) + b"\n" + content[end:]


DAMAGED = {
    "content cut": raw(showing(TEXT[: len(TEXT) // 2], packed=True)),
    "content that is none": raw(showing(b"x\xef\xbf\xbd\xef\xbf\xbd\x03\xef", packed=True)),
    "form cut": with_form(TEXT[:-12]),
    "picture cut": with_picture(zlib.compress(bytes(range(250)) * 360)[:-20], Name.FlateDecode),
    "photo cut": with_picture(PHOTO[:-700], Name.DCTDecode),
    "photo that is none": with_picture(b"\xff\xd8 none \xff\xd9", Name.DCTDecode),
    "JPEG 2000 cut": with_picture(PHOTO_2000[:-200], Name.JPXDecode),
    "unknown filter": with_picture(b"\xff" * 999, Name("/OwnDecode")),
    "content not there": referring_to_nothing("content"),
    "one content not there": referring_to_nothing("one of its contents"),
    "picture not there": referring_to_nothing("picture"),
    "page not there": referring_to_nothing("page"),
    "font not there": referring_to_nothing("font"),
    "a page of a hair's width": pdf_attacks.one_page(box=b"/MediaBox[0 0 .2189 841]"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_missing_from_a_page_is_never_shown_as_blank(name: str) -> None:
    with pytest.raises(Refused) as refused:
        made(DAMAGED[name])
    assert refused.value.code == Code.DAMAGED, refused.value.detail


def test_a_file_that_ends_early_is_truncated() -> None:
    original = raw(showing(TEXT, packed=True))
    for end in (len(original) - 40, original.index(b"endstream") - 5):
        with pytest.raises(Refused) as refused:
            made(original[:end])
        assert refused.value.code == Code.TRUNCATED, refused.value.detail


@pytest.mark.parametrize(
    "content", [TEXT[:-4], TEXT[:-4] + b"\0\0\0\0", TEXT + b"\r\n\0", b"", zlib.compress(b"")], ids=str
)
def test_what_no_viewer_minds_is_accepted(content: bytes) -> None:
    assert made(raw(showing(content, packed=True))).pages == 1


def test_what_is_not_painted_may_be_missing() -> None:
    pdf = showing(b"0 0 50 50 re f")
    image = Stream(pdf, b"nothing", Type=Name.XObject, Subtype=Name.Image, Filter=Name.FlateDecode)
    image.Width, image.Height = 9, 9
    pdf.pages[0].obj.Resources = Dictionary(XObject=Dictionary(P=pdf.make_indirect(image)))
    assert made(raw(pdf)).pages == 1


def test_blank_pages_are_named() -> None:
    pdf = pikepdf.new()
    for content in (b"1 0 0 rg 0 0 50 50 re f", b"", b"1 g 0 0 50 50 re f", b"0.9 G 0.1 w 0 0 m 90 90 l S"):
        pdf.add_blank_page(page_size=(200, 200)).contents_add(content)
    for original in (pdf_cases.written(pdf), pdf_cases.pdf_a(pdf=pdf)):
        result = made(original)
        assert result.fidelity["blank_pages"] == [2, 3], result.route


def test_a_content_that_grows_without_measure_is_too_costly() -> None:
    grown = zlib.compressobj()
    packed = b"".join(grown.compress(b" " * 1024 * 1024) for _ in range(130)) + grown.flush()
    for original in (raw(showing(packed, packed=True)), with_form(packed)):
        with pytest.raises(Refused) as refused:
            made(original)
        assert refused.value.code == Code.TOO_COSTLY, refused.value.detail
    assert len(packed) < whole.CONTENT_MOST_BYTES / 500


def test_a_picture_inside_may_have_as_many_pixels_as_one_by_itself() -> None:
    original = with_picture(PHOTO, Name.DCTDecode)
    assert made(original, Limits(pixels=90_000)).pages == 1
    with pytest.raises(Refused) as refused:
        made(original, Limits(pixels=89_999))
    assert refused.value.code == Code.TOO_MANY_PIXELS


def test_a_picture_within_the_content_that_pdfium_draws_and_does_not_hand_out_is_there() -> None:
    pdf = pikepdf.open(BytesIO(with_picture(PHOTO_2000, Name.JPXDecode)))
    page = pdf.pages[0].obj
    palette = Array([Name.Indexed, Name.DeviceRGB, 1, pikepdf.String(b"\0\0\xff\xff\0\0")])
    page.Resources.ColorSpace = Dictionary(C=pdf.make_indirect(palette))
    within = b"q 90 0 0 90 0 0 cm\nBI\n/W 2\n/H 2\n/BPC 8\n/CS /C\nID\n\0\1\1\0\nEI\nQ"
    page.Contents = pdf.make_stream(b"q 200 0 0 200 0 0 cm /P Do Q " + within)
    shown = rendered(made(raw(pdf)).pdf)
    assert shown.getpixel((20, 130)) == (0, 0, 255)


def test_a_jpeg_2000_that_says_in_itself_that_it_is_huge_is_refused() -> None:
    at = PHOTO_2000.index(b"\xff\x4f\xff\x51") + 8
    huge = PHOTO_2000[:at] + b"\0\1\0\0" * 2 + PHOTO_2000[at + 8 :]
    with pytest.raises(Refused) as refused:
        made(with_picture(huge, Name.JPXDecode))
    assert refused.value.code == Code.TOO_MANY_PIXELS
