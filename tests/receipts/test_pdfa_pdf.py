"""PDFs: carried whole, shown as they look, inert."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pikepdf
from PIL import Image

from receipts.pdfa import original_of
from receipts.policy import Limits
from tests.receipts.pdfa_cases import made, rendered


def test_pages_look_as_in_the_original(samples: Path) -> None:
    original = (samples / "pdf/pypdf__pdflatex-outline.pdf").read_bytes()
    result = made(original)
    assert (result.route, result.pages, result.fidelity["dpi"]) == ("pdf-rendered", 4, [300] * 4)
    assert original_of(result.pdf) == original
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        for number, page in enumerate(pdf.pages):
            shown = pikepdf.PdfImage(page.obj.Resources.XObject.Im0).as_pil_image().convert("RGB")
            assert shown.tobytes() == rendered(original, number, 300).tobytes()


def test_colours_and_turned_pages_are_kept() -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(200, 100))
    page.contents_add(b"1 0 0 rg 0 0 100 100 re f")
    page.obj.Rotate = 90
    out = BytesIO()
    pdf.save(out)
    shown = rendered(made(out.getvalue()).pdf)
    assert shown.size == (100, 200)
    assert shown.getpixel((50, 40)) == (255, 0, 0)
    assert shown.getpixel((50, 160)) == (255, 255, 255)


def test_actions_and_files_inside_are_inert_and_named(samples: Path) -> None:
    result = made((samples / "pdf/tika__testPDF_multiFormatEmbFiles.pdf").read_bytes())
    assert result.fidelity["has_embedded_files"] is True
    portfolio = made((samples / "pdf/tika__testPDFPackage.pdf").read_bytes())
    assert portfolio.fidelity["is_portfolio"] is True
    with pikepdf.open(BytesIO(portfolio.pdf)) as pdf:
        assert set(pdf.Root.keys()) == {"/Type", "/Pages", "/AF", "/Names", "/OutputIntents", "/Metadata"}
        assert "/Info" not in pdf.trailer
        assert "/Encrypt" not in pdf.trailer


def test_a_huge_page_gets_fewer_dots_and_says_so() -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(14_400, 14_400))
    out = BytesIO()
    pdf.save(out)
    result = made(out.getvalue(), Limits(pixels=1_000_000))
    assert result.fidelity["dpi"] == [5]
    with pikepdf.open(BytesIO(result.pdf)) as shown:
        image = shown.pages[0].obj.Resources.XObject.Im0
        assert int(image.Width) * int(image.Height) <= 1_010_000


def test_grey_pages_are_stored_as_grey(samples: Path) -> None:
    result = made((samples / "pdf/tika__testPDF_bom.pdf").read_bytes())
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        image = pdf.pages[0].obj.Resources.XObject.Im0
        assert image.ColorSpace == pikepdf.Name.DeviceGray
        grey = Image.frombytes("L", (int(image.Width), int(image.Height)), image.read_bytes())
    assert grey.getextrema() == (0, 255)
