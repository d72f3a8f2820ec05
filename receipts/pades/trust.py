"""Whether the certificates behind a seal and its time-stamps can be trusted, from the file and the anchors alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from asn1crypto import x509
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.path import ValidationPath

from receipts.pades.algorithms import Algorithms
from receipts.pades.answers import reliable
from receipts.pades.material import Material, Revocation, common_name
from receipts.pades.report import Finding, SubIndication

T = TypeVar("T")
CLOCK_TOLERANCE: Final = timedelta(minutes=5)  # how far a time-stamp or OCSP response may lie ahead of our clock
_EVER: Final = datetime.min.replace(tzinfo=UTC)
_REVOKED: Final = (SubIndication.REVOKED_NO_POE, SubIndication.REVOKED_CA_NO_POE)


@dataclass(frozen=True, kw_only=True)
class View:
    """A time at which the state of a file is known: that of validation, or of a later proof of existence.

    Attributes:
        seen_at: The time.
        material: What the file held then.
        proof: What proves that; empty for the time of validation.
    """

    seen_at: datetime
    material: Material
    proof: str = ""


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What a chain is judged by.

    Attributes:
        anchors: Trust anchors.
        view: When, and with what, it is looked at.
        everything: All that the file holds now: a revocation counts, whenever it became known.
        signed_at: When the signature existed: best-signature-time (EN 319 102-1, 5.5.4), or a time-stamp's own time.
        is_time_stamp: Whether it is a time-stamp's: nothing but a later proof of existence tells its time.
        at_once: Whether revocation information that was in force at that time will do; else it must be younger.
    """

    anchors: Sequence[x509.Certificate]
    view: View
    everything: Material
    signed_at: datetime
    is_time_stamp: bool = False
    at_once: bool = False

    def context(self, *, revocation: bool, moment: datetime | None = None) -> ValidationContext:
        """pyHanko's view of it: chains as they were when it was signed, or at `moment`; revocation as was known after.

        Certificates that were revoked after that moment count as good for pyHanko only if other information says so.
        """
        fresh = self.fresh if revocation else None
        return ValidationContext(
            trust_roots=list(self.anchors),
            other_certs=self.view.material.certificates,
            moment=moment or self.signed_at,
            best_signature_time=self.signed_at,
            allow_fetching=False,
            ocsps=list(fresh.ocsps) if fresh else [],
            crls=list(fresh.crls) if fresh else [],
            revocation_mode="require" if revocation else "none",
            retroactive_revinfo=True,  # only what was issued after the time-stamp is given to it at all
            time_tolerance=timedelta(0),
            algorithm_usage_policy=Algorithms(self.view.seen_at),
        )

    @property
    def fresh(self) -> Material:
        """Revocation information issued after the signature (TS 119 172-4: freshness 0) and not after it is looked at.

        Of a document time-stamp also what is older: nothing younger can be in the revision that it closes, and pyHanko
        takes only what has not run out at that time (EN 319 102-1, 5.2.5).
        """
        start = _EVER if self.at_once else self.signed_at
        issued = self.view.material.issued_between(start, self.view.seen_at + CLOCK_TOLERANCE)
        return reliable(issued, self.view.seen_at)


Validation = Callable[[ValidationContext], Coroutine[Any, Any, dict[str, Any]]]


def first_that_holds(views: Sequence[View], attempt: Callable[[View], T]) -> tuple[T, View]:
    """What `attempt` gives for the first view for which it doesn't raise (EN 319 102-1, 5.6: now, else in the past).

    Raises:
        Finding: None; it is that of the first view.
    """
    first: Finding | None = None
    for view in views:
        try:
            return attempt(view), view
        except Finding as finding:
            first = first or finding
    assert first is not None, "there is always the time of validation"
    raise first


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
    _check_validity(check, status["signing_cert"], problem, trust, validation)
    revoked_later = _check_revoked(check, status["validation_path"], trust)
    _check_authorities(check, status["validation_path"])
    if problem is SubIndication.TRY_LATER and revoked_later and _is_revocation_proved(revoked_later, trust, validation):
        return status | {"trust_problem_indic": None}
    if problem is SubIndication.TRY_LATER:
        evidence = f"not every certificate has revocation information issued after the time-stamp of {trust.signed_at}"
        raise Finding(check, problem, evidence)
    if problem is not None:
        raise Finding(check, problem, f"{common_name(status['signing_cert'])} is not trusted: {problem}")
    return status


def _check_validity(
    check: str, leaf: x509.Certificate, problem: SubIndication | None, trust: Trust, validation: Validation
) -> None:
    """Say of a chain that does not hold if that is because the certificate was not valid when it was used."""
    if problem is None:
        return
    if trust.signed_at < leaf.not_valid_before:
        evidence = f"{common_name(leaf)} is valid from {leaf.not_valid_before} only"
        raise Finding(check, SubIndication.NOT_YET_VALID, evidence)
    if leaf.not_valid_after < trust.signed_at:
        at_its_end = _problem(run(validation(trust.context(revocation=True, moment=leaf.not_valid_after))))
        problem = SubIndication.OUT_OF_BOUNDS_NO_POE if at_its_end else SubIndication.OUT_OF_BOUNDS_NOT_REVOKED
        raise Finding(check, problem, f"{common_name(leaf)} had expired on {leaf.not_valid_after}")


def _check_revoked(check: str, path: ValidationPath | None, trust: Trust) -> Revocation | None:
    """Check that no certificate of a path was revoked when that matters; returns a later revocation of the signer's.

    The signer's may be revoked once the signature is proved to exist (EN 319 102-1, 5.5.4, 4) a)); a time-stamp's, and
    those of CAs, once it is proved that all was there before (5.6.2).

    Raises:
        Finding: One was.
    """
    later = None
    for certificate in path or ():
        found = trust.everything.revoked(certificate)
        if found is None or (trust.view.proof and found.since > trust.view.seen_at):
            continue
        is_ca = path is not None and certificate != path.leaf
        if not is_ca and not trust.is_time_stamp and found.since > trust.signed_at:
            later = found
            continue
        problem = SubIndication.REVOKED_CA_NO_POE if is_ca else SubIndication.REVOKED_NO_POE
        raise Finding(check, problem, f"{common_name(certificate)} was revoked at {found.since}")
    return later


def _is_revocation_proved(revocation: Revocation, trust: Trust, validation: Validation) -> bool:
    """Whether whoever says that the signer's certificate was revoked may say so: then it was good until then."""
    status = run(validation(trust.context(revocation=True, moment=revocation.recorded)))
    details = status["revocation_details"]
    return _problem(status) is SubIndication.REVOKED_NO_POE and details.revocation_date == revocation.recorded


def _check_authorities(check: str, path: ValidationPath | None) -> None:
    """Check that each CA certificate says that its key signs certificates (RFC 5280, 4.2.1.3: it must say so)."""
    certificates = list(path.iter_certs(include_root=False)) if path else []
    for certificate in certificates[:-1]:
        usage = certificate.key_usage_value
        if usage is None or "key_cert_sign" not in usage.native:
            evidence = f"{common_name(certificate)} is not said to sign certificates"
            raise Finding(check, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, evidence)


def anchor_name(path: ValidationPath) -> str:
    """The trust anchor of a path, in short."""
    return str(path.trust_anchor.authority.name.native.get("common_name", "the trust anchor"))


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
