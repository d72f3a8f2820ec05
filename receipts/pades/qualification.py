"""What a sealing certificate says of itself (EN 319 412-5). Only a trusted list can say whether it is so."""

from __future__ import annotations

from asn1crypto import x509
from pyhanko.sign.ades.qualified_asn1 import get_qc_statements


def qualification_claim(certificate: x509.Certificate) -> str:
    """One sentence on the certificate's qcStatements."""
    try:
        claims = _claims(certificate)
    except (ValueError, TypeError, KeyError):
        return "The certificate's qcStatements can't be read."
    if not claims:
        return "The certificate doesn't claim to be qualified."
    return f"The certificate claims {', '.join(claims)}; that is not proved without a trusted list."


def _claims(certificate: x509.Certificate) -> list[str]:
    claims = []
    for statement in get_qc_statements(certificate):
        kind = statement["statement_id"].native
        if kind == "qc_compliance":
            claims.append("to be a qualified certificate")
        elif kind == "qc_sscd":
            claims.append("to have its key in a qualified device")
        elif kind == "qc_type":
            types = statement["statement_info"].native
            claims.append("to be for electronic seals" if types == ["qct_eseal"] else f"to be of type {types}")
    return claims
