"""Judges what this installation sealed, afresh and from the file's bytes alone, before anyone calls it sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature

from apps.normalising import Entry
from receipts.errors import Code, Refused
from receipts.pades import Report, validate
from receipts.pades.headline import seal_in
from receipts.pades.permissions import disturbed, earlier_signatures
from receipts.pades.report import FAILURES, Judged, SubIndication
from receipts.pdfa import provenance_of
from receipts.verdict import pdfa_claim
from tasks import trustlists
from tasks.connections import Connections
from tasks.sealing import SealingRoom, is_development_seal
from tasks.trust import anchors


class NotProved(Exception):
    """The file that was sealed did not prove itself: it is not kept."""


@dataclass(frozen=True)
class Judge:
    """Knows which seal is ours, and what it must be worth.

    Attributes:
        connections: The installation.
        room: With what it seals.
        level: `B-LT` or `B-LTA`, which a seal must reach.
    """

    connections: Connections
    room: SealingRoom
    level: str

    def own_fields(self, reader: PdfFileReader) -> list[str]:
        """The fields of the signatures that carry our certificate, the newest last."""
        own = self.room.sealer.signer.signing_cert
        return [str(each.field_name) for each in earlier_signatures(reader) if own and _carries(each, own)]

    def made_by_us(self, pdf: bytes, fields: Sequence[str]) -> list[str]:
        """Those of the fields whose signature our key made: anyone can put our certificate into one, but only its key
        makes one that is not TOTAL-FAILED.
        """
        judged = validate(pdf, anchors(self.connections.settings), at=self.connections.now()).signatures
        return [each for each in fields if seal_in(judged, each).sub_indication not in FAILURES]

    def judge(self, pdf: bytes, others: Sequence[str], sealed: bytes) -> Entry:
        """What there is to tell of a sealed file.

        Args:
            pdf: The file as it was.
            others: The fields of those who had signed it.
            sealed: The same with our seal.

        Raises:
            NotProved: It doesn't hold.
            Refused: It can't hold, or the signatures of others in it wouldn't any more.
        """
        if not sealed.startswith(pdf):
            raise NotProved("the file was not kept as it is")
        check_claims(sealed)  # the update must not bring to light what the file hid
        reader = PdfFileReader(BytesIO(sealed))
        name = self.own_fields(reader)[-1]
        report = validate(sealed, anchors(self.connections.settings), at=self.connections.now())
        ours = seal_in(report.signatures, name)
        self._require(ours, report)
        if others and disturbed(reader) - disturbed(PdfFileReader(BytesIO(pdf))):
            raise Refused(Code.NOT_SEALABLE, "a seal would disturb a signature that is in it")
        broken = [each.field for each in report.signatures if each.field in others and each.sub_indication in FAILURES]
        return self._worth(replace(report, headline=ours)) | {
            "field": name,
            "broken": broken,
            "pdfa_claim": pdfa_claim(sealed),
            "sealed_size_bytes": len(sealed),
            "sealed_sha256": report.sha256,
        }

    def _require(self, ours: Judged, report: Report) -> None:
        if ours.sub_indication is SubIndication.FORMAT_FAILURE:  # it will be no better next time
            raise Refused(Code.NOT_SEALABLE, f"a seal on it doesn't hold: {ours.why or report.why}"[:300])
        if not ours.passed:
            raise NotProved(f"{ours.indication}/{ours.sub_indication}: {ours.why or report.why}")
        if self.level == "B-LTA" and ours.level != "PAdES-BASELINE-LTA":
            raise NotProved(f"the level is {ours.level}, not {self.level}")

    def _worth(self, report: Report) -> Entry:
        settings = self.connections.settings
        qualification = trustlists.worth(trustlists.services(settings), report.headline, report.validated_at)
        if settings.require_qualified and not (qualification and qualification.is_proved):
            words = qualification.words if qualification else "not proved"
            raise NotProved(f"qualified is required, this is {words}")
        return {
            "outcome": "SEALED",
            "level": report.headline.level,
            "signer": report.headline.signer,
            "sealed_at": report.headline.sealed_at.isoformat() if report.headline.sealed_at else None,
            "qualification": str(qualification.seal) if qualification else None,
            "development": settings.is_development or is_development_seal(self.room),
        }


def check_claims(pdf: bytes) -> None:
    """Check that a file doesn't say that it is an archived receipt: our seal would vouch for a custody that never was.

    Raises:
        Refused: CLAIMS_CUSTODY if it does.
    """
    try:
        provenance_of(pdf)
    except ValueError:
        return
    raise Refused(Code.CLAIMS_CUSTODY, "it carries a provenance, as archived receipts do")


def _carries(signature: EmbeddedPdfSignature, certificate: x509.Certificate) -> bool:
    """Whether it is, by what it says itself, the certificate's."""
    try:
        return bool(signature.signer_cert.dump() == certificate.dump())
    except Exception:  # it names none, or none that can be read
        return False
