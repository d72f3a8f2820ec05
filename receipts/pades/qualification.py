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
        return "The certificate makes no qcStatements."
    return f"The certificate states {', '.join(claims)} (EN 319 412-5): not proved without a trusted list."


def _claims(certificate: x509.Certificate) -> list[str]:
    claims = []
    for statement in get_qc_statements(certificate):
        kind = statement["statement_id"].native
        if kind in ("qc_compliance", "qc_sscd"):
            claims.append({"qc_compliance": "QcCompliance", "qc_sscd": "QcSSCD"}[kind])
        elif kind == "qc_type":
            claims += [f"QcType {each.removeprefix('qct_')}" for each in statement["statement_info"].native]
    return claims
