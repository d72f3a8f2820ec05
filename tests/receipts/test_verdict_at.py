"""Verdicts for another time, by trusted lists: as DSS says, or less where docs/verify.md explains it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.checking import Question, check
from config.settings import Settings
from connectors import devpki as development
from receipts.verdict import Verdict
from tasks import trustlists as task
from tasks.connections import Connections
from tests import judge, trustlists
from tests.pki import archive_file, seal_lt
from tests.trustlists import Issue, Listed, operator
from tests.variants import make

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
SHORT = {"nothing": {}, "seal": {"seal": 30}, "unit": {"tsu": 30}, "authority": {"ca": 30, "seal": 29, "tsu": 29}}
"""What expires after a month."""


@dataclass(frozen=True)
class World:
    """Sealed files, and the lists in which their services are."""

    folder: Path
    files: dict[str, bytes]
    services: list[Listed]

    def bring(self, name: str, **issue: float) -> tuple[Connections, list[object]]:
        """An installation that uses a list with these services, and the options for DSS to use it too."""
        folder = self.folder / name
        folder.mkdir()
        pointers = [("ZZ", "https://example.invalid/zz.xml", [operator().certificate])]
        lotl = trustlists.write_lotl(pointers, operator("EU"), days=5000)
        (folder / "lotl.xml").write_bytes(lotl)
        (folder / "ZZ.xml").write_bytes(trustlists.write(Issue(**issue), self.services, operator()))  # type: ignore[arg-type]
        (folder / "signer.pem").write_bytes(operator().pem)
        signers = trustlists.write_signers(folder, operator("EU"))
        settings = Settings(home=folder / "home", signer="file:///nowhere.p12", trusted_list_signers=[signers])
        task.bring(settings, folder, NOW)
        return Connections(settings), ["--trusted-list", folder / "ZZ.xml", "--tl-signer", folder / "signer.pem"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder, files, services = tmp_path_factory.mktemp("at"), {}, []
    for name, days in SHORT.items():
        pki = make(folder / name, days=days)
        services.append(Listed(kind="CA/QC", certificate=pki.certificate("ca")))
        # Time-stamps' services are often listed by their CA, seldom by each unit.
        services.append(Listed(kind="TSA/QTST", certificate=pki.certificate("ca")))
        with development.serve(pki.folder):
            [files[name]] = seal_lt([archive_file()], pki)
        (folder / f"{name}.pdf").write_bytes(files[name])
    return World(folder, files, services)


def ours(world: World, connections: Connections, at: dt.datetime) -> dict[str, Verdict]:
    """Our verdict on each file."""
    return {name: check(name, content, connections, Question(at=at)) for name, content in world.files.items()}


def theirs(world: World, options: list[object], at: dt.datetime) -> dict[str, tuple[bool, str]]:
    """Whether DSS passes each file, and as what."""
    paths = {name: world.folder / f"{name}.pdf" for name in world.files}
    options = [*options, "--no-render", "--at", at.strftime("%Y-%m-%dT%H:%M:%SZ")]
    found = judge.dss(paths.values(), [], options=options)  # type: ignore[arg-type]
    return {n: (found[str(p)]["passed"], found[str(p)]["signatures"][0]["qualification"]) for n, p in paths.items()}


def test_expired_certificates_are_the_normal_case(world: World) -> None:
    connections, options = world.bring("long", days=4000)
    at = NOW + 400 * DAY
    found = ours(world, connections, at)
    passed = {name: (True, each.kind.upper()) for name, each in found.items() if each.report.passed}
    assert passed == {name: each for name, each in theirs(world, options, at).items() if each[0]}
    assert set(passed) >= {"nothing", "seal"}
    assert found["unit"].report.sub_indication == "OUT_OF_BOUNDS_NO_POE"


def test_an_expired_list_proves_nothing(world: World) -> None:
    connections, options = world.bring("short", days=10)
    in_force, expired = NOW + 5 * DAY, NOW + 11 * DAY
    assert {each.kind for each in ours(world, connections, in_force).values()} == {"QESeal"}
    assert set(theirs(world, options, in_force).values()) == {(True, "QESEAL")}
    assert {each.report.sub_indication for each in ours(world, connections, expired).values()} == {
        "NO_CERTIFICATE_CHAIN_FOUND"
    }
    # DSS still takes its services for anchors, but says nothing of their worth (docs/verify.md).
    assert {kind for _, kind in theirs(world, options, expired).values()} == {"NA"}


def test_a_verdict_can_be_repeated_with_the_list_of_that_day(world: World) -> None:
    connections, _ = world.bring("then", days=30)
    first = check("file", world.files["nothing"], connections, Question(at=NOW + DAY))
    assert first.trusted_list is not None
    # Years later: the provider was withdrawn from the start, as the new list has it.
    folder = world.folder / "later"
    folder.mkdir()
    pointers = [("ZZ", "https://example.invalid/zz.xml", [operator().certificate])]
    issued = NOW + 1000 * DAY
    (folder / "lotl.xml").write_bytes(trustlists.write_lotl(pointers, operator("EU"), number=2, at=issued))
    withdrawn = [
        Listed(kind=each.kind, certificate=each.certificate, statuses=[("withdrawn", trustlists.SINCE)])
        for each in world.services
    ]
    (folder / "ZZ.xml").write_bytes(trustlists.write(Issue(number=2, at=issued), withdrawn, operator()))
    task.bring(connections.settings, folder, issued)
    now = check("file", world.files["nothing"], connections, Question(at=issued))
    assert (now.report.passed, now.kind) == (True, "AdESeal")
    asked = Question(at=NOW + DAY, trusted_list=first.trusted_list or "")
    again = check("file", world.files["nothing"], connections, asked)
    assert again.to_json() == first.to_json()
