"""Whether a file is certain to be PDF/A-3b, with no other program: pikepdf's allow-list validator, and what is here.

The validator passes only what it knows. What it doesn't know, and real files have, is judged here and taken out of a
copy; then the copy has to pass. What is not judged stays in the copy, which therefore does not pass: docs/adr/0017.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final

import pikepdf
from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream, String, pdfa

from receipts.errors import Refused
from receipts.pdfa import fields, inks, jp2, layers
from receipts.pdfa.graph import STUMBLES, dictionaries, written
from receipts.pdfa.syntax import NAME_MOST, STRING_MOST

_PORTION: Final = 1 << 20  # bytes of unpacked data in memory at a time
# Keys that mean something: ISO 32000-1 tables 15, 28, 29 and 365, ISO 32000-2 likewise. Others are their writer's own.
_MEANT: Final = MappingProxyType({
    "/Catalog": frozenset({
        "/Type", "/Version", "/Extensions", "/Pages", "/PageLabels", "/Names", "/Dests", "/ViewerPreferences",
        "/PageLayout", "/PageMode", "/Outlines", "/Threads", "/OpenAction", "/AA", "/URI", "/AcroForm", "/Metadata",
        "/StructTreeRoot", "/MarkInfo", "/Lang", "/SpiderInfo", "/OutputIntents", "/PieceInfo", "/OCProperties",
        "/Perms", "/Legal", "/Requirements", "/Collection", "/NeedsRendering", "/DSS", "/AF", "/DPartRoot",
    }),
    "/Pages": frozenset({
        "/Type", "/Parent", "/Kids", "/Count", "/Resources", "/MediaBox", "/CropBox", "/Rotate",
    }),
    "/OutputIntent": frozenset({
        "/Type", "/S", "/OutputCondition", "/OutputConditionIdentifier", "/RegistryName", "/Info",
        "/DestOutputProfile", "/DestOutputProfileRef", "/MixingHints", "/SpectralData",
    }),
    "trailer": frozenset({
        "/Size", "/Prev", "/Root", "/Encrypt", "/Info", "/ID", "/XRefStm", "/Type", "/Index", "/W", "/Filter",
        "/DecodeParms", "/Length",
    }),
})  # fmt: skip
_MODES: Final = (Name.UseOC, Name.UseAttachments)  # ISO 32000-1 table 28
_MOVES: Final = (Name.NextPage, Name.PrevPage, Name.FirstPage, Name.LastPage)  # ISO 19005-3 6.5.1
_SPACES: Final = MappingProxyType({1: "/CalGray", 3: "/CalRGB"})
_CMAPS: Final = MappingProxyType({(1, 0): (0, 4, 6), (3, 0): (4,), (3, 1): (4,)})  # formats that all readers know


def is_certain(archive_file: bytes, *, packet_is_ours: bool) -> bool:
    """Whether `archive_file` is PDF/A-3b (ISO 19005-3) for certain, how its objects are written aside.

    Args:
        archive_file: A file that we wrote, or that `syntax` has passed.
        packet_is_ours: Its XMP packet does not count: the validator knows no extension schemas, such as our own.
    """
    try:
        with pikepdf.open(BytesIO(archive_file), suppress_warnings=True, inherit_page_attributes=False) as copy:
            if not (_states_resources(copy) and has_usual_fonts(copy) and _has_sound_data(copy)):
                return False
            if _passes(archive_file, packet_is_ours):
                return True
            return _passes(_reduced(copy), packet_is_ours)
    except (*STUMBLES, Refused):
        return False


def _reduced(copy: Pdf) -> bytes:
    """`copy` without what is judged here."""
    _take_out_private(copy)
    fields.take_out(copy)
    _take_out_views(copy)
    _state_directly(copy)
    layers.take_out(copy)
    inks.take_out(copy)
    _take_out_jpeg2000(copy)
    out = BytesIO()
    copy.save(out, fix_metadata_version=False)  # what is judged is the packet as it is
    return out.getvalue()


def _passes(pdf: bytes, packet_is_ours: bool) -> bool:
    report = pdfa.validate_written(BytesIO(pdf), "3b")
    return all(packet_is_ours and finding.where.endswith("(MetadataStream)") for finding in report.findings)


def _states_resources(pdf: Pdf) -> bool:
    """Whether no page takes its resources from the page tree (6.2.2); the validator lets colour spaces do so."""
    for page in pdf.pages:
        node: Any = page.obj
        while isinstance(node, Dictionary) and "/Resources" not in node:
            node = node.get("/Parent")
        if isinstance(node, Dictionary) and node.objgen != page.obj.objgen:
            return False
    return True


def has_usual_fonts(pdf: Pdf) -> bool:
    """Whether the tables by which characters find their glyphs are ones that every reader can read (6.2.11.4.1)."""
    for font in dictionaries(pdf):
        if font.get("/Subtype") == Name.TrueType and isinstance(font.get("/FontDescriptor"), Dictionary):
            program: Any = font.FontDescriptor.get("/FontFile2")
            if isinstance(program, Stream) and not _is_usual(program.read_bytes()):
                return False
    return True


def _has_sound_data(pdf: Pdf) -> bool:
    """Whether each stream in zlib's form has the checksum of its data (RFC 1950, 2.2): strict readers drop others."""
    return all(_is_sound(thing) for thing in pdf.objects if isinstance(thing, Stream))


def _is_sound(stream: Stream) -> bool:
    filters: Any = stream.get("/Filter")
    if (filters[0] if isinstance(filters, Array) and len(filters) else filters) != Name.FlateDecode:
        return True
    data, unpacker = stream.read_raw_bytes(), zlib.decompressobj()
    try:
        while data and not unpacker.eof:
            unpacker.decompress(data, _PORTION)
            data = unpacker.unconsumed_tail
    except zlib.error:
        return False
    return unpacker.eof


def _is_usual(program: bytes) -> bool:
    try:
        tables = TTFont(BytesIO(program), lazy=True)["cmap"].tables
    except (TTLibError, KeyError, AssertionError):
        return True  # without such a table; or no font at all, which the validator sees
    return all(one.format in _CMAPS.get((one.platformID, one.platEncID), (one.format,)) for one in tables)


def _take_out_private(pdf: Pdf) -> None:
    """Keys without a meaning whose values are plain: nobody reads them (ISO 32000-1 Annex E)."""
    for node in [pdf.trailer, *dictionaries(pdf)]:
        kind = "trailer" if node == pdf.trailer else _name(node.get("/Type"))
        meant = _MEANT.get(kind)
        for key in [] if meant is None else set(node.keys()) - meant:
            if _is_plain(node[key]):
                del node[key]


def _name(value: object) -> str:
    return written(value) if isinstance(value, Name) else ""


def _is_plain(value: object) -> bool:
    if isinstance(value, String):
        return len(bytes(value)) <= STRING_MOST
    if isinstance(value, Name):
        return len(value.unparse()) <= NAME_MOST
    return isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**31)


def _take_out_views(pdf: Pdf) -> None:
    """How the file wants to be looked at: panels, and the view it opens with (6.5 bars other actions)."""
    if pdf.Root.get("/PageMode") in _MODES:
        del pdf.Root.PageMode
    opens: Any = pdf.Root.get("/OpenAction")
    if isinstance(opens, Array) or (isinstance(opens, Dictionary) and _moves(opens)):
        del pdf.Root.OpenAction


def _moves(action: Dictionary) -> bool:
    keys = set(action.keys()) - {"/Type"}
    is_view = keys == {"/S", "/D"} and Name.GoTo == action.S
    return is_view or (keys == {"/S", "/N"} and Name.Named == action.S and action.N in _MOVES)


def _state_directly(pdf: Pdf) -> None:
    """Strings and names that stand elsewhere, as any value may (ISO 32000-1 7.3.10)."""
    for node in dictionaries(pdf):
        for key, value in list(node.items()):
            if isinstance(value, Object) and value.is_indirect:
                if isinstance(value, String):
                    node[key] = String(bytes(value))
                elif isinstance(value, Name) and (name := _name(value)).isascii() and "#" not in name:
                    node[key] = Name(name)


def _take_out_jpeg2000(pdf: Pdf) -> None:
    """JPEG 2000 of the plainest kind (6.2.8.3); what the picture's dictionary says is left to be judged."""
    for image in pdf.objects:
        if isinstance(image, Stream) and image.get("/Filter") in (Name.JPXDecode, Array([Name.JPXDecode])):
            components = jp2.components_of(image.read_raw_bytes())
            if components and not int(image.get("/SMaskInData", 0)):
                space = Array([Name(_SPACES[components]), Dictionary(WhitePoint=Array([0.9505, 1, 1.089]))])
                image.ColorSpace = image.get("/ColorSpace", space)
                image.BitsPerComponent = image.get("/BitsPerComponent", 8)
                image.write(b"")
                if "/SMaskInData" in image:
                    del image["/SMaskInData"]
