"""The sealing key, the time-stamping authorities and the revocation services, behind pyHanko's own interfaces.

`open_signer` and `open_remote_signer` take a URI and give a pyHanko `Signer`, `open_authorities` a `TimeStamper`,
`open_fetchers` what fetches OCSP responses and CRLs. They share one HTTP session that keeps connections alive.
"""

from connectors.signing.authorities import TimeStampAuthorities, open_authorities
from connectors.signing.authority import AuthorityState
from connectors.signing.csc_calls import CscFault, CscSecrets
from connectors.signing.csc_signer import CscSigner, open_remote_signer
from connectors.signing.pkcs11_session import KeyUnusable, PinRefused
from connectors.signing.pkcs11_signer import Pkcs11Signer
from connectors.signing.signer import KeySigner, open_signer
from connectors.signing.trust import load_anchors
from connectors.signing.web import HttpTimeStamper, open_fetchers, open_session, open_timestamper

__all__ = [
    "AuthorityState",
    "CscFault",
    "CscSecrets",
    "CscSigner",
    "HttpTimeStamper",
    "KeySigner",
    "KeyUnusable",
    "PinRefused",
    "Pkcs11Signer",
    "TimeStampAuthorities",
    "load_anchors",
    "open_authorities",
    "open_fetchers",
    "open_remote_signer",
    "open_session",
    "open_signer",
    "open_timestamper",
]
