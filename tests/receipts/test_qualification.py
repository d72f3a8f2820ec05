"""What a seal is worth by a trusted list: DSS has the last word, and we never say more than it does."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509

from connectors import devpki as development
from connectors.devpki import DevPki
from receipts import pades
from receipts.trust import Sources, TrustedServices, assemble, qualify
from tests import judge, trustlists
from tests.pki import archive_file, seal_lt
from tests.trustlists import Issue, Listed, operator
from tests.variants import VARIANTS, make

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
LATER = NOW + dt.timedelta(hours=1)
YESTERDAY = NOW - dt.timedelta(hours=12)  # certificates are valid from a day before now
LONG_AGO = trustlists.SINCE


@dataclass(frozen=True)
class Case:
    """A seal, its service in the list, and what it should be worth; `dss` where DSS says something else, and why."""

    variant: str
    seal: str
    service: dict[str, Any] | None = None
    time_stamp: str = "QTSA"
    stamps: dict[str, Any] | None = None
    dss: str | None = None


GRANTED = ("granted", LONG_AGO)
GRANTED_NOW = ("granted", NOW + dt.timedelta(minutes=30))
CASES = {
    "whole": Case("whole", "QESeal"),
    "no-device": Case("no-device", "AdESeal-QC"),
    "device-by-the-list": Case("no-device", "QESeal", {"qualifiers": ["QCWithQSCD"]}),
    "no-device-by-the-list": Case("whole", "AdESeal-QC", {"qualifiers": ["QCNoQSCD"]}),
    "old-word-for-device": Case("no-device", "AdESeal-QC", {"qualifiers": ["QCWithSSCD"]}),
    "no-compliance": Case("no-compliance", "AdESeal"),
    "compliance-by-the-list": Case("no-compliance", "QESeal", {"qualifiers": ["QCStatement", "QCWithQSCD"]}),
    "not-by-the-list": Case("whole", "AdESeal", {"qualifiers": ["NotQualified"]}),
    "no-type": Case("no-type", "AdESig"),
    "no-statements": Case("no-statements", "AdES", dss="UNKNOWN"),
    "not-listed": Case("whole", "AdESeal", {"absent": True}),
    "signatures-only": Case("whole", "AdESeal", {"uses": ["ForeSignatures"]}, dss="QESEAL"),
    "seals-and-signatures": Case("whole", "QESeal", {"uses": ["ForeSignatures", "ForeSeals"]}),
    "no-use": Case("whole", "AdESeal", {"uses": []}),
    "withdrawn-since-issuance": Case("whole", "AdESeal", {"statuses": [("withdrawn", YESTERDAY), GRANTED]}),
    "withdrawn-before": Case("whole", "AdESeal", {"statuses": [("withdrawn", NOW - dt.timedelta(days=9)), GRANTED]}),
    "granted-only-after-issuance": Case("whole", "AdESeal", {"statuses": [("granted", YESTERDAY)]}),
    "under-supervision": Case("whole", "AdESeal", {"statuses": [("undersupervision", LONG_AGO)]}),
    "accredited": Case("whole", "AdESeal", {"statuses": [("accredited", LONG_AGO)]}),
    "recognised": Case("whole", "AdESeal", {"statuses": [("recognisedatnationallevel", LONG_AGO)]}),
    "for-seals-by-the-list": Case("whole", "QESeal", {"qualifiers": ["QCForESeal"]}),
    "for-seals-by-the-list-alone": Case("no-type", "QESeal", {"qualifiers": ["QCForESeal"]}),
    "for-signatures-by-the-list": Case("whole", "AdESeal", {"qualifiers": ["QCForESig"]}, dss="UNKNOWN_QC_QSCD"),
    "for-websites-by-the-list": Case("whole", "AdESeal", {"qualifiers": ["QCForWSA"]}, dss="UNKNOWN_QC_QSCD"),
    "two-words-on-the-device": Case("whole", "AdESeal-QC", {"qualifiers": ["QCWithQSCD", "QCNoQSCD"]}),
    "two-words-on-being-qualified": Case("whole", "AdESeal", {"qualifiers": ["QCStatement", "NotQualified"]}),
    "two-words-on-the-use": Case(
        "whole", "AdESeal", {"qualifiers": ["QCForESeal", "QCForESig"]}, dss="UNKNOWN_QC_QSCD"
    ),
    "device-as-in-certificate": Case("whole", "QESeal", {"qualifiers": ["QCQSCDStatusAsInCert"]}),
    "device-as-in-certificate-that-has-none": Case("no-device", "AdESeal-QC", {"qualifiers": ["QCQSCDStatusAsInCert"]}),
    "device-managed-for-the-owner": Case("no-device", "QESeal", {"qualifiers": ["QCQSCDManagedOnBehalf"]}),
    # The library doesn't know that word, and what can't be understood is not proved.
    "for-legal-persons": Case("whole", "AdESeal", {"qualifiers": ["QCForLegalPerson"]}, dss="QESEAL"),
    "unknown-qualifier": Case("whole", "QESeal", {"qualifiers": ["QCForNothing"]}),
    "withdrawn-later-again-granted": Case(
        "whole", "AdESeal", {"statuses": [GRANTED_NOW, ("withdrawn", YESTERDAY), GRANTED]}
    ),
    "for-websites-only": Case("whole", "AdESeal", {"uses": ["ForWebSiteAuthentication"]}),
    "stamps-not-granted": Case("whole", "QESeal", None, "TSA", {"statuses": [("withdrawn", YESTERDAY), GRANTED]}),
    "stamps-not-listed": Case("whole", "QESeal", None, "TSA", {"absent": True}),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes], TrustedServices]:
    """Each case sealed by a PKI of its own, and one list with all their services."""
    folder = tmp_path_factory.mktemp("qualification")
    files, services = {}, []
    for name, case in CASES.items():
        pki = make(folder / name)
        VARIANTS[case.variant](pki)
        services += _services(pki, case)
        with development.serve(pki.folder):
            [files[name]] = seal_lt([archive_file()], pki)
        (folder / f"{name}.pdf").write_bytes(files[name])
    content = trustlists.write(Issue(), services, operator())
    (folder / "list.xml").write_bytes(content)
    (folder / "signer.pem").write_bytes(operator().pem)
    return folder, files, TrustedServices(snapshot_of(content))


def snapshot_of(content: bytes, at: dt.datetime = NOW) -> Any:
    """A snapshot with one national list."""
    pointers = [("ZZ", "https://example.invalid/zz.xml", [operator().certificate])]
    lotl = trustlists.write_lotl(pointers, operator("EU"))
    sources = Sources(lotl_url="https://example.invalid/lotl.xml", lotl=lotl, lists={"ZZ": content})
    der = operator("EU").certificate.public_bytes(trustlists.serialization.Encoding.DER)
    return assemble(sources, [x509.Certificate.load(der)], at)


def _services(pki: DevPki, case: Case) -> list[Listed]:
    ca = pki.certificate("ca")
    about = dict(case.service or {})
    found = [] if about.pop("absent", False) else [replace(Listed(kind="CA/QC", certificate=ca), **about)]
    if not found:  # still trusted: as an authority for time-stamps and nothing else
        found.append(Listed(kind="TSA/QTST", certificate=ca))
        return found
    about = dict(case.stamps or {})
    if not about.pop("absent", False):
        found.append(replace(Listed(kind="TSA/QTST", certificate=pki.certificate("tsu")), **about))
    return found


def test_never_more_than_dss_says(world: tuple[Path, dict[str, bytes], TrustedServices]) -> None:
    folder, files, services = world
    at = dt.datetime.now(dt.UTC)
    options = ["--trusted-list", folder / "list.xml", "--tl-signer", folder / "signer.pem", "--no-render"]
    verdicts = judge.dss([folder / f"{name}.pdf" for name in CASES], [], options=options)
    ours, theirs, expected = {}, {}, {}
    for name, case in CASES.items():
        report = pades.validate(files[name], services.anchors(at), at=at)
        assert report.passed, (name, report.why)
        assert report.headline.path is not None
        found = qualify(services, report.headline.path, report.headline.stamps, passed=True, at=at)
        ours[name] = (str(found.seal), str(found.time_stamp))
        verdict = verdicts[str(folder / f"{name}.pdf")]
        assert verdict["passed"], (name, verdict)
        theirs[name] = (verdict["signatures"][0]["qualification"], verdict["timestamps"][0]["qualification"])
        expected[name] = (case.seal, case.time_stamp)
    assert ours == expected
    as_dss = {name: (CASES[name].dss or seal.upper().replace("-", "_"), stamp) for name, (seal, stamp) in ours.items()}
    assert as_dss == theirs
