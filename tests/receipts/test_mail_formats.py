"""Every wrapping in which a message comes, and every way in which one is broken."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from asn1crypto import cms
from compressed_rtf import compress
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receipts.errors import Code, Refused
from receipts.pdfa import original_of
from receipts.policy import Limits
from tests import judge
from tests.conftest import SAMPLES
from tests.receipts import mails
from tests.receipts.mails import HEADER, attached, msg_attachment, msg_storage, multipart, part, pdf, photo, text
from tests.receipts.pdfa_cases import made, texts

UTF8 = "Content-Type: text/plain; charset=utf-8\r\n\r\n"


def names(message: bytes) -> list[str]:
    return [one.name for one in made(message).parts]


# --- the samples -----------------------------------------------------------------------------------------------------

OUTCOMES = {
    "imap_tools__att_name_in_content_type.eml": [],
    "imap_tools__attachment_2_base64.eml": [],
    "imap_tools__attachment_8bit.eml": [],
    "imap_tools__attachment_inline1.eml": [],
    "imap_tools__base.eml": [],
    "imap_tools__double_fields.eml": [],
    "tika__complex.mbox": Code.UNSUPPORTED_TYPE,
    "tika__quoted.mbox": Code.UNKNOWN_TYPE,
    "tika__testEML_embedded_xhtml_and_img.eml": [],
    "tika__testEmailWithPNGAtt.eml": ["testPNG.png"],
    "tika__testGroupWiseEml.eml": [],
    "tika__testMSG_forwarded.msg": [],
    "tika__testPKCS7_signed_data_def.p7m": [],
    "tika__testRFC822_dkim.eml": [],
    "tika__testRFC822_multipart_attachments.eml": [],
    "tika__testWINMAIL.dat": ["quick.doc", "quick.pdf"],
}


def test_every_sample_has_its_outcome(samples: Path) -> None:
    assert sorted(OUTCOMES) == sorted(path.name for path in (samples / "mail").iterdir())


@pytest.mark.parametrize("name", OUTCOMES)
def test_sample(samples: Path, name: str) -> None:
    original, expected = (samples / "mail" / name).read_bytes(), OUTCOMES[name]
    if isinstance(expected, Code):
        with pytest.raises(Refused) as refused:
            made(original)
        assert refused.value.code is expected
        return
    result = made(original)
    assert original_of(result.pdf) == original
    assert [one.name for one in result.parts] == expected


def test_nested_messages_of_the_samples_are_shown(samples: Path) -> None:
    forwarded = made((samples / "mail/tika__testMSG_forwarded.msg").read_bytes())
    assert "Original Body" in texts(forwarded.pdf)
    assert "Paul Allan Hill" in texts(forwarded.pdf)
    group_wise = made((samples / "mail/tika__testGroupWiseEml.eml").read_bytes())
    assert "test2" in texts(group_wise.pdf, 2)
    assert "five files" in texts(made((samples / "mail/tika__testWINMAIL.dat").read_bytes()).pdf)


# --- names, charsets, boundaries -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename*=utf-8''Re%C3%A7u%20n%C2%B01.pdf", "Reçu n°1.pdf"),
        ("attachment; filename*0*=utf-8''Re%C3; filename*1*=%A7u; filename*2=.pdf", "Reçu.pdf"),
        ("attachment; filename*=iso-8859-1'fr'Re%E7u.pdf", "Reçu.pdf"),
        ("attachment; filename*=no-such''Re%C3%A7u.pdf", None),
        ("attachment; filename*=utf-7''a+2AA-b.pdf", "a\ufffdb.pdf"),
        ("attachment; filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ('attachment; filename="=?utf-8?Q?Re=C3=A7u.pdf?="', "Reçu.pdf"),
        ('attachment; filename="=?utf-8?B?UmXDp3UucGRm?="', "Reçu.pdf"),
        ("attachment; filename=Reçu.pdf", "Reçu.pdf"),
        ('attachment; filename="../../etc/passwd"', "../../etc/passwd"),
        ('attachment; filename="a\tb\u202egnp.pdf"', "a b\ufffdgnp.pdf"),
        ("attachment; filename*=utf-8", None),
        ("attachment; filename*x*y=z; filename*=''''", None),
    ],
)
def test_names(disposition: str, name: str | None) -> None:
    one = part(pdf(), "application/pdf").replace(b"\r\n", f"\r\nContent-Disposition: {disposition}\r\n".encode(), 1)
    [found] = made(multipart(text("x"), one)).parts
    assert found.content == pdf()
    assert name is None or found.name == name


@pytest.mark.parametrize(
    ("charset", "coded"),
    [
        ("utf-8", "Café 5 €".encode()),
        ("iso-8859-1", "Café 5 €".encode("cp1252")),
        ("us-ascii", "Café 5 €".encode()),
        ("no-such-charset", "Café 5 €".encode()),
        ("utf-8", "Café 5 €".encode("cp1252")),
        ("'windows-1252'", "Café 5 €".encode("cp1252")),
        ("idna", "Café 5 €".encode()),
        ("utf-16", "Café 5 €".encode("utf-16")),
    ],
)
def test_charsets(charset: str, coded: bytes) -> None:
    body = part(coded, f'text/plain; charset="{charset}"')
    assert "Café 5 €" in texts(made(multipart(body)).pdf)


def test_a_meta_element_names_the_charset() -> None:
    body = part("<meta charset=koi8-r><p>Чек".encode("koi8-r"), "text/html")
    assert "Чек" in texts(made(multipart(body)).pdf)


@pytest.mark.parametrize(
    ("told", "used"),
    [('; boundary="other"', "B"), ("", "B"), ('; boundary=""', "B"), ("; boundary*0=x", "----=_Part 1")],
)
def test_broken_boundaries(told: str, used: str) -> None:
    start = f"{HEADER}Content-Type: multipart/mixed{told}\r\n\r\n".encode()
    line = f"--{used}\r\n".encode()
    body = line + text("words of the body") + line + attached(pdf(), "r.pdf") + line[:-2] + b"--\r\n"
    result = made(start + body)
    assert [one.content for one in result.parts] == [pdf()]
    assert "words of the body" in texts(result.pdf)


def test_a_boundary_that_closes_too_early_or_never() -> None:
    whole = multipart(text("x"), attached(pdf("1"), "1.pdf"))
    late = b"--B\r\n" + attached(pdf("2"), "2.pdf") + b"--B--\r\n"
    assert names(whole + late) == ["1.pdf", "2.pdf"]
    assert names(whole.removesuffix(b"--B--\r\n")) == ["1.pdf"]


def test_base64_with_rubbish_in_it() -> None:
    message = multipart(text("x"), attached(pdf(), "r.pdf").replace(b"\n", b" \n!*\n"))
    assert names(message.replace(b" \n!*\n", b"\n", 4)) == ["r.pdf"]


def test_a_mail_that_is_nothing_but_its_attachment() -> None:
    assert [one.content for one in made(HEADER.encode() + part(pdf(), "application/pdf")).parts] == [pdf()]


def test_a_pdf_near_the_beginning_makes_no_pdf_of_a_mail() -> None:
    result = made(f"{HEADER}{UTF8}%PDF-1.7 is what I send".encode())
    assert result.media_type == "message/rfc822"


def test_a_header_longer_than_a_page() -> None:
    result = made(f"{HEADER}Cc: {', '.join(f'a{n}@b.example' for n in range(9000))}\r\n{UTF8}words".encode())
    assert "whole in the attached message" in texts(result.pdf)


# --- S/MIME and PGP --------------------------------------------------------------------------------------------------


def smime(content: bytes, kind: str) -> bytes:
    return HEADER.encode() + part(content, f"application/pkcs7-mime; smime-type={kind}; name=smime.p7m")


def test_signed_mail_that_hides_its_content() -> None:
    inside = multipart(text("signed words"), attached(pdf(), "r.pdf"), header="")
    for content in (mails.signed(inside, pkcs7.PKCS7Options.Binary), mails.signed_in_ber(inside)):
        result = made(smime(content, "signed-data"))
        assert [one.content for one in result.parts] == [pdf()]
        assert "signed words" in texts(result.pdf)
        assert made(content).media_type == "application/pkcs7-mime"
        assert [one.content for one in made(content).parts] == [pdf()]


def test_signed_mail_that_shows_its_content() -> None:
    entity = mails.signed(
        b"Content-Type: text/plain\r\n\r\nsigned words\r\n", pkcs7.PKCS7Options.DetachedSignature, smime=True
    )
    result = made(HEADER.replace("MIME-Version: 1.0\r\n", "").encode() + entity)
    assert "signed words" in texts(result.pdf)
    assert result.parts == ()
    assert made(entity).media_type == "message/rfc822"


def test_signed_file() -> None:
    for content in (mails.signed(pdf(), pkcs7.PKCS7Options.Binary), mails.signed_in_ber(pdf())):
        result = made(content)
        assert [one.content for one in result.parts] == [pdf()]
        assert original_of(result.pdf) == content


def test_a_signature_alone_is_nothing() -> None:
    with pytest.raises(Refused) as refused:
        made(mails.signed(pdf(), pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary))
    assert refused.value.code is Code.NO_CONTENT


def test_compressed_mail() -> None:
    def compressed(content: bytes) -> bytes:
        inner = {"content_type": "data", "content": zlib.compress(content)}
        data = {"version": "v0", "compression_algorithm": {"algorithm": "zlib"}, "encap_content_info": inner}
        return cms.ContentInfo({"content_type": "compressed_data", "content": cms.CompressedData(data)}).dump()

    inside = multipart(text("x"), attached(pdf(), "r.pdf"), header="")
    assert names(smime(compressed(inside), "compressed-data")) == ["r.pdf"]
    with pytest.raises(Refused) as refused:
        made(smime(compressed(bytes(10_000_000)), "compressed-data"), Limits(size_bytes=100_000))
    assert refused.value.code is Code.TOO_LARGE


PGP = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA1\r\n-----END PGP MESSAGE-----\r\n"


@pytest.mark.parametrize(
    "message",
    [
        smime(mails.enveloped(b"x"), "enveloped-data"),
        smime(mails.enveloped(b"x"), "signed-data"),
        mails.enveloped(b"x"),
        multipart(text("x"), attached(mails.enveloped(b"x"), "smime.p7m")),
        multipart(part(b"Version: 1", "application/pgp-encrypted"), attached(PGP.encode(), "a.asc"), kind="encrypted"),
        multipart(text("x"), attached(PGP.encode(), "encrypted.asc")),
        f"{HEADER}{UTF8}{PGP}".encode(),
        multipart(text("x"), mails.nested(f"{HEADER}{UTF8}{PGP}".encode())),
    ],
)
def test_encrypted_mail_is_refused_with_advice(message: bytes) -> None:
    with pytest.raises(Refused) as refused:
        made(message)
    assert refused.value.code is Code.ENCRYPTED
    assert "without password or key" in refused.value.advice


def test_clear_signed_pgp() -> None:
    head, foot = (
        "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n",
        "-----BEGIN PGP SIGNATURE-----\r\n\r\niQ\r\n",
    )
    body = f"{head}Total 5\r\n{foot}"
    assert "Total 5" in texts(made(f"{HEADER}{UTF8}{body}".encode()).pdf)
    signature = part(b"-----BEGIN PGP SIGNATURE-----\n\niQ\n", "application/pgp-signature; name=signature.asc")
    result = made(multipart(text("Total 6"), signature, kind="signed"))
    assert "Total 6" in texts(result.pdf)
    assert result.parts == ()


# --- Outlook ---------------------------------------------------------------------------------------------------------


def test_winmail_dat_gives_back_every_byte() -> None:
    odd = pdf() + b"\0\0\0"  # trimming zeros is what packages do
    inner = mails.tnef("inner words", [("inner.pdf", pdf("inner"))])
    content = mails.tnef("Été, 5 €", [("r.pdf", odd)], more=mails.tnef_object(inner))
    for message in (content, multipart(text("x"), attached(content, "winmail.dat", "application/ms-tnef"))):
        assert [one.content for one in made(message).parts] == [odd, pdf("inner")]
    assert "Été, 5 €" in texts(made(content).pdf)
    assert "inner words" in texts(made(content).pdf, 1)


def test_words_of_winmail_dat_are_shown_once() -> None:
    shown = texts(made(multipart(text("same words"), attached(mails.tnef("same words", []), "winmail.dat"))).pdf)
    assert shown.count("same words") == 1


def test_outlook_message() -> None:
    inner = msg_storage("Inner", "inner words", [msg_attachment("deep.jpg", photo())])
    logo = msg_attachment("logo.png", photo(90, 60, "PNG"), content_id="logo@x", hidden=True)
    attachments = [msg_attachment("r.pdf", pdf()), logo, msg_attachment("Fw", inner)]
    html = "<p>Total 5 € <img src='cid:logo@x'>".encode()
    content = mails.msg("Reçu", "plain", attachments, p10130102=html)
    result = made(content)
    assert result.media_type == "application/vnd.ms-outlook"
    assert original_of(result.pdf) == content
    assert [(one.name, one.content) for one in result.parts] == [("r.pdf", pdf()), ("deep.jpg", photo())]
    shown = texts(result.pdf)
    for words in ("Reçu", "Jo <jo@shop.example>", "Total 5 €", "2025"):
        assert words in shown
    assert "inner words" in texts(result.pdf, 1)
    assert names(multipart(text("x"), attached(content, "mail.msg"))) == ["r.pdf", "deep.jpg"]


def test_outlook_message_with_internet_header_or_rtf_alone() -> None:
    header = "From: Real <real@shop.example>\r\nSubject: =?utf-8?q?Re=C3=A7u?=\r\n".encode("utf-16-le")
    shown = texts(made(mails.msg("Other", "words", **{"p007D001F": header})).pdf)
    assert "Real <real@shop.example>" in shown
    assert "Reçu" in shown
    rtf = compress(rb"{\rtf1\ansi Paid \'80 5\par}")
    assert "Paid € 5" in texts(made(mails.msg("S", "", p10090102=rtf)).pdf)


def test_outlook_message_cut_off_is_refused() -> None:
    content = mails.msg("S", "words", [msg_attachment("r.jpg", photo())])
    with pytest.raises(Refused) as refused:
        made(content[: len(content) // 2])
    assert refused.value.code in (Code.DAMAGED, Code.TRUNCATED, Code.UNSUPPORTED_TYPE)
    with pytest.raises(Refused) as refused:
        made(mails.tnef("x", [("r.pdf", pdf())])[:-50])
    assert refused.value.code is Code.TRUNCATED
    with pytest.raises(Refused) as refused:
        made(mails.tnef("x", [], more=b"?" + mails.tnef("", [("r.pdf", pdf())])))
    assert refused.value.code is Code.DAMAGED


# --- whatever comes --------------------------------------------------------------------------------------------------

MADE_UP = [
    multipart(text("words"), attached(pdf(), "r.pdf"), mails.nested(multipart(text("in"), boundary="C"))),
    multipart(
        text("<p>x <img src=cid:a>", "html"), part(photo(60, 60), "image/jpeg", "Content-ID: <a>"), kind="related"
    ),
    smime(mails.signed(multipart(text("s"), attached(pdf(), "r.pdf"), header="")), "signed-data"),
    mails.signed_in_ber(pdf()),
    mails.tnef("words", [("r.pdf", pdf())], more=mails.tnef_object(mails.tnef("in", []))),
    mails.msg("S", "words", [msg_attachment("r.pdf", pdf()), msg_attachment("Fw", msg_storage("I", "inner"))]),
    *(path.read_bytes() for path in sorted((SAMPLES / "mail").iterdir()) if path.stat().st_size < 30_000),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A message with some bytes changed, cut out, doubled, or taken from another."""
    content = bytearray(draw(st.sampled_from(MADE_UP)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 200))
        other = draw(st.sampled_from(MADE_UP))
        match draw(st.integers(0, 3)):
            case 0:
                content[start : start + length] = b""
            case 1:
                content[start:start] = content[start : start + length]
            case 2:
                content[start:start] = other[start % len(other) : start % len(other) + length]
            case _:
                content[start : start + 1] = draw(st.binary(min_size=1, max_size=4))
    return bytes(content)


@given(mutated())
@settings(max_examples=250, suppress_health_check=list(HealthCheck))
def test_whatever_comes_is_taken_or_refused(content: bytes) -> None:
    try:
        result = made(content)
    except Refused:
        return
    assert original_of(result.pdf) == content


def test_verapdf_agrees_with_every_mail(tmp_path: Path) -> None:
    everything = [path.read_bytes() for path in sorted((SAMPLES / "mail").iterdir())] + MADE_UP
    written = []
    for number, content in enumerate(everything):
        try:
            result = made(content)
        except Refused:
            continue
        written.append(tmp_path / f"{number}.pdf")
        written[-1].write_bytes(result.pdf)
    verdicts = judge.verapdf(written)
    assert len(written) > 20
    assert [path for path in map(str, written) if not verdicts[path]["compliant"]] == []
