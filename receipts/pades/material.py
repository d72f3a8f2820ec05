"""Certificates and revocation information that a file brings along. Nothing of it is trusted for being there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, core, crl, ocsp, x509
from pyhanko.pdf_utils import generic

from receipts.pades.quick import parsed, subject_of


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """That a certificate is revoked.

    Attributes:
        recorded: Since when, by the authority's books.
        since: The same, or earlier, if the authority says that the key was lost before (RFC 5280, 5.3.2).
    """

    recorded: datetime
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Material:
    """What can be used to judge a chain."""

    certificates: tuple[x509.Certificate, ...]
    ocsps: tuple[ocsp.OCSPResponse, ...]
    crls: tuple[crl.CertificateList, ...]

    def issued_between(self, start: datetime, end: datetime) -> Material:
        """Only the revocation information that was issued then."""
        return Material(
            certificates=self.certificates,
            ocsps=tuple(each for each in self.ocsps if _within(_ocsp_times(each), start, end)),
            crls=tuple(each for each in self.crls if _within([_this_update(each)], start, end)),
        )

    def revoked(self, certificate: x509.Certificate) -> Revocation | None:
        """What any of the revocation information, whoever issued it, says of a revocation; the earliest."""
        found = [*self._by_responders(certificate), *self._by_lists(certificate)]
        return min(found, key=lambda each: each.since, default=None)

    def _by_responders(self, certificate: x509.Certificate) -> Iterable[Revocation]:
        for response in self.ocsps:
            for single in response.basic_ocsp_response["tbs_response_data"]["responses"]:
                if single["cert_id"]["serial_number"].native == certificate.serial_number:
                    status = single["cert_status"]
                    if status.name == "revoked":
                        yield _revocation(status.chosen["revocation_time"].native, single.invalidity_date_value)

    def _by_lists(self, certificate: x509.Certificate) -> Iterable[Revocation]:
        for revocation_list in self.crls:
            if revocation_list.issuer == certificate.issuer:
                for entry in revocation_list["tbs_cert_list"]["revoked_certificates"] or ():
                    if entry["user_certificate"].native == certificate.serial_number:
                        yield _revocation(entry["revocation_date"].native, entry.invalidity_date_value)


def read_material(root: generic.DictionaryObject, signed: Iterable[cms.SignedData]) -> Material:
    """All certificates in some containers and in /DSS, and the revocation information in /DSS.

    Args:
        root: The catalog of the revision whose /DSS is meant.
        signed: Containers of signatures and time-stamps.

    Raises:
        Exception: Something in /DSS is malformed.
    """
    choices = (choice for each in signed for choice in each["certificates"])
    certificates = [parsed(x509.Certificate, each.chosen.dump()) for each in choices if each.name == "certificate"]
    # By [], which resolves references; pyHanko's get() does not.
    store = root["/DSS"] if "/DSS" in root else {}  # noqa: SIM401

    def read(key: str) -> Iterable[bytes]:
        streams = store[key] if key in store else ()  # noqa: SIM401
        return [stream.get_object().data for stream in streams]

    certificates += [parsed(x509.Certificate, der) for der in read("/Certs")]
    ocsps = [parsed(ocsp.OCSPResponse, der) for der in read("/OCSPs")]
    responders = [certificate for each in ocsps for certificate in each.basic_ocsp_response["certs"] or ()]
    return Material(
        certificates=tuple({each.dump(): each for each in [*certificates, *responders]}.values()),
        ocsps=tuple(ocsps),
        crls=tuple(parsed(crl.CertificateList, der) for der in read("/CRLs")),
    )


def read_container(signed: cms.SignedData) -> Material:
    """The certificates and the revocation information in a container (RFC 5652, 5.1; RFC 5940).

    Raises:
        Exception: Something in it is malformed.
    """
    certificates = [choice.chosen for choice in signed["certificates"] if choice.name == "certificate"]
    found: dict[str, list[core.Asn1Value]] = {"ocsp": [], "crl": []}
    for choice in signed["crls"] or ():
        if choice.name == "crl":
            found["crl"].append(choice.chosen)
        elif choice.name == "other" and choice.chosen["other_rev_info_format"].native == "ocsp_response":
            found["ocsp"].append(choice.chosen["other_rev_info"])
    certificates += [each for response in found["ocsp"] for each in response.basic_ocsp_response["certs"] or ()]
    return Material(certificates=tuple(certificates), ocsps=tuple(found["ocsp"]), crls=tuple(found["crl"]))


def among(anchors: Sequence[x509.Certificate], material: Material) -> Sequence[x509.Certificate]:
    """The anchors that a certificate in the file is or has as issuer: trusted lists have thousands of others."""
    names = {name.hashable for each in material.certificates for name in (each.issuer, each.subject)}
    # Any one, if none fits: having no anchors at all is something else.
    return [anchor for anchor in anchors if subject_of(anchor) in names] or anchors[:1]


def common_name(certificate: x509.Certificate) -> str:
    """A certificate's subject in short."""
    subject = certificate.subject
    return str(subject.native.get("common_name") or subject.human_friendly)


def _revocation(recorded: datetime, invalid: core.GeneralizedTime | None) -> Revocation:
    since = recorded if invalid is None else min(recorded, invalid.native)
    return Revocation(recorded=recorded, since=since)


def _ocsp_times(response: ocsp.OCSPResponse) -> list[datetime]:
    said = response.basic_ocsp_response["tbs_response_data"]
    return [said["produced_at"].native, *(single["this_update"].native for single in said["responses"])]


def _this_update(revocation_list: crl.CertificateList) -> datetime:
    moment: datetime = revocation_list["tbs_cert_list"]["this_update"].native
    return moment


def _within(moments: list[datetime], start: datetime, end: datetime) -> bool:
    return all(start <= moment <= end for moment in moments)
