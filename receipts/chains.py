"""Whether certificates that are about to be used reach a trust anchor and are not revoked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from asn1crypto import x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.fetchers import FetcherBackend
from pyhanko_certvalidator.path import ValidationPath


async def find_path(
    certificate: x509.Certificate,
    others: Iterable[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    fetchers: FetcherBackend,
    *,
    at: datetime,
) -> ValidationPath:
    """The way from a certificate to a trust anchor, with revocation information fetched now (RFC 5280, 6.1 and 6.3).

    Args:
        certificate: Of a key that is about to be used.
        others: Certificates that may lie in between.
        anchors: Trust anchors.
        fetchers: Where OCSP responses and CRLs come from.
        at: The present, UTC-aware.

    Raises:
        Exception: There is no such way, something on it is revoked, or a service that would say so can't be reached.
            May be repeated.
    """
    context = ValidationContext(
        trust_roots=list(anchors),
        other_certs=list(others),
        fetchers=fetchers.get_fetchers(),
        allow_fetching=True,
        revocation_mode="require",
        retroactive_revinfo=True,  # fetched after `at` was read
        moment=at,
        time_tolerance=timedelta(0),
    )
    return await CertificateValidator(certificate, validation_context=context).async_validate_path()
