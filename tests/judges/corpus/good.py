"""Seals that nothing is wrong with but, here and there, the strength of an algorithm: levels, algorithms, forms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from asn1crypto import cms

from tests.judges.corpus import pdf as pdfs
from tests.judges.corpus import pki
from tests.judges.corpus.keys import sign
from tests.judges.corpus.pdf import Pdf
from tests.judges.corpus.sealing import Data, Seal, about, bt, good, identity, lt, lta

_KINDS = (
    ("rsa1024", "pkcs1"), ("rsa2048", "pkcs1"), ("rsa2048", "pss"), ("rsa3072", "pkcs1"), ("rsa3072", "pss"),
    ("p192", "ecdsa"), ("p224", "ecdsa"), ("p256", "ecdsa"), ("p384", "ecdsa"), ("p521", "ecdsa"), ("k256", "ecdsa"),
    ("brainpool256", "ecdsa"), ("ed25519", "ed25519"),
)  # fmt: skip
_DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256")


def cases() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file."""
    for made in (_levels, _algorithms, _forms, _several, _stamps):
        for name, pdf in made():
            yield name, pdf.data


def _levels() -> Iterator[tuple[str, Pdf]]:
    yield "unsigned", pdfs.document()
    yield "level-b", bt(Seal(by=identity("seal"), stamps=[]))
    yield "level-b-with-data", lt(bt(Seal(by=identity("seal"), stamps=[])))
    yield "level-t", bt()
    yield "level-lt", lt(bt())
    yield "level-lta", lta(lt(bt()))
    late = Data(ocsps=[good("tsu", at=pki.ARCHIVED_AT)], crls=[])
    yield "level-lta-with-data-for-its-stamp", lt(lta(lt(bt())), _with(Data(), late))
    yield "level-lta-without-lt", lta(bt())
    yield "stamp-over-the-file-only", lt(lta(bt(Seal(by=identity("seal"), stamps=[]))), _late())
    yield "stamp-over-the-file-and-no-signature", lt(lta(pdfs.document()), _late())
    yield "crls-instead-of-ocsp", lt(bt(), Data(ocsps=[], crls=[pki.crl(identity(n)) for n in ("root", "ca")]))
    yield "vri", lt(bt(), VRI={hashlib.sha1(b"0", usedforsecurity=False).hexdigest().upper(): {}})


def _late() -> Data:
    """Validation data issued after the time-stamp over the file."""
    when = {"at": pki.ARCHIVED_AT}
    root = pki.crl(identity("root"), at=pki.ARCHIVED_AT)
    return Data(ocsps=[good("seal", **when), good("tsu", **when)], crls=[root])


def _with(first: Data, second: Data) -> Data:
    return Data(
        certificates=[*first.certificates, *second.certificates],
        ocsps=[*first.ocsps, *second.ocsps],
        crls=[*first.crls, *second.crls],
    )


def _algorithms() -> Iterator[tuple[str, Pdf]]:
    ca = identity("ca")
    for kind, scheme in _KINDS:
        sealer = pki.issue(f"seal {kind}", ca, pki.SEAL, kind=kind)
        digest = "sha512" if kind == "ed25519" else "sha256"
        yield f"key-{kind}-{scheme}", lt(bt(Seal(by=sealer, scheme=scheme, digest=digest)), about(sealer))
    rsa = pki.issue("seal rsa3072", ca, pki.SEAL, kind="rsa3072")
    for digest in _DIGESTS:
        yield f"digest-{digest}", lt(bt(Seal(by=rsa, digest=digest)), about(rsa))
    for digest in ("sha1", "sha224", "sha512"):
        weak = pki.issue(f"seal certified by {digest}", ca, pki.SEAL, digest=digest)
        yield f"certificate-{digest}", lt(bt(Seal(by=weak)), about(weak))
    yield "message-digest-weaker-than-signature", lt(bt(Seal(by=rsa, alter=_digest_named("sha1"))), about(rsa))
    yield "time-stamp-imprint-sha1", lt(bt(_stamped(imprint="sha1")))
    yield "time-stamp-imprint-sha512", lt(bt(_stamped(imprint="sha512")))
    yield "time-stamp-digest-sha1", lt(bt(_stamped(digest="sha1")))
    yield "signing-certificate-sha512", lt(bt(Seal(by=identity("seal"), ess="v2-sha512")))
    yield "signing-certificate-sha1", lt(bt(Seal(by=identity("seal"), ess="v2-sha1")))
    yield "crl-sha1", lt(bt(), Data(crls=[pki.crl(identity("root"), digest="sha1")]))


def _digest_named(name: str) -> object:
    def alter(signed: cms.SignedData) -> None:
        signed["digest_algorithms"] = [{"algorithm": name}]

    return alter


def _stamped(**options: object) -> Seal:
    return Seal(by=identity("seal"), stamps=[lambda value: pki.token(identity("tsu"), value, **options)])  # type: ignore[arg-type]


def _forms() -> Iterator[tuple[str, Pdf]]:
    seal = identity("seal")
    for form in ("/adbe.pkcs7.detached", "/adbe.pkcs7.sha1", "/ETSI.RFC3161", "/Own.form", None):
        name = (form or "none").strip("/").replace(".", "-")
        yield f"subfilter-{name}", lt(bt(entries={"SubFilter": form}))
    yield "subfilter-adbe-pkcs7-sha1-as-specified", lt(bt(Seal(by=seal, alter=_encapsulate), entries=_SHA1))
    yield "subfilter-adbe-x509-rsa-sha1", lt(_x509())
    yield "signing-time-attribute", lt(bt(Seal(by=seal, attributes=_timed)))
    yield (
        "pkcs7-with-signing-time",
        lt(bt(Seal(by=seal, attributes=_timed, ess="none"), entries={"SubFilter": "/adbe.pkcs7.detached"})),
    )
    for how in ("v1", "none", "both", "v2-wrong", "v1-wrong", "v2-serial"):
        yield f"signing-certificate-{how}", lt(bt(Seal(by=seal, ess=how)))
    for key_ in ("Type", "Filter", "M"):
        yield f"no-{key_.lower()}-entry", lt(bt(entries={key_: None}))
    yield "cert-entry", lt(bt(entries={"Cert": f"<{seal.der.hex()}>"}))
    yield "reason-and-place", lt(bt(entries={"Reason": "(paid)", "Location": "(Paris)", "Name": "(Corpus)"}))
    yield "claimed-time-in-the-future", lt(bt(entries={"M": "(D:20990101000000Z)"}))
    yield "claimed-time-long-ago", lt(bt(entries={"M": "(D:19990101000000Z)"}))
    yield "only-the-signer-s-certificate", lt(bt(Seal(by=seal, certificates=[seal])))
    yield "no-certificates-in-the-container", lt(bt(Seal(by=seal, certificates=[])))
    yield "strangers-certificates-in-the-container", lt(bt(Seal(by=seal, certificates=[*seal.chain, *_strangers()])))
    for level in (1, 2, 3):
        yield f"certified-p{level}", lt(certified(level))
        yield f"certified-p{level}-lta", lta(lt(certified(level)))
        yield f"certified-p{level}-then-signed", lt(bt(base=certified(level), name="Second"))
    yield "field-lock-all", lt(locked("All"))
    yield "field-lock-amount", lt(locked("Include", ["(Amount)"]))
    yield "field-lock-then-signed", lt(bt(base=locked("Include", ["(Amount)"]), name="Second"))


_SHA1 = {"SubFilter": "/adbe.pkcs7.sha1"}


def _timed(attributes: list[cms.CMSAttribute]) -> list[cms.CMSAttribute]:
    return [*attributes, pki.attribute("signing_time", cms.Time(name="utc_time", value=pki.SEALED_AT))]


def _encapsulate(signed: cms.SignedData) -> None:
    signed["encap_content_info"] = {
        "content_type": "data",
        "content": hashlib.sha1(b"", usedforsecurity=False).digest(),
    }


def _x509() -> Pdf:
    """The oldest form: a bare PKCS#1 signature, the certificate in /Cert."""
    sealer = pki.issue("seal rsa3072", identity("ca"), pki.SEAL, kind="rsa3072")

    def container(covered: bytes) -> bytes:
        value = sign(sealer.key, covered, "pkcs1", "sha1")
        return b"\x04\x82" + len(value).to_bytes(2) + value

    return pdfs.sign(
        pdfs.document(), container, entries={"SubFilter": "/adbe.x509.rsa_sha1", "Cert": f"<{sealer.der.hex()}>"}
    )


def _strangers() -> list[pki.Identity]:
    return [pki.issue("stranger root", None, pki.CA)]


def certified(level: int, base: Pdf | None = None) -> Pdf:
    """A certified document that allows no changes (1), filling in forms (2), or also annotations (3)."""
    parameters = {"Type": "/TransformParams", "P": level, "V": "/1.2"}
    reference = {"Type": "/SigRef", "TransformMethod": "/DocMDP", "TransformParams": parameters}
    return bt(
        base=base, entries={"Reference": [reference]}, catalog={"Perms": "<</DocMDP {sig} 0 R>>"}, name="Certified"
    )


def locked(action: str, fields: list[str] | None = None) -> Pdf:
    """A signature that locks form fields."""
    parameters = {"Type": "/TransformParams", "Action": f"/{action}", "V": "/1.2"}
    lock = {"Type": "/SigFieldLock", "Action": f"/{action}"}
    if fields:
        parameters["Fields"], lock["Fields"] = fields, fields
    reference = {"Type": "/SigRef", "TransformMethod": "/FieldMDP", "TransformParams": parameters, "Data": "1 0 R"}
    return bt(entries={"Reference": [reference]}, field={"Lock": lock})


def _several() -> Iterator[tuple[str, Pdf]]:
    first, second = identity("seal"), identity("other")
    both = Data(ocsps=[good("seal"), good("other"), good("tsu")])
    twice = bt(Seal(by=second), bt(Seal(by=first)), name="Second")
    yield "two-signatures", lt(twice, both)
    yield "two-signatures-lta", lta(lt(twice, both))
    yield "two-signatures-each-with-data", lt(bt(Seal(by=second), lt(bt()), name="Second"), both)
    yield "two-signatures-data-for-one-only", lt(twice)
    three = bt(Seal(by=first), twice, name="Third")
    yield "three-signatures", lt(three, both)
    yield "signed-after-lta", lt(bt(Seal(by=second), lta(lt(bt())), name="Second"), _with(both, _late()))
    yield "one-bad-signature-among-two", lt(bt(Seal(by=second, alter=_spoil), bt(), name="Second"), both)
    yield "a-stranger-signed-too", lt(bt(Seal(by=pki.issue("self", None, pki.SEAL)), bt(), name="Second"))
    yield "an-empty-field-too", lt(bt(base=empty_field()))


def empty_field() -> Pdf:
    """A document with a signature field that waits."""
    base = pdfs.document()
    form, page = base.get(pdfs.FORM), base.get(pdfs.PAGE)
    form["Fields"], page["Annots"] = ["7 0 R", "10 0 R"], ["7 0 R", "10 0 R"]
    waiting = {"Type": "/Annot", "Subtype": "/Widget", "FT": "/Sig", "T": "(Wait)", "Rect": [0, 0, 0, 0], "F": 132}
    return base.update({10: waiting | {"P": "3 0 R"}, pdfs.FORM: form, pdfs.PAGE: page})


def _spoil(signed: cms.SignedData) -> None:
    value = bytearray(signed["signer_infos"][0]["signature"].native)
    value[-1] ^= 1
    signed["signer_infos"][0]["signature"] = bytes(value)


def _stamps() -> Iterator[tuple[str, Pdf]]:
    def two(value: bytes) -> bytes:
        return pki.token(identity("tsu"), value, serial=2, at=pki.SEALED_AT)

    def one(value: bytes) -> bytes:
        return pki.token(identity("tsu"), value)

    yield "two-time-stamps", lt(bt(Seal(by=identity("seal"), stamps=[one, two])))
    yield (
        "two-time-stamps-in-one-attribute",
        lt(bt(Seal(by=identity("seal"), stamps=[one, two], in_one_attribute=True))),
    )
    yield "two-stamps-over-the-file", lta(lta(lt(bt())), name="Stamp2")
