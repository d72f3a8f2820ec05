"""The preflight of a whole installation, and what it keeps from being sealed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate
from typer.testing import CliRunner

from connectors.devpki import DevPki
from receipts.preflight import Verdict
from receipts.receipt import Event
from tasks.connections import use
from tasks.journal import load
from tasks.preflight import NotReady, preflight, require_ready
from tests.installation import Installation
from tests.servers.csc import Remote
from tests.servers.softhsm import certify
from tests.servers.tsa import FaultyTsa, faulty_tsa
from tests.tasks.providers import Configure, remote_settings
from tests.tasks.test_pipeline import JPEG


@pytest.fixture
def tsa(pki: DevPki) -> Iterator[FaultyTsa]:
    with faulty_tsa(pki) as found:
        yield found


def test_a_development_seal_may_be_made_and_is_not_called_qualified(installation: Installation) -> None:
    found = preflight(installation)
    assert found.may_seal
    assert not found.qualified
    assert {f.name for f in found.of(Verdict.SHORT)} == {"organization-identifier", "trusted-list"}


def test_the_same_claims_do_not_satisfy_whoever_requires_proof(installation: Installation, samples: Path) -> None:
    strict = installation.settings.model_copy(
        update={"require_qualified": True, "organization_identifier": "NTRFR-000000000"}
    )
    found = preflight(Installation(strict))
    assert [f.name for f in found.of(Verdict.STOPS)] == ["trusted-list"]
    [reception] = installation.receive(samples / JPEG)
    [work] = Installation(strict).ingest()
    assert "NotReady" in work.problem
    assert _events(installation, str(reception.receipt)) == ["received", "normalised"]


def test_someone_elses_seal_is_never_used(configured: Configure, samples: Path) -> None:
    installation = configured(organization_identifier="NTRFR-111111111")
    [reception] = installation.receive(samples / JPEG)
    [work] = installation.ingest()
    assert "organization-identifier: the certificate names NTRFR-000000000" in work.problem
    assert _events(installation, str(reception.receipt)) == ["received", "normalised"]


def test_an_outage_leaves_receipts_waiting_and_asks_nothing_of_the_key(
    configured: Configure,
    samples: Path,
    tsa: FaultyTsa,
) -> None:
    tsa.fault = "503"
    installation = configured(tsa_url=tsa.url)
    [reception] = installation.receive(samples / JPEG)
    for said in ("HTTP 503", "rests for"):  # the second time nobody is asked
        [work] = installation.ingest()
        assert "time-stamping-authority" in work.problem
        assert said in work.problem
    assert tsa.asked == 1
    assert _events(installation, str(reception.receipt)) == ["received", "normalised"]
    assert list(installation.archive.versions("")) == []
    tsa.fault = ""
    assert preflight(installation, thorough=True).may_seal  # it asks those too that rest
    assert [work.problem for work in installation.ingest()] == [""]
    assert installation.state(str(reception.receipt)) == "ARCHIVED"


def test_another_authority_stands_in_and_the_result_says_so(
    configured: Configure,
    samples: Path,
    tsa: FaultyTsa,
    pki: DevPki,
) -> None:
    installation = configured(tsa_url=tsa.url, tsa_urls=[pki.tsa_url], organization_identifier="NTRFR-000000000")
    tsa.fault = "bit flipped"
    [reception] = installation.receive(samples / JPEG)
    assert [work.problem for work in installation.ingest()] == [""]
    short = load(installation.registry, str(reception.receipt)).facts(Event.SEALED)["short"]
    assert short == ["time-stamping-authority", "trusted-list"]
    said = {f.evidence for f in preflight(installation).of(Verdict.SHORT) if f.name == "time-stamping-authority"}
    assert all(tsa.url in evidence for evidence in said)


def test_an_authority_that_dies_between_preflight_and_seal_leaves_nothing_half_sealed(
    configured: Configure,
    samples: Path,
    tsa: FaultyTsa,
) -> None:
    installation = configured(tsa_url=tsa.url, preflight_s=600)
    require_ready(installation)
    tsa.fault = "500"
    [reception] = installation.receive(samples / JPEG)
    [work] = installation.ingest()
    assert "no time-stamping authority answers" in work.problem
    assert _events(installation, str(reception.receipt)) == ["received", "normalised", "seal-requested"]
    assert [key for key in installation.staging.keys("") if key.startswith("sealed/")] == []


def test_what_was_seen_is_kept_for_minutes_but_judged_each_time(
    configured: Configure,
    tsa: FaultyTsa,
) -> None:
    installation = configured(tsa_url=tsa.url, preflight_s=600)
    assert require_ready(installation).may_seal
    assert require_ready(installation).may_seal
    assert tsa.asked == 1
    later = Installation(installation.settings, now=lambda: installation.now() + timedelta(days=11 * 365))
    with pytest.raises(NotReady, match="expired"):
        require_ready(later)
    assert tsa.asked == 1


@pytest.mark.parametrize(("off", "stops"), [(timedelta(days=-400), True), (timedelta(minutes=10), False)])
def test_a_wrong_clock_is_spoken_of_before_it_dates_a_lock(configured: Configure, off: timedelta, stops: bool) -> None:
    installation = configured()
    assert "clock" in {f.name for f in preflight(installation).of(Verdict.HOLDS)}
    wrong = Installation(installation.settings, now=lambda: installation.now() + off)
    [found] = [f for f in preflight(wrong).findings if f.name == "clock"]
    assert found.verdict is (Verdict.STOPS if stops else Verdict.SHORT)


def test_a_reception_in_the_future_locks_nothing(configured: Configure, samples: Path) -> None:
    """A clock that was years ahead at reception would make a lock that is years too long, for ever."""
    installation = configured()
    ahead = Installation(installation.settings, now=lambda: installation.now() + timedelta(days=2000))
    [reception] = ahead.receive(samples / JPEG)
    ahead.registry.close()
    [work] = installation.ingest()
    assert "ClockWrong" in work.problem
    assert installation.state(str(reception.receipt)) == "VERIFIED"
    assert list(installation.archive.versions("")) == []


@pytest.mark.needs("softhsm")
def test_a_disabled_key_is_not_even_asked_to_sign(
    configured: Configure,
    remote: Remote,
    samples: Path,
) -> None:
    installation = configured(**remote_settings(remote))
    remote.control("")
    assert preflight(installation).may_seal
    remote.control("disabled")
    [reception] = installation.receive(samples / JPEG)
    [work] = installation.ingest()
    assert "key disabled" in work.problem
    assert "credentials/authorize" not in remote.control()["calls"]
    assert installation.state(str(reception.receipt)) == "NORMALISED"
    remote.control("")
    assert [work.problem for work in installation.ingest()] == [""]
    assert installation.state(str(reception.receipt)) == "ARCHIVED"


@pytest.mark.needs("softhsm")
def test_a_renewed_certificate_is_taken_up(configured: Configure, remote: Remote, pki: DevPki) -> None:
    installation = configured(**remote_settings(remote))
    remote.control("")
    assert preflight(installation).may_seal
    config = json.loads((remote.folder / "config.json").read_text())
    old = load_der_x509_certificate(base64.b64decode(config["certificates"][0]))
    spki = old.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    renewed = base64.b64encode(certify(pki, spki).public_bytes(Encoding.DER)).decode()
    remote.control("", certificates=[renewed, *config["certificates"][1:]])
    try:
        assert [f.name for f in preflight(installation).of(Verdict.STOPS)] == ["sealing-key"]
        assert preflight(installation).may_seal
    finally:
        remote.control("", certificates=config["certificates"])


def test_what_is_not_configured_right_is_said_and_not_raised(configured: Configure) -> None:
    for settings, said in (
        ({"signer": "pkcs11:token=a;object=b?pin-value=0815&module-path=/m.so"}, "pin-value"),
        ({"signer": "ftp://x"}, "scheme"),
        ({"tsa_url": ""}, "PROBANT_TSA_URL"),
        ({"signer": "file:///nowhere.p12"}, "nowhere"),
    ):
        found = preflight(configured(**settings))
        assert [f.verdict for f in found.findings] == [Verdict.STOPS]
        assert said in found.findings[0].evidence
        assert "0815" not in found.findings[0].evidence


def test_the_command_says_it_and_its_exit_code_too(installation: Installation) -> None:
    from apps.cli import app

    use(installation)
    try:
        done = CliRunner().invoke(app, ["preflight", "--json"])
        assert done.exit_code == 0
        told = json.loads(done.stdout)
        assert (told["may_seal"], told["qualified"]) == (True, False)
        use(Installation(installation.settings.model_copy(update={"require_qualified": True})))
        done = CliRunner().invoke(app, ["preflight"])
        assert done.exit_code == 1
        assert "Nothing is sealed" in done.stdout
    finally:
        use(None)


def _events(installation: Installation, receipt: str) -> list[str]:
    return [line.event for line in load(installation.registry, receipt).lines]
