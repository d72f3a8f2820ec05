"""What a remote signing service says of a credential."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asn1crypto import x509

from connectors.signing.csc_calls import CscFault


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A credential as the service describes it now (v1.0.4, 11.5; v2, credentials/info).

    Attributes:
        id: Its id.
        certificate: The sealing certificate.
        chain: The certificates above it that the service gave.
        enabled: Whether its key may be used.
        status: What the service says of key and certificate, one line.
        algorithms: OIDs of the signature algorithms that the key is for.
        scal: Sole control assurance level, 1 or 2 (EN 419 241-1): with 2, an authorization names the very digests.
        multisign: How many signatures one authorization may be for.
        mode: How it is authorized: `implicit`, `explicit` or something that needs a person.
    """

    id: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    enabled: bool
    status: str
    algorithms: frozenset[str]
    scal: int
    multisign: int
    mode: str


def read_credential(identifier: str, answer: Mapping[str, Any]) -> Credential:
    """The credential that an answer of credentials/info describes.

    Raises:
        CscFault, KeyError, TypeError, ValueError, AttributeError: It is malformed.
    """
    key, cert = answer["key"], answer["cert"]
    first, *above = [x509.Certificate.load(decoded(each), strict=True) for each in entries(cert, "certificates")]
    said = f"key {key['status']}, certificate {cert.get('status', 'valid')}"
    auth = answer.get("auth")
    mode = auth.get("mode", "") if isinstance(auth, dict) else answer.get("authMode", "")
    return Credential(
        id=identifier,
        certificate=first,
        chain=tuple(above),
        enabled=key["status"] == "enabled" and cert.get("status", "valid") == "valid",
        status=said[:100],
        algorithms=frozenset(str(each) for each in entries(key, "algo")),
        scal=int(answer.get("SCAL", 1)),
        multisign=max(1, int(answer.get("multisign", 1))),
        mode=str(mode),
    )


def entries(answer: Mapping[str, Any], name: str) -> list[Any]:
    """A list of an answer that must be there and must not be empty.

    Raises:
        CscFault: It is not there.
    """
    found = answer.get(name)
    if not isinstance(found, list) or not found:
        raise CscFault(f"the service gave no {name}")
    return found


def decoded(text: object) -> bytes:
    """What base64 text of an answer stands for, white space allowed.

    Raises:
        CscFault: It is none.
    """
    try:
        return base64.b64decode("".join(str(text).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise CscFault("the service gave something that is not base64") from error
