"""PDF/A files of other programs that are kept, though pikepdf's validator doesn't know what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from PIL import Image

from receipts.pdfa import certain, original_of
from tests import judge
from tests.receipts import pdf_cases
from tests.receipts.pdfa_cases import made, picture

HISTORY = (
    '<rdf:Description rdf:about="" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"'
    ' xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"><xmpMM:History><rdf:Seq>'
    '<rdf:li rdf:parseType="Resource"><stEvt:action>converted</stEvt:action></rdf:li></rdf:Seq></xmpMM:History>'
    "</rdf:Description></rdf:RDF>"
)
UNKNOWN = (
    '<rdf:Description rdf:about="" xmlns:own="http://own.example/"><own:thing>1</own:thing></rdf:Description></rdf:RDF>'
)


def finished(pdf: Pdf, change: Callable[[Pdf], None] | None = None) -> bytes:
    """`pdf` as PDF/A-3b, then changed."""
    pdf_cases.prepare(pdf)
    if change:
        change(pdf)
    return pdf_cases.written(pdf, **pikepdf.pdfa.resolve_save_kwargs("3b", static_id=True))


def function(pdf: Pdf, colour: list[float]) -> pikepdf.Object:
    return pdf.make_indirect(
        Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1] * len(colour)), C1=Array(colour), N=1)
    )


def with_ink(alternate: object, colour: list[float], *, other: list[float] | None = None) -> bytes:
    pdf = pdf_cases.page()
    one = Array([Name.Separation, Name("/Logo#20Red"), alternate, function(pdf, colour)])
    page = pdf.pages[0]
    page.obj.Resources.ColorSpace = Dictionary(Ink=pdf.make_indirect(one))
    if other:
        two = Array([Name.Separation, Name("/Logo#20Red"), alternate, function(pdf, other)])
        page.obj.Resources.ColorSpace["/Two"] = pdf.make_indirect(two)
    page.contents_add(b"q /Ink cs 0.8 scn 20 20 90 90 re f Q")
    return finished(pdf)


def with_layers(
    *, name: str | None = "usual", order: bool = True, listed: bool = True, automatic: bool = False
) -> bytes:
    pdf = pdf_cases.page()
    layer, other = (pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String(text))) for text in ("stamp", "paper"))
    usual = Dictionary()
    if name is not None:
        usual.Name = String(name)
    if order:
        usual.Order = Array([layer, Array([other])] if listed else [layer])
    if automatic:
        usual.AS = Array([Dictionary(Event=Name.View, OCGs=Array([layer]), Category=Array([Name.View]))])
    page = pdf.pages[0]
    page.obj.Resources.Properties = Dictionary(L=layer)
    page.contents_add(b"/OC /L BDC q 1 0 0 rg 20 20 90 90 re f Q EMC")

    def add(pdf: Pdf) -> None:
        pdf.Root.OCProperties = Dictionary(OCGs=Array([layer, other]), D=usual)

    return finished(pdf, add)


def with_jpeg2000(mode: str) -> bytes:
    pdf = pdf_cases.page()
    content = picture(Image.linear_gradient("L").resize((64, 64)).convert(mode), "JPEG2000")
    image = Stream(pdf, content, Type=Name.XObject, Subtype=Name.Image, Width=64, Height=64, Filter=Name.JPXDecode)
    pdf.pages[0].add_resource(pdf.make_indirect(image), Name.XObject, Name.J)
    pdf.pages[0].contents_add(b"q 90 0 0 90 20 20 cm /J Do Q")
    return finished(pdf)


def with_metadata(more: str) -> bytes:
    def add(pdf: Pdf) -> None:
        packet = pdf.Root.Metadata.read_bytes().decode()
        pdf.Root.Metadata.write(packet.replace("</rdf:RDF>", more).encode())

    return finished(pdf_cases.page(), add)


def with_catalog(key: str, value: Callable[[Pdf], object]) -> bytes:
    def add(pdf: Pdf) -> None:
        pdf.Root[key] = value(pdf)

    return finished(pdf_cases.page(), add)


def with_inherited_resources() -> bytes:
    def move(pdf: Pdf) -> None:
        pdf.pages[0].obj.Resources.ColorSpace = Dictionary(C=Name.DeviceRGB)
        pdf.Root.Pages.Resources = pdf.make_indirect(pdf.pages[0].obj.Resources)
        del pdf.pages[0].obj.Resources
        pdf.pages[0].obj.Contents = pdf.make_stream(b"/C cs 1 0 0 scn 20 20 90 90 re f")

    return finished(pdf_cases.page(), move)


def spoken_otherwise() -> bytes:
    """A font's strings that stand elsewhere, a checksum in the trailer, a note at the output intent."""

    def change(pdf: Pdf) -> None:
        for thing in pdf.objects:
            if isinstance(thing, Dictionary) and "/CIDSystemInfo" in thing:
                for key in ("/Registry", "/Ordering"):
                    thing.CIDSystemInfo[key] = pdf.make_indirect(String(bytes(thing.CIDSystemInfo[key])))
        pdf.Root.OutputIntents[0].Author = String("someone")
        pdf.trailer.DocChecksum = Name("/0123456789ABCDEF")

    return finished(pdf_cases.page(), change)


def ended_by_returns() -> bytes:
    """Streams whose data end with a carriage return alone, as ISO 19005-3 6.1.7.1 allows."""
    return pdf_cases.pdf_a().replace(b"\nendstream", b"\rendstream")


KEPT = {
    "one ink": with_ink(Name.DeviceRGB, [1.0, 0.0, 0.0]),
    "one ink of grey": with_ink(Name.DeviceGray, [0.2]),
    "layers": with_layers(),
    "layers without an order": with_layers(order=False),
    "JPEG 2000": with_jpeg2000("RGB"),
    "grey JPEG 2000": with_jpeg2000("L"),
    "history": with_metadata(HISTORY),
    "properties of its own": with_metadata(UNKNOWN),
    "a panel for files": with_catalog("/PageMode", lambda _: Name.UseAttachments),
    "a place to open at": with_catalog("/OpenAction", lambda pdf: Array([pdf.pages[0].obj, Name.Fit])),
    "a move to open with": with_catalog("/OpenAction", lambda _: Dictionary(S=Name.Named, N=Name.LastPage)),
    "a key of its own": with_catalog("/Own", lambda _: String("thing")),
    "spoken otherwise": spoken_otherwise(),
    "carriage returns": ended_by_returns(),
}
NOT_KEPT = {
    "ink of four inks": with_ink(Name.DeviceCMYK, [0.0, 1.0, 1.0, 0.0]),
    "one ink of two meanings": with_ink(Name.DeviceRGB, [1.0, 0.0, 0.0], other=[0.0, 0.0, 1.0]),
    "layers without a name": with_layers(name=None),
    "layers that are not all ordered": with_layers(listed=False),
    "layers that switch themselves": with_layers(automatic=True),
    "a script to open with": with_catalog("/OpenAction", lambda _: Dictionary(S=Name.JavaScript, JS=String("1"))),
    "one step to open with, then a script": with_catalog(
        "/OpenAction",
        lambda _: Dictionary(S=Name.Named, N=Name.LastPage, Next=Dictionary(S=Name.JavaScript, JS=String("1"))),
    ),
    "a key that means something": with_catalog("/NeedsRendering", lambda _: True),
    "inherited resources": with_inherited_resources(),
}


def test_what_the_validator_does_not_know_is_kept_where_it_is_certain(tmp_path: Path) -> None:
    kept = []
    for name, original in KEPT.items():
        result = made(original)
        assert result.route == "pdf-kept", name
        assert original_of(result.pdf) == original
        kept.append(tmp_path / f"{re.sub(r'[^a-z0-9]', '-', name)}.pdf")
        kept[-1].write_bytes(result.pdf)
    verdicts = judge.verapdf(kept)
    assert {path.name: verdicts[str(path)] for path in kept if not verdicts[str(path)]["compliant"]} == {}


@pytest.mark.parametrize("name", NOT_KEPT)
def test_what_is_not_as_pdf_a_wants_it_is_not_kept(name: str) -> None:
    result = made(NOT_KEPT[name])
    assert result.route in ("pdf-repaired", "pdf-rendered")
    assert original_of(result.pdf) == NOT_KEPT[name]


def test_part_4_is_named_and_carried_whole() -> None:
    def claim(pdf: Pdf) -> None:
        packet = pdf.Root.Metadata.read_bytes().decode()
        packet = re.sub(r"<pdfaid:conformance>B</pdfaid:conformance>", "", packet).replace("part>3<", "part>4<")
        packet = re.sub(r'pdfaid:conformance="B"', "", packet).replace('part="3"', 'part="4"')
        pdf.Root.Metadata.write(packet.encode())

    result = made(finished(pdf_cases.page(), claim))
    assert (result.route, result.fidelity["claims"]) == ("pdf-repaired", "4")


def test_a_character_table_that_few_can_read_is_not_certain() -> None:
    pdf = pdf_cases.page()
    font = TTFont(BytesIO((files("receipts.pdfa") / "fonts" / "DejaVuSans.ttf").read_bytes()))
    [usual] = [table for table in font["cmap"].tables if (table.platformID, table.platEncID) == (3, 1)]
    for form in (4, 12):
        table = CmapSubtable.newSubtable(form)
        table.platformID, table.platEncID, table.language, table.reserved, table.length = 3, 1, 0, 0, 0
        table.cmap = dict(usual.cmap)
        font["cmap"].tables = [table]
        program = BytesIO()
        font.save(program)
        descriptor = Dictionary(Type=Name.FontDescriptor, FontFile2=Stream(pdf, program.getvalue()))
        pdf.pages[0].add_resource(
            pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.TrueType, FontDescriptor=descriptor)), Name.Font
        )
        assert certain.has_usual_fonts(pdf) == (form == 4)


def test_what_a_time_stamp_could_not_follow_is_carried_whole() -> None:
    """An annotation that is no object of its own: whether it stays what it was can't be told after an update."""
    pdf = pdf_cases.page()
    there = Array([pdf.pages[0].obj, Name.Fit])
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, F=4, Rect=Array([0, 0, 50, 50]), Dest=there)
    pdf.pages[0].obj.Annots = Array([link])
    original = pdf_cases.pdf_a("3b", pdf=pdf)
    result = made(original)
    assert result.route == "pdf-repaired"
    assert original_of(result.pdf) == original
