"""Whether certificates are still in force when a chain is looked at (EN 319 102-1, 5.2.6.4, 5.4 and 5.5)."""

from __future__ import annotations

from pyhanko_certvalidator.path import ValidationPath

from receipts.pades.material import common_name
from receipts.pades.report import Finding, SubIndication
from receipts.pades.trust import Trust


def check_still_valid(check: str, path: ValidationPath, trust: Trust, *, leaf: bool) -> None:
    """Check that certificates of a path have not expired when they are looked at.

    A time-stamp has no proof of existence but that, nor have the CA certificates (EN 319 102-1, 5.4 and 5.5).

    Raises:
        Finding: One has.
    """
    for certificate in path.iter_certs(include_root=False):
        if not leaf and certificate == path.leaf:
            continue
        if certificate.not_valid_after < trust.view.seen_at:
            evidence = f"{common_name(certificate)} expired on {certificate.not_valid_after}; no newer time-stamp"
            raise Finding(check, SubIndication.OUT_OF_BOUNDS_NO_POE, evidence)


def check_responders(check: str, path: ValidationPath, trust: Trust) -> None:
    """Check that no OCSP responder's certificate has expired when it is looked at: nothing newer proves that the
    responses are older (EN 319 102-1, 5.2.6.4).

    Raises:
        Finding: One has.
    """
    asked = {certificate.serial_number for certificate in path.iter_certs(include_root=False)}
    for response in trust.fresh.ocsps:
        said = response.basic_ocsp_response
        answered = {each["cert_id"]["serial_number"].native for each in said["tbs_response_data"]["responses"]}
        if not asked & answered:
            continue
        for certificate in said["certs"] or ():
            if certificate.not_valid_after < trust.view.seen_at:
                evidence = f"{common_name(certificate)} expired on {certificate.not_valid_after}; no newer time-stamp"
                raise Finding(check, SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE, evidence)
