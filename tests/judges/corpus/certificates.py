"""Certificates that are wrong in one way each, in a seal that is otherwise a good B-LT."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.judges.corpus import pki
from tests.judges.corpus.pki import (
    CA,
    OCSP,
    SEAL,
    SEALED_AT,
    STATUS,
    TSU,
    Identity,
    constraints,
    issue,
    purposes,
    usage,
)
from tests.judges.corpus.sealing import Data, Seal, about, bt, good, identity, lt, lta

_DAY = timedelta(days=1)
_SERVER = ExtendedKeyUsageOID.SERVER_AUTH


def cases() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file."""
    for name, sealer in _sealers():
        yield name, lt(bt(Seal(by=sealer)), about(sealer)).data
    for name, authority in _authorities():
        yield name, _below(authority)
    yield from _stamping()
    yield from _revoked()
    yield from _answers()


def _sealers() -> Iterator[tuple[str, Identity]]:
    def made(name: str, *extensions: pki.Extension, **options: Any) -> tuple[str, Identity]:
        return name, issue(name, identity("ca"), extensions or SEAL, **options)

    yield made("expired-before-sealing", end=SEALED_AT - _DAY)
    yield made("expired-since", end=SEALED_AT + timedelta(hours=1))
    yield made("not-yet-valid-at-sealing", start=SEALED_AT + timedelta(hours=1))
    yield made("not-yet-valid-at-all", start=SEALED_AT + 9 * _DAY)
    yield made("usage-digital-signature", constraints(False), usage("digital_signature"), *STATUS)
    yield made("usage-both", constraints(False), usage("digital_signature", "content_commitment"), *STATUS)
    yield made("usage-encipherment", constraints(False), usage("key_encipherment"), *STATUS)
    yield made("usage-certificates", constraints(False), usage("key_cert_sign"), *STATUS)
    yield made("usage-none", constraints(False), *STATUS)
    yield made("purpose-server", *SEAL, purposes(_SERVER))
    yield made("purpose-mail", *SEAL, purposes(ExtendedKeyUsageOID.EMAIL_PROTECTION))
    yield made("purpose-time-stamping", *SEAL, purposes(ExtendedKeyUsageOID.TIME_STAMPING, critical=True))
    yield made("purpose-any", *SEAL, purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE))
    yield made("is-a-ca", constraints(True), usage("content_commitment", "key_cert_sign"), *STATUS)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.7"), b"\x05\x00")
    yield made("unknown-critical-extension", *SEAL, (unknown, True))
    yield made("unknown-extension", *SEAL, (unknown, False))
    yield made("no-status-addresses", constraints(False), usage("content_commitment"))
    yield made("no-basic-constraints", usage("content_commitment"), *STATUS)
    yield made("serial-number-huge", serial=(1 << 159) - 3)
    yield "self-signed", issue("self-signed", None, SEAL)
    yield "unknown-issuer", issue("unknown-issuer", issue("stranger root", None, CA), SEAL)
    namesake = issue("root", None, CA, kind="p384")
    yield "issuer-of-the-same-name", issue("issuer-of-the-same-name", namesake, SEAL)
    forged = Identity(name="ca", key=issue("forger", None, CA).key, certificate=identity("ca").certificate)
    yield "not-signed-by-its-issuer", issue("not-signed-by-its-issuer", forged, SEAL)


def _authorities() -> Iterator[tuple[str, Identity]]:
    root = identity("root")

    def made(name: str, *extensions: pki.Extension, above: Identity = root, **options: Any) -> tuple[str, Identity]:
        return name, issue(name, above, extensions or CA, **options)

    keys = usage("key_cert_sign", "crl_sign")
    yield made("ca-good")
    yield made("ca-not-a-ca", constraints(False), keys, *STATUS)
    yield made("ca-without-constraints", keys, *STATUS)
    yield made("ca-without-usage", constraints(True), *STATUS)
    yield made("ca-usage-no-certificates", constraints(True), usage("crl_sign", "digital_signature"), *STATUS)
    yield made("ca-usage-no-crls", constraints(True), usage("key_cert_sign"), *STATUS)
    yield made("ca-expired", end=SEALED_AT - _DAY)
    yield made("ca-expired-since", end=SEALED_AT + timedelta(hours=1))
    yield made("ca-not-yet-valid", start=SEALED_AT + _DAY / 2)
    yield made("ca-rsa1024", kind="rsa1024")
    yield made("ca-signed-sha1", digest="sha1")
    flat = issue("ca of length zero", root, (constraints(True, 0), keys, *STATUS))
    yield made("ca-below-path-length-zero", above=flat)
    yield "ca-is-of-path-length-zero", flat
    for name, allowed in (("ca-names-permitted", True), ("ca-names-not-permitted", False)):
        wanted = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR" if allowed else "DE")])
        limit = x509.NameConstraints([x509.DirectoryName(wanted)], None)
        yield made(name, constraints(True), keys, *STATUS, (limit, True))
    france = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR")])
    yield made("ca-names-excluded", *CA, (x509.NameConstraints(None, [x509.DirectoryName(france)]), True))
    yield made("ca-purpose-server", *CA, purposes(_SERVER))
    yield made("ca-policy-required", *CA, (x509.PolicyConstraints(0, None), True))
    leaf = issue("seal that signs certificates", identity("ca"), SEAL)
    yield made("ca-is-a-seal", above=leaf)


def _below(authority: Identity) -> bytes:
    sealer = issue(f"seal below {authority.name}", authority, SEAL)
    responder = issue(f"ocsp below {authority.name}", authority, OCSP)
    known = [each.der for each in (*sealer.chain, responder, identity("tsu"), identity("ocsp"), identity("ca"))]
    ocsps = [pki.answer(sealer, responder), good("tsu")]
    crls = [pki.crl(each) for each in authority.chain[1:]]
    if identity("root") not in authority.chain:
        crls.append(pki.crl(identity("root")))
    return lt(bt(Seal(by=sealer)), Data(certificates=list(dict.fromkeys(known)), ocsps=ocsps, crls=crls)).data


def _stamping() -> Iterator[tuple[str, bytes]]:
    """Time-stamping units and tokens that are wrong."""
    ca, seal = identity("ca"), identity("seal")
    stamping = ExtendedKeyUsageOID.TIME_STAMPING

    def by(unit: Identity, name: str, **options: Any) -> tuple[str, bytes]:
        made = bt(Seal(by=seal, stamps=[lambda value: pki.token(unit, value, **options)]))
        known = [*(each.der for each in unit.chain), *Data().certificates]
        about_unit = [pki.answer(unit, identity("ocsp"))] if unit.issuer == ca else []
        data = Data(certificates=list(dict.fromkeys(known)), ocsps=[good("seal"), good("tsu"), *about_unit])
        return name, lt(made, data).data

    signing = usage("digital_signature")
    plain = (constraints(False), signing, *STATUS)
    stranger = issue("tsu of a stranger", issue("stranger root", None, CA), TSU)
    yield by(stranger, "tsu-untrusted")
    yield by(issue("tsu self", None, TSU), "tsu-self-signed")
    yield by(issue("tsu without purpose", ca, plain), "tsu-without-purpose")
    yield by(issue("tsu not critical", ca, (*plain, purposes(stamping))), "tsu-purpose-not-critical")
    yield by(issue("tsu two", ca, (*plain, purposes(stamping, _SERVER, critical=True))), "tsu-two-purposes")
    yield by(issue("tsu server", ca, (*plain, purposes(_SERVER, critical=True))), "tsu-purpose-server")
    yield by(issue("tsu usage", ca, (*TSU[:1], usage("key_encipherment"), *TSU[2:])), "tsu-usage-encipherment")
    yield by(issue("tsu committing", ca, (*TSU[:1], usage("content_commitment"), *TSU[2:])), "tsu-usage-commitment")
    yield by(issue("tsu expired", ca, TSU, end=SEALED_AT - _DAY), "tsu-expired-before")
    yield by(issue("tsu expires", ca, TSU, end=SEALED_AT + timedelta(hours=1)), "tsu-expired-since")
    yield by(issue("tsu later", ca, TSU, start=SEALED_AT + timedelta(hours=1)), "tsu-not-yet-valid")
    yield by(issue("tsu rsa1024", ca, TSU, kind="rsa1024"), "tsu-rsa1024")
    yield by(issue("tsu rsa2048", ca, TSU, kind="rsa2048"), "tsu-rsa2048")
    yield by(seal, "tsu-is-the-seal")
    unit = identity("tsu")
    yield by(unit, "time-stamp-of-the-future", at=SEALED_AT + 9 * _DAY)
    yield by(unit, "time-stamp-before-the-certificates", at=datetime(2024, 1, 1, tzinfo=UTC))
    yield by(unit, "time-stamp-after-the-data", at=SEALED_AT + timedelta(hours=2))
    yield by(unit, "time-stamp-without-certificates", certificates=[])
    for how in ("v1", "none", "v2-wrong", "both"):
        yield by(unit, f"time-stamp-signing-certificate-{how}", ess=how)
    wrong = bt(Seal(by=seal, stamps=[lambda value: pki.token(unit, value + b"!")]))
    yield "time-stamp-of-something-else", lt(wrong).data
    spoilt = bt(Seal(by=seal, stamps=[lambda value: _spoilt(pki.token(unit, value))]))
    yield "time-stamp-spoilt", lt(spoilt).data
    good_one = [lambda value: pki.token(unit, value, serial=2)]
    for name, second in (("untrusted", stranger), ("expired", issue("tsu expired", ca, TSU, end=SEALED_AT - _DAY))):
        stamps = [*good_one, lambda value, second=second: pki.token(second, value)]
        data = Data(certificates=[*Data().certificates, *(each.der for each in second.chain)])
        yield f"two-time-stamps-one-{name}", lt(bt(Seal(by=seal, stamps=stamps)), data).data
    stamps = [*good_one, lambda value: pki.token(unit, value + b"!")]
    yield "two-time-stamps-one-of-something-else", lt(bt(Seal(by=seal, stamps=stamps))).data
    stamps = [*good_one, lambda value: pki.token(unit, value, at=SEALED_AT + timedelta(seconds=30))]
    yield "two-time-stamps-half-a-minute-apart", lt(bt(Seal(by=seal, stamps=stamps))).data
    yield "stamp-over-the-file-untrusted", lta(lt(bt()), lambda covered: pki.token(stranger, covered)).data
    yield "stamp-over-the-file-wrong", lta(lt(bt()), lambda covered: pki.token(unit, covered + b"!")).data
    yield (
        "stamp-over-the-file-earlier",
        lta(lt(bt()), lambda covered: pki.token(unit, covered, at=SEALED_AT - _DAY)).data,
    )
    old = issue("tsu expires", ca, TSU, end=SEALED_AT + timedelta(hours=1))
    data = Data(certificates=[*Data().certificates, old.der], ocsps=[good("seal"), pki.answer(old, identity("ocsp"))])
    kept = lt(bt(Seal(by=seal, stamps=[lambda value: pki.token(old, value)])), data)
    yield "tsu-expired-since-but-archived", lta(kept).data


def _spoilt(token: bytes) -> bytes:
    return token[:-1] + bytes([token[-1] ^ 1])


def _revoked() -> Iterator[tuple[str, bytes]]:
    ocsp, seal, reasons = identity("ocsp"), identity("seal"), x509.ReasonFlags
    late = SEALED_AT + timedelta(seconds=30)
    for reason in (
        reasons.key_compromise,
        reasons.superseded,
        reasons.certificate_hold,
        reasons.cessation_of_operation,
    ):
        for name, since in (("before", SEALED_AT - _DAY), ("after", late)):
            said = pki.answer(seal, ocsp, revoked=since, reason=reason)
            data = Data(ocsps=[said, good("tsu")])
            yield f"revoked-{name}-{reason.value}", lt(bt(), data).data
            yield f"revoked-{name}-{reason.value}-lta", lta(lt(bt(), data)).data
    for name, since in (("before", SEALED_AT - _DAY), ("after", late)):
        data = Data(ocsps=[good("seal"), good("tsu", revoked=since)])
        yield f"revoked-tsu-{name}", lt(bt(), data).data
        listed = [(identity("ca"), since, reasons.ca_compromise)]
        yield f"revoked-ca-{name}", lt(bt(), Data(crls=[pki.crl(identity("root"), revoked=listed)])).data
        listed = [(seal, since, reasons.key_compromise)]
        crls = [pki.crl(identity("root")), pki.crl(identity("ca"), revoked=listed)]
        yield f"revoked-in-crl-{name}", lt(bt(), Data(ocsps=[good("tsu")], crls=crls)).data
        yield f"revoked-in-crl-good-in-ocsp-{name}", lt(bt(), Data(crls=crls)).data
    both = [good("seal"), pki.answer(seal, ocsp, revoked=late, at=SEALED_AT + timedelta(hours=2)), good("tsu")]
    yield "good-then-revoked", lt(bt(), Data(ocsps=both)).data
    removed = [(seal, SEALED_AT - _DAY, reasons.remove_from_crl)]
    crls = [pki.crl(identity("root")), pki.crl(identity("ca"), revoked=removed)]
    yield "removed-from-crl", lt(bt(), Data(ocsps=[good("tsu")], crls=crls)).data


def _answers() -> Iterator[tuple[str, bytes]]:
    """Revocation information that is missing, old, forged, or someone else's."""
    ca, seal, root, ocsp = (identity(name) for name in ("ca", "seal", "root", "ocsp"))
    plain = (constraints(False), usage("digital_signature"), *STATUS)

    def with_ocsp(name: str, *answers: bytes) -> tuple[str, bytes]:
        return name, lt(bt(), Data(ocsps=[*answers, good("tsu")])).data

    def by(name: str, responder: Identity, **options: Any) -> tuple[str, bytes]:
        known = [*Data().certificates, *(each.der for each in responder.chain)]
        data = Data(
            certificates=list(dict.fromkeys(known)), ocsps=[pki.answer(seal, responder, **options), good("tsu")]
        )
        return name, lt(bt(), data).data

    yield with_ocsp("ocsp-missing")
    yield with_ocsp("ocsp-unknown", good("seal", unknown=True))
    yield with_ocsp("ocsp-before-the-seal", good("seal", at=SEALED_AT - _DAY))
    yield with_ocsp("ocsp-before-the-seal-and-over", good("seal", at=SEALED_AT - _DAY, lasts=timedelta(hours=1)))
    yield with_ocsp("ocsp-of-the-future", good("seal", at=SEALED_AT + 9 * _DAY))
    yield with_ocsp("ocsp-over-by-now", good("seal", lasts=timedelta(hours=1)))
    yield with_ocsp("ocsp-without-end", good("seal", lasts=None))
    yield with_ocsp("ocsp-about-another", good("other"))
    yield with_ocsp("ocsp-spoilt", _spoilt_ocsp(good("seal")))
    yield with_ocsp("ocsp-with-issuer-of-another", good("seal", issuer=root))
    yield by("ocsp-by-the-ca-itself", ca)
    yield by("ocsp-by-the-ca-itself-without-certificate", ca, with_certificate=False)
    yield by("ocsp-without-certificate", ocsp, with_certificate=False)
    yield by("ocsp-by-the-seal-itself", seal)
    yield by("ocsp-responder-without-purpose", issue("ocsp without purpose", ca, (*plain, (x509.OCSPNoCheck(), False))))
    yield by("ocsp-responder-without-nocheck", issue("ocsp without nocheck", ca, OCSP[:3]))
    yield by("ocsp-responder-of-a-stranger", issue("ocsp of a stranger", issue("stranger root", None, CA), OCSP))
    yield by("ocsp-responder-of-the-root", issue("ocsp of the root", root, OCSP))
    yield by("ocsp-responder-expired", issue("ocsp expired", ca, OCSP, end=SEALED_AT - _DAY))
    yield by("ocsp-responder-expired-since", issue("ocsp expires", ca, OCSP, end=SEALED_AT + timedelta(hours=1)))
    yield by("ocsp-responder-rsa1024", issue("ocsp rsa1024", ca, OCSP, kind="rsa1024"))
    yield "no-data-for-the-tsu", lt(bt(), Data(ocsps=[good("seal")])).data
    yield "no-crl", lt(bt(), Data(crls=[])).data
    yield "no-certificates", lt(bt(), Data(certificates=[])).data
    forger = issue("forger", None, CA)
    for name, made in (
        ("crl-forged", pki.crl(root, by=forger.key)),
        ("crl-over-by-now", pki.crl(root, lasts=timedelta(hours=1))),
        ("crl-before-the-seal", pki.crl(root, at=SEALED_AT - _DAY)),
        ("crl-before-the-seal-and-over", pki.crl(root, at=SEALED_AT - _DAY, lasts=timedelta(hours=1))),
        ("crl-of-the-future", pki.crl(root, at=SEALED_AT + 9 * _DAY)),
        ("crl-of-another", pki.crl(ca)),
        ("crl-delta", pki.crl(root, extensions=[(x509.DeltaCRLIndicator(1), True)])),
        ("crl-for-users-only", pki.crl(root, extensions=[_scope(only_contains_user_certs=True)])),
        ("crl-for-cas-only", pki.crl(root, extensions=[_scope(only_contains_ca_certs=True)])),
        ("crl-indirect", pki.crl(root, extensions=[_scope(indirect_crl=True)])),
        ("crl-for-cas-only-named", pki.crl(root, extensions=[_scope(only_contains_ca_certs=True, full_name=True)])),
        ("crl-named", pki.crl(root, extensions=[_scope(full_name=True)])),
        ("crl-named-elsewhere", pki.crl(root, extensions=[_scope(full_name=False)])),
        ("crl-rsa1024", pki.crl(issue("root", None, CA, kind="rsa1024"))),
    ):
        yield name, lt(bt(), Data(crls=[made])).data
    yield "ocsp-good-and-unknown", lt(bt(), Data(ocsps=[good("seal"), good("seal", unknown=True), good("tsu")])).data


def _scope(full_name: bool | None = None, **options: bool) -> pki.Extension:
    """A scope; `full_name`: named as certificates have it (true), or otherwise (false)."""
    flags = {"only_contains_user_certs": False, "only_contains_ca_certs": False, "indirect_crl": False} | options
    url = x509.UniformResourceIdentifier("http://corpus.invalid/" + ("" if full_name else "elsewhere"))
    point = x509.IssuingDistributionPoint(
        full_name=None if full_name is None else [url],
        relative_name=None,
        only_some_reasons=None,
        only_contains_attribute_certs=False,
        **flags,
    )
    return point, True


def _spoilt_ocsp(response: bytes) -> bytes:
    place = len(response) // 3
    return response[:place] + bytes([response[place] ^ 1]) + response[place + 1 :]
