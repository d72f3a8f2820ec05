"""Every kind of file that the pipeline produces, through both judges, beside our own verdict; and what forgers try."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from apps.checking import check
from tests.installation import Installation
from tests.judge import dss, verapdf

KINDS = (
    "images/receipt-ocr__receipt.jpg",
    "images/sharp__Channel_digital_image_CMYK_color_no_profile.jpg",
    "images/textract-samples__expense.png",
    "images/sharp__16-bit-grey-alpha.png",
    "pdf/azure-samples__sample-invoice.pdf",
    "pdf/tika__testPDF_Version.11.x.PDFA-1b.pdf",
    "mail/tika__testEML_embedded_xhtml_and_img.eml",
    "mail/imap_tools__base.eml",
)


@pytest.fixture
def sealed(installation: Installation, samples: Path, tmp_path: Path) -> dict[str, Path]:
    """The archived file of each kind."""
    receptions = installation.receive(*(samples / kind for kind in KINDS))
    assert [work.problem for work in installation.ingest() if work.problem] == []
    folder = tmp_path / "sealed"
    folder.mkdir()
    files = {}
    for kind, reception in zip(KINDS, receptions, strict=True):
        files[kind] = folder / f"{Path(kind).stem}.pdf"
        files[kind].write_bytes(installation.archived_file(str(reception.receipt)))
    return files


def test_the_judges_agree_with_us(installation: Installation, sealed: dict[str, Path], tmp_path: Path) -> None:
    forged = {f"{name} of {path.stem}": forge(path.read_bytes()) for path in sealed.values() for name, forge in FORGERS}
    for number, (name, content) in enumerate(forged.items()):
        sealed[name] = tmp_path / f"forged-{number}.pdf"
        sealed[name].write_bytes(content)
    root = tmp_path / "root.pem"
    root.write_text(_anchors(installation))
    conformant = verapdf(sealed.values())
    valid = dss(sealed.values(), [root], level="LT")
    for name, path in sealed.items():
        ours = check(name, path.read_bytes(), installation).holds
        verdicts = (ours, valid[str(path)]["passed"], conformant[str(path)]["compliant"])
        assert verdicts == ((True,) * 3 if name in KINDS else (False,) * 3), name


def flip(sealed: bytes) -> bytes:
    """One bit flipped: the file now claims another part of PDF/A."""
    found = re.search(rb"pdfaid:part>?=?\"?3", sealed)
    assert found, "the XMP packet lies open in the file"
    return sealed[: found.end() - 1] + bytes([sealed[found.end() - 1] ^ 1]) + sealed[found.end() :]


def append(sealed: bytes) -> bytes:
    """A later revision that runs a script when the file is opened."""
    writer = IncrementalPdfFileWriter(BytesIO(sealed))
    script = {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): generic.TextStringObject("app.alert(1)")}
    writer.root[pdf_name("/OpenAction")] = writer.add_object(generic.DictionaryObject(script))
    writer.update_root()
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def remove_attachment(sealed: bytes) -> bytes:
    """The embedded files are gone, their file specifications stay."""
    with pikepdf.open(BytesIO(sealed)) as pdf:
        for specification in pdf.Root.AF:
            for name in ("/F", "/UF"):
                if name in specification.EF:
                    del specification.EF[name]
            specification.EF.F = pdf.make_stream(b"")
        output = BytesIO()
        pdf.save(output)
    return output.getvalue()


FORGERS = (("a flipped bit", flip), ("an appended revision", append), ("a removed attachment", remove_attachment))


def _anchors(installation: Installation) -> str:
    from tasks.trust import anchors_pem

    return anchors_pem(installation.settings)
