"""Trust anchors from PEM files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from asn1crypto import pem, x509


def load_anchors(paths: Iterable[Path]) -> list[x509.Certificate]:
    """The certificates in PEM files, in order.

    Raises:
        ValueError: A file holds something else, or no certificate at all.
        OSError: A file can't be read.
    """
    anchors = []
    for path in paths:
        found = list(pem.unarmor(path.read_bytes(), multiple=True))
        if not found or any(kind != "CERTIFICATE" for kind, _, _ in found):
            raise ValueError(f"{path} must hold certificates in PEM and nothing else")
        anchors += [x509.Certificate.load(der, strict=True) for _, _, der in found]
    return anchors
