"""A seal on a stranger's PDF: an update that leaves PDF/A what it is, and the signatures of others intact."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from connectors.devpki import Service
from receipts import pades
from receipts.errors import Refused
from receipts.pades.permissions import disturbed, earlier_signatures
from tests import judge
from tests.judges.corpus.writers import hybrid
from tests.pki import anchors_of, archive_file
from tests.receipts.others import seal_beside, signed_before
from tests.receipts.pades_attacks import update
from tests.receipts.pdf_cases import page, pdf_a, written

BARRED = {"certified, no changes", "locks all fields", "locks all but another"}
FLAVOURS = ("1b", "2b", "3b")


def test_earlier_signatures_stay_what_they_are(devpki: Service, another_pki: Service, tmp_path: Path) -> None:
    files, told = {}, {}
    for name, before in signed_before(archive_file(), another_pki.pki).items():
        try:
            after = seal_beside(before, devpki.pki)
        except Refused as refused:
            told[name] = refused.code.value
            continue
        assert after.startswith(before)
        reader = PdfFileReader(BytesIO(after))
        assert disturbed(reader) == set()
        files[name] = tmp_path / f"{name}.pdf"
        files[name].write_bytes(after)
        assert earlier_signatures(reader)[-1].field_name == ("Seal-2" if name == "locks our field" else "Seal")
    assert told == dict.fromkeys(BARRED, "LOCKED")
    assert {verdict["compliant"] for verdict in judge.verapdf(files.values()).values()} == {True}
    # By DSS's own policy: its strict one, which is for our archive files, calls any second signature a change.
    pems = [devpki.pki.anchors, another_pki.pki.anchors]
    verdicts = judge.dss(files.values(), pems, options=["--policy", "default"])
    for name, path in files.items():
        signatures = verdicts[str(path)]["signatures"]
        assert len(signatures) == (3 if name == "approved twice" else 2)
        assert {each["indication"] for each in signatures} == {"TOTAL_PASSED"}, (name, signatures)
        assert {each["format"] for each in signatures} == {"PAdES-BASELINE-LT"}
        assert all(not each["errors"] and not each["warnings"] for each in signatures), (name, signatures)


def test_pdf_a_of_every_part_stays_what_it_is(devpki: Service, tmp_path: Path) -> None:
    for flavour in FLAVOURS:
        before = pdf_a(flavour)
        path = tmp_path / f"{flavour}.pdf"
        path.write_bytes(seal_beside(before.rstrip(b"\r\n"), devpki.pki))
        (tmp_path / f"{flavour}-before.pdf").write_bytes(before)
    for flavour in FLAVOURS:
        paths = [tmp_path / f"{flavour}-before.pdf", tmp_path / f"{flavour}.pdf"]
        assert [verdict["compliant"] for verdict in judge.verapdf(paths, flavour).values()] == [True, True], flavour


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("pdf/pypdf__encrypted-file.pdf", "ENCRYPTED"),
        ("pdf/tika__testPDF_malformedXFA.pdf", "NOT_SEALABLE"),
        ("pdf/tika__testPDF_bom.pdf", "NOT_SEALABLE"),
        ("images/receipt-ocr__receipt.jpg", "UNKNOWN_TYPE"),
    ],
)
def test_what_no_update_can_be_sure_of_is_refused(devpki: Service, samples: Path, name: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        seal_beside((samples / name).read_bytes(), devpki.pki)
    assert refused.value.code == code


def test_a_pdf_as_word_writes_it_is_sealed(devpki: Service, tmp_path: Path) -> None:
    path = tmp_path / "word.pdf"
    path.write_bytes(seal_beside(hybrid().data, devpki.pki))
    assert pades.validate(path.read_bytes(), anchors_of(devpki.pki), at=datetime.now(UTC)).passed
    assert [verdict["passed"] for verdict in judge.dss([path], [devpki.pki.anchors]).values()] == [True]


def test_usage_rights_are_not_broken(devpki: Service) -> None:
    pdf = page()
    pdf.Root.Perms = pikepdf.Dictionary(UR3=pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Sig)))
    with pytest.raises(Refused) as refused:
        seal_beside(written(pdf), devpki.pki)
    assert refused.value.code == "LOCKED"


def test_what_others_put_into_the_trailer_stays_and_nothing_more_comes(devpki: Service) -> None:
    pdf = page()  # LibreOffice names the source of a hybrid PDF there
    pdf.trailer["/AdditionalStreams"] = pikepdf.Array([pikepdf.Name("/text"), pdf.make_stream(b"the source")])
    before = written(pdf)
    assert b"/AdditionalStreams" in before
    sealed = seal_beside(before, devpki.pki)
    assert pades.validate(sealed, anchors_of(devpki.pki), at=datetime.now(UTC)).passed

    def more(writer: IncrementalPdfFileWriter) -> None:
        writer.trailer["/AdditionalStreams"] = generic.ArrayObject([pdf_name("/other")])
        writer.root["/DSS"] = writer.add_object(generic.DictionaryObject(writer.root["/DSS"]))
        writer.update_root()

    report = pades.validate(update(sealed, more), anchors_of(devpki.pki), at=datetime.now(UTC))
    assert (report.passed, report.sub_indication) == (False, "FORMAT_FAILURE"), report.why
