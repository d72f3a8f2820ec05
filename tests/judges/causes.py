"""Why a verdict of ours differs from EU DSS's, and what speaks for ours: found by the words of our own report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """One reason for differences.

    Attributes:
        pattern: Which differences it explains: a regular expression for our sub-indication, a colon and evidence.
        says: What we say and why.
        clause: What supports it.
    """

    pattern: str
    says: str
    clause: str

    def explains(self, findings: Sequence[str]) -> bool:
        """Whether one of the findings is of this kind."""
        return any(re.search(self.pattern, finding) for finding in findings)


CAUSES = (
    Cause(
        r"another signature was added after",
        "A signature with another one after it is INDETERMINATE: the form was changed, and whether the first signer "
        "meant that can't be told. DSS's default policy warns of nothing.",
        "ISO 32000-2, 12.8.2.2: nothing but DocMDP states what the signer allows",
    ),
    Cause(
        r"changes after the seal|more than one update|bytes follow",
        "Nothing may follow the last signature or time-stamp but validation data that adds to what is there. DSS's "
        "default policy only warns of changed pages, fields, annotations, fonts, metadata and of trailing bytes; "
        "`dss-check --policy strict` fails most of them.",
        "EN 319 142-1, 5.4 and table 1 (ByteRange over the whole revision); ISO 32000-2, 12.8.1 and 12.8.2.2",
    ),
    Cause(
        r"doesn't start as a PDF|not a readable PDF",
        "A file whose structure is broken is TOTAL-FAILED / FORMAT_FAILURE. DSS repairs it as readers do, or gives no "
        "verdict at all.",
        "ISO 32000-1, 7.5; ISO 19005-3, 6.1.2 and 6.1.3",
    ),
    Cause(
        r"FORMAT_FAILURE.*(bytes covered|unreadable signature|file structure)|INTEGRITY_FORMAT",
        "A byte range that does not leave out exactly one hex string with one DER container and zeros, or a container "
        "that can't be read, is TOTAL-FAILED / FORMAT_FAILURE. DSS says the same later (HASH_FAILURE), sees no "
        "signature there, or reads on.",
        "ISO 32000-2, 12.8.1; EN 319 142-1, table 1: DER; PA-6.3-k",
    ),
    Cause(
        r"NO_SIGNATURE",
        "A file without a signature is TOTAL-FAILED / NO_SIGNATURE, our own word. DSS reports on no signature.",
        "EN 319 102-1 knows verdicts on signatures only",
    ),
    Cause(
        r"FORMAT_FAILURE.*(integrity of the document|sealing certificate)|SIG_CRYPTO_FAILURE|HASH_FAILURE",
        "Both are TOTAL-FAILED: what is looked at first gives the name.",
        "EN 319 102-1, 5.2.7; RFC 5652, 5.3, 5.4 and 11: what is malformed is no signature to verify",
    ),
    Cause(
        r"PAdES form|Wrong cardinality|signer certificate not included in signature",
        "Only PAdES baseline passes: ETSI.CAdES.detached, /Filter, /M, the certificate in the container, one "
        "signing-certificate-v2 not on SHA-1, no signing-time, no /Cert. DSS passes other forms too and names them.",
        "EN 319 142-1, 6.3, table 1; EN 319 122-1, 5.2.2",
    ),
    Cause(
        r"Signing certificate attribute does not match",
        "The signing-certificate attribute must name the certificate by digest, issuer and serial number.",
        "RFC 5035, 5.4.1; EN 319 102-1, 5.2.3",
    ),
    Cause(
        r"NO_SIGNING_CERTIFICATE_FOUND",
        "The certificate that the container names is not in it, or not the one that the attribute means.",
        "EN 319 142-1, table 1; EN 319 102-1, 5.2.3",
    ),
    Cause(
        r"in the file twice, altered|in the file is damaged",
        "A damaged copy of a certificate anywhere in the file spoils the verdict. DSS takes the copy that it meets "
        "first: it passes some of these files, and says NO_CERTIFICATE_CHAIN_FOUND of others.",
        "RFC 5280, 6.1.3 (a)(1): what its issuer's key does not verify is no certificate; eIDAS art. 32(1)(g)",
    ),
    Cause(
        r"TRY_LATER",
        "Revocation information must be younger than the time-stamp, of a responder with the OCSP purpose whom the "
        "same CA certified, of a scope that fits the certificate, strongly signed, and not from the future. Where "
        "both refuse, ours is TRY_LATER and DSS's CERTIFICATE_CHAIN_GENERAL_FAILURE.",
        "TS 119 172-4 (freshness 0); EN 319 102-1, 5.2.5 and 5.2.6; RFC 6960, 4.2.2.2; RFC 5280, 5.2.5 and 6.3.3",
    ),
    Cause(
        r"REVOKED",
        "A certificate that anything in the file calls revoked does not pass, whenever and by whomever; a hold is a "
        "revocation. DSS lets a time-stamp before the revocation prevail, and takes the newest answer.",
        "EN 319 102-1, 5.5.4 allows DSS's way; eIDAS art. 32(1)(b) has the certificate valid",
    ),
    Cause(
        r"OUT_OF_BOUNDS|expired on",
        "A certificate of the chain, of the time-stamping unit or of a responder that has expired needs a newer proof "
        "of existence. DSS asks that of time-stamps only, and a seal whose time-stamp fails may pass without it.",
        "EN 319 102-1, 5.2.6.4, 5.4 and 5.6.2",
    ),
    Cause(
        r"CRYPTO_CONSTRAINTS_FAILURE.*(sha224|too weak)|sha224",
        "SHA-224 does not pass. DSS takes it until 2029.",
        "TS 119 312 V2.1.1, 5: at most until 2028",
    ),
    Cause(
        r"CRYPTO_CONSTRAINTS_FAILURE",
        "An algorithm or key that was too weak when it was used is CRYPTO_CONSTRAINTS_FAILURE; DSS adds NO_POE. A "
        "weak time-stamp fails the seal; DSS goes on without it.",
        "EN 319 102-1, 5.1.3 (the words); TS 119 312 V2.1.1, 8.4",
    ),
    Cause(
        r"CHAIN_CONSTRAINTS_FAILURE.*time-stamp|time-stamp.*CHAIN_CONSTRAINTS_FAILURE",
        "Time-stamping must be the sole and critical purpose of the unit's certificate, or the seal fails with it.",
        "RFC 3161, 2.3; EN 319 422, 6.4",
    ),
    Cause(
        r"CHAIN_CONSTRAINTS_FAILURE",
        "The sealing certificate's key usage must have content commitment. DSS takes any or none.",
        "EN 319 412-2, 4.3.2 (through EN 319 412-3, 4.3.1)",
    ),
    Cause(
        r"NO_POE|NO_CERTIFICATE_CHAIN_FOUND|NOT_YET_VALID|TIMESTAMP_ORDER_FAILURE|time-stamp.*than SHA-1",
        "Every time-stamp must be there, be over this signature, come from someone trusted, name its certificate by a "
        "strong digest, lie in the past and before those that cover it. A time-stamp that fails proves nothing, and "
        "DSS passes the seal without.",
        "EN 319 142-1, table 1 (B-T); EN 319 102-1, 5.5.4; RFC 5816, 2.2.1",
    ),
    Cause(
        r"CERTIFICATE_CHAIN_GENERAL_FAILURE",
        "Name constraints, policy constraints, critical extensions that nobody knows, and the validity of the "
        "time-stamping unit count. DSS does not look at them, or has another name.",
        "RFC 5280, 4.2 and 6.1",
    ),
    Cause(
        r"could not be judged|more than \d+ revisions|signed in no known way",
        "What is malformed and can't be judged does not pass: INDETERMINATE. DSS skips what it can't read.",
        "EN 319 102-1, 5.1.3: INDETERMINATE if the available information is insufficient",
    ),
)
"""The first that fits explains a difference."""
