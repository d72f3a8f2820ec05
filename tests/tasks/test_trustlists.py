"""Fetching, bringing, keeping and using trusted lists, with a web server of our own."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps.cli import app
from config.settings import Settings
from connectors import devpki as development
from connectors.trustlist import Unreachable, fetch_all, is_allowed
from receipts.trust import Altered, BadList, Fault
from tasks import trustlists as task
from tasks.connections import Connections, use
from tasks.trust import NoAnchors, anchors
from tests import trustlists
from tests.pki import archive_file, seal_lt
from tests.trustlists import Issue, Listed, operator
from tests.variants import make

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
AUTHORITY = operator("an authority").certificate


class Web:
    """Two national lists and a list of the lists on a web server."""

    def __init__(self, settings: Settings, files: dict[str, bytes], url: str) -> None:
        self.settings, self.files, self.url = settings, files, url

    def publish(self, number: int = 1) -> None:
        pointers = [(t, f"{self.url}/{t}.xml", [operator(t).certificate]) for t in ("YY", "ZZ")]
        self.files["lotl.xml"] = trustlists.write_lotl(pointers, operator("EU"), number=number)
        for territory in ("YY", "ZZ"):
            listed = [Listed(kind="CA/QC", certificate=AUTHORITY)]
            self.files[f"{territory}.xml"] = trustlists.write(
                Issue(territory=territory, number=number), listed, operator(territory)
            )


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    files: dict[str, bytes] = {}
    signers = trustlists.write_signers(tmp_path, operator("EU"))
    with trustlists.serve(files) as url:
        settings = Settings(
            home=tmp_path / "home",
            signer="file:///nowhere.p12",
            trusted_list_url=f"{url}/lotl.xml",
            trusted_list_signers=[signers],
            trusted_list_timeout_s=5,
        )
        found = Web(settings, files, url)
        found.publish()
        yield found


def test_without_lists_and_anchors_nothing_can_be_validated(web: Web) -> None:
    with pytest.raises(NoAnchors):
        anchors(web.settings)


def test_an_update_makes_a_snapshot_that_is_used(web: Web) -> None:
    snapshot, is_new = task.update(web.settings, NOW)
    assert is_new
    assert [each["territory"] for each in snapshot.manifest["lists"]] == ["YY", "ZZ"]
    assert task.folder(web.settings).current() == snapshot.name
    assert anchors(web.settings, at=NOW)
    assert task.update(web.settings, NOW) == (snapshot, False)
    with pytest.raises(NoAnchors):
        anchors(web.settings, at=NOW + dt.timedelta(days=200))  # expired


def test_earlier_snapshots_stay(web: Web) -> None:
    first, _ = task.update(web.settings, NOW)
    web.publish(2)
    second, _ = task.update(web.settings, NOW)
    assert set(task.folder(web.settings).names()) == {first.name, second.name}
    again = task.opened(web.settings, first.name)
    assert again is not None
    assert again.files == first.files
    pinned = web.settings.model_copy(update={"trusted_list_snapshot": first.name})
    found = task.services(pinned)
    assert found is not None
    assert found.snapshot.name == first.name


def test_what_differs_between_snapshots_is_told(web: Web) -> None:
    first, _ = task.update(web.settings, NOW)
    assert task.compare(web.settings, first.name) == []
    web.publish(2)
    ended = (("withdrawn", NOW - dt.timedelta(days=1)), ("granted", trustlists.SINCE))
    services = [Listed(kind="CA/QC", certificate=AUTHORITY, statuses=ended)]
    web.files["ZZ.xml"] = trustlists.write(Issue(number=2), services, operator("ZZ"))
    task.update(web.settings, NOW)
    found = task.compare(web.settings, first.name)
    assert [(each.territory, each.subject == "list") for each in found] == [
        ("EU", True),
        ("YY", True),
        ("ZZ", True),
        ("ZZ", False),
    ]
    yesterday = f"{NOW - dt.timedelta(days=1):%Y-%m-%d}"
    assert found[-1].before == "granted since 2025-01-02, ForeSeals"
    assert found[-1].after == f"withdrawn since {yesterday}, ForeSeals"
    with pytest.raises(task.NoSnapshot):
        task.compare(web.settings, "EU-1-" + "0" * 32)


@pytest.mark.parametrize("cut", [b'{"at": "2026-11-2', b'{"at": "2026-11-23", "problems": [{"a": "b"}', b"\xff\0"])
def test_a_line_that_a_crash_has_cut_stops_nothing(web: Web, cut: bytes) -> None:
    task.update(web.settings, NOW)
    kept = task.folder(web.settings)
    with (kept.folder / "updates.jsonl").open("ab") as log:
        log.write(cut)
    assert task.follows_the_web(web.settings)
    web.publish(number=2)
    snapshot, is_new = task.update(web.settings, NOW)
    assert is_new
    assert task.follows_the_web(web.settings)
    assert [entry["name"] for entry in kept.log()][1:] == [snapshot.name]


def test_a_list_that_is_gone_is_stood_in_for(web: Web) -> None:
    task.update(web.settings, NOW)
    web.publish(2)
    del web.files["YY.xml"]
    web.files["ZZ.xml"] = b"<html>Maintenance</html>"
    snapshot, is_new = task.update(web.settings, NOW)
    assert is_new
    assert [(p.territory, p.fault, p.kept) for p in snapshot.problems] == [
        ("YY", Fault.UNREACHABLE, True),
        ("ZZ", Fault.NOT_A_LIST, True),
    ]


@pytest.mark.parametrize("answer", [None, b"<html>Maintenance</html>"])
def test_a_failed_update_changes_nothing(web: Web, answer: bytes | None) -> None:
    kept, _ = task.update(web.settings, NOW)
    before = sorted(web.settings.home.rglob("*"))
    if answer is None:
        del web.files["lotl.xml"]
    else:
        web.files["lotl.xml"] = answer
    with pytest.raises(BadList):
        task.update(web.settings, NOW)
    assert sorted(web.settings.home.rglob("*")) == before
    assert task.folder(web.settings).current() == kept.name


def test_rolling_back_the_web_changes_nothing(web: Web) -> None:
    old = dict(web.files)
    web.publish(2)
    kept, _ = task.update(web.settings, NOW)
    web.files |= old
    with pytest.raises(BadList) as refused:
        task.update(web.settings, NOW)
    assert refused.value.fault is Fault.ROLLED_BACK
    assert task.folder(web.settings).current() == kept.name


def test_a_snapshot_can_be_brought_elsewhere(web: Web, tmp_path: Path) -> None:
    snapshot, _ = task.update(web.settings, NOW)
    offline = web.settings.model_copy(update={"home": tmp_path / "offline"})
    brought, is_new = task.bring(offline, web.settings.home / "trust" / snapshot.name, NOW)
    assert (brought.name, is_new) == (snapshot.name, True)
    assert task.follows_the_web(web.settings)
    assert not task.follows_the_web(offline)
    stranger = offline.model_copy(update={"home": tmp_path / "other", "trusted_list_signers": []})
    with pytest.raises(BadList):  # not signed by whom the Official Journal names
        task.bring(stranger, web.settings.home / "trust" / snapshot.name, NOW)


def test_an_altered_snapshot_is_refused(web: Web) -> None:
    snapshot, _ = task.update(web.settings, NOW)
    path = web.settings.home / "trust" / snapshot.name / "ZZ.xml"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(Altered):
        task.opened(web.settings)
    with pytest.raises(task.NoSnapshot):
        task.opened(web.settings, "EU-1-" + "0" * 32)
    with pytest.raises(task.NoSnapshot):
        task.opened(web.settings, "../../etc")


def test_what_is_fetched_is_bounded(web: Web) -> None:
    web.files["large"] = bytes(100_000)
    url = f"{web.url}/large"
    assert isinstance(fetch_all([url], largest_bytes=99_999)[url], Unreachable)
    assert fetch_all([url])[url] == bytes(100_000)
    nobody = "http://127.0.0.1:9/x"
    assert isinstance(fetch_all([nobody], timeout_s=2)[nobody], Unreachable)


def test_only_https_and_loopback_are_fetched() -> None:
    assert is_allowed("https://ec.europa.eu/tools/lotl/eu-lotl.xml")
    assert is_allowed("http://127.0.0.1:8080/lotl.xml")
    assert is_allowed("http://tl.nbu.gov.sk/kca/tsl/tsl.xml", signed=True)
    assert not is_allowed("http://ec.europa.eu/tools/lotl/eu-lotl.xml")
    for url in ("file:///etc/passwd", "ftp://example.invalid/x", "https:///x", "gopher://127.0.0.1/"):
        assert not is_allowed(url, signed=True)


def test_the_commands_keep_snapshots_and_verify_by_them(
    web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From an empty installation to a seal whose worth is proved, without the web."""
    pki = make(tmp_path / "pki")
    listed = [
        Listed(kind="CA/QC", certificate=pki.certificate("ca")),
        Listed(kind="TSA/QTST", certificate=pki.certificate("tsu")),
    ]
    web.files["ZZ.xml"] = trustlists.write(Issue(), listed, operator("ZZ"))
    with development.serve(pki.folder):
        [sealed] = seal_lt([archive_file()], pki)
    file = tmp_path / "sealed.pdf"
    file.write_bytes(sealed)
    monkeypatch.setattr("config.settings.settings", lambda: web.settings)
    use(Connections(web.settings))
    try:
        _walk(web, file, tmp_path)
    finally:
        use(None)


def _walk(web: Web, file: Path, tmp_path: Path) -> None:
    def run(*arguments: object, code: int = 0) -> str:
        result = CliRunner().invoke(app, [str(each) for each in arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result.stdout

    assert "in use" in run("trust", "update")
    [row] = [json.loads(line) for line in run("trust", "list", "--json").splitlines()]
    assert row["in_use"]
    assert json.loads(run("trust", "show", "--json"))["name"] == row["name"]
    verdict = json.loads(run("verify", file, "--json"))
    assert verdict["qualification"]["seal"] == "QESeal"
    assert verdict["trusted_list"]["name"] == row["name"]
    assert "QESeal" in run("verify", file, "--trusted-list", row["name"], "--pdf", tmp_path / "r.pdf")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-")
    run("verify", file, "--at", "2020-01-01T00:00:00Z", code=1)
    run("verify", file, "--at", "yesterday", code=2)
    run("verify", file, "--at", "2031-01-01T00:00:00", code=2)
    run("verify", file, "--trusted-list", "EU-1-" + "0" * 32, code=2)
    run("verify", file, file, "--pdf", tmp_path / "r.pdf", code=2)
    assert "Nothing differs" in run("trust", "diff", row["name"])
    web.files["ZZ.xml"] = b""
    run("trust", "update", code=1)  # one list is stood in for
    del web.files["lotl.xml"]
    run("trust", "update", code=1)
    first, *_ = run("trust", "list", "--json").splitlines()
    assert json.loads(first)["name"] == row["name"]
    copy = tmp_path / "copy"
    shutil.copytree(web.settings.home / "trust" / row["name"], copy)
    assert row["name"] in run("trust", "import", copy)
