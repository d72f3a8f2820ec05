"""What goes into normalising and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pikepdf

from receipts.evidence import Json
from receipts.pdfa.invoice import Structured
from receipts.quality import Seen


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
        message: The receipt id of the mail that it came attached to, if it did.
    """

    receipt: str
    tenant: str
    channel: str
    source_name: str
    sender: str | None
    received_at: datetime
    original_sha256: str
    software: str
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """A receipt that came inside another one, as an attachment does in a mail.

    Attributes:
        name: As its sender calls it: untrusted text; empty if it has no name.
        content: Its bytes, out of their transfer encoding and nothing else.
        position: Its number among the receipts of its message, from 1.
    """

    name: str
    content: bytes
    position: int


@dataclass(frozen=True, kw_only=True)
class Normalised:
    """An archive file, not sealed yet.

    Attributes:
        pdf: The PDF/A-3b file.
        media_type: Of the original, by its content.
        route: How it was made, a stable word: `jpeg-stream`, `tiff-stream`, `pdf-kept`, `pdf-signed`, `pdf-repaired`,
            `pdf-rendered`, `mail-body`, ...
        pages: How many pages it has.
        fidelity: What is identical to what, for a machine to check; also in the attached provenance.
        parts: The receipts that a mail carries, each to become a receipt of its own.
        quality: How readable it is, as `receipts.quality` measured it; also in the attached provenance.
    """

    pdf: bytes
    media_type: str
    route: str
    pages: int
    fidelity: Mapping[str, Json]
    quality: Mapping[str, Json]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture file that PDF/A-3 takes for an image stream as it came, on a page of its own.

    Attributes:
        coding: The filter that reads it (ISO 32000-1 7.4): `DCTDecode` or `JPXDecode`.
        width_px: Pixels across, before any turning.
        height_px: Pixels down.
        components: 1, 3 or 4.
        bits: Of each of these.
        profile: The ICC profile that gives them a meaning; without one, it is the output intent.
        dpi: Pixels per inch across and down, as the file states them.
        exif_orientation: As the file states it, be it nonsense.
        is_inverted: Whether its samples are stored inverted.
        is_untransformed: Whether a DCT stream's three components are RGB though nothing in it says so.
    """

    coding: str
    width_px: int
    height_px: int
    components: int
    profile: bytes | None
    dpi: tuple[float, float] | None
    exif_orientation: object = 1
    is_inverted: bool = False
    is_untransformed: bool = False
    bits: int = 8


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The pages that show an original.

    Attributes:
        pdf: A PDF with these pages and nothing else in its catalog; empty if there is a `picture`.
        picture: How to describe the one page whose image stream is the original, byte for byte: it needs no copy.
        route: As in `Normalised`.
        fidelity: As in `Normalised`.
        seen: The one picture, if it was decoded: nobody has to do that again.
        quality: As in `Normalised`.
        parts: As in `Normalised`.
        kept: The XMP packet to go on from, if the original is kept as it is and the archive file is an update of it.
        is_signed: Whether the original is kept as it is and no more than our seal may follow it.
        invoice: The structured invoice to be attached beside the original.
        otherwise: What to show instead if the file that was written is not certain to be PDF/A-3b.
    """

    route: str
    fidelity: Mapping[str, Json]
    pdf: pikepdf.Pdf = field(default_factory=pikepdf.new)
    picture: Picture | None = None
    seen: Seen | None = None
    quality: Mapping[str, Json] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    kept: bytes | None = None
    is_signed: bool = False
    invoice: Structured | None = None
    otherwise: Callable[[], Shown] | None = None

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return len(self.pdf.pages) if self.picture is None else 1
