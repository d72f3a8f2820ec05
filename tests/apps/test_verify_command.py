"""`probant verify` of a receipt: the file in the archive must be the one that the journal speaks of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from typer.testing import CliRunner

from apps.cli import app
from config.settings import Settings
from connectors.devpki import make
from receipts.pdfa import original_of
from receipts.pdfa.document import PROVENANCE
from tasks.connections import Connections, use
from tasks.trust import anchors_pem
from tests.installation import Installation

JPEG = "images/receipt-ocr__receipt.jpg"
OTHER = "images/receipt-ocr__main-street-restaurant-receipt.jpeg"


@pytest.fixture
def in_use(installation: Installation) -> Iterator[Installation]:
    use(installation)
    yield installation
    use(None)


def test_another_receipts_sealed_file_in_its_place_does_not_hold(in_use: Installation, samples: Path) -> None:
    first, second = in_use.receive(samples / JPEG, samples / OTHER)
    in_use.ingest()
    runner = CliRunner()
    assert runner.invoke(app, ["verify", str(first.receipt)]).exit_code == 0
    row = in_use.registry.row(str(first.receipt))
    assert row is not None
    path = Path(str(row.summary["archive"])) / str(row.summary["archive_key"])
    path.chmod(0o644)
    path.write_bytes(in_use.archived_file(str(second.receipt)))
    result = runner.invoke(app, ["verify", str(first.receipt)])
    assert result.exit_code == 1


def test_a_folder_is_verified_to_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "more").mkdir(parents=True)
    (folder / "a.PDF").write_bytes(b"nonsense")
    (folder / "more" / "b.pdf").symlink_to(tmp_path / "away.pdf")
    use(Connections(Settings(home=tmp_path / "home")))
    try:
        runner = CliRunner()
        rubbish = runner.invoke(app, ["verify", str(folder)])
        assert (rubbish.exit_code, "0 of 1 files hold" in rubbish.output) == (1, True)
        missing = runner.invoke(app, ["verify", "--json", str(folder / "no.pdf"), str(folder / "a.PDF")])
        assert missing.exit_code == 3
        [line] = [line for line in missing.output.splitlines() if line.startswith("{")]
        assert json.loads(line)["sub_indication"] == "FORMAT_FAILURE"
    finally:
        use(None)


def test_only_the_anchors_named_are_trusted(in_use: Installation, samples: Path, tmp_path: Path) -> None:
    [reception] = in_use.receive(samples / JPEG)
    in_use.ingest()
    own, foreign, nothing = (tmp_path / name for name in ("own.pem", "foreign.pem", "nothing.pem"))
    own.write_text(anchors_pem(in_use.settings))
    foreign.write_bytes(make(tmp_path / "pki", 1, in_use.now()).anchors.read_bytes())
    nothing.write_text("nothing")
    codes = {}
    for path in (own, foreign, nothing):
        codes[path] = CliRunner().invoke(app, ["verify", str(reception.receipt), "--trust", str(path)]).exit_code
    assert codes == {own: 0, foreign: 1, nothing: 2}


def test_an_original_that_was_put_in_after_the_seal_is_not_taken_out(
    in_use: Installation, samples: Path, tmp_path: Path
) -> None:
    [received] = in_use.receive(samples / JPEG)
    in_use.ingest()
    sealed = in_use.archived_file(str(received.receipt))
    good, forged, out = tmp_path / "good.pdf", tmp_path / "forged.pdf", tmp_path / "original"
    good.write_bytes(sealed)
    forged.write_bytes(_with_other_original(sealed, b"another receipt"))
    assert original_of(forged.read_bytes()) == b"another receipt"
    result = CliRunner().invoke(app, ["original", str(forged), "-o", str(out)])
    assert result.exit_code == 1
    assert not out.exists()
    assert CliRunner().invoke(app, ["original", str(good), "-o", str(out)]).exit_code == 0
    assert out.read_bytes() == (samples / JPEG).read_bytes()


def test_a_report_or_an_original_is_never_written_over_a_file(
    in_use: Installation, samples: Path, tmp_path: Path
) -> None:
    [received] = in_use.receive(samples / JPEG)
    in_use.ingest()
    sealed = tmp_path / "sealed.pdf"
    sealed.write_bytes(in_use.archived_file(str(received.receipt)))
    before = sealed.read_bytes()
    nowhere = tmp_path / "nowhere" / "new"
    for command in (["verify", "--pdf"], ["verify", "--etsi-xml"], ["original", "-o"]):
        for target in (sealed, nowhere):
            result = CliRunner().invoke(app, [*command, str(target), str(sealed)])
            assert result.exit_code == 2, (command, result.output)
    assert sealed.read_bytes() == before
    pdf, xml = tmp_path / "report.pdf", tmp_path / "report.xml"
    assert CliRunner().invoke(app, ["verify", str(sealed), "--pdf", str(pdf), "--etsi-xml", str(xml)]).exit_code == 0
    assert (pdf.read_bytes()[:5], xml.read_bytes()[:5]) == (b"%PDF-", b"<?xml")


def _with_other_original(sealed: bytes, other: bytes) -> bytes:
    """As a forger would: in a further update, with a digest that fits."""
    writer = IncrementalPdfFileWriter(BytesIO(sealed))
    said = {"sha256": hashlib.sha256(other).hexdigest(), "carried_as": "associated-file", "name": "other"}
    contents = {PROVENANCE: json.dumps({"original": said}).encode(), "other": other}
    writer.root["/AF"] = generic.ArrayObject(
        generic.DictionaryObject(
            {
                generic.pdf_name("/UF"): generic.TextStringObject(name),
                generic.pdf_name("/EF"): generic.DictionaryObject(
                    {generic.pdf_name("/F"): writer.add_object(generic.StreamObject(stream_data=content))}
                ),
            }
        )
        for name, content in contents.items()
    )
    writer.update_root()  # type: ignore[no-untyped-call]
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()
