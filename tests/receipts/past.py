"""Files to be judged at another time: certificates that expire, are revoked or grow weak; the clock is moved."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import rsa
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter

from connectors import devpki as development
from connectors.devpki import DevPki
from connectors.devpki.certificates import _usage
from receipts import pades
from tests.pki import archive_file, seal_all, signer_of
from tests.receipts.pades_attacks import annotate, answers, container, flip, update, with_container
from tests.receipts.several import add_data, sign, time_stamp
from tests.variants import make, respin

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = 400 * DAY
IN_2029 = datetime(2029, 2, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A file, when it is judged, and what the verdict is to be.

    Attributes:
        content: The file.
        after: How long after it was made it is judged.
        expected: The sub-indication; empty if it passes.
    """

    content: bytes
    after: timedelta
    expected: str


class Past:
    """Makes the files.

    Args:
        folder: Where the PKIs go.
        now: When the files are made.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder, self.now = folder, now
        self.pkis: list[DevPki] = []
        self.archive = self.pki("archive")  # another authority, for document time-stamps

    def pki(self, name: str, days: Mapping[str, int] | None = None, **other: Any) -> DevPki:
        made = make(self.folder / name, now=self.now, days=days)
        self.pkis.append(made)
        return respin(made, **other) if other else made

    def sealed(self, pki: DevPki, at: datetime | None = None, *, claimed: datetime | None = None) -> bytes:
        """Sealed at a time; what the seal claims (/M) may be another."""
        with development.serve(pki.folder, clock=lambda: at or self.now):
            return seal_all([archive_file()], pki, at=claimed or at or self.now)[0]

    def signed(self, pki: DevPki, at: datetime | None = None) -> bytes:
        """The same, where our own sealing would refuse the key."""
        with development.serve(pki.folder, clock=lambda: at or self.now):
            return sign(archive_file(), pki, "Seal", tsa=pki)

    def lt(self, pki: DevPki) -> bytes:
        return pades.augment(self.sealed(pki), answers(pki, self.now + HOUR))

    def archived(
        self, pdf: bytes, at: datetime, pki: DevPki | None = None, name: str = "TimeStamp1", *also: DevPki
    ) -> bytes:
        """With a document time-stamp, after what the authorities said half an hour before."""
        unit = pki or self.archive
        for each in (unit, *also):
            pdf = add_data(pdf, answers(each, at - HOUR / 2))
        with development.serve(unit.folder, clock=lambda: at):
            return time_stamp(pdf, unit, name)

    def cases(self) -> dict[str, Case]:
        """All files."""
        found: dict[str, Case] = {}
        for part in (
            self._revoked,
            self._expired,
            self._renewed,
            self._untimely,
            self._weak,
            self._misused,
            self._damaged,
        ):
            found |= dict(part())
        return found

    def _revoked(self) -> Iterator[tuple[str, Case]]:
        expected = {"seal": "", "tsu": "REVOKED_NO_POE", "ca": "REVOKED_CA_NO_POE"}
        for who, problem in expected.items():
            pki = self.pki(f"revoked-{who}")
            sealed, good = self.sealed(pki), answers(pki, self.now + HOUR)
            archived = self.archived(pades.augment(sealed, good), self.now + DAY)
            development.revoke(pki, who, self.now + 2 * DAY)
            bad = answers(pki, self.now + 3 * DAY)
            both = replace(good, ocsps=good.ocsps + bad.ocsps, crls=good.crls + bad.crls)
            yield f"{who} revoked later", Case(pades.augment(sealed, bad), 4 * DAY, problem)
            yield f"{who} revoked later, good before", Case(pades.augment(sealed, both), 4 * DAY, problem)
            yield f"{who} revoked later, archived before", Case(add_data(archived, bad), 4 * DAY, "")
        pki = self.pki("revoked-before")
        development.revoke(pki, "seal", self.now - HOUR)
        yield "seal revoked before", Case(self.lt(pki), DAY, "REVOKED_NO_POE")
        pki = self.pki("revoked-unstamped")
        with development.serve(pki.folder, clock=lambda: self.now):
            unstamped = sign(archive_file(), pki, "Seal")
        development.revoke(pki, "seal", self.now + DAY)
        yield (
            "seal revoked, no time-stamp",
            Case(add_data(unstamped, answers(pki, self.now + 2 * DAY)), 3 * DAY, "NO_POE"),
        )

    def _expired(self) -> Iterator[tuple[str, Case]]:
        days = {
            "seal": ({"seal": 30}, ""),
            "responder": ({"ocsp": 30}, "REVOCATION_OUT_OF_BOUNDS_NO_POE"),
            "unit": ({"tsu": 30}, "OUT_OF_BOUNDS_NO_POE"),
            "authority": ({"ca": 30, "seal": 29, "tsu": 29, "ocsp": 29}, "OUT_OF_BOUNDS_NO_POE"),
            "root": ({"root": 30}, ""),
        }
        for who, (short, problem) in days.items():
            lt = self.lt(self.pki(f"expired-{who}", short))
            yield f"{who} expired", Case(lt, LATER, problem)
            yield f"{who} expired, archived", Case(self.archived(lt, self.now + DAY), LATER, "")
            yield f"{who} expired, archived too late", Case(self.archived(lt, self.now + 36 * DAY), LATER, problem)

    def _renewed(self) -> Iterator[tuple[str, Case]]:
        short = self.pki("short-archive", {"tsu": 60})
        once = self.archived(self.lt(self.pki("renewed")), self.now + DAY, short)
        yield "archival unit expired", Case(once, LATER, "OUT_OF_BOUNDS_NO_POE")
        for name, after, problem in (("renewed", 3 * DAY, ""), ("renewed too late", 63 * DAY, "OUT_OF_BOUNDS_NO_POE")):
            # The unit's own revocation information, while it is valid, then the new time-stamp over it.
            known = add_data(once, answers(short, self.now + 2 * DAY))
            with_stamp = self._stamped_once_more(known, self.now + after)
            yield f"archival unit expired, {name}", Case(with_stamp, LATER, problem)

    def _stamped_once_more(self, pdf: bytes, at: datetime) -> bytes:
        return self.archived(pdf, at, self.archive, "TimeStamp2")

    def _untimely(self) -> Iterator[tuple[str, Case]]:
        pki = self.pki("sealed-late", {"seal": 30})
        late = self.now + 40 * DAY
        late_data = answers(pki, late + HOUR)
        sealed, dated_back = self.sealed(pki, late), self.sealed(pki, late, claimed=self.now)
        yield "sealed after expiry", Case(pades.augment(sealed, late_data), 50 * DAY, "SIG_CONSTRAINTS_FAILURE")
        back = pades.augment(dated_back, late_data)
        yield "sealed after expiry, dated back", Case(back, 50 * DAY, "OUT_OF_BOUNDS_NOT_REVOKED")
        pki = self.pki("sealed-early", not_before=self.now + 10 * DAY)
        early = self.sealed(pki, claimed=self.now + 11 * DAY)
        forward = pades.augment(early, answers(pki, self.now + HOUR))
        yield "sealed before validity, dated forward", Case(forward, 20 * DAY, "NOT_YET_VALID")
        pki = self.pki("order")
        early = self.archived(self.lt(pki), self.now - HOUR)
        yield "archived before it was sealed", Case(early, 2 * DAY, "TIMESTAMP_ORDER_FAILURE")
        yield "not yet sealed", Case(self.lt(self.pki("future")), -DAY, "NOT_YET_VALID")
        yield "nothing known yet", Case(self.sealed(self.pki("unknown")), DAY, "TRY_LATER")

    def _weak(self) -> Iterator[tuple[str, Case]]:
        pki = self.pki("rsa-2048", key=rsa.generate_private_key(65537, 2048))
        lt = add_data(self.signed(pki), answers(pki, self.now + HOUR))
        yield "RSA-2048", Case(lt, DAY, "")
        yield "RSA-2048 later", Case(lt, IN_2029 - self.now + 9 * DAY, "")
        late = add_data(self.signed(pki, IN_2029), answers(pki, IN_2029 + HOUR))
        yield "RSA-2048 sealed in 2029", Case(late, IN_2029 - self.now + 9 * DAY, "CRYPTO_CONSTRAINTS_FAILURE_NO_POE")
        pki = self.pki("rsa-1024", key=rsa.generate_private_key(65537, 1024))
        weak = add_data(self.signed(pki), answers(pki, self.now + HOUR))
        yield "RSA-1024", Case(weak, DAY, "CRYPTO_CONSTRAINTS_FAILURE")

    def _misused(self) -> Iterator[tuple[str, Case]]:
        pki = self.pki("usage", extensions=[_usage("digital_signature")])
        yield "certificate not for seals", Case(self.lt(pki), DAY, "CHAIN_CONSTRAINTS_FAILURE")
        pki = self.pki("anonymous")
        lt = self.lt(pki)
        message = container(lt)
        signer = message["content"]["signer_infos"][0]["sid"].chosen["serial_number"].native
        kept = [c for c in message["content"]["certificates"] if c.chosen.serial_number != signer]
        message["content"]["certificates"] = kept
        yield "certificate left out", Case(with_container(lt, message), DAY, "NO_SIGNING_CERTIFICATE_FOUND")

    def _damaged(self) -> Iterator[tuple[str, Case]]:
        pki = self.pki("damaged")
        sealed, good = self.sealed(pki), answers(pki, self.now + HOUR)
        lt = pades.augment(sealed, good)
        copy = flip(good.certificates[2], len(good.certificates[2]) - 3)
        changed = replace(good, certificates=(*good.certificates, copy))
        yield "certificate altered", Case(pades.augment(sealed, changed), DAY, "CERTIFICATE_CHAIN_GENERAL_FAILURE")
        rubbish = replace(good, certificates=(*good.certificates, b"0\x03\x02\x01\x00"))
        yield "validation data unreadable", Case(pades.augment(sealed, rubbish), DAY, "GENERIC")
        yield "page altered", Case(flip(lt, lt.index(b"/MediaBox") + 12), DAY, "HASH_FAILURE")
        yield "signature value altered", Case(with_container(lt, wrong_value(lt)), DAY, "SIG_CRYPTO_FAILURE")
        yield "note added", Case(update(lt, annotate), DAY, "FORMAT_FAILURE")
        yield "nothing sealed", Case(archive_file(), DAY, "NO_SIGNATURE")
        stranger = make(self.folder / "stranger", now=self.now)
        yield "stranger's", Case(self.lt(stranger), DAY, "NO_CERTIFICATE_CHAIN_FOUND")
        yield "not PAdES", Case(adobe(pki), DAY, "SIG_CONSTRAINTS_FAILURE")


def wrong_value(sealed: bytes) -> cms.ContentInfo:
    """The container with another signature value, of the same form."""
    message = container(sealed)
    signer = message["content"]["signer_infos"][0]
    value = bytearray(signer["signature"].native)
    value[-1] ^= 1
    signer["signature"] = bytes(value)
    return message


def adobe(pki: DevPki) -> bytes:
    """A signature of the same key that is no PAdES."""
    output = io.BytesIO()
    about = signers.PdfSignatureMetadata(
        field_name="Seal", subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED, md_algorithm="sha256"
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(archive_file()))
    signers.sign_pdf(writer, about, signer=signer_of(pki), output=output)
    return output.getvalue()
