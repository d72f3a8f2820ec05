"""Several signatures and document time-stamps in a file: each judged by itself, and never better than by DSS."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from connectors import devpki as development
from connectors.devpki import DevPki, Service
from receipts import pades
from receipts.pades import Report
from tests import judge
from tests.pki import anchors_of, archive_file, seal_lt
from tests.receipts.pades_attacks import (
    annotate,
    answers,
    container,
    flip,
    gap,
    info,
    new_metadata,
    open_action,
    overwrite_contents,
    show_something_else,
    update,
)
from tests.receipts.several import add_data, add_provenance, fresh_data, sign, store, strangers_file, time_stamp

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class World:
    """The files, what we say of them, and what DSS says."""

    pki: DevPki
    files: Files
    ours: Mapping[str, Report]
    theirs: Mapping[str, Mapping[str, object]]


def good(pki: DevPki) -> Files:
    """Files in which everything holds."""
    [lt] = seal_lt([archive_file()], pki)
    lta = time_stamp(lt, pki)
    again = fresh_data(lta, pki)
    unstamped = sign(archive_file(), pki, "Seal")
    return {
        "lt": lt,
        "lta": lta,
        "lta and data": again,
        "lta twice": time_stamp(again, pki, "TimeStamp2"),
        "lta, data in the time-stamp's revision": time_stamp(
            sign(archive_file(), pki, "Seal", tsa=pki), pki, "TimeStamp1", partial(store, data=answers(pki, later()))
        ),
        "lta, dates renewed": time_stamp(lt, pki, update_as=IncrementalPdfFileWriter),
        "lta, dates renewed, with title": time_stamp(titled(pki), pki, update_as=IncrementalPdfFileWriter),
        "time-stamped by the document time-stamp alone": fresh_data(time_stamp(unstamped, pki), pki),
    }


def titled(pki: DevPki) -> bytes:
    """A sealed file of which /Info has a title."""
    plain = update(archive_file(), info)
    return fresh_data(sign(plain, pki, "Seal", tsa=pki), pki)


def retitle(writer: IncrementalPdfFileWriter) -> None:
    """Change the title where it is."""
    about = writer.trailer["/Info"]
    about[pdf_name("/Title")] = pdf_string("Forged")
    writer.update_container(about)


def several(pki: DevPki) -> Files:
    """Files that others signed too."""
    first = sign(strangers_file(), pki, "First", tsa=pki)
    both = fresh_data(sign(update(first, add_provenance), pki, "Seal", tsa=pki), pki)
    strangers = fresh_data(sign(first, pki, "Second", tsa=pki), pki)
    [lt] = seal_lt([archive_file()], pki)
    return {
        "ours after another's": both,
        "ours after another's, archival": time_stamp(both, pki),
        "another's after ours": fresh_data(sign(lt, pki, "Second", tsa=pki), pki),
        "two of others": strangers,
    }


def bad(pki: DevPki, foreign: DevPki) -> Files:
    """Files that must not pass."""
    [lt] = seal_lt([archive_file()], pki)
    lta = time_stamp(lt, pki)
    changes = (show_something_else, overwrite_contents, annotate, new_metadata, open_action, info)
    files = {f"time-stamp with {change.__name__}": time_stamp(lt, pki, "TimeStamp1", change) for change in changes}
    files |= {f"archival, then {change.__name__}": update(lta, change) for change in changes}
    start, length = gap(lta)[0], len(container(lta).dump())
    return files | {
        "time-stamp with retitle": time_stamp(titled(pki), pki, "TimeStamp1", retitle),
        "altered document": flip(lta, lta.index(b"\xff\xd8\xff") + 40),
        "altered time-stamp": other_digit(lta, start + 2 * length - 5),
        "foreign time-stamp": time_stamp(lt, foreign),
        "no seal at all": fresh_data(time_stamp(archive_file(), pki), pki),
        "data twice": add_data(add_data(lta, answers(pki, later())), answers(pki, later())),
        "a time-stamp over nothing that was proved": time_stamp(sign(archive_file(), pki, "Seal", tsa=pki), pki),
    }


def later() -> datetime:
    """A moment that every time-stamp made so far lies before."""
    return datetime.now(UTC).replace(microsecond=999_999)


@pytest.fixture(scope="module")
def world(devpki: Service, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("several")
    pki, another = devpki.pki, development.make(folder / "another", devpki.pki.port + 1, datetime.now(UTC))
    with development.serve(another.folder):
        files = {**good(pki), **several(pki), **bad(pki, another)}
    paths = {name: folder / f"{number}.pdf" for number, name in enumerate(files)}
    for name, path in paths.items():
        path.write_bytes(files[name])
    at = datetime.now(UTC)
    ours = {name: pades.validate(content, anchors_of(pki), at=at) for name, content in files.items()}
    said = judge.dss(paths.values(), [pki.anchors])
    return World(pki, files, ours, {name: said[str(path)] for name, path in paths.items()})


def test_what_holds_passes_here_and_with_dss(world: World) -> None:
    expected = dict.fromkeys(good_names(), "PAdES-BASELINE-LTA") | {
        "lt": "PAdES-BASELINE-LT",
        "time-stamped by the document time-stamp alone": "PAdES-BASELINE-LT",
    }
    for name, level in expected.items():
        report, said = world.ours[name], world.theirs[name]
        assert report.passed, (name, report.why)
        assert said["passed"], (name, said)
        assert [report.headline.level] == [each["format"] for each in said["signatures"]] == [level]  # type: ignore[attr-defined]
        assert all(each.passed for each in report.signatures)


def good_names() -> list[str]:
    return [
        "lt",
        "lta",
        "lta and data",
        "lta twice",
        "lta, data in the time-stamp's revision",
        "lta, dates renewed",
        "lta, dates renewed, with title",
        "time-stamped by the document time-stamp alone",
    ]


def test_no_signature_passes_that_dss_does_not_pass(world: World) -> None:
    for name, report in world.ours.items():
        said = world.theirs[name]
        theirs = {each["field"]: each for each in (*said["signatures"], *said["timestamps"]) if each.get("field")}  # type: ignore[misc]
        for each in report.signatures:
            if each.passed:
                assert theirs[each.field]["indication"] in ("TOTAL_PASSED", "PASSED"), (name, each)
        assert set(theirs) <= {each.field for each in report.signatures}, name


def test_what_does_not_hold_is_said(world: World) -> None:
    names = [name for name in world.ours if name not in good_names() and "another" not in name]
    assert [name for name in names if world.ours[name].passed] == []
    assert {name for name in names if world.theirs[name]["passed"]} == STRICTER
    expected = {name: EXPECTED.get(name, "FORMAT_FAILURE") for name in names}
    assert {name: str(world.ours[name].sub_indication) for name in names} == expected


STRICTER = {
    "time-stamp with new_metadata",  # what readers show as title and author may not change
    "time-stamp with info",
    "time-stamp with retitle",
}
"""Where we refuse and DSS under the strict policy only warns."""


def other_digit(pdf: bytes, position: int) -> bytes:
    """One hex digit altered into another one."""
    return flip(pdf, position, 3 if pdf[position] in b"AFaf" else 1)


EXPECTED = {
    "two of others": "SIG_CONSTRAINTS_FAILURE",
    "altered document": "HASH_FAILURE",
    "altered time-stamp": "NO_POE",
    "foreign time-stamp": "NO_CERTIFICATE_CHAIN_FOUND",
    "no seal at all": "NO_SIGNATURE",
    "a time-stamp over nothing that was proved": "TRY_LATER",
}


def test_the_headline_is_the_archives_own_seal(world: World) -> None:
    after = world.ours["ours after another's"]
    assert (after.passed, after.headline.field, after.headline.level) == (True, "Seal", "PAdES-BASELINE-LT")
    assert [(each.field, str(each.sub_indication)) for each in after.signatures if not each.passed] == [
        ("First", "FORMAT_FAILURE")  # the provenance was added after it
    ]
    assert world.ours["ours after another's, archival"].headline.level == "PAdES-BASELINE-LTA"
    # Somebody signed after us: what the file says now is no longer what the archive's seal is for.
    before = world.ours["another's after ours"]
    assert (before.passed, before.sub_indication) == (False, "SIG_CONSTRAINTS_FAILURE")
    strangers = world.ours["two of others"]
    assert (strangers.passed, strangers.headline.field) == (False, "First")


def test_each_is_told_of(world: World) -> None:
    seal, first, second = world.ours["lta twice"].signatures
    assert [each.field for each in (seal, first, second)] == ["Seal", "TimeStamp1", "TimeStamp2"]
    assert seal.updates == ("validation data", "time-stamp TimeStamp1", "validation data", "time-stamp TimeStamp2")
    assert [each.revision for each in (seal, first, second)] == [2, 4, 6]
    assert second.covered_bytes == len(world.files["lta twice"])
    assert first.sealed_at
    assert second.sealed_at
    assert first.sealed_at < second.sealed_at
    json.dumps([each.to_json() for each in world.ours["lta twice"].signatures])


def test_what_dss_makes_passes(devpki: Service, tmp_path: Path) -> None:
    """DSS writes fields that it does not alter once more, and gives document time-stamps an empty appearance."""
    plain, pki = tmp_path / "plain.pdf", devpki.pki
    plain.write_bytes(archive_file())
    signer = judge.installed("dss").with_name("dss-sign")
    told = ["--p12", pki.p12, "--pass", pki.p12_secret.read_text(), "--tsa", pki.tsa_url, "--trust", pki.anchors]
    told += ["--level", "LTA", "--warmup", "0", "--out", tmp_path / "out", plain]
    subprocess.run([str(each) for each in (signer, *told)], check=True, capture_output=True, timeout=120)
    made = (tmp_path / "out" / "plain.pdf").read_bytes()
    report = pades.validate(made, anchors_of(pki), at=datetime.now(UTC))
    assert (report.passed, report.headline.level) == (True, "PAdES-BASELINE-LTA"), report.why
