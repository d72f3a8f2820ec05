"""An installation that requires qualified seals, with a trusted list of our own: what it seals and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import devpki as development
from connectors.devpki import DevPki
from receipts.preflight import Verdict
from receipts.receipt import Event
from tasks import trustlists as lists
from tasks.journal import load
from tasks.preflight import preflight
from tests import trustlists
from tests.installation import STAGES, Installation
from tests.tasks.test_pipeline import JPEG
from tests.trustlists import SINCE, Issue, Listed, operator
from tests.variants import make, respin

Publish = Callable[..., Installation]


@pytest.fixture
def pki(tmp_path: Path) -> DevPki:
    """A PKI of its own, not running yet."""
    return make(tmp_path / "pki")


@pytest.fixture
def publish(installation: Installation, pki: DevPki, tmp_path: Path) -> Iterator[Publish]:
    """Makes a trusted list of the PKI's services, and an installation that seals with it and asks for proof."""
    source, made = tmp_path / "lists", []
    source.mkdir()
    pointer = ("ZZ", "https://example.invalid/ZZ.xml", [operator("ZZ").certificate])
    (source / "lotl.xml").write_bytes(trustlists.write_lotl([pointer], operator("EU")))

    def configure(ca: dict[str, Any] | None = None, tsu: dict[str, Any] | None = None) -> Installation:
        listed = [
            Listed(kind="CA/QC", certificate=pki.certificate("ca"), **ca or {}),
            Listed(kind="TSA/QTST", certificate=pki.certificate("tsu"), **tsu or {}),
        ]
        (source / "ZZ.xml").write_bytes(trustlists.write(Issue(), listed, operator("ZZ")))
        settings = installation.settings.model_copy(
            update={
                "home": tmp_path / f"home-{len(made)}",
                "signer": pki.signer_uri,
                "signer_secret_file": pki.p12_secret,
                "tsa_url": pki.tsa_url,
                "trusted_list_signers": [trustlists.write_signers(tmp_path, operator("EU"))],
                "require_qualified": True,
                "organization_identifier": "NTRFR-000000000",
                "preflight_s": 0,
            }
        )
        made.append(Installation(settings))
        lists.bring(settings, source, datetime.now(UTC))
        return made[-1]

    yield configure
    for each in made:
        if "registry" in each.__dict__:
            each.registry.close()


def test_what_a_trusted_list_proves_is_sealed_and_says_so(publish: Publish, pki: DevPki, samples: Path) -> None:
    installation = publish()
    with development.serve(pki.folder):
        found = preflight(installation, thorough=True)
        assert found.qualified, found.to_json()
        [reception] = installation.receive(samples / JPEG)
        assert [work.problem for work in installation.ingest()] == [""]
    history = load(installation.registry, str(reception.receipt))
    verified = history.facts(Event.VERIFIED)
    assert (verified["qualification"], verified["time_stamp"]) == ("QESeal", "QTSA")
    assert history.facts(Event.SEALED)["short"] == []


@pytest.mark.parametrize(
    ("ca", "tsu", "said"),
    [
        ({"statuses": (("withdrawn", datetime.now(UTC) - timedelta(days=1)), ("granted", SINCE))}, {}, "not granted"),
        ({"uses": ("ForeSignatures",)}, {}, "not granted for seals"),
        ({}, {"statuses": (("withdrawn", SINCE),)}, "is TSA"),
    ],
)
def test_what_the_list_does_not_prove_is_not_sealed(
    publish: Publish, pki: DevPki, samples: Path, ca: dict[str, Any], tsu: dict[str, Any], said: str
) -> None:
    installation = publish(ca, tsu)
    with development.serve(pki.folder):
        assert {f.name for f in preflight(installation).of(Verdict.STOPS)} == {"trusted-list"}
        [reception] = installation.receive(samples / JPEG)
        [work] = installation.ingest()
    assert "trusted-list" in work.problem
    assert said in work.problem
    assert [line.event for line in load(installation.registry, str(reception.receipt)).lines] == [
        "received",
        "normalised",
    ]


def test_a_seal_that_is_not_qualified_never_passes_for_one(publish: Publish, pki: DevPki, samples: Path) -> None:
    """Sealed while nobody asked for proof, then asked for it: the file stays before the archive."""
    respin(pki, without_statements={"0.4.0.1862.1.4"})  # no qualified device
    strict = publish()
    easy = Installation(strict.settings.model_copy(update={"require_qualified": False}))
    with development.serve(pki.folder):
        [reception] = easy.receive(samples / JPEG)
        easy.ingest(STAGES[:2])
        assert easy.state(str(reception.receipt)) == "SEALED"
        [work] = strict.ingest()
        assert "qualified is required, this is AdESeal-QC" in work.problem
        assert strict.state(str(reception.receipt)) == "SEALED"
        assert [work.problem for work in easy.ingest()] == [""]
    assert load(easy.registry, str(reception.receipt)).facts(Event.VERIFIED)["qualification"] == "AdESeal-QC"
    easy.registry.close()


def test_a_revoked_certificate_stops_before_anything_is_sealed(publish: Publish, pki: DevPki, samples: Path) -> None:
    installation = publish()
    development.revoke(pki, "seal", datetime.now(UTC) - timedelta(hours=1))
    with development.serve(pki.folder):
        assert {f.name for f in preflight(installation).of(Verdict.STOPS)} == {"seal-certificate-status"}
        [reception] = installation.receive(samples / JPEG)
        [work] = installation.ingest()
    assert "revoked" in work.problem
    assert Event.SEAL_REQUESTED.value not in [
        line.event for line in load(installation.registry, str(reception.receipt)).lines
    ]
