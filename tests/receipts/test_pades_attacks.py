"""Damaged and attacked files: none passes here, and none passes here that DSS refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import devpki as development
from connectors.devpki import DevPki, Service
from receipts import pades
from tests import judge
from tests.pki import anchors_of, archive_file, fetch, seal_all
from tests.receipts.pades_attacks import answers, flip, gap, no_time_stamp, other_time_stamp, tampered

STRICTER = {
    "flip-padding",  # the zeros after the container are covered by nothing: a place to hide
    "comment-before-end",
    "trailing-garbage-after-seal",
    "with-data-info",
    "with-data-new-metadata",  # what readers show as title and author may not change
    "with-data-stowaway",
    "stale",  # TS 119 172-4: revocation information must be younger than the time-stamp
    "stale-ocsp",
    "revoked-tsu-later",  # a time-stamp has no proof of existence but the present
}
"""Where we refuse and DSS under the strict policy only warns."""


@dataclass(frozen=True)
class Sealed:
    """One file in its two states."""

    pki: DevPki
    sealed: bytes = field(repr=False)
    augmented: bytes = field(repr=False)
    data: pades.ValidationData = field(repr=False)


@pytest.fixture(scope="module")
def example(devpki: Service) -> Sealed:
    [sealed] = seal_all([archive_file()], devpki.pki)
    data = fetch([sealed], anchors_of(devpki.pki))
    return Sealed(devpki.pki, sealed, pades.augment(sealed, data), data)


@pytest.fixture
def revocable(devpki: Service) -> Iterator[DevPki]:
    """The PKI, with nothing revoked in the end."""
    yield devpki.pki
    (devpki.pki.folder / "revoked.json").unlink(missing_ok=True)


def test_no_attack_passes_here_or_with_dss(
    example: Sealed, another_pki: Service, revocable: DevPki, tmp_path: Path
) -> None:
    files = tampered(example.sealed, example.augmented, example.data) | _untrusted(example, another_pki, revocable)
    paths = {name: tmp_path / f"{name}.pdf" for name in files} | {"good": tmp_path / "good.pdf"}
    for name, content in (files | {"good": example.augmented}).items():
        paths[name].write_bytes(content)
    verdicts = judge.dss(paths.values(), [example.pki.anchors])
    assert verdicts[str(paths.pop("good"))]["passed"]
    at = datetime.now(UTC)
    ours = {name: pades.validate(content, anchors_of(example.pki), at=at) for name, content in files.items()}
    assert [name for name, report in ours.items() if report.passed] == []
    assert {name for name, path in paths.items() if verdicts[str(path)]["passed"]} == STRICTER
    expected = {
        "flip-picture": "HASH_FAILURE",
        "flip-signing-date": "HASH_FAILURE",
        "flip-padding": "FORMAT_FAILURE",
        "trailing-comment": "FORMAT_FAILURE",
        "after-seal-detach": "FORMAT_FAILURE",
        "with-data-show-something-else": "FORMAT_FAILURE",
        "unsealed": "NO_SIGNATURE",
        "foreign-seal": "NO_CERTIFICATE_CHAIN_FOUND",
        "foreign-tsa": "NO_CERTIFICATE_CHAIN_FOUND",
        "other-time-stamp": "NO_POE",
        "no-time-stamp": "NO_POE",
        "no-ocsp": "TRY_LATER",
        "no-crl": "TRY_LATER",
        "stale": "TRY_LATER",
        "revoked-seal": "REVOKED_NO_POE",
        "revoked-ca": "REVOKED_CA_NO_POE",
        "revoked-tsu-later": "REVOKED_NO_POE",
    }
    assert {name: str(ours[name].sub_indication) for name in expected} == expected
    altered = [name for name in ours if name.startswith(("after-", "with-", "trailing-", "update-"))]
    assert {str(ours[name].indication) for name in altered} == {"TOTAL-FAILED"}


def _untrusted(example: Sealed, foreign: Service, pki: DevPki) -> dict[str, bytes]:
    now = datetime.now(UTC)
    plain, both = archive_file(), anchors_of(pki) + anchors_of(foreign.pki)
    by_foreign_tsa = seal_all([plain], pki, foreign.pki)[0]
    by_foreign_key = seal_all([plain], foreign.pki, pki)[0]
    other = seal_all([archive_file("other.jpg")], pki)[0]
    files = {
        "unsealed": plain,
        "only-sealed": example.sealed,
        "foreign-tsa": pades.augment(by_foreign_tsa, fetch([by_foreign_tsa], both)),
        "foreign-seal": pades.augment(by_foreign_key, fetch([by_foreign_key], both)),
        "other-time-stamp": pades.augment(other_time_stamp(example.sealed, other), fetch([other], anchors_of(pki))),
        "no-time-stamp": no_time_stamp(example.sealed),
        "no-crl": pades.augment(example.sealed, replace(example.data, crls=())),
        "no-ocsp": pades.augment(example.sealed, replace(example.data, ocsps=())),
        "stale": pades.augment(example.sealed, answers(pki, now - timedelta(hours=2))),
        "stale-ocsp": pades.augment(example.sealed, answers(pki, now, ocsp_at=now - timedelta(hours=2))),
    }
    for name in ("seal", "tsu", "ca"):
        development.revoke(pki, name, now - timedelta(hours=1))
        files[f"revoked-{name}"] = pades.augment(example.sealed, answers(pki, now))
        (pki.folder / "revoked.json").unlink()
    development.revoke(pki, "tsu", now + timedelta(minutes=1))
    files["revoked-tsu-later"] = pades.augment(example.sealed, answers(pki, now + timedelta(minutes=2)))
    return files


@settings(max_examples=60)
@given(data=st.data())
def test_no_flipped_bit_in_the_sealed_bytes_passes(example: Sealed, data: st.DataObject) -> None:
    start, end = gap(example.augmented)
    covered = st.one_of(st.integers(0, start - 1), st.integers(end, len(example.sealed) - 1))
    position, bit = data.draw(covered), data.draw(st.integers(0, 7))
    damaged = flip(example.augmented, position, 1 << bit)
    assert not pades.validate(damaged, anchors_of(example.pki), at=datetime.now(UTC)).passed


@settings(max_examples=60)
@given(cut=st.integers(2, 30_000), junk=st.binary(max_size=40), spot=st.integers(0, 30_000))
def test_no_broken_file_passes_or_crashes_the_validation(example: Sealed, cut: int, junk: bytes, spot: int) -> None:
    whole = example.augmented
    spot %= len(whole)
    at = datetime.now(UTC)
    for broken in (whole[: -max(2, cut % len(whole))], whole[:spot] + junk + b"\1" + whole[spot:]):
        assert not pades.validate(broken, anchors_of(example.pki), at=at).passed


def test_no_altered_name_in_the_validation_data_passes(example: Sealed) -> None:
    whole, at = example.augmented, datetime.now(UTC)
    names = [found.start() for found in re.finditer(b"DEVELOPMENT", whole) if found.start() > len(example.sealed)]
    assert len(names) > 3
    for spot in names:
        assert not pades.validate(flip(whole, spot, 1), anchors_of(example.pki), at=at).passed


@pytest.mark.parametrize("key", [b"/ESIC", b"/ExtensionLevel"])
def test_an_extension_that_the_file_uses_stays_named(example: Sealed, key: bytes) -> None:
    sealed, added = example.augmented[: len(example.sealed)], example.augmented[len(example.sealed) :]
    assert key in added
    report = pades.validate(sealed + added.replace(key, key[:-1] + b"X"), anchors_of(example.pki), at=datetime.now(UTC))
    assert report.sub_indication == "FORMAT_FAILURE"


def test_without_anchors_nothing_passes(example: Sealed) -> None:
    report = pades.validate(example.augmented, [], at=datetime.now(UTC))
    assert (report.passed, report.sub_indication) == (False, "NO_CERTIFICATE_CHAIN_FOUND")


def test_with_the_wrong_anchors_nothing_passes(example: Sealed, another_pki: Service) -> None:
    report = pades.validate(example.augmented, anchors_of(another_pki.pki), at=datetime.now(UTC))
    assert (report.indication, report.sub_indication) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")


def test_the_report_is_stable_json(example: Sealed) -> None:
    at = datetime.now(UTC)
    said = pades.validate(example.augmented, anchors_of(example.pki), at=at).to_json()
    assert list(said) == [
        "version", "indication", "sub_indication", "passed", "level", "signer", "organization_identifier", "sealed_at",
        "time_stamped_by", "qualification", "checks", "covered_bytes", "size_bytes", "sha256", "anchors",
        "validated_at", "field", "signatures", "evidence_records",
    ]  # fmt: skip
    assert (said["indication"], said["passed"], said["validated_at"]) == ("TOTAL-PASSED", True, at.isoformat())
    assert all(check["ok"] for check in said["checks"])
