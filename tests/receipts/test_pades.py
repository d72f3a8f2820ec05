"""What a seal looks like, that both judges accept it, and what sealing refuses."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from connectors import signing
from connectors.devpki import DevPki, Service
from connectors.devpki.certificates import Profile, certify, seal_extensions, status_extensions
from receipts import pades
from receipts.pades.token import check_token
from tests import judge
from tests.pki import anchors_of, archive_file, fetch, seal_all, seal_lt, signer_of
from tests.receipts.pades_attacks import answers, container


def test_both_judges_agree_with_a_sealed_file(devpki: Service, tmp_path: Path) -> None:
    plain = archive_file()
    [sealed] = seal_all([plain], devpki.pki)
    augmented = pades.augment(sealed, fetch([sealed], anchors_of(devpki.pki)))
    paths = {"plain": plain, "sealed": sealed, "augmented": augmented}
    files = {name: tmp_path / f"{name}.pdf" for name in paths}
    for name, content in paths.items():
        files[name].write_bytes(content)
    verdicts = judge.verapdf(files.values())
    assert [verdicts[str(path)]["compliant"] for path in files.values()] == [True, True, True]
    verdict = judge.dss([files["augmented"]], [devpki.pki.anchors])[str(files["augmented"])]
    assert verdict["passed"], verdict
    assert verdict["signatures"][0]["format"] == "PAdES-BASELINE-LT"
    assert verdict["signatures"][0]["certificate_qc"]["types"] == ["qc-type-eseal"]
    report = pades.validate(augmented, anchors_of(devpki.pki), at=datetime.now(UTC))
    assert report.passed, report.why
    assert (report.headline.organization_identifier, report.headline.level) == ("NTRFR-000000000", "PAdES-BASELINE-LT")
    assert "not proved" in (report.headline.qualification or "")


def test_each_step_only_appends(devpki: Service) -> None:
    plain = archive_file()
    [sealed] = seal_all([plain], devpki.pki)
    augmented = pades.augment(sealed, fetch([sealed], anchors_of(devpki.pki)))
    assert sealed.startswith(plain)
    assert augmented.startswith(sealed)
    with _opened(plain) as before, _opened(augmented) as after:
        assert before.Root.Metadata.objgen == after.Root.Metadata.objgen
        assert before.Root.Metadata.read_raw_bytes() == after.Root.Metadata.read_raw_bytes()
        assert set(after.Root.keys()) - set(before.Root.keys()) == {"/AcroForm", "/DSS", "/Extensions"}


def test_the_form_is_that_of_en_319_142_1(devpki: Service) -> None:
    at = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    [sealed] = seal_all([archive_file()], devpki.pki, at=at)
    opened = _opened(sealed)
    [field] = opened.Root.AcroForm.Fields
    signature = field.V
    assert (signature.Type, signature.Filter, signature.SubFilter) == ("/Sig", "/Adobe.PPKLite", "/ETSI.CAdES.detached")
    assert str(signature.M) == "D:20261123143000Z"
    assert {"/Cert", "/Reference", "/Reason"}.isdisjoint(signature.keys())
    assert [int(edge) for edge in field.Rect] == [0, 0, 0, 0]
    assert (int(field.F) & 0b100111, "/AP" in field, "/Perms" in opened.Root) == (0b100, False, False)
    assert len(bytes(signature.Contents)) <= 32767  # ISO 19005-3, 6.1.13
    message = container(sealed)["content"]
    [signer] = message["signer_infos"]
    signed = {attribute["type"].native for attribute in signer["signed_attrs"]}
    assert signed == {"content_type", "message_digest", "signing_certificate_v2"}
    assert [attribute["type"].native for attribute in signer["unsigned_attrs"]] == ["signature_time_stamp_token"]
    carried = {choice.chosen.sha256 for choice in message["certificates"]}
    assert carried == {_asn1(devpki.pki, name).sha256 for name in ("seal", "ca", "root")}


def test_a_seal_without_revocation_information_can_be_judged_later(devpki: Service) -> None:
    [sealed] = seal_all([archive_file()], devpki.pki)
    report = pades.validate(sealed, anchors_of(devpki.pki), at=datetime.now(UTC))
    assert (report.indication, report.sub_indication) == ("INDETERMINATE", "TRY_LATER")


def test_a_sealed_file_is_not_sealed_again(devpki: Service) -> None:
    [sealed] = seal_all([archive_file()], devpki.pki)
    with pytest.raises(pades.AlreadySealed):
        seal_all([sealed], devpki.pki)


def test_revocation_information_older_than_the_time_stamp_is_refused(devpki: Service) -> None:
    now = datetime.now(UTC)
    [sealed] = seal_all([archive_file()], devpki.pki)
    stale = answers(devpki.pki, now - timedelta(hours=1))
    honest = pades.ValidationData(
        certificates=stale.certificates,
        ocsps=stale.ocsps,
        crls=stale.crls,
        issued_at=now - timedelta(hours=1),
        served=stale.served,
    )
    with pytest.raises(pades.NotFresh):
        pades.augment(sealed, honest)


def test_validation_data_of_others_is_refused(devpki: Service, another_pki: Service) -> None:
    [sealed] = seal_all([archive_file()], devpki.pki)
    [other] = seal_all([archive_file()], another_pki.pki)
    data = fetch([other], anchors_of(another_pki.pki))
    with pytest.raises(ValueError, match="not for this file"):
        pades.augment(sealed, data)
    with pytest.raises(pades.NotSealed):
        pades.augment(archive_file(), data)


def test_nothing_is_sealed_by_an_untrusted_chain(devpki: Service, another_pki: Service) -> None:
    sealed = seal_all([archive_file()], devpki.pki)
    with pytest.raises(Exception, match="Unable to build a validation path"):
        fetch(sealed, anchors_of(another_pki.pki))


def test_the_container_grows_when_a_token_is_longer(devpki: Service) -> None:
    async def run() -> bytes:
        async with signing.open_session() as session:
            timestamper = signing.open_timestamper(devpki.tsa_url, session)
            sealer = pades.Sealer(signer=signer_of(devpki.pki), timestamper=timestamper)
            sealer.size.reserved_bytes = 1000
            sealed = await pades.seal(archive_file(), sealer, at=datetime.now(UTC))
            assert 1000 < sealer.size.reserved_bytes < 8000
            with pytest.raises(ValueError, match="PDF/A allows"):
                sealer.size.grow(40_000)
            return sealed

    assert container(asyncio.run(run()))["content_type"].native == "signed_data"


@pytest.mark.parametrize("spoil", ["imprint", "purpose", "signature", "no certificate", "rubbish"])
def test_a_token_is_checked_before_it_is_used(devpki: Service, spoil: str) -> None:
    message = container(seal_all([archive_file()], devpki.pki)[0])
    signer = message["content"]["signer_infos"][0]
    token = signer["unsigned_attrs"][0]["values"][0].dump()
    digest = hashes.Hash(hashes.SHA256())
    digest.update(signer["signature"].native)
    imprint = digest.finalize()
    check_token(token, imprint, "sha256")
    if spoil == "imprint":
        imprint = bytes(32)
    elif spoil == "purpose":
        token = token.replace(bytes.fromhex("06082b06010505070308"), bytes.fromhex("06082b06010505070303"))
    elif spoil == "signature":
        token = token[:-3] + bytes([token[-3] ^ 1]) + token[-2:]
    elif spoil == "no certificate":
        opened = cms.ContentInfo.load(token)
        opened["content"]["certificates"] = cms.CertificateSet([])
        token = opened.dump()
    else:
        token = b"0\x03\x02\x01\x00"
    with pytest.raises((pades.BadToken, pades.BadSignature)):
        check_token(token, imprint, "sha256")


def test_weak_keys_do_not_seal(tmp_path: Path, devpki: Service) -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP224R1())):
        signer = signing.open_signer(*_p12(tmp_path, devpki.pki, key))
        with pytest.raises(ValueError, match="too weak"):
            pades.Sealer(signer=signer, timestamper=signing.HttpTimeStamper(devpki.tsa_url))


def test_an_rsa_key_seals_with_pss(tmp_path: Path, devpki: Service) -> None:
    uri, secret = _p12(tmp_path, devpki.pki, rsa.generate_private_key(65537, 3072))

    async def run() -> bytes:
        async with signing.open_session() as session:
            timestamper = signing.open_timestamper(devpki.tsa_url, session)
            sealer = pades.Sealer(signer=signing.open_signer(uri, secret), timestamper=timestamper)
            return await pades.seal(archive_file(), sealer, at=datetime.now(UTC))

    sealed = asyncio.run(run())
    [signer] = container(sealed)["content"]["signer_infos"]
    assert signer["signature_algorithm"]["algorithm"].native == "rsassa_pss"
    # The responder doesn't know this certificate: the seal holds, and that is all that can be said.
    report = pades.validate(sealed, anchors_of(devpki.pki), at=datetime.now(UTC))
    assert report.headline.checks[2].name == "integrity of the document"
    assert (report.headline.checks[2].ok, report.sub_indication) == (True, "TRY_LATER")


def test_a_whole_chunk_shares_one_fetch(devpki: Service) -> None:
    files = seal_lt([archive_file(f"{n}.jpg") for n in range(8)], devpki.pki)
    reports = [pades.validate(pdf, anchors_of(devpki.pki), at=datetime.now(UTC)) for pdf in files]
    assert all(report.passed for report in reports)
    assert len({report.sha256 for report in reports}) == 8


def _opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


def _asn1(pki: DevPki, name: str) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(pki.certificate(name).public_bytes(serialization.Encoding.DER))


def _p12(folder: Path, pki: DevPki, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> tuple[str, str]:
    """A sealing certificate by the PKI for another key."""
    now = datetime.now(UTC)
    ca = pki.identity("ca")
    url = f"http://127.0.0.1:{pki.port}"
    status = status_extensions(crl=f"{url}/ca.crl", issuer=f"{url}/ca.cer", ocsp=f"{url}/ocsp")
    profile = Profile(
        name="Other seal",
        not_before=now - timedelta(days=1),
        not_after=now + timedelta(days=9),
        extensions=(*seal_extensions(), *status),
    )
    certificate = certify(profile, key.public_key(), ca, ca.key)
    chain = [pki.certificate("ca"), pki.certificate("root")]
    encryption = serialization.BestAvailableEncryption(b"secret")
    path = folder / "key.p12"
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"key", key, certificate, chain, encryption))
    return path.as_uri(), "secret"
