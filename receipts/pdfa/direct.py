"""The archive file of a picture that is its own image stream, written at once: docs/adr/0015.

The same objects that `document` would make, in the form that ISO 19005-3 6.1 wants: one classic cross-reference table,
no object streams, each `stream` and `endstream` on a line of its own, lengths that are right.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from datetime import UTC
from typing import Final

from receipts.pdfa import colour, xmp
from receipts.pdfa.document import IMAGE, PROVENANCE, provenance_of, values_of
from receipts.pdfa.geometry import placed
from receipts.pdfa.model import Facts, Picture, Shown

_HEADER: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"  # 6.1.2: four bytes above 127
_CATALOG, _PAGES, _PAGE, _IMAGE, _CONTENTS, _METADATA, _SRGB, _FILE, _CONTENT, _PROFILE = range(1, 11)
_INVERTED: Final = b"/Decode[1 0 1 0 1 0 1 0]"  # Adobe writes CMYK inverted
_UNTURNED: Final = b"/DecodeParms<</ColorTransform 0>>"  # ISO 32000-1 table 13: else taken for YCbCr

_FIXED: Final = {
    _CATALOG: (
        f"<</Type/Catalog/Pages {_PAGES} 0 R/Metadata {_METADATA} 0 R/AF[{_FILE} 0 R]"
        f"/Names<</EmbeddedFiles<</Names[({PROVENANCE}){_FILE} 0 R]>>>>"
        f"/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB IEC61966-2.1)"
        f"/Info(sRGB IEC61966-2.1)/DestOutputProfile {_SRGB} 0 R>>]>>"
    ).encode(),
    _PAGES: f"<</Type/Pages/Kids[{_PAGE} 0 R]/Count 1>>".encode(),
    _FILE: (
        f"<</Type/Filespec/F({PROVENANCE})/UF({PROVENANCE})/AFRelationship/Supplement"
        f"/EF<</F {_CONTENT} 0 R/UF {_CONTENT} 0 R>>>>"
    ).encode(),
}


def write(shown: Shown, picture: Picture, original: bytes, facts: Facts, media_type: str) -> bytes:
    """The archive file's bytes; the same arguments give the same bytes.

    Args:
        shown: What is said of the page.
        picture: How its image stream is described.
        original: The bytes as they arrived, which become the image stream.
        facts: Where they came from.
        media_type: What they are.

    Raises:
        WrongFacts: `facts.received_at` has no time zone.
    """
    provenance = provenance_of(shown, original, facts, media_type, "")
    packet = xmp.packet(values_of(shown, facts, media_type), received_at=facts.received_at)
    page, contents = _page(picture)
    objects: list[Sequence[bytes]] = [
        (_FIXED[_CATALOG],),
        (_FIXED[_PAGES],),
        (page,),
        _stream(_described(picture), original),
        _stream(b"", contents),
        _stream(b"/Type/Metadata/Subtype/XML", packet),
        _srgb(),
        (_FIXED[_FILE],),
        _stream(_embedded(provenance, facts), provenance),
    ]
    if picture.profile is not None:
        objects.append(_stream(b"/N %d" % picture.components, picture.profile))
    return _assembled(objects, hashlib.md5(provenance, usedforsecurity=False).hexdigest())


def _page(picture: Picture) -> tuple[bytes, bytes]:
    """The page object and its content: `document.add_image_page` in bytes."""
    at = placed(picture.width_px, picture.height_px, picture.dpi, picture.exif_orientation)
    rotate = f"/Rotate {at.degrees}" if at.degrees else ""
    page = (
        f"<</Type/Page/Parent {_PAGES} 0 R/MediaBox[0 0 {at.width_pt:.3f} {at.height_pt:.3f}]{rotate}"
        f"/Resources<</XObject<<{IMAGE} {_IMAGE} 0 R>>>>/Contents {_CONTENTS} 0 R>>"
    )
    return page.encode(), f"q {at.matrix} cm {IMAGE} Do Q".encode()


def _described(picture: Picture) -> bytes:
    """The image dictionary without its length (ISO 32000-1 8.9.5)."""
    space = colour.DEVICE[picture.components] if picture.profile is None else f"[/ICCBased {_PROFILE} 0 R]"
    described = (
        f"/Type/XObject/Subtype/Image/Width {picture.width_px}/Height {picture.height_px}"
        f"/BitsPerComponent {picture.bits}/ColorSpace {space}/Filter/{picture.coding}"
    ).encode()
    return described + _INVERTED * picture.is_inverted + _UNTURNED * picture.is_untransformed


def _embedded(provenance: bytes, facts: Facts) -> bytes:
    checksum = hashlib.md5(provenance, usedforsecurity=False).hexdigest()  # ISO 32000-1 table 46 wants MD5
    modified = facts.received_at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
    return (
        f"/Type/EmbeddedFile/Subtype/application#2Fjson"
        f"/Params<</Size {len(provenance)}/ModDate({modified})/CheckSum<{checksum}>>>"
    ).encode()


@functools.cache
def _srgb() -> tuple[bytes, bytes, bytes]:
    """The output intent's profile: what device colours mean here (ISO 19005-3 6.2.3)."""
    return _stream(b"/N 3", colour.srgb())


def _stream(dictionary: bytes, content: bytes) -> tuple[bytes, bytes, bytes]:
    """A stream object (ISO 19005-3 6.1.7.1): its length is that of `content`, the end of line is not part of it."""
    return b"<<%b/Length %d>>\nstream\n" % (dictionary, len(content)), content, b"\nendstream"


def _assembled(objects: Sequence[Sequence[bytes]], identity: str) -> bytes:
    """Header, numbered objects, cross-reference table and trailer, put together in one go."""
    chunks, at, places = [_HEADER], len(_HEADER), list[int]()
    for number, content in enumerate(objects, 1):
        places.append(at)
        start = len(chunks)
        chunks += (b"%d 0 obj\n" % number, *content, b"\nendobj\n")
        at += sum(map(len, chunks[start:]))
    size = len(objects) + 1
    entries = "".join(f"{place:010} 00000 n \n" for place in places)  # ISO 32000-1 7.5.4: 20 bytes each
    trailer = f"<</Size {size}/Root {_CATALOG} 0 R/ID[<{identity}><{identity}>]>>"
    end = f"xref\n0 {size}\n0000000000 65535 f \n{entries}trailer\n{trailer}\nstartxref\n{at}\n%%EOF\n"
    return b"".join([*chunks, end.encode()])
