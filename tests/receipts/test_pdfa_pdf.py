"""PDFs: kept as they are, or carried whole and shown as they look; inert, and with nothing of it lost."""

from __future__ import annotations

import random
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from connectors.devpki import Service
from receipts import pades
from receipts.errors import Code, Refused
from receipts.pdfa import Normalised, inside, original_of, provenance_of, syntax
from receipts.pdfa.kept import packet_to_go_on_from as kept_packet
from receipts.policy import Limits
from tests import judge
from tests.pki import anchors_of, archive_file, devpki, seal_lt  # noqa: F401
from tests.receipts import pdf_cases
from tests.receipts.pdfa_cases import made, rendered, texts

FEW_DOTS = Limits(pixels=300_000)
WAITING = pdf_cases.lying_in_wait()
REPAIRED = {
    "remote", "submit", "import", "next", "rich media", "javascript", "launch", "portfolio", "xfa", "seen-through",
    "note", "lzw", "owner",
}  # fmt: skip
FOUND = {
    "javascript": {"javascript": 1, "open-action": 1},
    "launch": {"launch-action": 1},
    "remote": {"remote-action": 1},
    "submit": {"submit-action": 1},
    "import": {"import-action": 1},
    "next": {"launch-action": 1, "uri-action": 1},
    "rich media": {"rich-media": 1},
    "portfolio": {"embedded-file": 1, "portfolio": 1},
    "xfa": {"xfa": 1},
    "layers": {"optional-content": 1},
    "owner": {"owner-password": 1},
    "font-not-embedded": {"font-not-embedded": 1},
}
INERT = {"/Type", "/Pages", "/AF", "/Names", "/OutputIntents", "/Metadata"}


def test_pages_look_as_in_the_original(samples: Path) -> None:
    original = (samples / "pdf/pypdf__pdflatex-outline.pdf").read_bytes()
    result = made(original)
    assert (result.route, result.pages, result.fidelity["compared_dpi"]) == ("pdf-repaired", 4, 100)
    assert original_of(result.pdf) == original
    for number in range(4):
        assert rendered(result.pdf, number, 300).tobytes() == rendered(original, number, 300).tobytes()


def test_a_font_whose_checksum_is_wrong_is_not_certain_to_be_read(samples: Path) -> None:
    original = (samples / "pdf/pypdf__pdflatex-outline.pdf").read_bytes()
    with pikepdf.open(BytesIO(original)) as pdf:
        programs = [
            one.FontFile.read_raw_bytes()
            for one in pdf.objects
            if isinstance(one, pikepdf.Dictionary) and "/FontFile" in one
        ]
    assert made(original).route == "pdf-repaired"
    broken = programs[0][:-1] + bytes([programs[0][-1] ^ 1])
    assert made(original.replace(programs[0], broken)).route == "pdf-rendered"


def test_rendered_pages_hold_the_pixels_of_the_original(samples: Path) -> None:
    original = (samples / "pdf/pypdf__form.pdf").read_bytes()  # a form field that only a renderer gives a look
    result = made(original)
    assert (result.route, result.fidelity["dpi"]) == ("pdf-rendered", [300])
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        shown = pikepdf.PdfImage(pdf.pages[0].obj.Resources.XObject.Im0).as_pil_image().convert("RGB")
    colours = {colour for _, colour in shown.getcolors() or []}
    assert (255, 0, 0) in colours


def test_colours_and_turned_pages_are_kept() -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(200, 100))
    page.contents_add(b"1 0 0 rg 0 0 100 100 re f")
    page.obj.Rotate = 90
    shown = rendered(made(pdf_cases.written(pdf)).pdf)
    assert shown.size == (100, 200)
    assert shown.getpixel((50, 40)) == (255, 0, 0)
    assert shown.getpixel((50, 160)) == (255, 255, 255)


@pytest.mark.parametrize("name", WAITING)
def test_what_lies_in_wait_is_named_and_inert(name: str) -> None:
    original = WAITING[name]
    result = made(original, FEW_DOTS)
    assert result.route == ("pdf-repaired" if name in REPAIRED else "pdf-rendered")
    assert result.fidelity["found"] == FOUND.get(name, {})
    assert original_of(result.pdf) == original
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        assert set(pdf.Root.keys()) == INERT
        assert not {"/Info", "/Encrypt"} & set(pdf.trailer.keys())
        assert not any("/Annots" in page.obj or "/AA" in page.obj for page in pdf.pages)
    assert rendered(result.pdf).tobytes() == rendered(original).tobytes() or result.route == "pdf-rendered"


@pytest.mark.parametrize("revision", [2, 3, 4, 6])
def test_a_password_to_open_is_asked_for_and_one_to_change_is_not(revision: int) -> None:
    for user, is_accepted in (("", True), ("u", False)):
        encryption = pikepdf.Encryption(user=user, owner="o", R=revision, aes=revision >= 4, metadata=revision >= 4)  # type: ignore[call-arg]
        original = pdf_cases.written(pdf_cases.page(), encryption=encryption, static_id=False)
        if is_accepted:
            result = made(original, FEW_DOTS)
            assert result.fidelity["found"] == {"owner-password": 1}
            assert original_of(result.pdf) == original
        else:
            with pytest.raises(Refused) as refused:
                made(original)
            assert refused.value.code == Code.ENCRYPTED


def test_pages_are_shown_if_the_files_inside_alone_are_locked() -> None:
    original = pdf_cases.with_locked_files()
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(BytesIO(original))
    result = made(original)
    assert result.route == "pdf-repaired"
    assert result.fidelity["found"] == {"embedded-file": 1, "encrypted-file": 1}
    assert result.fidelity["structured_invoice"] is None
    assert original_of(result.pdf) == original
    assert "Invoice 120.00 EUR" in texts(result.pdf)
    for changed in (original.replace(b"/StmF/Identity", b"/StmF/StdCF"), original.replace(b"/EFF", b"/EFX")):
        with pytest.raises(Refused) as refused:
            made(changed)
        assert refused.value.code == Code.ENCRYPTED


def test_files_and_scripts_of_the_samples_are_named(samples: Path) -> None:
    found = {
        name: made((samples / f"pdf/tika__testPDF{name}.pdf").read_bytes(), FEW_DOTS).fidelity["found"]
        for name in ("_multiFormatEmbFiles", "Package", "_jsActionOnPage")
    }
    assert found == {
        "_multiFormatEmbFiles": {"embedded-file": 1, "font-not-embedded": 1},
        "Package": {"embedded-file": 2, "javascript": 1, "portfolio": 1, "uri-action": 1},
        "_jsActionOnPage": {"additional-actions": 1, "javascript": 1},
    }


@pytest.mark.parametrize(
    ("words", "encoding", "ordering"),
    [
        ("合計金額", "/UniJIS-UCS2-H", "Japan1"),
        ("发票金额", "/UniGB-UCS2-H", "GB1"),
        ("發票金額", "/UniCNS-UCS2-H", "CNS1"),
        ("영수증금", "/UniKS-UCS2-H", "Korea1"),
    ],
)
def test_words_in_fonts_that_a_pdf_only_names_are_shown(words: str, encoding: str, ordering: str) -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(200, 100))
    page.contents_add(b"BT /F 40 Tf 20 30 Td <%s> Tj ET" % words.encode("utf-16-be").hex().encode())
    system = pikepdf.Dictionary(Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String(ordering), Supplement=1)
    inner = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.CIDFontType2, BaseFont=pikepdf.Name.Own)
    inner.CIDSystemInfo = system
    inner.FontDescriptor = pikepdf.Dictionary(Type=pikepdf.Name.FontDescriptor, FontName=pikepdf.Name.Own, Flags=4)
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type0, BaseFont=pikepdf.Name.Own)
    font.Encoding, font.DescendantFonts = pikepdf.Name(encoding), pikepdf.Array([pdf.make_indirect(inner)])
    page.add_resource(pdf.make_indirect(font), pikepdf.Name.Font, pikepdf.Name.F)
    result = made(pdf_cases.written(pdf))
    assert result.fidelity["blank_pages"] == []
    assert result.fidelity["found"] == {"font-not-embedded": 1}
    shown = rendered(result.pdf).convert("L").point(lambda level: 255 * (level < 160))
    across = [shown.crop((20 + 40 * at, 0, 60 + 40 * at, 100)).getbbox() for at in range(4)]
    assert all(box is not None and box[3] - box[1] > 15 for box in across), across


def test_a_stamp_on_the_page_stays_on_it() -> None:
    assert rendered(made(WAITING["note"]).pdf).getpixel((75, rendered(WAITING["note"]).height - 75)) == (0, 255, 0)


def test_a_huge_page_gets_fewer_dots_and_says_so() -> None:
    pdf = pikepdf.open(BytesIO(WAITING["font-not-embedded"]))
    pdf.pages[0].obj.MediaBox = [0, 0, 14_400, 14_400]
    result = made(pdf_cases.written(pdf), Limits(pixels=1_000_000))
    assert result.fidelity["dpi"] == [5]
    with pikepdf.open(BytesIO(result.pdf)) as shown:
        image = shown.pages[0].obj.Resources.XObject.Im0
        assert int(image.Width) * int(image.Height) <= 1_010_000


def test_grey_pages_are_stored_as_grey() -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(100, 100)).contents_add(b"1 0 0 0 k 0 0 50 50 re f 0 g 50 50 50 50 re f")
    pdf.pages[0].contents_add(b"1 g 0 0 50 50 re f")
    result = made(pdf_cases.written(pdf))
    assert result.route == "pdf-rendered"
    with pikepdf.open(BytesIO(result.pdf)) as shown:
        image = shown.pages[0].obj.Resources.XObject.Im0
        assert image.ColorSpace == pikepdf.Name.DeviceGray
        grey = Image.frombytes("L", (int(image.Width), int(image.Height)), image.read_bytes())
    assert grey.getextrema() == (0, 255)


@pytest.mark.parametrize(("flavour", "level"), [("1b", None), ("2b", None), ("2b", "U"), ("3b", None), ("3b", "A")])
def test_a_pdf_a_is_kept_as_it_is(flavour: str, level: str | None) -> None:
    original = pdf_cases.pdf_a(flavour, level=level)
    result = made(original)
    assert (result.route, result.fidelity["claims"]) == ("pdf-kept", flavour[0] + (level or "b").lower())
    assert result.pdf.startswith(original)
    assert len(result.pdf) > len(original)
    assert original_of(result.pdf) == original
    carried = provenance_of(result.pdf)["original"]
    assert isinstance(carried, dict)
    assert (carried["carried_as"], carried["size_bytes"]) == ("prefix", len(original))
    assert "Invoice 120.00 EUR" in texts(result.pdf)


def spoilt() -> dict[str, bytes]:
    """Files that claim to be PDF/A and are not, or not for certain."""
    good, fake = pdf_cases.pdf_a(), pdf_cases.page()
    pdf_cases.attach(fake, "provenance.json", b'{"original": {}}')
    coloured = pdf_cases.page()
    coloured.pages[0].contents_add(b"1 0 0 0 k 20 20 300 300 re f")
    plain = pikepdf.open(BytesIO(WAITING["font-not-embedded"]))
    for pdf in (coloured, plain):
        pdf_cases.prepare(pdf)
    writing = pikepdf.pdfa.resolve_save_kwargs("3b", static_id=True)
    return {
        "something after its end": good + b"more",
        "no binary comment": good.replace(b"\n%\xbf\xf7\xa2\xfe\n", b"\n%abcd\n"),
        "spaces after an object": good.replace(b"endobj\n", b"endobj  \n", 1),
        "a provenance of its own": pdf_cases.pdf_a(pdf=fake),
        "colours without a meaning": pdf_cases.written(coloured, **writing),
        "a font that is not embedded": pdf_cases.written(plain, **writing),
    }


@pytest.mark.parametrize("name", spoilt())
def test_what_is_not_certain_is_carried_whole(name: str) -> None:
    original = spoilt()[name]
    result = made(original, FEW_DOTS)
    assert result.route in ("pdf-repaired", "pdf-rendered")
    assert result.fidelity["claims"] == "3b"
    assert original_of(result.pdf) == original
    assert not result.pdf.startswith(original)


def test_what_is_kept_of_changed_files_is_pdf_a_all_the_same(tmp_path: Path) -> None:
    chance, originals = random.Random(4), [pdf_cases.pdf_a("1b"), pdf_cases.factur_x()]
    kept = []
    for number in range(120):
        changed = bytearray(originals[number % 2])
        at = chance.randrange(len(changed))
        changed[at : at + chance.randint(0, 2)] = chance.choice((b"", b" ", b"\n", b"<", b"0", b"\0", b"%"))
        try:
            with pikepdf.open(BytesIO(changed), suppress_warnings=True) as pdf:
                if set(inside.found_in(pdf)) - {"embedded-file"} or pdf.get_warnings():
                    continue
                if kept_packet(bytes(changed), pdf, frozenset()) is None:
                    continue
        except pikepdf.PdfError:
            continue
        result = made(bytes(changed))
        assert original_of(result.pdf) == changed
        kept.append(tmp_path / f"{number}.pdf")
        kept[-1].write_bytes(result.pdf)
    assert kept
    verdicts = judge.verapdf(kept)
    assert {path.name: verdicts[str(path)] for path in kept if not verdicts[str(path)]["compliant"]} == {}


@pytest.mark.parametrize("string", [b"<abc>", b"<abxy>"], ids=["odd", "no digits"])
def test_hexadecimal_strings_that_pdf_a_bars_are_unusual(string: bytes) -> None:
    plain = pikepdf.open(BytesIO(pdf_cases.pdf_a()))
    plain.Root.Spare = plain.make_indirect(pikepdf.Dictionary(X=pikepdf.String(b"\xab\xcd")))
    good = pdf_cases.written(plain, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    assert good.count(b"<abcd>") == 1
    syntax.check(good)
    with pytest.raises(syntax.Unusual, match="hexadecimal"):
        syntax.check(good.replace(b"<abcd>", string.ljust(6)))


def test_a_signed_pdf_is_carried_whole_and_its_signature_survives(devpki: Service) -> None:  # noqa: F811
    at = datetime.now(UTC) + timedelta(minutes=1)
    [signed] = seal_lt([archive_file()], devpki.pki)
    result = made(signed)
    assert result.route == "pdf-repaired"
    assert result.fidelity["found"]["signature"] == 1
    taken_out = original_of(result.pdf)
    assert taken_out == signed
    assert pades.validate(taken_out, anchors_of(devpki.pki), at=at).indication == pades.Indication.TOTAL_PASSED


def test_a_kept_pdf_is_sealed_verified_and_still_pdf_a(devpki: Service, tmp_path: Path) -> None:  # noqa: F811
    originals = [pdf_cases.pdf_a("1b"), pdf_cases.pdf_a("2b"), pdf_cases.pdf_a("3b"), pdf_cases.factur_x()]
    kept = [made(original) for original in originals]
    assert {result.route for result in kept} == {"pdf-kept"}
    at = datetime.now(UTC) + timedelta(minutes=1)
    files = []
    for number, sealed in enumerate(seal_lt([result.pdf for result in kept], devpki.pki)):
        report = pades.validate(sealed, anchors_of(devpki.pki), at=at)
        assert report.indication == pades.Indication.TOTAL_PASSED, report
        assert sealed.startswith(originals[number])
        assert original_of(sealed) == originals[number]
        files.append(tmp_path / f"{number}.pdf")
        files[-1].write_bytes(sealed)
    assert all(verdict["compliant"] for verdict in judge.verapdf(files).values())


def xml_in(result: Normalised, name: str) -> tuple[bytes, str]:
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        [file] = [one for one in pdf.Root.AF if str(one.UF) == name]
        return bytes(file.EF.F.read_bytes()), str(file.AFRelationship)


@pytest.mark.parametrize("conforming", [True, False], ids=["kept", "carried whole"])
@pytest.mark.parametrize(
    ("name", "namespace", "kind"),
    [
        ("factur-x.xml", pdf_cases.FX, "factur-x"),
        ("ZUGFeRD-invoice.xml", "urn:ferd:pdfa:CrossIndustryDocument:invoice:1p0#", "zugferd-1"),
        ("zugferd-invoice.xml", "urn:zugferd:pdfa:CrossIndustryDocument:invoice:2p0#", "zugferd-2"),
        ("order-x.xml", "urn:factur-x:pdfa:CrossIndustryDocument:1p0#", "order-x"),
    ],
)
def test_a_structured_invoice_keeps_its_xml_and_its_xmp(name: str, namespace: str, kind: str, conforming: bool) -> None:
    original = pdf_cases.factur_x(name=name, namespace=namespace, conforming=conforming)
    result = made(original, FEW_DOTS)
    assert result.route == ("pdf-kept" if conforming else "pdf-rendered")
    assert result.fidelity["structured_invoice"] == kind
    assert original_of(result.pdf) == original
    assert xml_in(result, name) == (pdf_cases.CII, "/Alternative")
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        packet = pdf.Root.Metadata.read_bytes().decode()
    assert namespace in packet
    for key, value in (("DocumentType", "INVOICE"), ("DocumentFileName", name), ("ConformanceLevel", "EN 16931")):
        assert f":{key}>{value}</" in packet


def test_words_of_a_sender_do_not_get_into_our_metadata() -> None:
    result = made(pdf_cases.factur_x(level="&lt;x:y/&gt; http://evil.example"))
    with pikepdf.open(BytesIO(result.pdf)) as pdf:
        assert b"evil" not in pdf.Root.Metadata.read_bytes()
    assert result.route == "pdf-repaired"  # its announcement can't be kept, so the file is carried whole
    assert xml_in(result, "factur-x.xml")[0] == pdf_cases.CII


def credit_note() -> bytes:
    attached = b64encode(pdf_cases.pdf_a())
    xml = pdf_cases.UBL.replace(b"Invoice-2", b"CreditNote-2").replace(b"Invoice>", b"CreditNote>")
    return xml.replace(b"<Invoice ", b"<CreditNote ").replace(
        b"<cac:LegalMonetaryTotal>",
        b"<cac:AdditionalDocumentReference><cbc:ID>1</cbc:ID><cac:Attachment>"
        b'<cbc:EmbeddedDocumentBinaryObject mimeCode="application/pdf" filename="scan.pdf">%s'
        b"</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>"
        b"<cac:LegalMonetaryTotal>" % attached,
    )


def test_ubl_and_cii_by_themselves_are_shown_in_full() -> None:
    for xml, shown in (
        (pdf_cases.CII, ("F-2026-7", "Café du Port & fils", "20261102", "120.00", "Acme SA", "SellerTradeParty")),
        (pdf_cases.UBL, ("U-1", "2026-11-02", "42.50", "currencyID=EUR")),
        (pdf_cases.UBL.decode().encode("utf-16"), ("U-1", "2026-11-02", "42.50")),
        (credit_note(), ("CreditNote", "U-1", "42.50", "scan.pdf", "characters of Base64")),
    ):
        result = made(xml)
        assert (result.media_type, result.route) == ("application/xml", "invoice-set")
        assert original_of(result.pdf) == xml
        assert all(word in texts(result.pdf) for word in shown)
        assert xml_in(result, "original.xml") == (xml, "/Source")


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + pdf_cases.UBL, Code.HOSTILE),
        (pdf_cases.UBL[:-40], Code.DAMAGED),
        (pdf_cases.UBL.replace(b":Invoice-2", b":Catalogue-2"), Code.UNSUPPORTED_TYPE),
        (pdf_cases.UBL.replace(b"<cbc:ID>", b"<a>" * 9000 + b"</a>" * 9000 + b"<cbc:ID>"), Code.DAMAGED),
        (b"<?xml version='1.0'?><html><body/></html>", Code.UNSUPPORTED_TYPE),
    ],
    ids=["entities", "cut", "no invoice", "deep", "other xml"],
)
def test_other_xml_is_refused(xml: bytes, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        made(xml)
    assert refused.value.code == code, refused.value.detail


def tree(*nodes: bytes) -> bytes:
    """A PDF of these objects, the first of which is the catalog."""
    out, places = b"%PDF-1.7\n%\xff\xff\xff\xff\n", []
    for number, node in enumerate(nodes, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, node)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<</Size %d/Root 1 0 R/ID[<00><00>]>>\nstartxref\n%d\n%%%%EOF\n" % (len(nodes) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (len(nodes) + 1, table, end)


CATALOG, LEAF = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Page/MediaBox[0 0 100 100]>>"
FORM = (
    b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 4 0 R>>>>/Length 5>>\nstream\n/F Do\nendstream"
)
HOSTILE = {
    "loop": (tree(CATALOG, b"<</Type/Pages/Count 1/Kids[2 0 R]>>"), Code.HOSTILE),
    "loop below": (
        tree(CATALOG, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", b"<</Type/Pages/Count 1/Kids[2 0 R]>>"),
        Code.HOSTILE,
    ),
    "deep": (
        tree(CATALOG, *(b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (n + 1) for n in range(2, 3000)), LEAF),
        Code.HOSTILE,
    ),
    "shared kids": (
        tree(CATALOG, *(b"<</Type/Pages/Kids[%s]>>" % (b"%d 0 R " % (n + 1) * 10) for n in range(2, 20)), LEAF),
        Code.TOO_MANY_PAGES,
    ),
    "many kids": (tree(CATALOG, b"<</Type/Pages/Kids[%s]>>" % (b"3 0 R " * 100_000), LEAF), Code.TOO_MANY_PAGES),
    "arrays in arrays": (tree(b"<</Type/Catalog/X %s>>" % (b"[" * 100_000 + b"]" * 100_000), LEAF), Code.DAMAGED),
    "no page tree": (tree(b"<</Type/Catalog>>"), Code.DAMAGED),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_page_trees_are_refused(name: str) -> None:
    original, code = HOSTILE[name]
    with pytest.raises(Refused) as refused:
        made(original)
    assert refused.value.code == code, refused.value.detail


@pytest.mark.parametrize(
    "original",
    [
        tree(CATALOG, b"<</Type/Pages/Count 1/Kids[3 0 R]/Parent 2 0 R>>", LEAF),
        tree(CATALOG[:-2] + b"/AcroForm 5/Names 3/AF 4/Metadata 2>>", b"<</Type/Pages/Kids[3 0 R]>>", LEAF),
        tree(
            CATALOG,
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            LEAF[:-2] + b"/Resources<</XObject<</F 4 0 R>>>>/Contents 5 0 R>>",
            FORM,
            b"<</Length 5>>\nstream\n/F Do\nendstream",
        ),
        tree(b"<</Type/Catalog/Pages 2 0 R/X %s>>" % (b"<</A " * 400 + b"1" + b">>" * 400), b"<</Kids[3 0 R]>>", LEAF),
        tree(CATALOG, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", LEAF) + bytes(20_000),
    ],
    ids=["parent of itself", "wrong types", "form in itself", "nested dictionaries", "padding of a disk's sector"],
)
def test_odd_files_are_archived_whole(original: bytes) -> None:
    assert original_of(made(original).pdf) == original
