"""What stops a batch, what is only short, and that nothing is called qualified by its own word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connectors.devpki.certificates import QC_STATEMENTS, qc_statements
from receipts.preflight import Demands, Verdict, certificate_findings, chain_findings, proof_findings, weakness

AT = datetime(2026, 11, 23, tzinfo=UTC)
COMPLIANCE, SSCD, TYPE, LAW = (f"0.4.0.1862.1.{n}" for n in (1, 4, 6, 7))
ESEAL, ESIGN = "0.4.0.1862.1.6.2", "0.4.0.1862.1.6.1"
KEYS = {
    "rsa1024": rsa.generate_private_key(65537, 1024),
    "rsa2048": rsa.generate_private_key(65537, 2048),
    "rsa3072": rsa.generate_private_key(65537, 3072),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p192": ec.generate_private_key(ec.SECP192R1()),
}


@dataclass(frozen=True)
class Spec:
    """A sealing certificate as it should be; a test changes one thing."""

    key: str = "p256"
    not_before: datetime = AT - timedelta(days=100)
    not_after: datetime = AT + timedelta(days=400)
    organization: str | None = "NTRFR-123456789"
    usage: tuple[str, ...] = ("content_commitment",)
    compliance: bool = True
    sscd: bool = True
    type: str | None = ESEAL
    law: bool = False

    def certificate(self) -> asn1.Certificate:
        from asn1crypto import core

        class Oids(core.SequenceOf):  # type: ignore[misc]
            _child_spec = core.ObjectIdentifier

        class Countries(core.SequenceOf):  # type: ignore[misc]
            _child_spec = core.PrintableString

        statements: list[tuple[str, Any]] = []
        statements += [(COMPLIANCE, None)] if self.compliance else []
        statements += [(SSCD, None)] if self.sscd else []
        statements += [(TYPE, Oids([self.type]))] if self.type else []
        statements += [(LAW, Countries(["CH"]))] if self.law else []
        names = [x509.NameAttribute(NameOID.COMMON_NAME, "Seal")]
        if self.organization:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, self.organization))
        key = KEYS[self.key]
        all_usages = (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        )  # fmt: skip
        usage = x509.KeyUsage(**{name: name in self.usage for name in all_usages})
        built = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(names))
            .issuer_name(x509.Name(names))
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
            .add_extension(usage, True)
            .add_extension(x509.UnrecognizedExtension(QC_STATEMENTS, qc_statements(statements)), False)
            .sign(KEYS["p256"], hashes.SHA256())
        )
        return asn1.Certificate.load(built.public_bytes(Encoding.DER))


GOOD = Spec()
MINE = Demands(organization_identifier="NTRFR-123456789")


def verdicts(spec: Spec, demands: Demands = MINE, at: datetime = AT) -> dict[str, Verdict]:
    findings = certificate_findings(spec.certificate(), demands, at=at)
    assert all(finding.evidence and "\n" not in finding.evidence for finding in findings)
    return {finding.name: finding.verdict for finding in findings if finding.verdict is not Verdict.HOLDS}


def test_a_certificate_as_it_should_be_has_nothing_against_it() -> None:
    assert verdicts(GOOD) == {}
    assert verdicts(GOOD, replace(MINE, qualified=True)) == {}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"not_after": AT - timedelta(seconds=1)}, "seal-certificate-validity"),
        ({"not_before": AT + timedelta(days=1)}, "seal-certificate-validity"),
        ({"usage": ("key_encipherment",)}, "seal-key-usage"),
        ({"organization": "NTRFR-987654321"}, "organization-identifier"),
        ({"organization": None}, "organization-identifier"),
        ({"key": "rsa1024"}, "seal-key-strength"),
        ({"key": "p192"}, "seal-key-strength"),
    ],
)
def test_these_always_stop_a_batch(change: dict[str, Any], name: str) -> None:
    assert verdicts(replace(GOOD, **change)) == {name: Verdict.STOPS}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"compliance": False}, "qc-compliance"),
        ({"law": True}, "qc-compliance"),
        ({"type": None}, "qc-type"),
        ({"type": ESIGN}, "qc-type"),
        ({"sscd": False}, "qc-sscd"),
    ],
)
def test_one_leg_missing_is_short_of_qualified(change: dict[str, Any], name: str) -> None:
    assert verdicts(replace(GOOD, **change)) == {name: Verdict.SHORT}
    assert verdicts(replace(GOOD, **change), replace(MINE, qualified=True)) == {name: Verdict.STOPS}


def test_a_tenant_that_is_not_configured_is_not_compared() -> None:
    assert verdicts(GOOD, Demands()) == {"organization-identifier": Verdict.SHORT}
    assert verdicts(GOOD, Demands(qualified=True)) == {"organization-identifier": Verdict.STOPS}


def test_what_ends_soon_is_spoken_of() -> None:
    soon = replace(GOOD, not_after=AT + timedelta(days=20))
    assert verdicts(soon) == {"seal-certificate-validity": Verdict.SHORT}
    assert verdicts(soon, replace(MINE, margin=timedelta(days=10))) == {}


@pytest.mark.parametrize(
    ("not_before", "not_after", "at", "said"),
    [
        ("2026-12-31", "2028-12-31", "2027-06-01", ""),
        ("2027-01-01", "2028-12-31", "2027-06-01", "issued after 2026-12-31"),
        ("2026-01-01", "2029-01-01", "2027-06-01", "must end by 2028-12-31"),
        ("2026-01-01", "2028-12-31", "2029-01-01", "must end by 2028-12-31"),
    ],
)
def test_rsa_2048_ends_when_ts_119_312_says(not_before: str, not_after: str, at: str, said: str) -> None:
    start, end, now = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (not_before, not_after, at))
    weak = Spec(key="rsa2048", not_before=start, not_after=end).certificate()
    assert said in weakness(weak, now)
    assert bool(said) == bool(weakness(weak, now))
    assert weakness(Spec(key="rsa3072", not_before=start, not_after=end).certificate(), now) == ""
    findings = chain_findings([weak, GOOD.certificate()], MINE, at=now)
    assert any(finding.verdict is Verdict.STOPS for finding in findings) == bool(said) or now > GOOD.not_after


def test_qc_statements_that_cannot_be_read_claim_nothing() -> None:
    der = bytearray(GOOD.certificate().dump())
    place = der.find(bytes.fromhex("060604008e460101"))
    der[place + 1] = 0x60  # the OID's length
    found = {f.name: f.verdict for f in certificate_findings(asn1.Certificate.load(bytes(der)), MINE, at=AT)}
    assert found["qualified-claims"] is Verdict.SHORT


def test_claims_are_never_proof() -> None:
    assert [each.verdict for each in proof_findings(None, MINE)] == [Verdict.SHORT]
    assert [each.verdict for each in proof_findings(None, replace(MINE, qualified=True))] == [Verdict.STOPS]
