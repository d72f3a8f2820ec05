"""The archive file: pages that show the original, the original itself, and where it came from (ISO 19005-3)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from types import MappingProxyType
from typing import Final

import rfc8785
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Page, Pdf, Stream, StreamDecodeLevel, String

from receipts.errors import Code, Refused, WrongFacts
from receipts.evidence import Json
from receipts.pdfa import colour, xmp
from receipts.pdfa.geometry import placed
from receipts.pdfa.model import Facts, Shown

IMAGE: Final = "/Im0"
PROVENANCE: Final = "provenance.json"
EXTENSIONS: Final = MappingProxyType(
    {
        "image/jpeg": ".jpg",
        "image/png": ".png",
        "application/pdf": ".pdf",
        "message/rfc822": ".eml",
        "application/ms-tnef": ".dat",
        "application/vnd.ms-outlook": ".msg",
        "application/pkcs7-mime": ".p7m",
        "image/tiff": ".tif",
        "image/heic": ".heic",
        "image/avif": ".avif",
        "image/webp": ".webp",
        "image/gif": ".gif",
        "image/jp2": ".jp2",
        "image/bmp": ".bmp",
        "application/xml": ".xml",
    }
)


def check_pixels(width: int, height: int, most: int) -> None:
    """Refuse a picture with more than `most` pixels; to be asked before it is decoded.

    Raises:
        Refused: TOO_MANY_PIXELS, or DAMAGED for a picture without pixels.
    """
    if width < 1 or height < 1:
        raise Refused(Code.DAMAGED, f"a picture of {width} x {height} pixels")
    if width * height > most:
        raise Refused(Code.TOO_MANY_PIXELS, f"{width} x {height} pixels, at most {most} are accepted")


def add_image_page(
    pdf: Pdf, image: Stream, *, dpi: tuple[float, float] | None = None, exif_orientation: object = 1
) -> None:
    """A page that shows `image` whole, turned by `/Rotate` and mirrored by the matrix as its EXIF orientation says."""
    at = placed(int(image.Width), int(image.Height), dpi, exif_orientation)
    page = Dictionary(
        Type=Name.Page,
        MediaBox=Array([0, 0, Decimal(f"{at.width_pt:.3f}"), Decimal(f"{at.height_pt:.3f}")]),
        Resources=Dictionary(XObject=Dictionary({IMAGE: image})),
        Contents=pdf.make_stream(f"q {at.matrix} cm {IMAGE} Do Q".encode()),
    )
    if at.degrees:
        page.Rotate = at.degrees
    pdf.pages.append(Page(pdf.make_indirect(page)))


def write(shown: Shown, original: bytes, facts: Facts, media_type: str) -> bytes:
    """The archive file's bytes; the same arguments give the same bytes.

    Args:
        shown: The pages; their PDF is used up.
        original: The bytes as they arrived.
        facts: Where they came from.
        media_type: What they are.

    Raises:
        WrongFacts: `facts.received_at` has no time zone.
    """
    pdf, at = shown.pdf, facts.received_at
    name = "original" + EXTENSIONS[media_type]
    provenance = provenance_of(shown, original, facts, media_type, name)
    files = {PROVENANCE: _file(pdf, PROVENANCE, provenance, "application/json", "/Supplement", at)}
    files[name] = _file(pdf, name, original, media_type, "/Source", at)
    if invoice := shown.invoice:
        files[invoice.name] = _file(pdf, invoice.name, invoice.content, "text/xml", invoice.relationship, at)
    _attach(pdf, files)
    pdf.Root.OutputIntents = Array([_output_intent(pdf)])
    packet = xmp.packet(values_of(shown, facts, media_type), received_at=at, invoice=announced_by(shown))
    pdf.Root.Metadata = Stream(pdf, packet, Type=Name.Metadata, Subtype=Name.XML)
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]  # XMP alone: two places for one fact would have to agree (6.6.3)
    pdf.trailer["/ID"] = Array([String(hashlib.md5(provenance, usedforsecurity=False).digest())] * 2)
    return _saved(pdf)


def _saved(pdf: Pdf) -> bytes:
    """As ISO 19005-3 6.1 wants it, and the same each time."""
    out = BytesIO()
    pdf.save(
        out,
        force_version="1.7",
        deterministic_id=True,
        compress_streams=False,  # what is worth it is compressed already: performance.md
        stream_decode_level=StreamDecodeLevel.none,
        object_stream_mode=ObjectStreamMode.disable,
        fix_metadata_version=False,
    )
    return out.getvalue()


def values_of(shown: Shown, facts: Facts, media_type: str) -> dict[str, str]:
    """What the XMP packet says: a value for each of `xmp.PROPERTIES`."""
    return {
        "receipt": facts.receipt,
        "tenant": facts.tenant,
        "channel": facts.channel,
        "receivedAt": _utc(facts.received_at),
        "originalSha256": facts.original_sha256,
        "originalMediaType": media_type,
        "route": shown.route,
        "software": facts.software,
    }


def announced_by(shown: Shown) -> tuple[str, Mapping[str, str]] | None:
    """Namespace and properties by which the XMP packet announces the structured invoice, if there is one."""
    if shown.invoice is None or shown.invoice.namespace is None:
        return None
    return shown.invoice.namespace, shown.invoice.values


def provenance_of(shown: Shown, original: bytes, facts: Facts, media_type: str, name: str) -> bytes:
    """The provenance: canonical JSON (RFC 8785).

    Raises:
        WrongFacts: `facts.received_at` has no time zone.
    """
    carried: dict[str, Json] = {"carried_as": "associated-file", "name": name}
    if shown.picture is not None:
        carried = {"carried_as": "image-stream", "page": 1}
    if shown.kept is not None or shown.is_signed:
        carried = {"carried_as": "prefix"}
    content: dict[str, Json] = {
        "v": 1,
        "receipt": facts.receipt,
        "tenant": facts.tenant,
        "channel": facts.channel,
        "source_name": _clean(facts.source_name),
        "sender": None if facts.sender is None else _clean(facts.sender),
        "message": facts.message,
        "received_at": _utc(facts.received_at),
        "software": facts.software,
        "original": {
            "sha256": facts.original_sha256,
            "size_bytes": len(original),
            "media_type": media_type,
            **carried,
        },
        "route": shown.route,
        "pages": shown.pages,
        "fidelity": shown.fidelity,
        "quality": shown.quality,
    }
    return rfc8785.dumps(content)


def _attach(pdf: Pdf, files: Mapping[str, Dictionary]) -> None:
    """List associated files in `/AF` (ISO 19005-3 6.8) and, by name, in the name tree (ISO 32000-1 7.9.6)."""
    names = [entry for name in sorted(files) for entry in (String(name), files[name])]
    pdf.Root.AF = Array(files.values())
    pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=names))


def _file(pdf: Pdf, name: str, content: bytes, media_type: str, relationship: str, at: datetime) -> Dictionary:
    """An associated file (ISO 19005-3 6.8: Subtype, F and UF, AFRelationship)."""
    checksum = hashlib.md5(content, usedforsecurity=False).digest()  # ISO 32000-1 table 46 wants MD5
    stream = Stream(pdf, content, Type=Name.EmbeddedFile, Subtype=Name("/" + media_type))
    modified = String(at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ"))
    stream.Params = Dictionary(Size=len(content), ModDate=modified, CheckSum=String(checksum))
    reference = pdf.make_indirect(stream)
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Filespec,
            F=String(name),
            UF=String(name),
            AFRelationship=Name(relationship),
            EF=Dictionary(F=reference, UF=reference),
        )
    )


def _output_intent(pdf: Pdf) -> Dictionary:
    """What device colours mean here: sRGB (ISO 19005-3 6.2.3)."""
    return Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFA1,
        OutputConditionIdentifier=String("sRGB IEC61966-2.1"),
        Info=String("sRGB IEC61966-2.1"),
        DestOutputProfile=pdf.make_stream(colour.srgb(), N=3),
    )


def _utc(at: datetime) -> str:
    if at.tzinfo is None:
        raise WrongFacts("received_at must be UTC-aware")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _clean(text: str) -> str:
    """Text that UTF-8 can hold: a mail's broken charset leaves lone surrogates behind."""
    return text.encode("utf-8", "backslashreplace").decode()
