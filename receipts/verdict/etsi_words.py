"""The words of ETSI TS 119 102-2 V1.4.1 reports (XML): names, times, digests, evidence."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from asn1crypto import tsp, x509
from lxml import etree
from lxml.etree import _Element as Element

VR: Final = "http://uri.etsi.org/19102/v1.4.1#"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
TSL: Final = "http://uri.etsi.org/02231/v2#"
URN: Final = "urn:etsi:019102"
OWN: Final = "urn:probant:verdict"
INDICATIONS: Final = MappingProxyType({True: "passed", False: "failed", None: "indeterminate"})
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"


def add(parent: Element, tag: str, text: str | None = None, *, ns: str = VR, **attributes: str) -> Element:
    """A new last child."""
    child = etree.SubElement(parent, f"{{{ns}}}{tag}", dict(attributes))
    child.text = None if text is None else clean(text)
    return child


def add_evidence(data: Element, found: Mapping[str, str]) -> None:
    """What else there is to say, by name, into an AssociatedValidationReportData."""
    more = add(data, "AdditionalValidationReportData")
    for name, value in found.items():
        item = add(more, "ReportData")
        add(item, "Type", f"{OWN}:{name}")
        add(item, "Value", clean(value))


def add_digest(holder: Element, sha256: str) -> None:
    """A SHA-256 digest, given in hex."""
    add(holder, "DigestMethod", ns=DS, Algorithm=_SHA256)
    add(holder, "DigestValue", base64.b64encode(bytes.fromhex(sha256)).decode(), ns=DS)


def certificate_id(certificate: x509.Certificate) -> str:
    """What a certificate is called in a report."""
    return f"certificate-{hashlib.sha256(certificate.dump()).hexdigest()}"


def stamp_id(info: tsp.TSTInfo) -> str:
    """What a time-stamp is called in a report."""
    return f"timestamp-{hashlib.sha256(info.dump()).hexdigest()}"


def words(name: str, text: str) -> Element:
    """An element of our own namespace."""
    element = etree.Element(f"{{{OWN}}}{name}", nsmap={"probant": OWN})
    element.text = clean(text)
    return element


def utc(moment: datetime) -> str:
    """A time as the schema wants it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clean(text: str) -> str:
    """What XML 1.0 can hold."""
    return "".join(c if c in "\t\n" or (c >= " " and c.isprintable()) else "\ufffd" for c in text)
