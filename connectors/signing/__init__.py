"""The sealing key, the time-stamping authority and the revocation services, behind pyHanko's own interfaces.

`open_signer` takes a URI and gives a pyHanko `Signer`, `open_timestamper` a `TimeStamper`, `open_fetchers` what fetches
OCSP responses and CRLs. The three share one HTTP session that keeps connections alive.
"""

from connectors.signing.pkcs11_session import KeyUnusable, PinRefused
from connectors.signing.pkcs11_signer import Pkcs11Signer
from connectors.signing.signer import KeySigner, open_signer
from connectors.signing.trust import load_anchors
from connectors.signing.web import HttpTimeStamper, open_fetchers, open_session, open_timestamper

__all__ = [
    "HttpTimeStamper",
    "KeySigner",
    "KeyUnusable",
    "PinRefused",
    "Pkcs11Signer",
    "load_anchors",
    "open_fetchers",
    "open_session",
    "open_signer",
    "open_timestamper",
]
