"""The steps, one after the other, on real bytes: what ends archived, what refused, and what never gets through."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from connectors.devpki import Service
from receipts.errors import Code
from receipts.evidence import Json
from receipts.pdfa import SIGNED, original_of, provenance_of
from receipts.receipt import Event
from tasks.acknowledge import outcome_of, why_keep_paper
from tasks.archive import archive
from tasks.audit import audit, reverify
from tasks.journal import History, arrivals, load, project
from tasks.normalise import normalise
from tasks.seal import seal
from tasks.staging import normalised_key, original_key, quarantine_key, sealed_key
from tasks.verify import verify
from tests.installation import Installation
from tests.receipts.others import signed_pdf_a_3

JPEG = "images/receipt-ocr__receipt.jpg"
PNG = "images/textract-samples__expense.png"
PDF = "pdf/azure-samples__sample-invoice.pdf"
MAIL = "mail/imap_tools__attachment_8bit.eml"
CUT = "images/sharp__truncated.png"


@pytest.fixture
def mixed(samples: Path) -> list[Path]:
    return [samples / name for name in (JPEG, PNG, PDF, MAIL, CUT)]


def test_every_kind_ends_archived_with_its_original_inside(installation: Installation, mixed: list[Path]) -> None:
    receptions = installation.receive(*mixed)
    done = installation.ingest()
    assert [work.problem for work in done if work.problem] == []
    states = {r.name: installation.state(str(r.receipt)) for r in receptions}
    assert list(states.values()) == ["ARCHIVED"] * 4 + ["REFUSED"]
    for reception, path in zip(receptions[:4], mixed[:4], strict=True):
        assert original_of(installation.archived_file(str(reception.receipt))) == path.read_bytes()


def test_a_signed_pdf_a_is_archived_as_it_is(installation: Installation, devpki: Service, tmp_path: Path) -> None:
    original = signed_pdf_a_3(devpki.pki)
    (tmp_path / "signed.pdf").write_bytes(original)
    [reception] = installation.receive(tmp_path / "signed.pdf")
    installation.ingest()
    receipt = str(reception.receipt)
    history = load(installation.registry, receipt)
    assert history.state == "ARCHIVED"
    assert history.facts(Event.NORMALISED)["route"] == SIGNED
    assert history.facts(Event.VERIFIED)["indication"] == "TOTAL-PASSED"
    archived = installation.archived_file(receipt)
    assert archived.startswith(original)
    assert original_of(archived) == original
    assert provenance_of(archived)["receipt"] == receipt
    assert [finding.deviation for finding in reverify(installation, installation.registry.rows())] == [""]
    assert [finding.deviation for finding in audit(installation)] == [""]


def test_staging_is_empty_after_archiving(installation: Installation, mixed: list[Path]) -> None:
    receptions = installation.receive(*mixed)
    installation.ingest()
    refused = str(receptions[-1].receipt)
    assert list(installation.staging.keys("")) == [quarantine_key(refused)]
    assert installation.staging.get(quarantine_key(refused)) == mixed[-1].read_bytes()


def test_the_same_bytes_again_are_the_same_receipt(installation: Installation, samples: Path, tmp_path: Path) -> None:
    copy = tmp_path / "again.jpg"
    copy.write_bytes((samples / JPEG).read_bytes())
    first, second = installation.receive(samples / JPEG, copy)
    assert (first.outcome, second.outcome) == ("received", "received-again")
    assert first.receipt == second.receipt
    installation.ingest()
    told = installation.acknowledge(samples / JPEG, copy)
    assert sorted(each.outcome.kind for each in told) == ["archived", "duplicate"]
    assert installation.acknowledge(samples / JPEG, copy) == []


def test_an_arrival_is_taken_in_once(installation: Installation, samples: Path) -> None:
    assert len(installation.receive(samples / JPEG)) == 1
    assert installation.receive(samples / JPEG) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", Code.EMPTY),
        (b"hello, I am no receipt", None),
        (b"\xff\xd8\xff\xe0 no jpeg at all", None),
        (b"%PDF-1.7 and then nothing", None),
    ],
)
def test_bad_input_is_refused_and_kept(
    installation: Installation, tmp_path: Path, content: bytes, code: Code | None
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(content)
    [reception] = installation.receive(bad)
    installation.ingest()
    receipt = str(reception.receipt)
    history = load(installation.registry, receipt)
    assert history.state == "REFUSED"
    assert history.facts(Event.REFUSED)["code"] in set(Code) if code is None else code
    assert installation.staging.get(quarantine_key(receipt)) == content
    [told] = installation.acknowledge(bad)
    assert told.outcome.kind == "refused"
    assert told.outcome.message.endswith(".")


def test_a_file_over_the_limit_is_refused(installation: Installation, samples: Path) -> None:
    small = Installation(installation.settings.model_copy(update={"limit_size_bytes": 1000}))
    [reception] = small.receive(samples / JPEG)
    small.ingest()
    assert load(small.registry, str(reception.receipt)).facts(Event.REFUSED)["code"] == Code.TOO_LARGE


def test_altered_staging_goes_nowhere(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.staging.put(original_key(str(reception.receipt)), b"something else")
    [work] = installation.ingest()
    assert "other bytes" in work.problem
    assert installation.state(str(reception.receipt)) == "RECEIVED"


@pytest.mark.parametrize("target", ["normalised", "sealed"])
def test_altered_work_in_progress_goes_nowhere(installation: Installation, samples: Path, target: str) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.ingest([normalise] if target == "normalised" else [normalise, seal])
    history = load(installation.registry, str(reception.receipt))
    key = normalised_key(history) if target == "normalised" else sealed_key(history)
    content = bytearray(installation.staging.get(key))
    content[len(content) // 2] ^= 1
    installation.staging.put(key, bytes(content))
    [work] = installation.ingest()
    assert "other bytes" in work.problem
    assert installation.state(str(reception.receipt)) != "ARCHIVED"


def test_what_does_not_verify_is_not_archived(installation: Installation, samples: Path, tmp_path: Path) -> None:
    """Another root: the seal is intact, but nobody we trust vouches for it."""
    stranger = Installation(installation.settings.model_copy(update={"home": tmp_path / "other"}))
    [reception] = installation.receive(samples / JPEG)
    installation.ingest([normalise, seal])
    trusting = installation.settings.model_copy(update={"trust": [_root(stranger)]})
    [work] = Installation(trusting).ingest()
    assert "NotVerified" in work.problem
    assert "is not trusted" in work.problem
    assert installation.state(str(reception.receipt)) == "SEALED"
    assert list(installation.archive.versions("default")) == []


def test_nothing_is_archived_where_locks_are_not_kept(installation: Installation, samples: Path) -> None:
    from connectors.ports import NotEnforced

    class Careless:
        url, is_compliance_tier = "careless:", True

        def check(self) -> None:
            raise NotEnforced("deletes what is locked")

    installation.__dict__["archive"] = Careless()
    [reception] = installation.receive(samples / JPEG)
    [work] = installation.ingest()
    assert "NotEnforced" in work.problem
    assert installation.state(str(reception.receipt)) == "VERIFIED"


def test_a_dead_time_stamping_authority_leaves_receipts_waiting(installation: Installation, samples: Path) -> None:
    from tasks.trust import development_pki

    pki = development_pki(installation.settings)
    settings = installation.settings.model_copy(
        update={
            "signer": pki.signer_uri,
            "signer_secret_file": pki.p12_secret,
            "tsa_url": "http://127.0.0.1:9/tsa",
            "trust": [pki.anchors],
        }
    )
    [reception] = installation.receive(samples / JPEG)
    [work] = Installation(settings).ingest()
    assert work.problem
    assert installation.state(str(reception.receipt)) == "NORMALISED"
    assert [work.problem for work in installation.ingest()] == [""]
    assert installation.state(str(reception.receipt)) == "ARCHIVED"


def test_a_worker_that_lost_its_claim_writes_nothing(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    [slow] = installation.claim(lease_s=-1)
    installation.ingest()
    for stage in (normalise, seal, verify, archive):
        [slow] = stage(installation, [slow])
    assert slow.claim is None
    events = [line.event for line in load(installation.registry, str(reception.receipt)).lines]
    assert events == ["received", "normalised", "seal-requested", "sealed", "verified", "archived"]


def altered(history: History, event: Event, **facts: Json) -> History:
    """The history as it would be had that event other facts."""
    told = dict(history.facts(event)) | facts
    return replace(history, lines=tuple(replace(x, facts=told) if x.event == event else x for x in history.lines))


def test_the_paper_may_go_only_when_every_gate_held(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.ingest()
    history = load(installation.registry, str(reception.receipt))
    assert "development key" in why_keep_paper(history)
    history = altered(history, Event.SEALED, development=False)
    assert "development authority" in why_keep_paper(history)
    history = altered(history, Event.VERIFIED, time_stamped_by="a real one")
    assert "trusted list" in why_keep_paper(history)
    history = altered(history, Event.VERIFIED, qualification="QESeal")
    assert "not a compliance tier" in why_keep_paper(history)
    history = altered(history, Event.ARCHIVED, compliance_tier=True)
    assert why_keep_paper(history) == ""


def test_an_audit_finds_what_someone_did_to_the_archive(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    installation.ingest()
    receipt = str(reception.receipt)
    assert [finding.deviation for finding in audit(installation)] == [""]
    row = installation.registry.row(receipt)
    assert row is not None
    assert [finding.deviation for finding in reverify(installation, [row])] == [""]
    path = Path(str(row.summary["archive"])) / str(row.summary["archive_key"])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert [bool(finding.deviation) for finding in reverify(installation, [row])] == [True]
    assert load(installation.registry, receipt).lines[-1].event == Event.DEVIATED
    path.parent.chmod(0o755)
    path.unlink()
    assert any(finding.deviation for finding in audit(installation))


def test_the_index_can_be_rebuilt_from_the_journal(installation: Installation, mixed: list[Path]) -> None:
    installation.receive(*mixed)
    installation.ingest()
    installation.acknowledge(*mixed)
    before = installation.registry.rows()
    assert installation.registry.rebuild(project) == len(before)
    assert installation.registry.rows() == before


def test_receipt_id_is_the_digest_of_the_bytes(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / PDF)
    assert reception.receipt == f"default/{hashlib.sha256((samples / PDF).read_bytes()).hexdigest()}"


def _root(other: Installation) -> Path:
    from tasks.trust import development_pki

    return development_pki(other.settings).anchors


def test_the_same_bytes_through_many_doors_at_once_are_one_receipt(installation: Installation, tmp_path: Path) -> None:
    doors = 6
    for door in range(doors):
        (tmp_path / f"{door}.jpg").write_bytes(b"the same bytes")
    with ThreadPoolExecutor(doors) as pool:
        receive = [
            pool.submit(installation.receive, tmp_path / f"{door}.jpg", name=f"door-{door}") for door in range(doors)
        ]
        outcomes = sorted(reception.outcome for future in receive for reception in future.result())
    assert outcomes == ["received"] + ["received-again"] * (doors - 1)


def test_a_history_read_while_another_worker_writes_is_whole(installation: Installation, samples: Path) -> None:
    [reception] = installation.receive(samples / JPEG)
    registry = installation.registry
    answers = iter([None, None])

    class Late:
        """The index row was read just before the first line was written."""

        def row(self, stream: str) -> object:
            return next(answers, registry.row(stream))

        def lines(self, stream: str) -> object:
            return registry.lines(stream)

    history = load(Late(), str(reception.receipt))  # type: ignore[arg-type]
    assert history.state == "RECEIVED"


def test_the_paper_stays_when_the_picture_can_not_be_read(
    installation: Installation, samples: Path, tmp_path: Path
) -> None:
    blurred = tmp_path / "blurred.jpg"
    with Image.open(samples / JPEG) as image:
        image.filter(ImageFilter.GaussianBlur(6)).save(blurred)
    sharp, unsharp = installation.receive(samples / JPEG, blurred)
    installation.ingest()
    said = {}
    for reception in (sharp, unsharp):
        history = load(installation.registry, str(reception.receipt))
        genuine = altered(history, Event.SEALED, development=False)
        genuine = altered(genuine, Event.VERIFIED, time_stamped_by="a real one", qualification="QESeal")
        genuine = altered(genuine, Event.ARCHIVED, compliance_tier=True)
        said[reception.name] = outcome_of(genuine, *arrivals(history)[0]).message
        assert history.facts(Event.NORMALISED)["quality"]["measured"] is True  # type: ignore[call-overload,index]
    assert said[sharp.name].endswith("You may destroy the paper.")
    assert said[unsharp.name].endswith("Keep the paper: the picture is blurred.")
