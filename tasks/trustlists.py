"""The trusted lists of this installation: fetched or brought, authenticated, kept as snapshots, and used."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from asn1crypto import x509

from config.settings import Settings
from connectors.signing import load_anchors
from connectors.trustlist import SnapshotFolder, Unreachable, fetch_all
from receipts.pades.report import Judged, Kind
from receipts.trust import (
    Altered,
    BadList,
    Change,
    Fault,
    Qualification,
    Snapshot,
    Sources,
    TrustedServices,
    assemble,
    differences,
    judge_stamp,
    official_signers,
    pivots_named,
    qualify,
    reopen,
)
from receipts.trust.lists import TSL, parse
from receipts.trust.snapshot import read_lotl


class NoSnapshot(Exception):
    """A trusted list snapshot is asked for that is not there: nothing can be proved by it."""


def folder(settings: Settings) -> SnapshotFolder:
    """Where the snapshots are."""
    return SnapshotFolder(settings.home.resolve() / "trust")


def lotl_signers(settings: Settings) -> list[x509.Certificate]:
    """Who signs the list of the lists: as configured, or as the Official Journal says."""
    return load_anchors(settings.trusted_list_signers) or official_signers()


def update(settings: Settings, at: datetime) -> tuple[Snapshot, bool]:
    """Fetch the list of the lists and all that it points to, keep them as a snapshot and use it. May be repeated.

    Args:
        settings: Where from, and whom to trust.
        at: The present, UTC.

    Returns:
        The snapshot, and whether it is new.

    Raises:
        BadList: The list of the lists could not be had or must not be used: everything stays as it was.
    """
    signers, kept = lotl_signers(settings), _kept(settings)
    url, timeout_s = settings.trusted_list_url, settings.trusted_list_timeout_s
    lotl = _must(fetch_all([url], timeout_s=timeout_s)[url])
    pivots = {each: _must(got) for each, got in fetch_all(pivots_named(lotl), timeout_s=timeout_s).items()}
    sources = Sources(lotl_url=url, lotl=lotl, pivots=pivots)
    pointers = [p for p in read_lotl(sources, signers, at, kept).pointers if not p.is_lotl]
    answers = fetch_all([p.url for p in pointers], timeout_s=timeout_s, signed=True)
    lists, missing = {}, {}
    for pointer in pointers:
        answer = answers[pointer.url]
        if isinstance(answer, bytes):
            lists[pointer.territory] = answer
        else:
            missing[pointer.territory] = str(answer)
    whole = Sources(lotl_url=url, lotl=lotl, pivots=pivots, lists=lists, missing=missing)
    return _keep(settings, assemble(whole, signers, at, kept), at, url)


def follows_the_web(settings: Settings) -> bool:
    """Whether the snapshot in use was fetched, not brought: whoever brings the lists keeps them up by hand."""
    kept = folder(settings)
    uses = [entry for entry in kept.log() if entry["name"] == kept.current()]
    return bool(uses) and urlsplit(str(uses[-1].get("origin"))).scheme in ("http", "https")


def bring(settings: Settings, source: Path, at: datetime) -> tuple[Snapshot, bool]:
    """Take the lists from a folder, such as a snapshot of another installation, authenticate them and use them.

    Args:
        settings: Whom to trust.
        source: Folder with the list of the lists, its pivots and the national lists, as `*.xml`.
        at: The present, UTC.

    Returns:
        The snapshot, and whether it is new.

    Raises:
        BadList: There is no list of the lists among them that may be used.
    """
    signers, kept = lotl_signers(settings), _kept(settings)
    sources = _sort(settings, {path.name: path.read_bytes() for path in sorted(source.glob("*.xml"))})
    return _keep(settings, assemble(sources, signers, at, kept), at, str(source))


def opened(settings: Settings, name: str = "") -> Snapshot | None:
    """A snapshot: of that name, else the one that the settings name, else the one in use; `None` if there is none.

    Raises:
        NoSnapshot: The named one is not there.
        Altered: It is not what it was.
    """
    name = name or settings.trusted_list_snapshot or folder(settings).current() or ""
    if not name:
        return None
    try:
        manifest, files = folder(settings).read(name)
    except FileNotFoundError as error:
        raise NoSnapshot(str(error)) from error
    return reopen(name, manifest, files)


def authenticate_again(snapshot: Snapshot) -> None:
    """Check once more that every list in a snapshot is signed by whom it must be, as when the lists were issued.

    Raises:
        Altered: One is not.
    """
    issued_at = max(
        datetime.fromisoformat(e["issued_at"]) for e in (snapshot.manifest["lotl"], *snapshot.manifest["lists"])
    )
    try:
        again = assemble(snapshot.sources(), snapshot.signers, issued_at)
    except BadList as bad:
        raise Altered(f"{snapshot.name}: {bad}") from bad
    if {e["sha256"] for e in again.manifest["lists"]} != {e["sha256"] for e in snapshot.manifest["lists"]}:
        raise Altered(f"{snapshot.name}: not every list is authentic")


def compare(settings: Settings, before: str, after: str = "") -> list[Change]:
    """What differs between two snapshots; `after` defaults to the one in use.

    Raises:
        NoSnapshot: One of them is not there.
        Altered: One is not what it was.
    """
    found = [opened(settings, name) for name in (before, after)]
    if found[0] is None or found[1] is None:
        raise NoSnapshot("there is no trusted list snapshot to compare with")
    return differences(TrustedServices(found[0]), TrustedServices(found[1]))


def services(settings: Settings, name: str = "") -> TrustedServices | None:
    """What a snapshot says, parsed once per process; arguments and faults as for `opened`."""
    wanted = name or settings.trusted_list_snapshot or folder(settings).current() or ""
    key = (settings.home.resolve(), wanted)
    with _parsing:
        if wanted and key not in _parsed:
            snapshot = opened(settings, wanted)
            assert snapshot is not None
            _parsed.clear()  # one is in use at a time; they are large
            _parsed[key] = TrustedServices(snapshot)
        return _parsed.get(key)


def worth(listed: TrustedServices | None, seal: Judged, at: datetime) -> Qualification | None:
    """What the trusted lists say of a seal; `None` without lists, or if its chain was not established.

    Args:
        listed: The lists.
        seal: The verdict on the seal.
        at: For which time that is, UTC.
    """
    if listed is None or seal.path is None or not seal.stamps:
        return None
    return qualify(listed, seal.path, seal.stamps, passed=seal.passed, at=at)


def worth_in_a_word(listed: TrustedServices | None, judged: Judged, at: datetime) -> str | None:
    """The same of any signature, time-stamp or evidence record: `QESeal`, `QTSA`, ...; `None` if nothing is known."""
    if judged.kind is Kind.SEAL:
        found = worth(listed, judged, at)
        return str(found.seal) if found else None
    if listed is None or not judged.stamps:
        return None
    return str(judge_stamp(listed, judged.stamps, passed=judged.passed, at=at)[0])


_parsed: dict[tuple[Path, str], TrustedServices] = {}
_parsing = threading.Lock()


def _keep(settings: Settings, snapshot: Snapshot, at: datetime, origin: str) -> tuple[Snapshot, bool]:
    kept = folder(settings)
    is_new = kept.write(snapshot.name, snapshot.manifest_bytes, snapshot.files)
    problems: Sequence[Mapping[str, Any]] = [asdict(problem) for problem in snapshot.problems]
    if snapshot.name != kept.current() or problems:
        kept.use(snapshot.name, {"at": at.isoformat(timespec="seconds"), "origin": origin, "problems": problems})
    return snapshot, is_new


def _kept(settings: Settings) -> Snapshot | None:
    name = folder(settings).current()
    return opened(settings, name) if name else None


def _must(answer: bytes | Unreachable) -> bytes:
    if isinstance(answer, Unreachable):
        raise BadList(Fault.UNREACHABLE, str(answer)) from answer
    return answer


def _sort(settings: Settings, files: Mapping[str, bytes]) -> Sources:
    """Which file is what, by what it says of itself; whether that is true comes out when it is authenticated."""
    lotls, lists = {}, {}
    for name, content in files.items():
        try:
            root = parse(content)
        except BadList:
            continue
        said = {each.tag: (each.text or "").strip() for each in root.iterfind(f"{TSL}SchemeInformation/*")}
        if said.get(f"{TSL}TSLType", "").endswith("/EUlistofthelists"):
            number = said.get(f"{TSL}TSLSequenceNumber", "")
            lotls[name] = (int(number) if number.isdecimal() else 0, content)
        else:
            lists[said.get(f"{TSL}SchemeTerritory", "")] = content
    if not lotls:
        raise BadList(Fault.UNREACHABLE, "no list of the lists among the files")
    newest = max(lotls, key=lambda name: lotls[name][0])
    lotl = lotls[newest][1]
    pivots = {}
    for url in pivots_named(lotl):
        for name in (PurePosixPath(urlsplit(url).path).name, f"pivot-{PurePosixPath(urlsplit(url).path).name}"):
            if name in lotls:
                pivots[url] = lotls[name][1]
    return Sources(lotl_url=settings.trusted_list_url, lotl=lotl, pivots=pivots, lists=lists)
