"""All that is said of a file: the eight points, each with a file that it does not hold for, and the forms."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pikepdf
import pytest
from lxml import etree

from apps.checking import check
from apps.cli.verdict import print_verdict
from apps.output import console
from config.settings import Settings
from connectors import devpki as development
from connectors.devpki import DevPki
from receipts import pades
from receipts.pdfa import original_of
from receipts.verdict import POINTS, Verdict, gaps, revisions
from receipts.verdict.etsi import write_xml
from receipts.verdict.statement import REPORT, write_pdf
from tasks import trustlists as task
from tasks.connections import Connections
from tests import judge, trustlists
from tests.pki import archive_file, seal_all, seal_lt
from tests.receipts.pades_attacks import annotate, answers, flip, update, with_container
from tests.receipts.past import adobe, wrong_value
from tests.receipts.several import fresh_data, sign, time_stamp
from tests.trustlists import Issue, Listed, operator
from tests.variants import VARIANTS, make

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
GRANTED = ("granted", trustlists.SINCE)
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "verify.schema.json").read_text())


def revoked(pki: DevPki) -> bytes:
    """Sealed with a certificate that was revoked an hour ago."""
    [sealed] = seal_all([archive_file()], pki)
    development.revoke(pki, "seal", NOW - dt.timedelta(hours=1))
    return pades.augment(sealed, answers(pki, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)))


def make_file(name: str, pki: DevPki) -> bytes:
    """The file of that name, sealed by that PKI."""
    if name == "revoked":
        return revoked(pki)
    [whole] = seal_lt([archive_file()], pki)
    return {
        "wrong-value": lambda: with_container(whole, wrong_value(whole)),
        "flipped": lambda: flip(whole, whole.index(b"/MediaBox") + 12),
        "annotated": lambda: update(whole, annotate),
        "no-pades": lambda: adobe(pki),
        "archival": lambda: time_stamp(whole, pki),
        "countersigned": lambda: fresh_data(sign(whole, pki, "Second", tsa=pki), pki),
    }.get(name, lambda: whole)()


HOLDS = dict.fromkeys(POINTS, True)
UNPROVED = dict.fromkeys("abf")  # without a chain, nothing that lists could say anything of
WITHDRAWN = [("withdrawn", NOW - dt.timedelta(hours=12)), GRANTED]
FILES: dict[str, dict[str, bool | None]] = {
    "whole": HOLDS,
    "withdrawn": HOLDS | {"a": False, "f": False},
    "no-compliance": HOLDS | {"a": False, "b": False, "f": False},
    "revoked": HOLDS | {"a": None, "b": False, "f": None, "h": False},
    "wrong-value": HOLDS | UNPROVED | {"c": False, "g": None, "h": False},
    "no-registration-number": HOLDS | {"d": False},
    "pseudonym": HOLDS | {"e": False},
    "no-device": HOLDS | {"f": False},
    "flipped": HOLDS | UNPROVED | {"g": False, "h": False},
    "annotated": HOLDS | UNPROVED | {"g": False, "h": False},
    "no-pades": HOLDS | UNPROVED | {"h": False},
    "archival": HOLDS,
    "countersigned": HOLDS | UNPROVED | {"g": None, "h": None},
}
"""What holds of each file."""
KIND = {"whole": "QESeal", "withdrawn": "AdESeal", "no-compliance": "AdESeal", "no-device": "AdESeal-QC"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Connections, dict[str, bytes]]:
    """An installation with a trusted list, and the files."""
    folder = tmp_path_factory.mktemp("verdict")
    files, services = {}, []
    for name in FILES:
        pki = VARIANTS.get(name, VARIANTS["whole"])(make(folder / name))
        statuses = WITHDRAWN if name == "withdrawn" else [GRANTED]
        services.append(Listed(kind="CA/QC", certificate=pki.certificate("ca"), statuses=statuses))
        services.append(Listed(kind="TSA/QTST", certificate=pki.certificate("tsu")))
        with development.serve(pki.folder):
            files[name] = make_file(name, pki)
    settings = Settings(
        home=folder / "home",
        signer="file:///nowhere.p12",
        trusted_list_signers=[trustlists.write_signers(folder, operator("EU"))],
    )
    lists = folder / "lists"
    lists.mkdir()
    pointers = [("ZZ", "https://example.invalid/zz.xml", [operator().certificate])]
    (lists / "lotl.xml").write_bytes(trustlists.write_lotl(pointers, operator("EU")))
    (lists / "ZZ.xml").write_bytes(trustlists.write(Issue(), services, operator()))
    task.bring(settings, lists, NOW)
    return Connections(settings), files


@pytest.fixture(scope="module")
def verdicts(world: tuple[Connections, dict[str, bytes]]) -> dict[str, Verdict]:
    """The verdict on each file."""
    connections, files = world
    return {name: check(name, content, connections) for name, content in files.items()}


def test_each_point_has_a_file_that_it_does_not_hold_for(verdicts: dict[str, Verdict]) -> None:
    found = {name: {point.letter: point.holds for point in each.points} for name, each in verdicts.items()}
    assert found == FILES
    assert {letter for points in found.values() for letter, holds in points.items() if holds is False} == set(POINTS)
    assert all(point.evidence for each in verdicts.values() for point in each.points)


def test_the_word_is_said_only_where_it_is_proved(verdicts: dict[str, Verdict]) -> None:
    for name, verdict in verdicts.items():
        default = "QESeal" if verdict.report.passed else "not established"
        assert verdict.kind == KIND.get(name, default), name


def test_without_a_list_nothing_is_proved(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    verdict = check("file", archive_file(), Connections(settings))
    pki = development.load(tmp_path / "pki")
    with development.serve(pki.folder):
        [sealed] = seal_lt([archive_file()], pki)
    verdict = check("file", sealed, Connections(settings))
    assert verdict.report.passed
    assert {p.letter for p in verdict.points if p.holds is None} == {"a", "b", "f"}
    assert verdict.kind == "not established"
    said = json.dumps({**verdict.to_json(), "points": [p.evidence for p in verdict.points]})
    assert "ualified" not in said.replace("is_qualified", "").replace("qualified_as", "")
    assert not (tmp_path / "registry.sqlite").exists()  # checking leaves no trace


def strict(schema: Any) -> Any:
    """The schema with nothing allowed that it doesn't describe."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    return closed | {"additionalProperties": False} if "properties" in schema else closed


def test_json_is_as_published(verdicts: dict[str, Verdict], world: tuple[Connections, dict[str, bytes]]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(strict(SCHEMA), format_checker=jsonschema.FormatChecker())
    connections, _ = world
    others = [check(name, content, connections) for name, content in (("empty", b""), ("plain", archive_file()))]
    for verdict in [*verdicts.values(), *others]:
        entry = json.loads(json.dumps(verdict.to_json()))
        assert [error.message for error in validator.iter_errors(entry)] == []


def test_the_page_is_pdfa_and_carries_the_report(verdicts: dict[str, Verdict], tmp_path: Path) -> None:
    long = replace(verdicts["whole"], name="\u4eba\u0007<b>" + "x" * 3000)  # glyphs that no font here has, and more
    paths = []
    for name, verdict in {**verdicts, "long": long}.items():
        paths.append(tmp_path / f"{name}.pdf")
        paths[-1].write_bytes(write_pdf(verdict, software="Probant test"))
        with pikepdf.open(paths[-1]) as opened:
            assert len(opened.pages) == 1
            attached = json.loads(opened.attachments[REPORT].get_file().read_bytes())
        assert attached == json.loads(json.dumps(verdict.to_json()))
    assert write_pdf(long, software="Probant test") == paths[-1].read_bytes()
    found = judge.verapdf(paths)
    assert {path: each["failed_rules"] for path, each in found.items() if not each["compliant"]} == {}


def test_the_etsi_report_follows_its_schema(
    verdicts: dict[str, Verdict], world: tuple[Connections, dict[str, bytes]]
) -> None:
    schema = etsi_schema()
    connections, _ = world
    plain = check("plain \x00", archive_file(), connections)
    for name, verdict in {**verdicts, "plain": plain}.items():
        root = etree.fromstring(write_xml(verdict, software="Probant test"))
        assert schema.validate(root), (name, schema.error_log)
        words = root.findtext(".//{*}SignatureValidationStatus/{*}MainIndication")
        seals = [each for each in verdict.report.signatures if each.kind == "seal"]
        assert len(root.findall("{*}SignatureValidationReport")) == max(1, len(seals))
        assert words == f"urn:etsi:019102:mainindication:{verdict.report.indication.lower()}"


def etsi_schema() -> etree.XMLSchema:
    """The schema of TS 119 102-2 V1.4.1, which the judge brings along."""
    judge.installed("dss")
    names = ("TS119102-2-v141.xsd", "xmldsig-core-schema.xsd", "XAdES.xsd", "ts_119612v020401_xsd.xsd", "xml.xsd")
    found = {name: read_from_judge(name) for name in names}

    class Local(etree.Resolver):
        def resolve(self, url: str, public: str, context: Any) -> Any:
            name = url.rsplit("/", 1)[-1]
            name = "ts_119612v020401_xsd.xsd" if name.startswith("ts_119612") else name
            return self.resolve_string(found[name], context)

    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Local())
    return etree.XMLSchema(etree.fromstring(found["TS119102-2-v141.xsd"], parser))


def read_from_judge(name: str) -> bytes:
    """A file out of the judge's jars."""
    for path in sorted((judge.cache("dss") / "lib").glob("*.jar")):
        with zipfile.ZipFile(path) as opened:
            for each in opened.namelist():
                if each.endswith(f"/{name}"):
                    return opened.read(each)
    raise FileNotFoundError(name)


def test_what_each_revision_did(world: tuple[Connections, dict[str, bytes]], verdicts: dict[str, Verdict]) -> None:
    _, files = world
    assert [each.by for each in verdicts["whole"].revisions] == ["document", "seal", "validation data"]
    assert verdicts["whole"].revisions[-1].end == len(files["whole"])
    assert [each.by for each in verdicts["annotated"].revisions][-1] == "change"
    assert revisions(b"nonsense") == ()
    container_gap, after = verdicts["whole"].gaps
    assert files["whole"][container_gap.start : container_gap.start + 1] == b"<"
    assert (after.what, after.end) == ("validation data added after the seal", len(files["whole"]))
    assert gaps(b"nonsense", check("x", b"nonsense", world[0]).report)[0].end == 8


def test_several_signatures_are_told_of(verdicts: dict[str, Verdict]) -> None:
    archival, countersigned = verdicts["archival"], verdicts["countersigned"]
    assert [each.by for each in archival.revisions][-1] == "time-stamp"
    assert [gap.what for gap in archival.gaps][1:] == [
        "added after the seal, covered by the document time-stamp TimeStamp1"
    ]
    assert [each["field"] for each in archival.to_json()["signatures"]] == ["Seal", "TimeStamp1"]
    told = countersigned.to_json()
    assert (told["field"], told["indication"], told["holds"]) == ("Seal", "INDETERMINATE", False)
    proofs = etree.fromstring(write_xml(archival, software="Probant test")).findall(".//{*}POEProvisioning")
    assert len(proofs) == 1
    with console.capture() as shown:
        print_verdict(archival)
        print_verdict(countersigned)
    assert "TimeStamp1: document time-stamp, revision 4" in shown.get()
    assert [each["qualified_as"] for each in archival.to_json()["signatures"]] == ["QESeal", "QTSA"]
    assert [each["qualified_as"] for each in told["signatures"]] == [None, "QESeal"]
    assert "PAdES-BASELINE-LTA, QESeal" in shown.get()
    assert "UTC, QTSA" in shown.get()
    assert "another signature was added after it: Second" in shown.get()


def test_the_original_is_vouched_for(verdicts: dict[str, Verdict], world: tuple[Connections, dict[str, bytes]]) -> None:
    assert "byte for byte" in verdicts["whole"].fidelity.statement
    assert original_of(world[1]["whole"])
    assert verdicts["flipped"].fidelity_statement.endswith("The seal does not hold, so that proves nothing.")
    assert verdicts["whole"].pdfa_claim == "PDF/A-3B"
    assert verdicts["whole"].custody is None
