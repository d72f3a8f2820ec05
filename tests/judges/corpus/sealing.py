"""Sealing at every level with the corpus' PKI, each part open to be spoilt."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from asn1crypto import algos, cms

from tests.judges.corpus import pdf as pdfs
from tests.judges.corpus import pki
from tests.judges.corpus.pdf import Pdf
from tests.judges.corpus.pki import Identity


@functools.cache
def identity(name: str) -> Identity:
    """Those who do everything right."""
    extensions = {"root": pki.CA, "ca": pki.CA, "seal": pki.SEAL, "other": pki.SEAL, "tsu": pki.TSU, "ocsp": pki.OCSP}
    issuer = None if name == "root" else identity("root" if name == "ca" else "ca")
    return pki.issue(name, issuer, extensions[name])


Attributes = list[cms.CMSAttribute]


@dataclass(frozen=True, kw_only=True)
class Seal:
    """How one seal is made; the defaults make a good B-T.

    Attributes:
        by: Whose it is.
        digest: Of document and attributes.
        scheme: `pkcs1`, `pss`, `ecdsa`, `ed25519`; default: as the key has it.
        certificates: In the container; default: all but the root.
        ess: How the certificate is named; see `pki.certificate_named`.
        stamps: Makes each time-stamp from the signature's value.
        attributes: Changes the signed attributes before they are signed.
        alter: Changes the container when it is done.
        in_order: Whether the signed attributes are sorted, as DER has it.
        in_one_attribute: Whether all time-stamps are values of one attribute.
    """

    by: Identity
    digest: str = "sha256"
    scheme: str | None = None
    certificates: Sequence[Identity] | None = None
    ess: str = "v2"
    stamps: Sequence[Callable[[bytes], bytes]] | None = None
    attributes: Callable[[Attributes], Attributes] = lambda attributes: attributes
    alter: Callable[[cms.SignedData], Any] = lambda signed: None
    in_order: bool = True
    in_one_attribute: bool = False

    def __call__(self, covered: bytes) -> bytes:
        """The container for the covered bytes."""
        signed = self.signed_data(covered)
        self.alter(signed)
        return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())

    def signed_data(self, covered: bytes) -> cms.SignedData:
        """The same, not yet packed."""
        attributes = [
            pki.attribute("content_type", "data"),
            pki.attribute("message_digest", hashlib.new(self.digest, covered).digest()),
            *pki.certificate_named(self.by, self.ess),
        ]
        signer = pki.signer_info(self.by, self.attributes(attributes), self.digest, self.scheme, in_order=self.in_order)
        value = signer["signature"].native
        stamps = [stamped] if self.stamps is None else self.stamps
        if stamps:
            tokens = [cms.ContentInfo.load(stamp(value)) for stamp in stamps]
            together = [pki.attribute("signature_time_stamp_token", *tokens)]
            each = [pki.attribute("signature_time_stamp_token", token) for token in tokens]
            signer["unsigned_attrs"] = together if self.in_one_attribute else each
        bag = (self.by.chain[:-1] or [self.by]) if self.certificates is None else self.certificates
        return cms.SignedData(
            {
                "version": "v1",
                "digest_algorithms": [algos.DigestAlgorithm({"algorithm": self.digest})],
                "encap_content_info": {"content_type": "data"},
                "certificates": [each.asn1 for each in bag],
                "signer_infos": [signer],
            }
        )


def stamped(value: bytes) -> bytes:
    """A good time-stamp."""
    return pki.token(identity("tsu"), value)


@dataclass(frozen=True, kw_only=True)
class Data:
    """Validation data; the defaults are what a good B-LT has."""

    certificates: Sequence[bytes] = field(default_factory=lambda: [identity(n).der for n in _KNOWN])
    ocsps: Sequence[bytes] = field(default_factory=lambda: [good("seal"), good("tsu")])
    crls: Sequence[bytes] = field(default_factory=lambda: [pki.crl(identity("root"))])


_KNOWN = ("root", "ca", "seal", "tsu", "ocsp")


def good(name: str, **options: Any) -> bytes:
    """An OCSP response about one of ours."""
    return pki.answer(identity(name), identity("ocsp"), **options)


def about(sealer: Identity, *more: bytes) -> Data:
    """Validation data for a seal by someone else below our CA."""
    known = [*(identity(n).der for n in _KNOWN), *(each.der for each in sealer.chain)]
    return Data(certificates=known, ocsps=[pki.answer(sealer, identity("ocsp")), good("tsu"), *more])


def lt(pdf: Pdf, data: Data | None = None, **more: Any) -> Pdf:
    """Add validation data: B-LT."""
    data = data or Data()
    return pdfs.store(pdf, list(data.certificates), list(data.ocsps), list(data.crls), **more)


def lta(pdf: Pdf, stamp: Callable[[bytes], bytes] | None = None, name: str = "Stamp", **options: Any) -> Pdf:
    """Add a time-stamp over the whole file: B-LTA."""
    entries = {"Type": "/DocTimeStamp", "SubFilter": "/ETSI.RFC3161", "M": None}
    made = stamp or (lambda covered: pki.token(identity("tsu"), covered, at=pki.ARCHIVED_AT, serial=2))
    return pdfs.sign(pdf, made, name=name, entries=entries | options.pop("entries", {}), **options)


def bt(seal: Seal | None = None, base: Pdf | None = None, **options: Any) -> Pdf:
    """A sealed document: B-T by default."""
    return pdfs.sign(base or pdfs.document(), seal or Seal(by=identity("seal")), **options)
