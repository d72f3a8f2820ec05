"""S/MIME and .p7m wrappings (CMS, RFC 5652 and 8551): taken off where no key is needed; signatures are not judged."""

from __future__ import annotations

import zlib
from typing import Final

from asn1crypto import cms

from receipts.errors import Code, Refused

_ENCRYPTED: Final = frozenset(
    {"enveloped_data", "encrypted_data", "signed_and_enveloped_data", "authenticated_enveloped_data",
     "1.2.840.113549.1.9.16.1.23"}
)  # fmt: skip


def unwrapped(content: bytes, size_bytes_most: int) -> bytes | None:
    """What is inside, or `None` if there is nothing: a signature that stands beside what it signs, or certificates.

    Args:
        content: DER or BER.
        size_bytes_most: How large compressed content may become.

    Raises:
        Refused: ENCRYPTED, DAMAGED or TOO_LARGE.
    """
    try:
        info = cms.ContentInfo.load(content)
        kind = info["content_type"].native
        if kind in _ENCRYPTED:
            raise Refused(Code.ENCRYPTED, f"CMS {kind}")
        if kind not in ("signed_data", "compressed_data", "digested_data", "authenticated_data"):
            return None
        inner = info["content"]["encap_content_info"]["content"]
        found = bytes(inner) if inner.native is not None else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused(Code.DAMAGED, f"CMS: {error}".splitlines()[0][:200]) from error
    return _inflated(found, size_bytes_most) if found and kind == "compressed_data" else found


def _inflated(content: bytes, size_bytes_most: int) -> bytes:
    """RFC 3274: ZLIB is the only way."""
    inflate = zlib.decompressobj()
    try:
        found = inflate.decompress(content, size_bytes_most + 1)
    except zlib.error as error:
        raise Refused(Code.DAMAGED, "CMS with compressed data that can't be read") from error
    if len(found) > size_bytes_most:
        raise Refused(Code.TOO_LARGE, f"CMS that grows beyond {size_bytes_most} bytes")
    return found
