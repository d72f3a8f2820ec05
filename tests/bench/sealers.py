"""Who seals and who validates, each in a process of its own: `python -m tests.bench.sealers WHO PKI OUT FILE…`.

Each says as JSON what the documents after the first few took: processor time of the process, and time by the clock.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from connectors import devpki, signing
from connectors.devpki import DevPki

WARM = 5
IN_FLIGHT = 16


@contextmanager
def measured(documents: int) -> Iterator[None]:
    """Around what is measured."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    yield
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    print(json.dumps({"cpu_ms": cpu_s * 1000 / documents, "per_s": documents / wall_s}))


def newcomer(pki: DevPki, files: list[Path], out: Path) -> None:
    """A loop as the manuals of img2pdf and pyHanko show it: everything anew for each document, one at a time."""
    import img2pdf
    from pyhanko.sign.timestamps import HTTPTimeStamper
    from pyhanko_certvalidator import ValidationContext

    def one(file: Path) -> None:
        pdf = img2pdf.convert(file.read_bytes(), rotation=img2pdf.Rotation.ifvalid)
        signer = signers.SimpleSigner.load_pkcs12(str(pki.p12), passphrase=pki.p12_secret.read_bytes())
        metadata = signers.PdfSignatureMetadata(
            field_name="Seal",
            subfilter=fields.SigSeedSubFilter.PADES,
            embed_validation_info=True,
            validation_context=ValidationContext(trust_roots=signing.load_anchors([pki.anchors]), allow_fetching=True),
        )
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        sealed = signers.sign_pdf(writer, metadata, signer=signer, timestamper=HTTPTimeStamper(pki.tsa_url))
        (out / f"{file.name}.pdf").write_bytes(sealed.getvalue())

    _one_by_one(one, files)


def pyhanko(pki: DevPki, files: list[Path], out: Path) -> None:
    """pyHanko at its best: key, session, revocation data and context kept, room known, one revision, many at once."""
    from pyhanko.sign.timestamps import HTTPTimeStamper
    from pyhanko_certvalidator import ValidationContext

    from connectors.signing.mechanism import digest_for

    async def run() -> None:
        async with signing.open_session() as session:
            signer = signing.open_signer(pki.signer_uri, pki.p12_secret.read_text())
            together = signers.pdf_signer.SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE
            context = ValidationContext(
                trust_roots=signing.load_anchors([pki.anchors]),
                allow_fetching=True,
                fetchers=signing.open_fetchers(session).get_fetchers(),
                revocation_mode="require",
            )
            metadata = signers.PdfSignatureMetadata(
                field_name="Seal",
                subfilter=fields.SigSeedSubFilter.PADES,
                md_algorithm=digest_for(signer.signing_cert),
                embed_validation_info=True,
                validation_context=context,
                dss_settings=signers.pdf_signer.DSSContentSettings(include_vri=False, placement=together),
            )
            pdf_signer = signers.PdfSigner(metadata, signer, timestamper=HTTPTimeStamper(pki.tsa_url, session=session))

            async def one(file: Path) -> None:
                writer = IncrementalPdfFileWriter(BytesIO(file.read_bytes()))
                sealed = await pdf_signer.async_sign_pdf(writer, bytes_reserved=16384, in_place=True)
                (out / file.name).write_bytes(sealed.getvalue())

            await _many_at_once(one, files)

    asyncio.run(run())


def rules(pki: DevPki, files: list[Path], out: Path) -> None:
    """Probant's sealing alone, as its tasks call it: B-T for all, revocation data once, B-LT."""
    from tasks.levels import Unsealed, augment_each, seal_each
    from tasks.sealing import sealing_room

    room = sealing_room(_settings(pki, out))

    async def all_of(some: Sequence[Path]) -> None:
        readers = [lambda file=file: Unsealed(pdf=file.read_bytes()) for file in some]
        sealed = await seal_each(room, readers, now=_now)
        for file, pdf in zip(some, await augment_each(room, sealed, "B-LT", now=_now), strict=True):
            if isinstance(pdf, Exception):
                raise pdf
            (out / file.name).write_bytes(pdf)

    room.run(all_of(files[:WARM]))
    with measured(len(files) - WARM):
        room.run(all_of(files[WARM:]))


def tasks(pki: DevPki, files: list[Path], out: Path) -> None:
    """Probant's tasks: sealing and verifying, each with journal, staging, claims and preflight."""
    from tasks.normalise import normalise
    from tasks.seal import seal
    from tasks.step import Work
    from tasks.verify import verify
    from tests.installation import Installation

    installation = Installation(_settings(pki, out / "home"))
    installation.receive(*files)
    work = installation.claim()

    def chunks(some: Sequence[Work]) -> Iterator[Sequence[Work]]:
        size = installation.settings.chunk_size
        return (some[at : at + size] for at in range(0, len(some), size))

    def through(stage: Callable[..., list[Work]], some: Sequence[Work]) -> list[Work]:
        return [each for chunk in chunks(some) for each in stage(installation, chunk)]

    work = through(normalise, work)
    for stage in (seal, verify):
        warm = through(stage, work[:WARM])
        with measured(len(work) - WARM):
            work = [*warm, *through(stage, work[WARM:])]
        if problems := [each.problem for each in work if each.problem]:
            raise RuntimeError(problems[0])
    installation.registry.close()


def validate_rules(pki: DevPki, files: list[Path], out: Path) -> None:
    """Probant's validation alone."""
    from receipts import pades

    anchors = signing.load_anchors([pki.anchors])

    def one(file: Path) -> None:
        report = pades.validate(file.read_bytes(), anchors, at=_now())
        if not report.passed or report.headline.level != "PAdES-BASELINE-LT":
            raise RuntimeError(report.why)

    _one_by_one(one, files)


def validate_pyhanko(pki: DevPki, files: list[Path], out: Path) -> None:
    """pyHanko with the validation data in the file alone, revocation required, changes looked at."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import DocumentSecurityStore, validate_pdf_signature

    anchors = signing.load_anchors([pki.anchors])

    def one(file: Path) -> None:
        reader = PdfFileReader(BytesIO(file.read_bytes()))
        store = DocumentSecurityStore.read_dss(reader)
        context = store.as_validation_context(
            {"trust_roots": anchors, "allow_fetching": False, "revocation_mode": "require"}
        )
        status = validate_pdf_signature(reader.embedded_signatures[0], context)
        if not status.bottom_line:
            raise RuntimeError(status.pretty_print_details())

    _one_by_one(one, files)


def validate_pyhanko_ades(pki: DevPki, files: list[Path], out: Path) -> None:
    """pyHanko's validation after EN 319 102-1, for archived signatures."""
    logging.disable()  # what it makes of a B-LT without a document time-stamp
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation.ades import ades_lta_validation
    from pyhanko.sign.validation.policy_decl import (
        PdfSignatureValidationSpec,
        RevinfoOnlineFetchingRule,
        RevocationInfoGatheringSpec,
        SignatureValidationSpec,
    )
    from pyhanko_certvalidator.context import CertValidationPolicySpec
    from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
    from pyhanko_certvalidator.registry import SimpleTrustManager

    certificates = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(signing.load_anchors([pki.anchors])),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
    )
    gathering = RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY)
    spec = PdfSignatureValidationSpec(SignatureValidationSpec(certificates, revinfo_gathering_policy=gathering))

    def one(file: Path) -> None:
        reader = PdfFileReader(BytesIO(file.read_bytes()))
        asyncio.run(ades_lta_validation(reader.embedded_signatures[0], spec))

    _one_by_one(one, files)


def _one_by_one(one: Callable[[Path], None], files: Sequence[Path]) -> None:
    for file in files[:WARM]:
        one(file)
    with measured(len(files) - WARM):
        for file in files[WARM:]:
            one(file)


async def _many_at_once(one: Callable[[Path], Awaitable[None]], files: Sequence[Path]) -> None:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def gated(file: Path) -> None:
        async with gate:
            await one(file)

    await asyncio.gather(*map(gated, files[:WARM]))
    with measured(len(files) - WARM):
        await asyncio.gather(*map(gated, files[WARM:]))


def _settings(pki: DevPki, home: Path) -> Any:
    from config.settings import Settings

    return Settings(
        home=home,
        signer=pki.signer_uri,
        signer_secret=pki.p12_secret.read_text(),
        tsa_url=pki.tsa_url,
        trust=[pki.anchors],
        archive=str(home / "archive"),
    )


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    who, pki, out, *names = sys.argv[1:]
    globals()[who](devpki.load(Path(pki)), [Path(name) for name in names], Path(out))
