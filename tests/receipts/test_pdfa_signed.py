"""Signed PDF/A-3 files: kept as they are and sealed by update where that is certain, else carried whole."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Pdf, Stream, String
from pyhanko.pdf_utils.reader import PdfFileReader

from connectors import devpki as development
from connectors.devpki import DevPki, Service
from receipts import carried, pades
from receipts.errors import Refused
from receipts.pades.permissions import disturbed
from receipts.pdfa import SIGNED, Normalised, normalise, original_of, parted, provenance_of, schemas, syntax
from receipts.pdfa.invoice import packet_of
from receipts.policy import Limits
from receipts.verdict import examine
from tests import judge
from tests.conftest import free_port
from tests.pki import anchors_of
from tests.receipts import pdf_cases
from tests.receipts.others import WORDS, seal_beside, sign, signed_before, signed_pdf_a_3, stamp_with
from tests.receipts.pdfa_cases import LIMITS, facts, made

FEW_DOTS = Limits(pixels=300_000)
# Of our two fields, that of the seal and that of the time-stamp to come.
NO_ROOM = {"certified, no changes", "locks all fields", "locks all but another", "locks all but our field"}


def packet(pdf: bytes) -> bytes:
    with pikepdf.open(BytesIO(pdf)) as opened:
        return packet_of(opened)


PACKET = packet(pdf_cases.factur_x())


def is_usual(original: bytes) -> bool:
    """Whether no compressed stream happens to end with half of a line end, of which readers make two things."""
    return b"\r\nendstream" not in original


def usual_before(folder: Path) -> tuple[DevPki, Mapping[str, bytes]]:
    """What a merchant signed, in every way, whose certificates are usual when they are compressed: nearly all are."""
    for number in itertools.count():
        development.make(folder / f"merchant-{number}", free_port(), datetime.now(UTC))
        with development.serve(folder / f"merchant-{number}") as service:
            originals = signed_before(pdf_cases.pdf_a("3b"), service.pki)
        if any(is_usual(original) for name, original in originals.items() if name not in NO_ROOM):
            return service.pki, originals
    raise AssertionError("never")


def sealed(result: Normalised, service: Service) -> bytes:
    original, provenance = parted(result.pdf)
    return seal_beside(original, service.pki, provenance)


def test_signatures_stay_undisturbed_and_the_seal_carries_the_provenance(devpki: Service, tmp_path: Path) -> None:
    merchant, originals = usual_before(tmp_path)
    files = {}
    for name, original in originals.items():
        result = made(original)
        assert result.pdf == made(original).pdf
        assert original_of(result.pdf) == original
        assert (result.route == SIGNED) == (name not in NO_ROOM and is_usual(original)), name
        if result.route == SIGNED:
            after = sealed(result, devpki)
            assert after.startswith(original)
            assert original_of(after) == original
            assert provenance_of(after) == provenance_of(result.pdf)
            assert disturbed(PdfFileReader(BytesIO(after))) == set()
            report = pades.validate(after, anchors_of(devpki.pki), at=datetime.now(UTC) + timedelta(minutes=1))
            assert (report.indication, report.headline.level) == ("TOTAL-PASSED", "PAdES-BASELINE-LT")
            files[name] = tmp_path / f"{name}.pdf"
            files[name].write_bytes(after)
            (tmp_path / f"{name}-normalised.pdf").write_bytes(result.pdf)
    assert {each["compliant"] for each in judge.verapdf(tmp_path.glob("*.pdf")).values()} == {True}
    pems = [devpki.pki.anchors, merchant.anchors]
    for path, verdict in judge.dss(files.values(), pems, options=["--policy", "default"]).items():
        assert {each["indication"] for each in verdict["signatures"]} == {"TOTAL_PASSED"}, path
        assert all(not each["errors"] and not each["warnings"] for each in verdict["signatures"]), (path, verdict)


def test_a_provenance_longer_than_a_string_may_be_is_carried_in_several(devpki: Service, tmp_path: Path) -> None:
    original = signed_pdf_a_3(devpki.pki)
    result = normalise(original, facts(original, source_name="receipt " * 9000), LIMITS)
    assert result.route == SIGNED
    after = tmp_path / "long.pdf"
    after.write_bytes(sealed(result, devpki))
    assert provenance_of(after.read_bytes())["source_name"] == "receipt " * 9000
    assert original_of(after.read_bytes()) == original
    assert judge.verapdf([after])[str(after)]["compliant"]


@pytest.mark.parametrize("flavour", ["1b", "2b"])
def test_parts_1_and_2_could_only_become_part_3_by_a_change(devpki: Service, flavour: str) -> None:
    original = sign(pdf_cases.pdf_a(flavour), devpki.pki)
    result = made(original)
    assert result.route != SIGNED
    assert original_of(result.pdf) == original


def _resources(pdf: Pdf, field: Dictionary) -> None:
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    pdf.Root.AcroForm.DR = Dictionary(Font=Dictionary(F=font))
    pdf.Root.AcroForm.DA = String("/F 0 Tf 0 g")


def _set(key: str, value: object) -> Callable[[Pdf, Dictionary], None]:
    def change(pdf: Pdf, field: Dictionary) -> None:
        field[key] = value

    return change


def _icon(pdf: Pdf, field: Dictionary) -> None:
    field.MK = Dictionary(I=Stream(pdf, b"", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9])))


def _text_field(pdf: Pdf, field: Dictionary) -> None:
    other = Dictionary(field)
    other.FT, other.T, other.V = Name.Tx, String("Total"), String("120.00")
    pdf.Root.AcroForm.Fields.append(pdf.make_indirect(other))
    pdf.pages[0].obj.Annots.append(pdf.Root.AcroForm.Fields[1])


def _xfa(pdf: Pdf, field: Dictionary) -> None:
    pdf.Root.AcroForm.XFA = Stream(pdf, b"<xdp/>")


def _usage_rights(pdf: Pdf, field: Dictionary) -> None:
    pdf.Root.Perms = Dictionary(UR3=Dictionary(Type=Name.Sig))


def _ours_in_trailer(pdf: Pdf, field: Dictionary) -> None:
    pdf.trailer[carried.KEY] = Array([String(b'{"original": {}}')])


CHANGES: dict[str, tuple[Callable[[Pdf, Dictionary], None], bool]] = {
    "shows a picture": (_set("/TU", String("Who signed")), True),
    "resources that nothing draws with": (_resources, True),
    "hidden": (_set("/F", 6), False),
    "not printed": (_set("/F", 0), False),
    "an action": (_set("/A", Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))), False),
    "additional actions": (_set("/AA", Dictionary(E=Dictionary(S=Name.Named, N=Name.NextPage))), False),
    "an icon": (_icon, False),
    "a text field beside it": (_text_field, False),
    "XFA": (_xfa, False),
    "usage rights": (_usage_rights, False),
    "a provenance of its own": (_ours_in_trailer, False),
}


def test_only_fields_that_are_as_pdf_a_wants_them_are_kept(devpki: Service, tmp_path: Path) -> None:
    originals = {name: (signed_pdf_a_3(devpki.pki, change), is_kept) for name, (change, is_kept) in CHANGES.items()}
    originals["shows words in a font that is not embedded"] = (signed_pdf_a_3(devpki.pki, shown=WORDS), False)
    for name, (original, is_kept) in originals.items():
        result = made(original)
        assert (result.route == SIGNED) is is_kept, name
        assert original_of(result.pdf) == original, name
        (tmp_path / f"{name}.pdf").write_bytes(sealed(result, devpki) if result.route == SIGNED else result.pdf)
    verdicts = judge.verapdf(tmp_path.glob("*.pdf"))
    assert len(verdicts) == len(originals)
    assert {path: one["failed_rules"] for path, one in verdicts.items() if not one["compliant"]} == {}


def test_a_signed_factur_x_is_kept(devpki: Service, tmp_path: Path) -> None:
    original = sign(pdf_cases.factur_x(), devpki.pki, is_augmented=False)
    result = made(original)
    assert is_usual(original)
    assert (result.route, result.fidelity["structured_invoice"]) == (SIGNED, "factur-x")
    after = tmp_path / "signed.pdf"
    after.write_bytes(sealed(result, devpki))
    assert judge.verapdf([after])[str(after)]["compliant"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<pdfaid:part>3<", b"<pdfaid:part>2<"),
        (b"pdfaProperty:name>Version<", b"pdfaProperty:name>Edition<"),
        (b"pdfaProperty:valueType>Text<", b"pdfaProperty:valueType>Integer<"),
        (b"pdfaProperty:category>external<", b"pdfaProperty:category>public<"),
        (b"pdfaSchema:prefix>fx<", b"pdfaSchema:prefix><"),
        (b"pdfaProperty", b"property"),
        (b"</fx:Version>", b"</fx:Version><fx:Version>2.0</fx:Version>"),
        (b"</fx:Version>", b"<b/></fx:Version>"),
        (b"<fx:Version>", b'<fx:Version xml:lang="en">'),
        (b"<pdfaSchema:prefix>", b"<pdfaSchema:valueType/><pdfaSchema:prefix>"),
    ],
)
def test_what_a_structured_invoice_says_of_itself_has_to_be_declared(old: bytes, new: bytes) -> None:
    assert schemas.conform(PACKET)
    assert old in PACKET
    assert not schemas.conform(PACKET.replace(old, new))


def test_what_is_kept_of_changed_files_is_pdf_a_all_the_same(devpki: Service, tmp_path: Path) -> None:
    chance = random.Random(7)
    original = signed_pdf_a_3(devpki.pki)
    kept = []
    for number in range(200):
        changed = bytearray(original)
        at = chance.randrange(len(changed))
        changed[at : at + chance.randint(0, 2)] = chance.choice((b"", b" ", b"\n", b"<", b"0", b"\0", b"%", b"/"))
        try:
            result = made(bytes(changed), FEW_DOTS)
        except Refused:
            continue
        assert original_of(result.pdf) == changed
        if result.route != SIGNED:
            continue
        kept.append(tmp_path / f"{number}.pdf")
        kept[-1].write_bytes(sealed(result, devpki))
    assert kept
    verdicts = judge.verapdf(kept)
    assert {path.name: verdicts[str(path)] for path in kept if not verdicts[str(path)]["compliant"]} == {}


def test_a_signed_file_that_carries_a_provenance_already_is_carried_whole(devpki: Service) -> None:
    first = sealed(made(signed_pdf_a_3(devpki.pki)), devpki)
    again = made(first)
    assert again.route != SIGNED
    assert original_of(again.pdf) == first


def _empty_field(pdf: Pdf, field: Dictionary) -> None:
    other = Dictionary(field)
    other.T, other.Rect = String("Stamp"), Array([0, 0, 0, 0])
    pdf.Root.AcroForm.Fields.append(pdf.make_indirect(other))
    pdf.pages[0].obj.Annots.append(pdf.Root.AcroForm.Fields[1])


def _forged(pdf: bytes) -> bytes:
    """A provenance by which the first bytes of the file are the original."""
    said = {"sha256": hashlib.sha256(pdf[:200]).hexdigest(), "size_bytes": 200, "carried_as": "prefix"}
    return json.dumps({"v": 1, "sender": "somebody else", "original": said}).encode()


@pytest.mark.parametrize("is_archived", [True, False])
def test_a_provenance_that_came_after_the_seal_is_not_believed(devpki: Service, is_archived: bool) -> None:
    """The forger fills a field of the merchant's, which stands before ours, with a genuine document time-stamp."""
    original = signed_pdf_a_3(devpki.pki, _empty_field)
    result = made(original)
    assert result.route == SIGNED
    whole = sealed(result, devpki) if is_archived else seal_beside(original, devpki.pki)
    forged = stamp_with(whole, devpki.pki, "Stamp", {carried.KEY: carried.written(_forged(whole))})
    later = datetime.now(UTC) + timedelta(minutes=1)
    examined = examine(forged, anchors_of(devpki.pki), at=later, field="" if is_archived else "Seal")
    assert examined.report.passed  # a document time-stamp may follow a seal
    expected = hashlib.sha256(original).hexdigest() if is_archived else None
    assert examined.fidelity.original_sha256 == expected
    assert examined.fidelity.provenance.get("route") == (SIGNED if is_archived else None)
    if is_archived:
        with pytest.raises(ValueError, match="or several"):
            original_of(forged)


def _named(name: str) -> Callable[[Pdf, Dictionary], None]:
    def change(pdf: Pdf, field: Dictionary) -> None:
        _empty_field(pdf, field)
        pdf.Root.AcroForm.Fields[1].T = String(name)

    return change


@pytest.mark.parametrize(("name", "is_kept"), [("Seal", True), ("Approval", False), ("Seal.2", False)])
def test_a_file_on_which_no_seal_could_be_verified_is_carried_whole(devpki: Service, name: str, is_kept: bool) -> None:
    original = signed_pdf_a_3(devpki.pki, _named(name))
    result = made(original)
    assert (result.route == SIGNED) is is_kept
    assert original_of(result.pdf) == original


def test_a_file_without_room_for_later_time_stamps_is_carried_whole(
    devpki: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = signed_pdf_a_3(devpki.pki)
    monkeypatch.setattr("receipts.pades.rehearsal.MOST_SIGNATURES", 16)
    assert made(original).route != SIGNED


def test_a_reference_to_nothing_may_become_one_to_what_we_add(devpki: Service) -> None:
    pdf = pdf_cases.page()
    pdf.Root.Spare = String("4242 0 R")
    pdf_cases.prepare(pdf)
    writing = pikepdf.pdfa.resolve_save_kwargs("3b", static_id=True)
    usual = pdf_cases.written(pdf, **writing | {"object_stream_mode": ObjectStreamMode.disable})
    dangling = usual.replace(b"(4242 0 R)", b" 4242 0 R ")
    assert dangling != usual
    assert made(usual).route == "pdf-kept"
    for original in (dangling, sign(dangling, devpki.pki)):
        result = made(original)
        assert result.route not in ("pdf-kept", SIGNED)
        assert original_of(result.pdf) == original


@pytest.mark.parametrize("written", [b"/Aa" + b"n" * 127, b"(" + b"s" * 32_768 + b")", b"2147483648", b"1" * 40])
def test_what_is_longer_than_pdf_a_allows_is_unusual_wherever_it_stands(written: bytes) -> None:
    head, body = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", b"1 0 obj\n<</Type /Catalog /Other %s>>\nendobj\n"

    def file(value: bytes) -> bytes:
        start = head + body % value
        table = b"xref\n0 2\n0000000000 65535 f \n%010d 00000 n \n" % len(head)
        return start + table + b"trailer\n<</Size 2 /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(start)

    syntax.check(file(written[:100] + written[-1:] if written[:1] in b"/(" else b"2147483647"))
    with pytest.raises(syntax.Unusual):
        syntax.check(file(written))
