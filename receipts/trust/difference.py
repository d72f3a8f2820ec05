"""What differs between two snapshots: why a verdict with one is not the verdict with the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from receipts.trust.lists import TSL
from receipts.trust.services import Service, TrustedServices

_ABSENT: Final = "not listed"
_INFORMATION: Final = f"{TSL}ServiceInformation"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that differs.

    Attributes:
        territory: Whose list.
        subject: The list itself, or the service's name and provider.
        before: What the earlier snapshot says, in one line.
        after: What the later one says.
    """

    territory: str
    subject: str
    before: str
    after: str


def differences(before: TrustedServices, after: TrustedServices) -> list[Change]:
    """What differs, by territory: lists first, then services that issue qualified certificates or time-stamps.

    Args:
        before: The earlier snapshot.
        after: The later one.
    """
    lists = _changes(_lists(before.snapshot.manifest), _lists(after.snapshot.manifest))
    services = _changes(_services(before), _services(after))
    return sorted([*lists, *services], key=lambda each: each.territory)


def _changes(before: Mapping[Any, _Entry], after: Mapping[Any, _Entry]) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        known = new or old
        assert known is not None
        if old is None or new is None or old.content != new.content:
            said = [each.words if each else _ABSENT for each in (old, new)]
            if said[0] == said[1]:
                said[1] += ", and differs in other respects"
            yield Change(territory=known.territory, subject=known.subject, before=said[0], after=said[1])


@dataclass(frozen=True, kw_only=True)
class _Entry:
    territory: str
    subject: str
    words: str
    content: object


def _lists(manifest: Mapping[str, Any]) -> dict[Any, _Entry]:
    return {
        each["territory"]: _Entry(
            territory=each["territory"],
            subject="list",
            words=f"number {each['sequence_number']} of {each['issued_at'][:10]}, until {each['next_update'][:10]}",
            content=each["sha256"],
        )
        for each in (manifest["lotl"], *manifest["lists"])
    }


def _services(listed: TrustedServices) -> dict[Any, _Entry]:
    """By territory, kind and key: a service that gets another name is the same service (TS 119 612, 5.5.3)."""
    found = {}
    for service in listed.services():
        kind = _text(service, "ServiceTypeIdentifier").rsplit("Svctype/", 1)[-1]
        for certificate in service.certificates:
            key = (service.territory, kind, certificate.public_key.dump())
            found[key] = _Entry(
                territory=service.territory,
                subject=f"{service.name} ({kind}) of {service.provider}",
                words=_words(service),
                content=etree.tostring(service.element, method="c14n"),
            )
    return found


def _words(service: Service) -> str:
    """Status, since when, and for what (TS 119 612, 5.5.4, 5.5.5 and 5.5.9.4)."""
    status = _text(service, "ServiceStatus").rsplit("/", 1)[-1]
    said = f"{status} since {_text(service, 'StatusStartingTime')[:10]}"
    uris = (
        each.text or "" for each in service.element.iterfind(f"{_INFORMATION}//{TSL}AdditionalServiceInformation/*")
    )
    uses = sorted({each.rsplit("/", 1)[-1] for each in uris if "/SvcInfoExt/For" in each})
    return f"{said}, {', '.join(uses)}" if uses else said


def _text(service: Service, name: str) -> str:
    return (service.element.findtext(f"{_INFORMATION}/{TSL}{name}") or "").strip()
