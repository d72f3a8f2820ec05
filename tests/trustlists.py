"""Trusted lists for tests: a list of the lists and national lists of our own, signed with keys of our own."""

from __future__ import annotations

import base64
import datetime as dt
import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree

from tests.judges.testgen import make_tl
from tests.servers.loopback import answering

SINCE = dt.datetime(2025, 1, 2, tzinfo=dt.UTC)
STARTED = dt.datetime.now(dt.UTC).replace(microsecond=0)
"""Lists are issued when the tests start: before any moment that a test judges them at."""
ADDITIONAL = "http://uri.etsi.org/02231/v2/additionaltypes#"
RULES = "http://uri.etsi.org/TrstSvc/TrustedList/schemerules"


@dataclass(frozen=True)
class Operator:
    """A scheme operator: who signs a list."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@functools.cache
def operator(name: str = "ZZ") -> Operator:
    """The scheme operator of that name, made once."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "ZZ"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Scheme Operator"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Test list signer {name}"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(SINCE + dt.timedelta(days=20 * 365))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, True, *[False] * 7), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier("0.4.0.2231.3.0")]), critical=False)  # id-tsl-kp
        .sign(key, hashes.SHA256())
    )
    return Operator(key, certificate)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A service as a list has it; `statuses` newest first: (status, since)."""

    kind: str
    certificate: x509.Certificate
    uses: Sequence[str] = ("ForeSeals",)
    qualifiers: Sequence[str] = ()
    statuses: Sequence[tuple[str, dt.datetime]] = (("granted", SINCE),)


@dataclass(frozen=True, kw_only=True)
class Issue:
    """What an issue of a list says of itself."""

    territory: str = "ZZ"
    number: int = 1
    version: int = 6
    at: dt.datetime = STARTED
    days: float = 180
    kind: str = "EUgeneric"
    information: Sequence[str] = ("https://example.invalid/tl",)
    pointers: Sequence[tuple[str, str, Sequence[x509.Certificate]]] = ()


def write(issue: Issue, services: Sequence[Listed], signer: Operator) -> bytes:
    """A signed list."""
    add, tl = make_tl.add, make_tl.TL
    root = etree.Element(
        f"{{{make_tl.TSL}}}TrustServiceStatusList",
        nsmap={None: make_tl.TSL, "sie": make_tl.SIE, "a": ADDITIONAL},
        Id="TL",
        TSLTag="http://uri.etsi.org/19612/TSLTag",
    )
    scheme = add(root, "SchemeInformation")
    add(scheme, "TSLVersionIdentifier", str(issue.version))
    add(scheme, "TSLSequenceNumber", str(issue.number))
    add(scheme, "TSLType", f"{tl}TSLType/{issue.kind}")
    make_tl.named(scheme, "SchemeOperatorName", "Test Scheme Operator")
    make_tl.address(scheme, "SchemeOperatorAddress", issue.territory)
    make_tl.named(scheme, "SchemeName", f"{issue.territory}:Test trusted list")
    make_tl.uris(scheme, "SchemeInformationURI", *issue.information)
    add(scheme, "StatusDeterminationApproach", f"{tl}StatusDetn/EUappropriate")
    make_tl.uris(scheme, "SchemeTypeCommunityRules", f"{tl}schemerules/EUcommon")
    add(scheme, "SchemeTerritory", issue.territory)
    add(add(scheme, "PolicyOrLegalNotice"), "TSLLegalNotice", "For tests only.", "en")
    add(scheme, "HistoricalInformationPeriod", "65535")
    if issue.pointers:
        holder = add(scheme, "PointersToOtherTSL")
        for pointer in issue.pointers:
            _pointer(holder, *pointer)
    add(scheme, "ListIssueDateTime", make_tl.stamp(issue.at))
    add(add(scheme, "NextUpdate"), "dateTime", make_tl.stamp(issue.at + dt.timedelta(days=issue.days)))
    if services:
        _services(root, issue, services)
    make_tl.sign(root, signer.key, signer.certificate, issue.version)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def write_lotl(
    pointers: Sequence[tuple[str, str, Sequence[x509.Certificate]]], signer: Operator, **issue: Any
) -> bytes:
    """A signed list of the lists: territory, URL and signers of each list."""
    return write(Issue(territory="EU", kind="EUlistofthelists", pointers=pointers, **issue), [], signer)


def _pointer(parent: Any, territory: str, url: str, signers: Sequence[x509.Certificate]) -> None:
    add = make_tl.add
    pointer = add(parent, "OtherTSLPointer")
    identities = add(pointer, "ServiceDigitalIdentities")
    for signer in signers:
        der = signer.public_bytes(serialization.Encoding.DER)
        holder = add(add(identities, "ServiceDigitalIdentity"), "DigitalId")
        add(holder, "X509Certificate", base64.b64encode(der).decode())
    add(pointer, "TSLLocation", url)
    about = add(pointer, "AdditionalInformation")
    kind = "EUlistofthelists" if territory == "EU" else "EUgeneric"
    add(add(about, "OtherInformation"), "TSLType", f"{make_tl.TL}TSLType/{kind}")
    rules = add(add(about, "OtherInformation"), "SchemeTypeCommunityRules")
    add(rules, "URI", f"{RULES}/{'EUlistofthelists' if territory == 'EU' else 'EUcommon'}", "en")
    add(add(about, "OtherInformation"), "SchemeTerritory", territory)
    add(add(about, "OtherInformation"), "MimeType", "application/vnd.etsi.tsl+xml", ns=ADDITIONAL)


def _services(root: Any, issue: Issue, services: Sequence[Listed]) -> None:
    add = make_tl.add
    provider = add(add(root, "TrustServiceProviderList"), "TrustServiceProvider")
    info = add(provider, "TSPInformation")
    make_tl.named(info, "TSPName", "Judge Test Trust GmbH")
    make_tl.named(info, "TSPTradeName", f"VAT{issue.territory}-123456789")
    make_tl.address(info, "TSPAddress", issue.territory)
    make_tl.uris(info, "TSPInformationURI", "https://example.invalid/tsp")
    listed = add(provider, "TSPServices")
    for service in services:
        described = {"type": service.kind, "cert": service.certificate, "uses": service.uses}
        item = add(listed, "TSPService")
        (status, since), *before = service.statuses
        make_tl.service_information(item, "ServiceInformation", described, status, since, service.qualifiers)
        history = add(item, "ServiceHistory") if before else None
        for status, since in before:
            make_tl.service_information(
                history, "ServiceHistoryInstance", described, status, since, service.qualifiers, history=True
            )
    for bit in root.iter(f"{{{make_tl.SIE}}}KeyUsageBit"):
        bit.set("name", "nonRepudiation")  # what seals have
    for extensions in list(root.iter(f"{{{make_tl.TSL}}}ServiceInformationExtensions")):
        if not len(extensions):
            extensions.getparent().remove(extensions)


@contextmanager
def serve(files: Mapping[str, bytes]) -> Iterator[str]:
    """A web server on loopback that has these files, as they are at the time of asking; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.lstrip("/"))
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with answering(Handler) as url:
        yield url


def write_signers(folder: Path, *signers: Operator) -> Path:
    """A PEM file with the certificates of list signers."""
    path = folder / "signers.pem"
    path.write_bytes(b"".join(each.pem for each in signers))
    return path
