"""What goes into normalising and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pikepdf

from receipts.evidence import Json


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the archive file says of where it came from; nothing is looked up.

    Attributes:
        receipt: The receipt's id, `tenant/sha256`.
        tenant: Its tenant.
        channel: `folder`, `imap` or `mobile`.
        source_name: File name or subject as the sender knows it: untrusted text, never used as a name in the file.
        sender: Who sent it, as far as known: untrusted text.
        received_at: When we took it, UTC-aware.
        original_sha256: Lower-case hex digest of the bytes that arrived.
        software: Who made the file, such as `Probant 0.1.0`.
    """

    receipt: str
    tenant: str
    channel: str
    source_name: str
    sender: str | None
    received_at: datetime
    original_sha256: str
    software: str


@dataclass(frozen=True, kw_only=True)
class Normalised:
    """An archive file, not sealed yet.

    Attributes:
        pdf: The PDF/A-3b file.
        media_type: Of the original, by its content.
        route: How it was made, a stable word: `jpeg-stream`, `png-stream`, `pdf-rendered`, `mail-body`, ...
        pages: How many pages it has.
        fidelity: What is identical to what, for a machine to check; also in the attached provenance.
        quality: How readable it is, as `receipts.quality` measured it; also in the attached provenance.
    """

    pdf: bytes
    media_type: str
    route: str
    pages: int
    fidelity: Mapping[str, Json]
    quality: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The pages that show an original.

    Attributes:
        pdf: A PDF with these pages and nothing else in its catalog.
        route: As in `Normalised`.
        fidelity: As in `Normalised`.
        stream_is_original: Whether the image stream of page 1 is the original, byte for byte, so that it needs no copy.
    """

    pdf: pikepdf.Pdf
    route: str
    fidelity: Mapping[str, Json]
    stream_is_original: bool = False
