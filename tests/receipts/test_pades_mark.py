"""The visible mark: in a corner as one sees the page, its font embedded, the page beneath untouched."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from connectors import signing
from connectors.devpki import DevPki, Service
from receipts import pades
from receipts.pades.mark import INSET_PT
from tests import judge
from tests.pki import anchors_of, archive_file, fetch, signer_of
from tests.receipts.others import sign
from tests.receipts.pdf_cases import pdf_a

AT = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


def marked(pdf: bytes, pki: DevPki, *, at: datetime = AT, beside_others: bool = True) -> bytes:
    """The PDF with a visible seal: B-T."""

    async def run() -> bytes:
        async with signing.open_session() as session:
            timestamper = signing.open_timestamper(pki.tsa_url, session)
            sealer = pades.Sealer(signer=signer_of(pki), timestamper=timestamper, mark=True)
            return await pades.seal(pdf, sealer, at=at, beside_others=beside_others)

    return asyncio.run(run())


def turned(angle: int, links: int = 0) -> bytes:
    """An A4 page that is shown turned, with links in so many of its corners as one sees them when it is not."""
    with pikepdf.open(BytesIO(pdf_a("3b"))) as pdf:
        page = pdf.pages[0]
        left, bottom, right, top = (float(edge) for edge in page.mediabox)
        corners = [(left, bottom), (right - 30, bottom), (left, top - 30), (right - 30, top - 30)]
        page.obj.Rotate = angle
        page.obj.Annots = pikepdf.Array(
            pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, F=4, Rect=[x, y, x + 30, y + 30])
            for x, y in corners[:links]
        )
        output = BytesIO()
        pdf.save(output)
        return output.getvalue()


def words_at(pdf: bytes) -> str:
    """What the lower strip of the first page says, as it is shown."""
    document = pypdfium2.PdfDocument(pdf)
    document.init_forms()
    page = document[0]
    pypdfium2.raw.FPDFPage_Flatten(page, pypdfium2.raw.FLAT_NORMALDISPLAY)
    return str(document[0].get_textpage().get_text_bounded())


def without_annotations(pdf: bytes) -> bytes:
    """The pixels of the first page's own content."""
    page = pypdfium2.PdfDocument(pdf)[0]
    return bytes(page.render(scale=2, draw_annots=False, may_draw_forms=False).to_pil().tobytes())


def test_the_judges_take_it_and_the_page_beneath_is_untouched(devpki: Service, tmp_path: Path) -> None:
    files = {"own": archive_file(), "PDF/A-1": pdf_a("1b"), "turned": turned(90)}
    paths = {name: tmp_path / f"{number}.pdf" for number, name in enumerate(files)}
    for name, before in files.items():
        after = marked(before, devpki.pki, at=datetime.now(UTC), beside_others=name != "own")
        assert after.startswith(before)
        assert pades.validate(after, anchors_of(devpki.pki), at=datetime.now(UTC)).sub_indication == "TRY_LATER"
        paths[name].write_bytes(pades.augment(after, fetch([after], anchors_of(devpki.pki))))
        assert without_annotations(after) == without_annotations(before)
    verdicts = judge.dss(paths.values(), [devpki.pki.anchors])
    assert [verdicts[str(path)]["passed"] for path in paths.values()] == [True] * 3, verdicts
    part_1 = paths.pop("PDF/A-1")
    assert {each["compliant"] for each in judge.verapdf(paths.values()).values()} == {True}
    assert judge.verapdf([part_1], "1b")[str(part_1)]["compliant"]


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_it_is_read_upright_below_left(devpki: Service, angle: int) -> None:
    after = marked(turned(angle), devpki.pki)
    document = pypdfium2.PdfDocument(after)
    document.init_forms()
    page = document[0]
    shown = page.render(scale=4, may_draw_forms=True).to_pil().convert("L")
    width, height = shown.size
    inset = round(INSET_PT * 4)
    strip = shown.crop((inset, height - inset - 40, width, height - inset + 4))
    box = strip.point(lambda value: 255 if value < 200 else 0).getbbox()
    assert box, "something is there"
    assert (box[0], box[2] > 8 * (box[3] - box[1])) == (pytest.approx(0, abs=8), True)  # a line, from the left on
    with pikepdf.open(BytesIO(after)) as pdf:
        [field] = pdf.Root.AcroForm.Fields
        assert (int(field.F) & 0b100111, "/AP" in field) == (0b100, True)
        font = next(iter(field.AP.N.Resources.Font.values()))
        assert "/FontFile2" in font.FontDescriptor


def test_it_says_who_and_when_and_not_what_it_is_worth(devpki: Service) -> None:
    words = words_at(marked(archive_file(), devpki.pki, beside_others=False))
    assert "Sealed by Seal (Probant DEVELOPMENT - worthless in law), 2026-11-23 14:30 UTC (PAdES)" in words
    assert "ualified" not in words


def test_it_is_in_nobodys_way(devpki: Service, another_pki: Service) -> None:
    for links in range(5):
        after = marked(turned(0, links), devpki.pki)
        with pikepdf.open(BytesIO(after)) as pdf:
            [field] = pdf.Root.AcroForm.Fields
            assert ("/AP" in field and float(field.Rect[2]) > 0) == (links < 4)
    approved = sign(archive_file(), another_pki.pki)
    with pikepdf.open(BytesIO(marked(approved, devpki.pki))) as pdf:
        assert [int(edge) for edge in pdf.Root.AcroForm.Fields[-1].Rect] == [0, 0, 0, 0]
