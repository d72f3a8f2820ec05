"""One trusted list: whether its scheme operator signed it, and whether it may be used (TS 119 612 V2.3.1; 119 615)."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from asn1crypto import x509
from cryptography.x509 import load_der_x509_certificate
from lxml import etree
from pyhanko.sign.validation.qualified import eutl_parse
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

TSL: Final = "{http://uri.etsi.org/02231/v2#}"
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_CERTIFICATES: Final = f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate"
_TYPES: Final = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/"
_VERSIONS: Final = (5, 6)  # TS 119 612 V2.2.1 and V2.3.1
_CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_WEAK: Final = ("HMAC", "SHA1", "SHA224")


class Fault(StrEnum):
    """Why a trusted list is refused."""

    UNREACHABLE = "UNREACHABLE"
    NOT_A_LIST = "NOT_A_LIST"
    WRONG_SIGNER = "WRONG_SIGNER"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    WRONG_VERSION = "WRONG_VERSION"
    WRONG_LIST = "WRONG_LIST"
    NOT_YET_ISSUED = "NOT_YET_ISSUED"
    EXPIRED = "EXPIRED"
    ROLLED_BACK = "ROLLED_BACK"


class BadList(Exception):
    """A trusted list that must not be used.

    Args:
        fault: Why, for machines.
        why: Why, for people.
    """

    def __init__(self, fault: Fault, why: str) -> None:
        super().__init__(f"{fault}: {why}")
        self.fault = fault


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """Where the list of the lists says another list is, and who signs it."""

    territory: str
    url: str
    signers: tuple[x509.Certificate, ...]
    is_lotl: bool


@dataclass(frozen=True, kw_only=True)
class TrustedList:
    """What an authentic trusted list says of itself.

    Attributes:
        territory: Such as `FR`; `EU` for the list of the lists.
        sequence_number: Grows with every issue (TS 119 612, 5.3.2).
        version: 5 or 6.
        is_lotl: Whether it is the list of the lists.
        issued_at: UTC.
        next_update: Until when it may be used, UTC; `None` for a closed list, which may not.
        sha256: Hex digest of the file.
        signer: Hex SHA-256 of the certificate that signed it.
        pointers: Other lists that it names.
        pivots: URLs of the lists of the lists that changed its signers, newest first.
    """

    territory: str
    sequence_number: int
    version: int
    is_lotl: bool
    issued_at: datetime
    next_update: datetime | None
    sha256: str
    signer: str
    pointers: tuple[Pointer, ...]
    pivots: tuple[str, ...]

    def check_usable(self, at: datetime) -> None:
        """Check that the list may be used at a time.

        Raises:
            BadList: NOT_YET_ISSUED or EXPIRED.
        """
        if self.issued_at > at + _CLOCK_TOLERANCE:
            raise BadList(Fault.NOT_YET_ISSUED, f"the list of {self.territory} is of {self.issued_at}")
        if self.next_update is None:
            raise BadList(Fault.EXPIRED, f"the list of {self.territory} is closed")
        if self.next_update < at:  # TS 119 612, 5.3.15: then it is to be considered expired
            raise BadList(Fault.EXPIRED, f"the list of {self.territory} expired at {self.next_update}")

    def check_not_older(self, sequence_number: int, issued_at: datetime) -> None:
        """Check that the list is not older than one that was in use before.

        Raises:
            BadList: ROLLED_BACK.
        """
        if (self.sequence_number, self.issued_at) < (sequence_number, issued_at):
            why = f"the list of {self.territory} is number {self.sequence_number}; number {sequence_number} is known"
            raise BadList(Fault.ROLLED_BACK, why)


def official_signers() -> list[x509.Certificate]:
    """Who signs the list of the lists, as the Official Journal says (C/2026/1944; pyHanko brings it)."""
    return list(eutl_parse.ojeu_bootstrap_lotl_tlso_certs())


def parse(content: bytes) -> etree._Element:
    """The root of a trusted list, read without DTD, entities, network or comments, which the signature doesn't cover.

    Raises:
        BadList: NOT_A_LIST.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadList(Fault.NOT_A_LIST, f"no XML: {error}"[:200]) from error
    if root.getroottree().docinfo.internalDTD is not None or root.tag != f"{TSL}TrustServiceStatusList":
        raise BadList(Fault.NOT_A_LIST, "the XML is no trusted list")
    return root


def pivots_named(content: bytes) -> tuple[str, ...]:
    """URLs of the pivots that a list of the lists names, newest first. Not authenticated: good for fetching only.

    Raises:
        BadList: NOT_A_LIST.
    """
    parse(content)
    try:
        return tuple(eutl_parse.parse_lotl_unsafe(content.decode()).pivot_urls)
    except Exception as error:  # nobody has signed for it yet: it may be anything
        raise BadList(Fault.NOT_A_LIST, _said(error)) from error


def authenticate(content: bytes, signers: Iterable[x509.Certificate]) -> tuple[bytes, x509.Certificate]:
    """What was signed of a trusted list, canonical, and by whom (TS 119 612, annex B: enveloped XAdES).

    A signer is trusted for being named; its certificate must have been valid when the list was issued.

    Raises:
        BadList: NOT_A_LIST, WRONG_SIGNER or BAD_SIGNATURE.
    """
    root = parse(content)
    signatures = root.findall(f"{_DS}Signature")
    if len(signatures) != 1 or len(list(root.iter(f"{_DS}Signature"))) != 1:
        raise BadList(Fault.BAD_SIGNATURE, f"the list has {len(signatures)} signatures")
    try:
        shown = {b64decode(e.text or "") for e in signatures[0].iterfind(_CERTIFICATES)}
    except ValueError as error:
        raise BadList(Fault.BAD_SIGNATURE, f"its signer's certificate can't be read: {error}") from error
    candidates = [signer for signer in signers if signer.dump() in shown]
    if not candidates:
        raise BadList(Fault.WRONG_SIGNER, "the list is signed by someone who may not sign it")
    problem = ""
    for signer in candidates:
        try:
            return _signed(content, root, signer), signer
        except Exception as error:  # whatever the libraries stumble over in it, it is not proved to be authentic
            problem = _said(error)
    raise BadList(Fault.BAD_SIGNATURE, f"the list's signature is wrong: {problem}")


def _signed(content: bytes, root: etree._Element, signer: x509.Certificate) -> bytes:
    config = XAdESSignatureConfiguration(
        require_x509=True,
        expect_references=True,
        verification_time=_time(root, "ListIssueDateTime"),
        signature_methods=frozenset(m for m in SignatureMethod if not any(weak in m.name for weak in _WEAK)),
        digest_algorithms=frozenset(d for d in DigestAlgorithm if not any(weak in d.name for weak in _WEAK)),
    )
    certificate = load_der_x509_certificate(signer.dump())
    for result in XAdESVerifier().verify(content, x509_cert=certificate, expect_config=config):
        if result.signed_xml is not None and result.signed_xml.tag == root.tag:
            signature = root.find(f"{_DS}Signature")
            whole = etree.fromstring(etree.tostring(root))
            whole.remove(whole.find(f"{_DS}Signature"))  # type: ignore[arg-type]
            signed = etree.fromstring(result.signed_data)
            if signature is None or _plain(whole) != _plain(signed):
                raise ValueError("the signature does not cover the whole list")
            return bytes(result.signed_data)
    raise ValueError("the signature does not cover the list")


def _plain(element: etree._Element) -> bytes:
    # A tail that the removed signature left behind is white space at most: TS 119 612 has no mixed content.
    return b"".join(etree.tostring(element, method="c14n", exclusive=True, with_comments=False).split())


def read(content: bytes, signers: Sequence[x509.Certificate]) -> TrustedList:
    """Authenticate a trusted list and read what it says of itself.

    Args:
        content: The file.
        signers: Who may sign it.

    Raises:
        BadList: NOT_A_LIST, WRONG_SIGNER, BAD_SIGNATURE or WRONG_VERSION.
    """
    signed, signer = authenticate(content, signers)
    root = etree.fromstring(signed)
    try:
        version, kind = int(_text(root, "TSLVersionIdentifier")), _text(root, "TSLType").removeprefix(_TYPES)
        if version not in _VERSIONS:
            raise BadList(Fault.WRONG_VERSION, f"version {version} of TS 119 612")
        if kind not in ("EUlistofthelists", "EUgeneric"):
            raise BadList(Fault.WRONG_LIST, f"a list of type {kind}")
        lotl = eutl_parse.parse_lotl_unsafe(signed.decode()) if kind == "EUlistofthelists" else None
        return TrustedList(
            territory=_text(root, "SchemeTerritory"),
            sequence_number=int(_text(root, "TSLSequenceNumber")),
            version=version,
            is_lotl=lotl is not None,
            issued_at=_time(root, "ListIssueDateTime"),
            next_update=_time(root, f"NextUpdate/{TSL}dateTime") if _has_next_update(root) else None,
            sha256=hashlib.sha256(content).hexdigest(),
            signer=hashlib.sha256(signer.dump()).hexdigest(),
            pointers=tuple(map(_pointer, lotl.references)) if lotl else (),
            pivots=tuple(lotl.pivot_urls) if lotl else (),
        )
    except BadList:
        raise
    except Exception as error:
        raise BadList(Fault.NOT_A_LIST, f"the list lacks what it must say: {_said(error)}") from error


def _pointer(reference: eutl_parse.TLReference) -> Pointer:
    return Pointer(
        territory=reference.territory,
        url=reference.location_uri,
        signers=tuple(reference.tlso_certs),
        is_lotl=eutl_parse.LOTL_RULE in reference.scheme_rules,
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _has_next_update(root: etree._Element) -> bool:
    return root.find(f"{TSL}SchemeInformation/{TSL}NextUpdate/{TSL}dateTime") is not None


def _text(root: etree._Element, name: str) -> str:
    found = root.findtext(f"{TSL}SchemeInformation/{TSL}{name}")
    if not found:
        raise ValueError(f"no {name}")
    return found.strip()


def _time(root: etree._Element, name: str) -> datetime:
    moment = datetime.fromisoformat(_text(root, name))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
