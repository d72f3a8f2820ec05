"""What a mail's own signatures are worth is said in its provenance: what was proved, and never more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.serialization import pkcs7

from receipts.errors import Code, Refused
from receipts.pdfa.mail import signed
from tests.receipts import mails
from tests.receipts.mails import HEADER, attached, multipart, nested, part, pdf, text
from tests.receipts.pdfa_cases import made, texts

INSIDE = text("Total 12,50 €").replace(b"\r\n", b"\n").rstrip(b"\n")
CLEAR = HEADER.replace("MIME-Version: 1.0\r\n", "").encode() + mails.signed(
    INSIDE, pkcs7.PKCS7Options.DetachedSignature, smime=True
)


def said(message: bytes) -> list[Mapping[str, Any]]:
    """What the provenance says of each signature."""
    return list(made(message).fidelity["signatures"])  # type: ignore[arg-type]


def smime(content: bytes) -> bytes:
    return HEADER.encode() + part(content, "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m")


@pytest.mark.parametrize("change", [lambda raw: raw, lambda raw: raw.replace(b"\r\n", b"\n")], ids=["CRLF", "LF"])
def test_a_signature_beside_is_checked_however_lines_end(change: Any) -> None:
    (one,) = said(change(CLEAR))
    assert (one["kind"], one["integrity"], one["message"]) == ("s/mime", "intact", 1)
    assert one["certificate"]["subject"] == "Common Name: Shop"
    assert len(one["certificate"]["sha256"]) == 64
    assert "certificate not checked" in one["reason"]


def test_changed_words_break_it_and_are_shown_still() -> None:
    message = CLEAR.replace(b"12,50", b"92,50")
    assert said(message)[0]["integrity"] == "broken"
    assert "92,50" in texts(made(message).pdf)


@pytest.mark.parametrize("options", [(), (pkcs7.PKCS7Options.NoAttributes,)], ids=["attributes", "bare"])
def test_a_signature_around_is_checked(options: tuple[pkcs7.PKCS7Options, ...]) -> None:
    content = mails.signed(
        multipart(text("x"), attached(pdf(), "r.pdf"), header=""), pkcs7.PKCS7Options.Binary, *options
    )
    assert [one["integrity"] for one in said(smime(content))] == ["intact"]
    changed = content.replace(b"text/plain", b"text/plane")
    assert [one["integrity"] for one in said(smime(changed))] == ["broken"]


def test_it_is_said_on_which_message_a_signature_is() -> None:
    assert [one["message"] for one in said(multipart(text("see"), nested(CLEAR), boundary="outer"))] == [2]


def test_without_certificate_or_content_nothing_is_proved() -> None:
    content = mails.signed(INSIDE, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCerts)
    (one,) = said(smime(content))
    assert (one["integrity"], one["reason"]) == ("not-verified", "the signer's certificate is not in the message")
    (one,) = signed.smime(mails.signed(INSIDE, pkcs7.PKCS7Options.DetachedSignature))
    assert (one["integrity"], one["reason"]) == ("not-verified", "what was signed is not in the message")


def test_an_algorithm_nobody_knows_proves_nothing() -> None:
    info = cms.ContentInfo.load(mails.signed(INSIDE, pkcs7.PKCS7Options.Binary))
    info["content"]["signer_infos"][0]["digest_algorithm"]["algorithm"] = "md2"
    (one,) = signed.smime(info.dump(force=True))
    assert one["integrity"] == "not-verified"


def test_dkim_and_openpgp_are_named_and_not_believed() -> None:
    header = "DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=k1;\r\n\tbh=x; b=y\r\n" + HEADER
    beside = part(b"-----BEGIN PGP SIGNATURE-----\n\niQ\n", "application/pgp-signature; name=signature.asc")
    message = multipart(text("Total 6"), beside, kind="signed", header=header)
    dkim, openpgp = said(message)
    assert (dkim["kind"], dkim["domain"], dkim["selector"]) == ("dkim", "shop.example", "k1")
    assert dkim["integrity"] == openpgp["integrity"] == "not-verified"
    assert "DNS" in dkim["reason"]
    assert openpgp["kind"] == "openpgp"
    assert said(multipart(text("x"))) == []


def test_a_broken_wrapping_beside_a_whole_message_is_refused_alone() -> None:
    content = mails.signed(pdf(), pkcs7.PKCS7Options.Binary)
    for name, media_type, parts in (
        ("r.pdf.p7m", "application/octet-stream", 1), ("smime.p7s", "application/pkcs7-signature", 0),
    ):  # fmt: skip
        result = made(multipart(text("Total 5"), attached(content[:200], name, media_type)))
        assert len(result.parts) == parts
        assert "Total 5" in texts(result.pdf)
    with pytest.raises(Refused) as refused:
        made(content[:200])
    assert refused.value.code is Code.DAMAGED


@pytest.mark.parametrize("xml", [b'<?xml version="1.0"?><other/>', b'<?xml version="1.0"?><p:FatturaElettronica/>'])
def test_a_signed_file_of_a_kind_we_do_not_take_says_so(xml: bytes) -> None:
    content = mails.signed(xml, pkcs7.PKCS7Options.Binary)
    if b"Fattura" in xml:
        assert [one.content for one in made(multipart(text("x"), attached(content, "IT1.xml.p7m"))).parts] == [xml]
        return
    with pytest.raises(Refused) as refused:
        made(content)
    assert refused.value.code is Code.UNSUPPORTED_TYPE
