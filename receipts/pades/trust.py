"""Whether the certificates behind a seal and its time-stamp can be trusted, from the file and the anchors alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from asn1crypto import cms, crl, ocsp, x509
from cryptography.exceptions import InvalidSignature
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from receipts.pades.algorithms import Algorithms
from receipts.pades.report import Finding, SubIndication

T = TypeVar("T")
CLOCK_TOLERANCE: Final = timedelta(minutes=5)  # how far a time-stamp or OCSP response may lie ahead of our clock
_REVOKED: Final = (SubIndication.REVOKED_NO_POE, SubIndication.REVOKED_CA_NO_POE)


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a file brings along. Nothing of it is trusted for being there."""

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

    def revoked(self, certificate: x509.Certificate) -> datetime | None:
        """Since when any of the revocation information calls the certificate revoked."""
        for response in self.ocsps:
            for single in response.basic_ocsp_response["tbs_response_data"]["responses"]:
                if single["cert_id"]["serial_number"].native == certificate.serial_number:
                    status = single["cert_status"]
                    if status.name == "revoked":
                        since: datetime = status.chosen["revocation_time"].native
                        return since
        for revocation_list in self.crls:
            if revocation_list.issuer == certificate.issuer:
                for entry in revocation_list["tbs_cert_list"]["revoked_certificates"] or ():
                    if entry["user_certificate"].native == certificate.serial_number:
                        listed: datetime = entry["revocation_date"].native
                        return listed
        return None


@dataclass(frozen=True)
class Trust:
    """What a chain is judged by.

    Attributes:
        anchors: Trust anchors.
        material: Everything in the file.
        stamped_at: Time of the time-stamp: best-signature-time (EN 319 102-1, 5.5.4).
        at: Time of validation.
    """

    anchors: Sequence[x509.Certificate]
    material: Material
    stamped_at: datetime
    at: datetime

    def context(self, *, revocation: bool) -> ValidationContext:
        """pyHanko's view of it: chains as they were when the time-stamp was made, revocation as was known after."""
        fresh = self.fresh if revocation else None
        return ValidationContext(
            trust_roots=list(self.anchors),
            other_certs=self.material.certificates,
            moment=self.stamped_at,
            best_signature_time=self.stamped_at,
            allow_fetching=False,
            ocsps=list(fresh.ocsps) if fresh else [],
            crls=list(fresh.crls) if fresh else [],
            revocation_mode="require" if revocation else "none",
            retroactive_revinfo=True,  # only what was issued after the time-stamp is given to it at all
            time_tolerance=timedelta(0),
            algorithm_usage_policy=Algorithms(self.at),
        )

    @property
    def fresh(self) -> Material:
        """Revocation information issued after the time-stamp (TS 119 172-4: freshness 0) and not in the future."""
        return self.material.issued_between(self.stamped_at, self.at + CLOCK_TOLERANCE)


Validation = Callable[[ValidationContext], Coroutine[Any, Any, dict[str, Any]]]


def judge(check: str, trust: Trust, validation: Validation) -> dict[str, Any]:
    """Run one of pyHanko's validations with revocation information required; returns its status values.

    Args:
        check: Name for findings.
        trust: What to judge by.
        validation: Gives pyHanko's status values for a context.

    Raises:
        Finding: The signature doesn't hold or its chain can't be trusted.
    """
    if not trust.anchors:
        raise Finding(check, SubIndication.NO_CERTIFICATE_CHAIN_FOUND, "there are no trust anchors")
    status = run(validation(trust.context(revocation=True)))
    problem = _problem(status)
    if problem is not None and problem not in _REVOKED:
        # Tell a chain that is no good from one that only lacks revocation information.
        problem = _problem(run(validation(trust.context(revocation=False)))) or SubIndication.TRY_LATER
    if not (status["valid"] and status["intact"]):
        # Of a time-stamp: the seal itself was checked before. Then it proves nothing (EN 319 102-1, 5.5.4).
        raise Finding(check, SubIndication.NO_POE, "its signature is wrong, or over something else")
    path = status["validation_path"]
    for certificate in path or ():
        since = trust.material.revoked(certificate)
        if since is not None:  # at whatever time: stricter than EN 319 102-1, which allows it after best-signature-time
            is_ca = certificate != path.leaf
            problem = SubIndication.REVOKED_CA_NO_POE if is_ca else SubIndication.REVOKED_NO_POE
            raise Finding(check, problem, f"{common_name(certificate)} was revoked at {since}")
    if problem is SubIndication.TRY_LATER:
        evidence = f"not every certificate has revocation information issued after the time-stamp of {trust.stamped_at}"
        raise Finding(check, problem, evidence)
    if problem is not None:
        raise Finding(check, problem, f"{common_name(status['signing_cert'])} is not trusted: {problem}")
    return status


def check_still_valid(check: str, path: ValidationPath, trust: Trust, *, leaf: bool) -> None:
    """Check that certificates of a path have not expired at the time of validation.

    A time-stamp has no proof of existence but the present, nor have the CA certificates (EN 319 102-1, 5.4 and 5.5).

    Raises:
        Finding: One has.
    """
    for certificate in path.iter_certs(include_root=False):
        if not leaf and certificate == path.leaf:
            continue
        if certificate.not_valid_after < trust.at:
            evidence = f"{common_name(certificate)} expired on {certificate.not_valid_after}; no newer time-stamp"
            raise Finding(check, SubIndication.OUT_OF_BOUNDS_NO_POE, evidence)


def check_responders(check: str, trust: Trust) -> None:
    """Check that no OCSP responder's certificate has expired at the time of validation: nothing newer proves that the
    responses are older (EN 319 102-1, 5.2.6.4).

    Raises:
        Finding: One has.
    """
    for response in trust.fresh.ocsps:
        for certificate in response.basic_ocsp_response["certs"] or ():
            if certificate.not_valid_after < trust.at:
                evidence = f"{common_name(certificate)} expired on {certificate.not_valid_after}; no newer time-stamp"
                raise Finding(check, SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE, evidence)


def check_certificates(check: str, trust: Trust) -> None:
    """Check that no certificate in the file was altered: each verifies with its issuer's key, where that is known.

    Those that the verdict rests on were checked on their way to the anchors; this is about the other copies.

    Raises:
        Finding: One was.
    """
    keys: dict[bytes, list[x509.Certificate]] = {}
    for certificate in (*trust.material.certificates, *trust.anchors):
        keys.setdefault(certificate.subject.dump(), []).append(certificate)
    anchors = {anchor.dump() for anchor in trust.anchors}
    for certificate in trust.material.certificates:
        issuers = keys.get(certificate.issuer.dump(), [])
        if issuers and certificate.dump() not in anchors and not any(_issued(certificate, each) for each in issuers):
            problem = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
            raise Finding(check, problem, f"a certificate for {common_name(certificate)} in the file is damaged")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        DefaultSignatureValidator().validate_signature(
            certificate["signature_value"].native,
            certificate["tbs_certificate"].dump(),
            issuer.public_key,
            certificate["signature_algorithm"],
        )
    except (InvalidSignature, ValueError, TypeError, KeyError):
        return False
    return True


def read_material(reader: PdfFileReader, *signed: cms.SignedData) -> Material:
    """All certificates in the containers and in /DSS, and the revocation information in /DSS.

    Raises:
        Exception: Something in /DSS is malformed.
    """
    certificates = [choice.chosen for each in signed for choice in each["certificates"] if choice.name == "certificate"]
    # By [], which resolves references; pyHanko's get() does not.
    store = reader.root["/DSS"] if "/DSS" in reader.root else {}  # noqa: SIM401

    def read(key: str) -> Iterable[bytes]:
        streams = store[key] if key in store else ()  # noqa: SIM401
        return [stream.get_object().data for stream in streams]

    certificates += [x509.Certificate.load(der, strict=True) for der in read("/Certs")]
    ocsps = [ocsp.OCSPResponse.load(der, strict=True) for der in read("/OCSPs")]
    responders = [certificate for each in ocsps for certificate in each.basic_ocsp_response["certs"] or ()]
    return Material(
        certificates=tuple({each.dump(): each for each in [*certificates, *responders]}.values()),
        ocsps=tuple(ocsps),
        crls=tuple(crl.CertificateList.load(der, strict=True) for der in read("/CRLs")),
    )


def among(anchors: Sequence[x509.Certificate], material: Material) -> Sequence[x509.Certificate]:
    """The anchors that a certificate in the file is or has as issuer: trusted lists have thousands of others."""
    names = {name.hashable for each in material.certificates for name in (each.issuer, each.subject)}
    # Any one, if none fits: having no anchors at all is something else.
    return [anchor for anchor in anchors if anchor.subject.hashable in names] or anchors[:1]


def common_name(certificate: x509.Certificate) -> str:
    """A certificate's subject in short."""
    subject = certificate.subject
    return str(subject.native.get("common_name") or subject.human_friendly)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for: nothing is fetched here."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    coroutine.close()
    raise RuntimeError("offline validation must not wait")


def _problem(status: dict[str, Any]) -> SubIndication | None:
    found = status["trust_problem_indic"]
    if found is None:
        return None
    if isinstance(found, AdESIndeterminate) and found.name in SubIndication.__members__:
        return SubIndication[found.name]
    return SubIndication.GENERIC


def _ocsp_times(response: ocsp.OCSPResponse) -> list[datetime]:
    said = response.basic_ocsp_response["tbs_response_data"]
    return [said["produced_at"].native, *(single["this_update"].native for single in said["responses"])]


def _this_update(revocation_list: crl.CertificateList) -> datetime:
    moment: datetime = revocation_list["tbs_cert_list"]["this_update"].native
    return moment


def _within(moments: list[datetime], start: datetime, end: datetime) -> bool:
    return all(start <= moment <= end for moment in moments)
