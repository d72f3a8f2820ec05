"""B-LTA: a document time-stamp after the validation data, which both judges accept and PDF/A survives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from connectors import signing
from connectors.devpki import DevPki, Service
from receipts import pades
from tests import judge
from tests.pki import anchors_of, archive_file, fetch, seal_all, seal_lt, signer_of
from tests.receipts.others import seal_beside, sign
from tests.receipts.pdf_cases import pdf_a


def stamp(augmented: bytes, signer: DevPki, tsa: DevPki | None = None, *, reserved_bytes: int = 0) -> bytes:
    """The file with a document time-stamp."""

    async def run() -> bytes:
        async with signing.open_session() as session:
            timestamper = signing.open_timestamper((tsa or signer).tsa_url, session)
            sealer = pades.Sealer(signer=signer_of(signer), timestamper=timestamper)
            sealer.stamp_size.reserved_bytes = reserved_bytes
            return await pades.stamp(augmented, sealer)

    return asyncio.run(run())


def test_the_judges_call_it_lta(devpki: Service, another_pki: Service, tmp_path: Path) -> None:
    pki, other = devpki.pki, another_pki.pki
    [sealed] = seal_all([archive_file()], pki)
    data = fetch([sealed], anchors_of(pki))
    augmented = pades.augment(sealed, data)
    files = {"own": stamp(augmented, pki)}
    files["renewed"] = stamp(files["own"], pki)
    files["PDF/A-1"] = stamp(seal_beside(pdf_a("1b"), pki), pki)
    files["another authority"] = stamp(augmented, pki, other)
    served = [pades.is_served(files[name], data) for name in ("own", "another authority")]
    assert served == [True, False]
    more = fetch([files["another authority"]], anchors_of(other))
    files["another authority"] = pades.augment(files["another authority"], more)
    files["beside another's"] = stamp(seal_beside(sign(archive_file(), other), pki), pki)
    paths = {name: tmp_path / f"{number}.pdf" for number, name in enumerate(files)}
    for name, path in paths.items():
        path.write_bytes(files[name])
    strict = judge.dss(paths.values(), [pki.anchors, other.anchors], level="LTA")
    default = judge.dss(paths.values(), [pki.anchors, other.anchors], level="LTA", options=["--policy", "default"])
    for name in ("own", "renewed", "PDF/A-1"):
        report = pades.validate(files[name], anchors_of(pki), at=datetime.now(UTC))
        assert (report.passed, report.headline.level) == (True, "PAdES-BASELINE-LTA"), (name, report.why)
    for name, path in paths.items():
        # Strict calls any second signature a change to the first.
        verdict = (default if name == "beside another's" else strict)[str(path)]
        assert verdict["passed"], (name, verdict)
        assert {each["format"] for each in verdict["signatures"]} == {"PAdES-BASELINE-LTA"}
        assert "DOCUMENT_TIMESTAMP" in {each["type"] for each in verdict["timestamps"]}
    part_1 = paths.pop("PDF/A-1")
    assert {verdict["compliant"] for verdict in judge.verapdf(paths.values()).values()} == {True}
    assert judge.verapdf([part_1], "1b")[str(part_1)]["compliant"]


def test_it_only_appends_a_time_stamp_over_all_that_was_there(devpki: Service) -> None:
    [augmented] = seal_lt([archive_file()], devpki.pki)
    stamped = stamp(augmented, devpki.pki, reserved_bytes=100)  # the container grows on demand
    assert stamped.startswith(augmented)
    opened = pikepdf.open(BytesIO(stamped))
    seal, field = opened.Root.AcroForm.Fields
    assert (field.V.Type, field.V.SubFilter) == ("/DocTimeStamp", "/ETSI.RFC3161")  # EN 319 142-1, 5.4.3
    start, gap, end, length = (int(edge) for edge in field.V.ByteRange)
    assert (start, end + length) == (0, len(stamped))
    assert gap >= len(augmented)
    assert {"/M", "/Name", "/Cert", "/Reference", "/Reason"}.isdisjoint(field.V.keys())
    assert (str(seal.T), str(field.T)) == ("Seal", "Archive-time-stamp")


def test_a_token_over_something_else_is_not_used(devpki: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    [augmented] = seal_lt([archive_file()], devpki.pki)
    real = signing.HttpTimeStamper.async_timestamp

    async def other(self: signing.HttpTimeStamper, digest: bytes, algorithm: str) -> object:
        return await real(self, bytes(len(digest)), algorithm)

    monkeypatch.setattr(signing.HttpTimeStamper, "async_timestamp", other)
    with pytest.raises(pades.BadToken, match="something else"):
        stamp(augmented, devpki.pki)
