"""Trusted lists: whose word is taken, and whose is not."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives import serialization

from receipts.trust import Altered, BadList, Fault, Snapshot, Sources, TrustedServices, assemble, read, reopen
from tests import trustlists
from tests.trustlists import Issue, Listed, Operator, operator

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
URL = "https://example.invalid"


def loaded(*operators: Operator) -> list[x509.Certificate]:
    """Certificates of list signers, for the rules."""
    return [x509.Certificate.load(o.certificate.public_bytes(serialization.Encoding.DER)) for o in operators]


EU = loaded(operator("EU"))
AUTHORITY = operator("an authority").certificate  # any certificate will do


def national(signer: str = "ZZ", **issue: object) -> bytes:
    """A national list."""
    about = Issue(at=NOW - DAY)
    return trustlists.write(
        replace(about, **issue),  # type: ignore[arg-type]
        [Listed(kind="CA/QC", certificate=AUTHORITY)],
        operator(signer),
    )


def lotl(signer: str = "EU", *, signers: str = "ZZ", number: int = 1, **issue: object) -> bytes:
    """A list of the lists that points to one national list."""
    pointers = [("ZZ", f"{URL}/zz.xml", [operator(signers).certificate])]
    return trustlists.write_lotl(pointers, operator(signer), number=number, **{"at": NOW - DAY} | issue)


LOTL = lotl()


def sources(lotl_content: bytes | None = None, **lists: bytes) -> Sources:
    """What was fetched."""
    return Sources(lotl_url=f"{URL}/lotl.xml", lotl=lotl_content or LOTL, lists=lists)


def fault_of(made: Snapshot) -> Fault:
    """Why the one national list was not taken."""
    [problem] = made.problems
    return problem.fault


@pytest.mark.parametrize("version", [5, 6])
def test_a_good_list_gives_anchors_until_it_expires(version: int) -> None:
    snapshot = assemble(sources(ZZ=national(version=version)), EU, NOW)
    services = TrustedServices(snapshot)
    assert snapshot.problems == ()
    assert [each.dump() for each in services.anchors(NOW)] == [
        AUTHORITY.public_bytes(serialization.Encoding.DER),
    ]
    assert services.anchors(NOW + 180 * DAY) == []


def test_nobody_trusted_nothing_trusted() -> None:
    with pytest.raises(BadList) as refused:
        assemble(sources(ZZ=national()), [], NOW)
    assert refused.value.fault is Fault.WRONG_SIGNER


def tampered(content: bytes) -> bytes:
    """One word of it altered."""
    assert b"Judge Test Trust" in content
    return content.replace(b"Judge Test Trust", b"Other Test Trust")


def wrapped(content: bytes) -> bytes:
    """The signed list inside an unsigned one."""
    start = content.index(b"<TrustServiceStatusList")
    return (
        content[:start]
        + b'<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#">'
        + content[start:]
        + b"</TrustServiceStatusList>"
    )


BAD = {
    "tampered": (lambda: tampered(national()), Fault.BAD_SIGNATURE),
    "wrapped": (lambda: wrapped(national()), Fault.BAD_SIGNATURE),
    "wrong signer": (lambda: national("somebody else"), Fault.WRONG_SIGNER),
    "signer of the lotl": (lambda: national("EU"), Fault.WRONG_SIGNER),
    "expired": (lambda: national(at=NOW - 200 * DAY), Fault.EXPIRED),
    "from the future": (lambda: national(at=NOW + DAY), Fault.NOT_YET_ISSUED),
    "another territory": (lambda: national(territory="YY"), Fault.WRONG_LIST),
    "version 4": (lambda: national(version=4), Fault.WRONG_VERSION),
    "version 7": (lambda: national(version=7), Fault.WRONG_VERSION),
    "a list of lists": (lambda: lotl("ZZ"), Fault.WRONG_LIST),
    "a web page": (lambda: b"<!DOCTYPE html><html><body>Maintenance</body></html>", Fault.NOT_A_LIST),
    "nothing": (lambda: b"", Fault.NOT_A_LIST),
    "with a DTD": (
        lambda: national().replace(b"<TrustServ", b'<!DOCTYPE a [<!ENTITY b "c">]><TrustServ', 1),
        Fault.NOT_A_LIST,
    ),
    "unsigned": (
        lambda: national().split(b"<ds:Signature")[0] + b"</TrustServiceStatusList>",
        Fault.BAD_SIGNATURE,
    ),
    "a signature of no known form": (
        lambda: national().replace(b"<ds:SignedInfo>", b"<ds:SignedInfo><ds:Nothing/>"),
        Fault.BAD_SIGNATURE,
    ),
    "a signer's certificate of no known form": (
        lambda: re.sub(rb"(?<=<ds:X509Certificate>)[^<]*", b"A", national()),
        Fault.BAD_SIGNATURE,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_national_list_is_left_out(name: str) -> None:
    make, fault = BAD[name]
    snapshot = assemble(sources(ZZ=make()), EU, NOW)
    assert fault_of(snapshot) is fault
    assert snapshot.manifest["lists"] == []
    assert snapshot.manifest["missing"] == [{"territory": "ZZ", "url": f"{URL}/zz.xml", "fault": str(fault)}]
    assert TrustedServices(snapshot).anchors(NOW) == []


@pytest.mark.parametrize("name", ["tampered", "wrong signer", "expired", "a web page"])
def test_the_list_kept_stands_in_for_a_bad_one(name: str) -> None:
    kept = assemble(sources(ZZ=national()), EU, NOW)
    make, fault = BAD[name]
    after = assemble(sources(ZZ=make()), EU, NOW, kept)
    assert (fault_of(after), after.problems[0].kept) == (fault, True)
    assert after.name == kept.name
    later = assemble(sources(lotl(at=NOW, number=2), ZZ=make()), EU, NOW + 179.5 * DAY, kept)
    assert later.problems[0].kept is False  # it has expired too


def test_a_list_is_never_rolled_back() -> None:
    kept = assemble(sources(ZZ=national(number=7)), EU, NOW)
    after = assemble(sources(ZZ=national(number=6)), EU, NOW, kept)
    assert (fault_of(after), after.name) == (Fault.ROLLED_BACK, kept.name)
    assert not assemble(sources(ZZ=national(number=8)), EU, NOW, kept).problems


def test_the_same_number_with_an_older_date_is_a_rollback() -> None:
    kept = assemble(sources(ZZ=national()), EU, NOW)
    assert fault_of(assemble(sources(ZZ=national(at=NOW - 2 * DAY)), EU, NOW, kept)) is Fault.ROLLED_BACK


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (lambda: lotl("ZZ"), Fault.WRONG_SIGNER),
        (lambda: lotl().replace(b"Test Scheme Operator", b"Else Scheme Operator", 1), Fault.BAD_SIGNATURE),
        (lambda: lotl(at=NOW - 200 * DAY), Fault.EXPIRED),
        (lambda: lotl(at=NOW + DAY), Fault.NOT_YET_ISSUED),
        (lambda: national("EU"), Fault.NOT_A_LIST),  # it names no other lists
        (lambda: lotl(number=4), Fault.ROLLED_BACK),
        (lambda: b"<html/>", Fault.NOT_A_LIST),
    ],
)
def test_a_bad_list_of_the_lists_fails_the_whole(content: object, fault: Fault) -> None:
    kept = assemble(sources(lotl(number=5), ZZ=national()), EU, NOW)
    with pytest.raises(BadList) as refused:
        assemble(sources(content(), ZZ=national()), EU, NOW, kept)  # type: ignore[operator]
    assert refused.value.fault is fault


def pivot(name: str, signer: str, following: str) -> tuple[str, bytes]:
    """A list of the lists that names its next signer."""
    url = f"{URL}/eu-lotl-pivot-{name}.xml"
    return url, trustlists.write_lotl(
        [("EU", f"{URL}/lotl.xml", [operator(following).certificate])], operator(signer), at=NOW - 9 * DAY
    )


def pivoted(signer: str, pivots: list[tuple[str, bytes]], number: int = 9) -> Sources:
    """A list of the lists after changes of signers."""
    information = [url for url, _ in reversed(pivots)] + ["https://example.invalid/oj"]
    content = lotl(signer, number=number, information=information)
    return Sources(lotl_url=f"{URL}/lotl.xml", lotl=content, pivots=dict(pivots), lists={"ZZ": national()})


def test_signers_change_by_pivots() -> None:
    steps = [pivot("1", "EU", "EU2"), pivot("2", "EU2", "EU3")]
    snapshot = assemble(pivoted("EU3", steps), EU, NOW)
    assert [each["url"] for each in snapshot.manifest["pivots"]] == [steps[1][0], steps[0][0]]
    assert assemble(snapshot.sources(), snapshot.signers, NOW).name == snapshot.name
    # Starting from later signers, as a newer Official Journal names them, earlier pivots are of no concern.
    assert assemble(pivoted("EU3", steps), loaded(operator("EU2")), NOW).manifest["lists"]
    assert assemble(pivoted("EU3", steps), loaded(operator("EU3")), NOW).manifest["lists"]


@pytest.mark.parametrize(
    "steps",
    [
        [pivot("1", "EU", "EU2"), pivot("2", "stranger", "EU3")],
        [pivot("1", "EU", "EU2")],
        [pivot("2", "EU2", "EU3")],
        [],
    ],
)
def test_a_chain_of_pivots_with_a_wrong_or_missing_link_fails(steps: list[tuple[str, bytes]]) -> None:
    with pytest.raises(BadList) as refused:
        assemble(pivoted("EU3", steps), EU, NOW)
    assert refused.value.fault is Fault.WRONG_SIGNER


def test_a_signer_dropped_by_a_pivot_stays_dropped() -> None:
    kept = assemble(pivoted("EU2", [pivot("1", "EU", "EU2")]), EU, NOW)
    with pytest.raises(BadList) as refused:  # signed by the old one, as if there had never been a pivot
        assemble(pivoted("EU", [], number=10), EU, NOW, kept)
    assert refused.value.fault is Fault.ROLLED_BACK


def test_a_pivot_that_is_not_there_fails() -> None:
    whole = pivoted("EU2", [pivot("1", "EU", "EU2")])
    with pytest.raises(BadList) as refused:
        assemble(replace(whole, pivots={}), EU, NOW)
    assert refused.value.fault is Fault.UNREACHABLE


def test_comments_in_a_list_change_nothing() -> None:
    """Canonical form leaves them out, so anyone can put them in: text must not end where a comment begins."""
    content = national().replace(b"Svctype/CA/QC<", b"Svctype/CA/<!-- x -->QC<")
    assert b"<!-- x -->" in content
    plain = TrustedServices(assemble(sources(ZZ=national()), EU, NOW)).anchors(NOW)
    assert [c.dump() for c in TrustedServices(assemble(sources(ZZ=content), EU, NOW)).anchors(NOW)] == [
        c.dump() for c in plain
    ]


def test_a_snapshot_is_named_by_its_content() -> None:
    lists = sources(ZZ=national())
    snapshot = assemble(lists, EU, NOW)
    assert assemble(lists, EU, NOW + DAY).name == snapshot.name
    assert snapshot.name.startswith(f"EU-1-{snapshot.sha256[:32]}")
    assert reopen(snapshot.name, snapshot.manifest, snapshot.files).manifest == snapshot.manifest


@pytest.mark.parametrize("file", ["ZZ.xml", "lotl.xml", "signers.pem"])
def test_an_altered_snapshot_is_not_used(file: str) -> None:
    snapshot = assemble(sources(ZZ=national()), EU, NOW)
    with pytest.raises(Altered):
        reopen(snapshot.name, snapshot.manifest, {**snapshot.files, file: snapshot.files[file] + b"\n"})
    with pytest.raises(Altered):
        reopen(snapshot.name, snapshot.manifest, {k: v for k, v in snapshot.files.items() if k != file})
    with pytest.raises(Altered):
        reopen(snapshot.name, {**snapshot.manifest, "lists": []}, snapshot.files)


def test_reading_says_who_and_when() -> None:
    listed = read(national(number=3), loaded(operator("ZZ")))
    assert (listed.territory, listed.sequence_number, listed.issued_at) == ("ZZ", 3, NOW - DAY)
    assert listed.next_update == NOW + 179 * DAY
