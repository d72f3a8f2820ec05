"""The services of a snapshot's lists: the anchors they are, and what stands in the lists about them at a time."""

from __future__ import annotations

import copy
import functools
import threading
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asn1crypto import x509
from lxml import etree
from pyhanko.sign.validation.qualified.eutl_parse import trust_list_to_registry_unsafe
from pyhanko.sign.validation.qualified.tsp import CA_QC_URI, QTST_URI, TSPRegistry

from receipts.trust.lists import TSL, parse
from receipts.trust.snapshot import Snapshot

_INFORMATION: Final = f"{TSL}ServiceInformation"
_IDENTITY: Final = f"{TSL}ServiceDigitalIdentity"


@dataclass(frozen=True, kw_only=True, eq=False)
class Service:
    """A service that issues qualified certificates or time-stamps, or once did.

    Attributes:
        territory: Whose list it is in.
        provider: Its provider's name.
        certificates: Its identity: certificates of one key.
        element: The TSPService element.
        next_update: Until when the list may be used.
    """

    territory: str
    provider: str
    certificates: tuple[x509.Certificate, ...]
    element: etree._Element
    next_update: datetime

    @property
    def name(self) -> str:
        """Its own name."""
        return _english(self.element.find(f"{_INFORMATION}/{TSL}ServiceName"))

    @functools.cached_property
    def registry(self) -> TSPRegistry:
        """pyHanko's view of this service alone, with its history."""
        root = etree.Element(f"{TSL}TrustServiceStatusList")
        provider = etree.SubElement(
            etree.SubElement(root, f"{TSL}TrustServiceProviderList"), f"{TSL}TrustServiceProvider"
        )
        service = copy.deepcopy(self.element)
        etree.SubElement(provider, f"{TSL}TSPServices").append(service)
        self._name_keys_in_history(service)
        registry, problems = trust_list_to_registry_unsafe(etree.tostring(root, encoding="unicode"))
        # What can't be understood (a critical extension, say) is not in the registry, and so not qualified.
        return TSPRegistry() if problems else registry

    def _name_keys_in_history(self, service: etree._Element) -> None:
        """A history names the key by its identifier only (TS 119 612, 5.6.3); pyHanko looks for certificates."""
        identifiers = {each.key_identifier for each in self.certificates}
        for identity in service.iterfind(f"{TSL}ServiceHistory/{TSL}ServiceHistoryInstance/{_IDENTITY}"):
            named = {b64decode(ski.text or "") for ski in identity.iter(f"{TSL}X509SKI")}
            if identity.find(f"{TSL}DigitalId/{TSL}X509Certificate") is None and named & identifiers:
                for current in self.element.iterfind(f"{_INFORMATION}/{_IDENTITY}/{TSL}DigitalId"):
                    if current.find(f"{TSL}X509Certificate") is not None:
                        identity.append(copy.deepcopy(current))


class _Anchors(threading.local):
    """A thread's own certificates: asn1crypto parses when it is asked for a field, and must not be asked twice at once.

    Args:
        known: The certificates, DER.
    """

    def __init__(self, known: Iterable[bytes]) -> None:
        self.certificates = [x509.Certificate.load(der) for der in known]


class TrustedServices:
    """What a snapshot says, parsed once; the lists of the snapshot were authenticated when it was made.

    Safe for many threads, but for `Service`s and what they hold: whoever reads those holds `alone` meanwhile.

    Args:
        snapshot: From `assemble` or `reopen`.

    Attributes:
        snapshot: The same.
        alone: A lock.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.alone = threading.Lock()
        self._services: dict[tuple[object, bytes], list[Service]] = {}
        self._until: dict[bytes, datetime] = {}
        for entry in snapshot.manifest["lists"]:
            until = datetime.fromisoformat(entry["next_update"])
            for service in _read_services(snapshot.files[entry["file"]], entry["territory"], until):
                for certificate in service.certificates:
                    self._services.setdefault(_identity(certificate), []).append(service)
                    self._until[certificate.dump()] = until
        self._anchors = _Anchors(self._until)
        self._lotl_until = datetime.fromisoformat(snapshot.manifest["lotl"]["next_update"])

    def services(self) -> list[Service]:
        """All of them, each once."""
        return list(dict.fromkeys(service for found in self._services.values() for service in found))

    def anchors(self, at: datetime) -> list[x509.Certificate]:
        """The certificates of all services, whatever their status, in the lists that have not expired at `at`.

        Empty when the list of the lists has: an expired list is no list (TS 119 612, 5.3.15). The objects are the
        calling thread's own, and the same at each call.
        """
        if self._lotl_until < at:
            return []
        known = zip(self._anchors.certificates, self._until.values(), strict=True)
        return [certificate for certificate, until in known if until >= at]

    def of(self, certificates: Sequence[x509.Certificate], at: datetime) -> list[Service]:
        """The services that any certificate is, by name and key (TS 119 615, 4.3), in lists in force at `at`."""
        found = [service for each in certificates for service in self._services.get(_identity(each), ())]
        return [s for s in dict.fromkeys(found) if at <= min(s.next_update, self._lotl_until)]


def _identity(certificate: x509.Certificate) -> tuple[object, bytes]:
    return certificate.subject.hashable, certificate.public_key.dump()


def _read_services(content: bytes, territory: str, next_update: datetime) -> Iterator[Service]:
    for provider in parse(content).iter(f"{TSL}TrustServiceProvider"):
        name = _english(provider.find(f"{TSL}TSPInformation/{TSL}TSPName"))
        for element in provider.iter(f"{TSL}TSPService"):
            kind = element.findtext(f"{_INFORMATION}/{TSL}ServiceTypeIdentifier")
            if (kind or "").strip() not in (CA_QC_URI, QTST_URI):
                continue
            shown = element.iterfind(f"{_INFORMATION}/{_IDENTITY}/{TSL}DigitalId/{TSL}X509Certificate")
            try:
                certificates = tuple(x509.Certificate.load(b64decode(each.text or ""), strict=True) for each in shown)
                for certificate in certificates:
                    _identity(certificate)
            except (ValueError, TypeError):
                continue  # what can't be read can't be trusted
            if certificates:
                yield Service(
                    territory=territory,
                    provider=name,
                    certificates=certificates,
                    element=element,
                    next_update=next_update,
                )


def _english(names: etree._Element | None) -> str:
    found = list(names.iterfind(f"{TSL}Name")) if names is not None else []
    english = [each for each in found if each.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"]
    return " ".join(((english or found)[0].text or "").split()) if found else "unnamed"
