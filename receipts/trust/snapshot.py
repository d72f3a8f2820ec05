"""Snapshots: all trusted lists as they were one day, under a name that is made of their content.

A verdict names the snapshot that it rests on, so that it can be repeated, and explained when a later one differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

import rfc8785
from asn1crypto import pem, x509

from receipts.trust.lists import BadList, Fault, Pointer, TrustedList, pivots_named, read

MANIFEST: Final = "manifest.json"
LOTL: Final = "lotl.xml"
SIGNERS: Final = "signers.pem"
_NAME_DIGITS: Final = 32


class Altered(Exception):
    """A snapshot is not what its name says: nothing of it may be used."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A national list that could not be taken as it was offered.

    Attributes:
        territory: Whose.
        fault: Why, for machines.
        why: Why, for people.
        kept: Whether the one of the snapshot before stands in for it; else its services are not trusted.
    """

    territory: str
    fault: Fault
    why: str
    kept: bool


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Authenticated lists that belong together.

    Attributes:
        name: Territory, sequence number and the first digits of the manifest's SHA-256.
        manifest: What is in it (JSON; `docs/trust.md`).
        files: The content of each file that the manifest names.
        problems: What went wrong when it was assembled; not part of it.
    """

    name: str
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    problems: tuple[Problem, ...] = ()

    @property
    def manifest_bytes(self) -> bytes:
        """The manifest, canonical (RFC 8785)."""
        return rfc8785.dumps(dict(self.manifest))

    @property
    def sha256(self) -> str:
        """Hex digest of the manifest, which names every file by its digest."""
        return hashlib.sha256(self.manifest_bytes).hexdigest()

    @property
    def signers(self) -> list[x509.Certificate]:
        """Who was trusted to sign the list of the lists when this was assembled."""
        return [x509.Certificate.load(der) for _, _, der in pem.unarmor(self.files[SIGNERS], multiple=True)]

    def sources(self) -> Sources:
        """What it was assembled from, to do it again."""
        lists = {each["territory"]: self.files[each["file"]] for each in self.manifest["lists"]}
        pivots = {each["url"]: self.files[each["file"]] for each in self.manifest["pivots"]}
        lotl = self.manifest["lotl"]
        return Sources(lotl_url=lotl["url"], lotl=self.files[lotl["file"]], pivots=pivots, lists=lists)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Files as they came, not to be trusted yet.

    Attributes:
        lotl_url: Where the list of the lists came from.
        lotl: The list of the lists.
        pivots: Earlier ones that changed its signers, by URL.
        lists: National lists by territory.
        missing: Why there is none of a territory that the list of the lists points to.
    """

    lotl_url: str
    lotl: bytes
    pivots: Mapping[str, bytes] = field(default_factory=dict)
    lists: Mapping[str, bytes] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def read_lotl(
    sources: Sources, signers: Sequence[x509.Certificate], at: datetime, kept: Snapshot | None = None
) -> TrustedList:
    """The list of the lists, authenticated over its pivots, in force, and not older than the one kept.

    Args:
        sources: `lotl` and `pivots` are looked at.
        signers: Whom the Official Journal named.
        at: The present, UTC.
        kept: The snapshot in use.

    Raises:
        BadList: It must not be used; everything stays as it was.
    """
    lotl = read(sources.lotl, _walk(sources, signers))
    if not lotl.is_lotl:
        raise BadList(Fault.WRONG_LIST, "not the list of the lists")
    lotl.check_usable(at)
    if kept:
        known = kept.manifest["lotl"]
        lotl.check_not_older(known["sequence_number"], datetime.fromisoformat(known["issued_at"]))
        same = kept.files[SIGNERS] == _pem(signers)
        lost = {each["url"] for each in kept.manifest["pivots"]} - set(lotl.pivots)
        if same and lost:  # else a signer who was dropped could come back by not naming the pivot that dropped it
            raise BadList(Fault.ROLLED_BACK, f"the list of the lists no longer names {sorted(lost)}")
    return lotl


def assemble(
    sources: Sources, signers: Sequence[x509.Certificate], at: datetime, kept: Snapshot | None = None
) -> Snapshot:
    """A snapshot of everything that is authentic and in force.

    A national list that is not, is left out, and the one of the snapshot before stands in as long as it holds; what
    concerns the list of the lists itself is a failure of the whole.

    Args:
        sources: The files as they came.
        signers: Whom the Official Journal named; none, and nothing is trusted.
        at: The present, UTC.
        kept: The snapshot in use.

    Raises:
        BadList: The list of the lists must not be used.
    """
    lotl = read_lotl(sources, signers, at, kept)
    files = {LOTL: sources.lotl, SIGNERS: _pem(signers)}
    pivots = [_pivot(url, sources.pivots[url]) for url in lotl.pivots]
    files |= {each["file"]: sources.pivots[each["url"]] for each in pivots}
    lists, missing, problems = [], [], []
    for pointer in sorted((p for p in lotl.pointers if not p.is_lotl), key=lambda p: p.territory):
        content, listed, problem = _choose(pointer, sources, at, kept)
        problems += [problem] if problem else []
        if listed is None:
            fault = problem.fault if problem else Fault.UNREACHABLE
            missing.append({"territory": pointer.territory, "url": pointer.url, "fault": str(fault)})
        else:
            files[f"{pointer.territory}.xml"] = content
            lists.append(_entry(listed, f"{pointer.territory}.xml", pointer.url))
    manifest = {
        "version": 1,
        "signers": [hashlib.sha256(each.dump()).hexdigest() for each in signers],
        "lotl": _entry(lotl, LOTL, sources.lotl_url),
        "pivots": pivots,
        "lists": lists,
        "missing": missing,
    }
    return Snapshot(name=_name(manifest), manifest=manifest, files=files, problems=tuple(problems))


def reopen(name: str, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Snapshot:
    """The snapshot `name` as it was stored; its lists were authenticated when it was assembled.

    Raises:
        Altered: A file is missing or other than the manifest says, or the manifest than the name says.
    """
    try:
        if _name(manifest) != name:
            raise Altered(f"the manifest of {name} was altered")
        for entry in (manifest["lotl"], *manifest["pivots"], *manifest["lists"]):
            if hashlib.sha256(files[entry["file"]]).hexdigest() != entry["sha256"]:
                raise Altered(f"{entry['file']} of {name} was altered")
        signers = [x509.Certificate.load(der) for _, _, der in pem.unarmor(files[SIGNERS], multiple=True)]
        digests = [hashlib.sha256(each.dump()).hexdigest() for each in signers]
        if digests != manifest["signers"] or files[SIGNERS] != _pem(signers):
            raise Altered(f"{SIGNERS} of {name} was altered")
    except (KeyError, TypeError, ValueError) as error:
        raise Altered(f"{name} is not whole: {error}") from error
    return Snapshot(name=name, manifest=manifest, files=files)


def _walk(sources: Sources, signers: Sequence[x509.Certificate]) -> Sequence[x509.Certificate]:
    """Who may sign the list of the lists, after all its pivots, each signed by those whom the one before named."""
    if not signers:
        raise BadList(Fault.WRONG_SIGNER, "nobody is trusted to sign the list of the lists")
    current, started = signers, False
    for url in reversed(pivots_named(sources.lotl)):
        if url not in sources.pivots:
            raise BadList(Fault.UNREACHABLE, f"the pivot {url} is not there")
        try:
            pivot = read(sources.pivots[url], current)
        except BadList as bad:
            if bad.fault is Fault.WRONG_SIGNER and not started:
                continue  # older than the signers that we start from
            raise
        started = True
        own = [pointer for pointer in pivot.pointers if pointer.is_lotl]
        if len(own) != 1 or not pivot.is_lotl:
            raise BadList(Fault.WRONG_LIST, f"the pivot {url} doesn't name the next signers")
        current = own[0].signers
    return current


def _choose(
    pointer: Pointer, sources: Sources, at: datetime, kept: Snapshot | None
) -> tuple[bytes, TrustedList | None, Problem | None]:
    """The list of a territory as offered, else the one kept, else none."""
    territory, before = pointer.territory, kept.sources().lists.get(pointer.territory) if kept else None
    try:
        if territory not in sources.lists:
            raise BadList(Fault.UNREACHABLE, sources.missing.get(territory, "there is no such file"))
        listed = _read_national(pointer, sources.lists[territory], at)
        known = _known(kept, territory)
        if known:
            listed.check_not_older(known["sequence_number"], datetime.fromisoformat(known["issued_at"]))
        return sources.lists[territory], listed, None
    except BadList as bad:
        problem = bad
    if before is not None:
        try:
            standing_in = _read_national(pointer, before, at)
            return before, standing_in, Problem(territory=territory, fault=problem.fault, why=str(problem), kept=True)
        except BadList:
            pass
    return b"", None, Problem(territory=territory, fault=problem.fault, why=str(problem), kept=False)


def _known(kept: Snapshot | None, territory: str) -> Mapping[str, Any] | None:
    entries: Iterable[Mapping[str, Any]] = kept.manifest["lists"] if kept else ()
    return next((each for each in entries if each["territory"] == territory), None)


def _read_national(pointer: Pointer, content: bytes, at: datetime) -> TrustedList:
    listed = read(content, pointer.signers)
    if listed.is_lotl or listed.territory != pointer.territory:
        raise BadList(Fault.WRONG_LIST, f"a list of {listed.territory} where that of {pointer.territory} should be")
    listed.check_usable(at)
    return listed


def _pivot(url: str, content: bytes) -> dict[str, str]:
    name = f"pivot-{PurePosixPath(urlsplit(url).path).name}"
    return {"file": name, "url": url, "sha256": hashlib.sha256(content).hexdigest()}


def _entry(listed: TrustedList, file: str, url: str) -> dict[str, Any]:
    return {
        "file": file,
        "url": url,
        "territory": listed.territory,
        "sequence_number": listed.sequence_number,
        "version": listed.version,
        "issued_at": listed.issued_at.isoformat(),
        "next_update": listed.next_update.isoformat() if listed.next_update else None,
        "sha256": listed.sha256,
        "signer": listed.signer,
    }


def _name(manifest: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(rfc8785.dumps(dict(manifest))).hexdigest()
    lotl = manifest["lotl"]
    return f"{lotl['territory']}-{lotl['sequence_number']}-{digest[:_NAME_DIGITS]}"


def _pem(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(pem.armor("CERTIFICATE", each.dump()) for each in certificates)
