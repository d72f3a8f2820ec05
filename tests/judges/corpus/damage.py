"""Damaged files: bytes flipped, cut, added; byte ranges and containers that lie. Each from a good B-LT."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from asn1crypto import cms, core, x509

from tests.judges.corpus import pdf as pdfs
from tests.judges.corpus import pki
from tests.judges.corpus.sealing import Data, Seal, bt, identity, lt, lta

_RANGE = re.compile(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\] *")


def cases() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file."""
    good = lt(bt()).data
    yield from _flipped(good)
    yield from _cut(good)
    yield from _ranges()
    yield from _containers(good)
    yield from _signers()
    yield from _copies()
    yield from unknown()


def gap(data: bytes) -> tuple[int, int]:
    """Start and end of the first container's hex digits."""
    found = _RANGE.search(data)
    assert found
    return int(found[1]) + 1, int(found[2]) - 1


def _flip(data: bytes, place: int, mask: int = 1) -> bytes:
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


def _flipped(good: bytes) -> Iterator[tuple[str, bytes]]:
    start, end = gap(good)
    length = len(bt(Seal(by=identity("seal"))).data)
    der = bytes.fromhex(good[start:end].decode())
    signed = cms.ContentInfo.load(der)["content"]
    signer = signed["signer_infos"][0]
    inside = {
        "certificate": signed["certificates"][0].chosen.dump(),
        "ca-certificate": signed["certificates"][1].chosen.dump(),
        "message-digest": signer["signed_attrs"][1].dump(),
        "signing-certificate": signer["signed_attrs"][2].dump(),
        "signature": signer["signature"].dump(),
        "time-stamp": signer["unsigned_attrs"].dump(),
    }
    for name, part in inside.items():
        hexed = part.hex().encode()
        place = good.index(hexed, start) + len(hexed) // 2
        yield f"flip-in-{name}", _flip(good, place)
    places = {
        "version": 5,
        "header": 1,
        "comment": 11,
        "content": good.index(b"Total 100") + 6,
        "box": good.index(b"/MediaBox") + 14,
        "field-value": good.index(b"/V (100)") + 4,
        "info": good.index(b"(Receipt)") + 2,
        "first-xref": good.index(b"xref") + 12,
        "first-trailer": good.index(b"trailer") + 10,
        "byte-range": good.index(b"/ByteRange") + 14,
        "before-gap": start - 4,
        "open": start - 1,
        "first-digit": start,
        "last-padding": end - 1,
        "close": end,
        "after-gap": end + 30,
        "subfilter": good.index(b"ETSI.CAdES") + 2,
        "date": good.index(b"(D:2026") + 6,
        "seal-xref": good.rindex(b"xref\n", 0, length - 20) + 8,
        "seal-eof": length - 3,
        "dss-certificate": good.index(b"stream", length) + 100,
        "dss-xref": good.rindex(b"xref\n", 0, len(good) - 14) + 8,
        "dss-trailer": good.rindex(b"trailer") + 12,
        "last-byte": len(good) - 1,
        "catalog": good.rindex(b"/Catalog") + 3,
    }
    for name, place in places.items():
        yield f"flip-{name}", _flip(good, place)
    padding = start + 2 * len(core.load(der).dump()) + 40
    yield "flip-padding", good[:padding] + b"7" + good[padding + 1 :]
    yield "flip-every-tenth", bytes(each ^ 1 if n % 10 == 0 and n > 20 else each for n, each in enumerate(good))


def _cut(good: bytes) -> Iterator[tuple[str, bytes]]:
    sealed = bt().data
    for name, left in (("1", -1), ("5", -5), ("40", -40), ("half", len(good) // 2), ("container", gap(good)[0] + 400)):
        yield f"cut-{name}", good[:left]
    yield "cut-sealed-by-1", sealed[:-1]
    yield "cut-start", good[9:]
    for name, junk in (("space", b" "), ("newlines", b"\n" * 40), ("zeros", b"\0" * 2000), ("comment", b"% more\n")):
        yield f"appended-{name}", good + junk
        yield f"appended-{name}-to-sealed", sealed + junk
    yield "appended-eof", good + b"%%EOF\n"
    yield "appended-eof-to-sealed", sealed + b"%%EOF\n"
    yield "appended-html", good + b"<html><body>something else</body></html>"
    yield "appended-another-file", good + pdfs.document(b"0 0 9 9 re f").data
    yield "appended-itself", good + good
    yield "before-header-junk", b"junk\n" + good
    yield "before-header-space", b"\n" + good
    yield "before-header-another-file", pdfs.document(b"0 0 9 9 re f").data + good
    yield "inserted-junk", good[:200] + b"% junk\n" + good[200:]
    yield "line-ends-changed", good.replace(b"\n", b"\r\n")
    yield "empty", b""
    yield "header-only", b"%PDF-1.7\n"
    yield "not-a-pdf", b"\x89PNG\r\n\x1a\n" + good[100:]


def _ranges() -> Iterator[tuple[str, bytes]]:
    def with_range(name: str, made: Callable[[int, int, int], str]) -> tuple[str, bytes]:
        return f"range-{name}", lt(bt(with_range=made)).data

    yield with_range("starts-late", lambda s, e, w: f"[9 {s - 9} {e} {w - e}]")
    yield with_range("ends-early", lambda s, e, w: f"[0 {s} {e} {w - e - 20}]")
    yield with_range("ends-at-the-gap", lambda s, e, w: f"[0 {s} {e} 0]")
    yield with_range("beyond-the-end", lambda s, e, w: f"[0 {s} {e} {w - e + 99999999}]")
    yield with_range("wide-gap", lambda s, e, w: f"[0 {s - 30} {e} {w - e}]")
    yield with_range("wide-gap-behind", lambda s, e, w: f"[0 {s} {e + 30} {w - e - 30}]")
    yield with_range("without-brackets", lambda s, e, w: f"[0 {s + 1} {e - 1} {w - e + 1}]")
    yield with_range("overlapping", lambda s, e, w: f"[0 {e} {s} {w - s}]")
    yield with_range("all", lambda s, e, w: f"[0 {w} {w} 0]")
    yield with_range("negative", lambda s, e, w: f"[0 {s} {e} -{w - e}]")
    yield with_range("negative-start", lambda s, e, w: f"[-1 {s} {e} {w - e}]")
    yield with_range("huge", lambda s, e, w: f"[0 {s} {e} {10**20}]")
    yield with_range("zeros", lambda s, e, w: "[0 0 0 0]")
    yield with_range("empty", lambda s, e, w: "[]")
    yield with_range("two", lambda s, e, w: f"[0 {s}]")
    yield with_range("three", lambda s, e, w: f"[0 {s} {e}]")
    yield with_range("six", lambda s, e, w: f"[0 {s} {e} 9 {e + 9} {w - e - 9}]"[:36])
    yield with_range("real-numbers", lambda s, e, w: f"[0 {s}.0 {e} {w - e}.0]")
    yield with_range("names", lambda s, e, w: "[/A /B /C /D]")
    yield with_range("strings", lambda s, e, w: f"[(0) ({s}) ({e}) ({w - e})]"[:36])
    yield with_range("null", lambda s, e, w: "null")
    yield with_range("backwards", lambda s, e, w: f"[{e} {w - e} 0 {s}]")
    made = bt()
    found = _RANGE.search(made.data)
    assert found
    yield "range-absent", lt(bt(entries={"ByteRange2": "[0]"})).data.replace(b"/ByteRange ", b"/ByteRangf ")
    yield "contents-absent", lt(made).data.replace(b"/Contents <", b"/Contentt <")


def _containers(good: bytes) -> Iterator[tuple[str, bytes]]:
    start, end = gap(good)

    def filled(name: str, how: Callable[[bytes, int], bytes]) -> tuple[str, bytes]:
        return f"contents-{name}", lt(bt(filled=how)).data

    yield filled("not-hex", lambda c, n: (c.hex() + "xyz").encode().ljust(n, b"0"))
    yield filled("spaces", lambda c, n: c.hex().encode().ljust(n, b" "))
    yield filled("spaces-inside", lambda c, n: c.hex(" ").encode().ljust(n, b"0"))
    yield filled("upper-case", lambda c, n: c.hex().upper().encode().ljust(n, b"0"))
    yield filled(
        "comment-inside",
        lambda c, n: c.hex().encode()[:100] + b"%hidden\n" + c.hex().encode()[100:].ljust(n - 108, b"0"),
    )
    yield filled("padded-with-ff", lambda c, n: c.hex().encode().ljust(n, b"f"))
    yield filled("something-behind", lambda c, n: (c.hex() + b"hidden".hex()).encode().ljust(n, b"0"))
    yield filled("another-behind", lambda c, n: (c.hex() + c.hex()).encode().ljust(n, b"0")[:n])
    yield filled("closed-early", lambda c, n: c.hex().encode() + b"> /X <" + b"0" * (n - 2 * len(c) - 6))
    yield filled("zeros-before", lambda c, n: b"0000" + c.hex().encode().ljust(n - 4, b"0"))
    yield filled("garbage", lambda c, n: (b"\x30\x82\xff\xff" + b"A" * 200).hex().encode().ljust(n, b"0"))
    yield filled("cut", lambda c, n: c[: len(c) // 2].hex().encode().ljust(n, b"0"))
    yield filled("indefinite-length", lambda c, n: _indefinite(c).hex().encode().ljust(n, b"0"))
    yield filled("long-length", lambda c, n: _long_length(c).hex().encode().ljust(n, b"0"))
    yield filled("signed-data-without-its-envelope", lambda c, n: _inner(c).hex().encode().ljust(n, b"0"))
    yield "contents-all-zeros", good[:start] + b"0" * (end - start) + good[end:]
    yield "contents-empty", good[:start] + b" " * (end - start) + good[end:]
    another = bt(Seal(by=identity("other"))).data
    a, b = gap(another)
    yield "contents-of-another-seal", lt(bt(filled=lambda c, n: another[a:b])).data


def _indefinite(container: bytes) -> bytes:
    return b"\x30\x80" + container[4:] + b"\0\0"


def _long_length(container: bytes) -> bytes:
    return b"\x30\x84\0\0" + container[2:]


def _inner(container: bytes) -> bytes:
    return bytes(cms.ContentInfo.load(container)["content"].dump())


def _signers() -> Iterator[tuple[str, bytes]]:
    seal = identity("seal")

    def altered(name: str, alter: Callable[[cms.SignedData], object]) -> tuple[str, bytes]:
        return name, lt(bt(Seal(by=seal, alter=alter))).data

    def attributes(
        name: str, change: Callable[[list[cms.CMSAttribute]], list[cms.CMSAttribute]], **more: bool
    ) -> tuple[str, bytes]:
        return f"attributes-{name}", lt(bt(Seal(by=seal, attributes=change, **more))).data  # type: ignore[arg-type]

    yield attributes("without-digest", lambda a: [a[0], *a[2:]])
    yield attributes("without-content-type", lambda a: a[1:])
    yield attributes("digest-twice", lambda a: [*a, a[1]])
    yield attributes("content-type-twice", lambda a: [*a, a[0]])
    yield attributes("signing-certificate-twice", lambda a: [*a, a[2]])
    yield attributes("two-digests-in-one", lambda a: [a[0], _double(a[1]), *a[2:]])
    yield attributes("other-content-type", lambda a: [pki.attribute("content_type", "enveloped_data"), *a[1:]])
    yield attributes("digest-of-something-else", lambda a: [a[0], pki.attribute("message_digest", b"1" * 32), *a[2:]])
    yield attributes(
        "digest-too-short", lambda a: [a[0], pki.attribute("message_digest", a[1]["values"][0].native[:20]), *a[2:]]
    )
    yield attributes("out-of-order", lambda a: sorted(a, key=lambda each: each.dump(), reverse=True), in_order=False)
    yield altered("signed-attributes-absent", _without_attributes)
    yield altered("two-signers", lambda s: s.__setitem__("signer_infos", [s["signer_infos"][0], _second()]))
    yield altered("the-same-signer-twice", lambda s: s.__setitem__("signer_infos", [s["signer_infos"][0]] * 2))
    yield altered("no-signer", lambda s: s.__setitem__("signer_infos", []))
    yield altered(
        "content-inside", lambda s: s.__setitem__("encap_content_info", {"content_type": "data", "content": b"x"})
    )
    yield altered("signer-names-the-ca", lambda s: _sid(s, identity("ca")))
    yield altered("signer-names-another", lambda s: _sid(s, identity("other")))
    yield altered("signature-of-zeros", lambda s: s["signer_infos"][0].__setitem__("signature", b"\0" * 70))
    yield altered("signature-empty", lambda s: s["signer_infos"][0].__setitem__("signature", b""))
    yield altered(
        "digest-algorithm-changed",
        lambda s: s["signer_infos"][0].__setitem__("digest_algorithm", {"algorithm": "sha1"}),
    )
    yield altered("version-wrong", lambda s: s.__setitem__("version", "v5"))
    yield altered("signer-by-key-identifier", _by_key)
    big = cms.CMSAttribute({"type": "1.3.6.1.4.1.99999.9", "values": [core.OctetString(b"x" * 3000)]})
    yield altered("strange-unsigned-attribute", lambda s: s["signer_infos"][0]["unsigned_attrs"].append(big))
    yield "strange-signed-attribute", lt(bt(Seal(by=seal, attributes=lambda a: [*a, big]))).data
    yield (
        "stamp-container-spoilt",
        lta(lt(bt()), lambda covered: pki.token(identity("tsu"), covered, at=pki.ARCHIVED_AT)[:-9] + b"123456789").data,
    )


def _double(attribute: cms.CMSAttribute) -> cms.CMSAttribute:
    return pki.attribute("message_digest", attribute["values"][0].native, b"2" * 32)


def _second() -> cms.SignerInfo:
    return Seal(by=identity("other")).signed_data(b"other")["signer_infos"][0]


def _without_attributes(signed: cms.SignedData) -> None:
    del signed["signer_infos"][0]["signed_attrs"]


def _sid(signed: cms.SignedData, identity_: pki.Identity) -> None:
    named = {"issuer": identity_.asn1.issuer, "serial_number": identity_.asn1.serial_number}
    signed["signer_infos"][0]["sid"] = cms.SignerIdentifier({"issuer_and_serial_number": named})


def _by_key(signed: cms.SignedData) -> None:
    signed["signer_infos"][0]["version"] = "v3"
    key = core.OctetString(identity("seal").asn1.key_identifier)
    signed["signer_infos"][0]["sid"] = cms.SignerIdentifier(name="subject_key_identifier", value=key)


def _copies() -> Iterator[tuple[str, bytes]]:
    """Damaged copies of certificates, in /DSS and in the container: beside the good one, or in its place."""
    good = Data().certificates
    for whose in ("root", "ca", "seal", "tsu", "ocsp"):
        der = identity(whose).der
        for part, damaged in _damaged(identity(whose)):
            beside, instead = Data(certificates=[*good, damaged]), Data(certificates=[c for c in good if c != der])
            instead = Data(certificates=[*instead.certificates, damaged])
            yield f"copy-of-{whose}-{part}-beside", lt(bt(), beside).data
            yield f"copy-of-{whose}-{part}-instead", lt(bt(), instead).data
    for part, damaged in _damaged(identity("ca")):
        choice = cms.CertificateChoices(name="certificate", value=x509.Certificate.load(damaged))
        added = Seal(by=identity("seal"), alter=lambda signed, c=choice: signed["certificates"].append(c))
        yield f"copy-of-ca-{part}-in-the-container", lt(bt(added)).data


def unknown() -> Iterator[tuple[str, bytes]]:
    """Validation data beside the good one that is signed by an algorithm that nobody knows."""
    ecdsa = bytes.fromhex("06082a8648ce3d040302")
    strange = ecdsa[:-2] + b"\xff\x02"
    answer, revoked = Data().ocsps[0].replace(ecdsa, strange), Data().crls[0].replace(ecdsa, strange)
    yield "ocsp-of-unknown-algorithm-beside", lt(bt(), Data(ocsps=[*Data().ocsps, answer])).data
    yield "crl-of-unknown-algorithm-beside", lt(bt(), Data(crls=[*Data().crls, revoked])).data
    certificate = pki.issue("stranger root", None, pki.CA).der.replace(ecdsa, strange)
    yield (
        "certificate-of-unknown-algorithm-beside",
        lt(bt(), Data(certificates=[*Data().certificates, certificate])).data,
    )


def _damaged(whose: pki.Identity) -> Iterator[tuple[str, bytes]]:
    """Copies of a certificate with one bit changed, so that it can still be read; its signature doesn't hold."""
    tbs = whose.asn1["tbs_certificate"]
    for part, name in (("subject", whose.asn1.subject), ("issuer", whose.asn1.issuer)):
        place = whose.der.index(name.dump(), whose.der.index(tbs["validity"].dump()) if part == "subject" else 0)
        yield part, _flip(whose.der, place + len(name.dump()) - 1)
    key = tbs["subject_public_key_info"].dump()
    yield "key", _flip(whose.der, whose.der.index(key) + len(key) - 1)
    yield "validity", _flip(whose.der, whose.der.index(tbs["validity"].dump()) + 5)
    yield "signature", _flip(whose.der, len(whose.der) - 1)
