"""Structured invoices inside a PDF: Factur-X, ZUGFeRD, XRechnung and Order-X, by their file and their XMP."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from lxml import etree
from pikepdf import Array, Dictionary, Name, Pdf, PdfError, Stream

Element: TypeAlias = etree._Element
_NODES_MOST: Final = 1000
_XML_MOST_BYTES: Final = 10_000_000
_PACKED_MOST_BYTES: Final = 256 * 1024  # of what only qpdf can unpack, and not in pieces
_SWELLING: Final = (Name.FlateDecode, Name.LZWDecode, Name.RunLengthDecode)
_VALUE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_RELATIONSHIPS: Final = frozenset({"/Source", "/Data", "/Alternative", "/Supplement", "/Unspecified"})

# Factur-X 1.07 6.2.2 and its forerunners; XRechnung and Order-X likewise
FILES: Final = MappingProxyType(
    {
        "factur-x.xml": "factur-x",
        "order-x.xml": "order-x",
        "xrechnung.xml": "xrechnung",
        "zugferd-invoice.xml": "zugferd-2",
        "ZUGFeRD-invoice.xml": "zugferd-1",
    }
)
SCHEMAS: Final = MappingProxyType(
    {
        "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#": "fx",
        "urn:factur-x:pdfa:CrossIndustryDocument:1p0#": "fx",
        "urn:zugferd:pdfa:CrossIndustryDocument:invoice:2p0#": "zf",
        "urn:ferd:pdfa:CrossIndustryDocument:invoice:1p0#": "zf",
    }
)
PROPERTIES: Final = MappingProxyType(
    {
        "DocumentType": "Kind of document: INVOICE, ORDER and so on",
        "DocumentFileName": "Name of the attached XML file",
        "Version": "Version of the XML schema",
        "ConformanceLevel": "Profile of the XML file",
    }
)


@dataclass(frozen=True, kw_only=True)
class Structured:
    """The XML of a structured invoice, as it lies in the PDF.

    Attributes:
        kind: `factur-x`, `zugferd-1`, `zugferd-2`, `xrechnung` or `order-x`.
        name: Its file name, one of `FILES`.
        content: Its bytes.
        relationship: Its AFRelationship, such as `/Alternative`.
        namespace: Of the XMP properties that announce it, None if there are none that can be kept.
        values: These properties.
    """

    kind: str
    name: str
    content: bytes
    relationship: str
    namespace: str | None
    values: Mapping[str, str]


def structured_in(pdf: Pdf) -> Structured | None:
    """The structured invoice that lies in `pdf`, if there is one."""
    for file in attached(pdf):
        name = file_name(file)
        content = _content(file)
        if name in FILES and content:
            relationship = str(file.get("/AFRelationship", "/Alternative"))
            namespace, values = announced(packet_of(pdf))
            return Structured(
                kind=FILES[name],
                name=name,
                content=content,
                relationship=relationship if relationship in _RELATIONSHIPS else "/Alternative",
                namespace=namespace,
                values=values,
            )
    return None


def attached(pdf: Pdf) -> Iterator[Dictionary]:
    """The file specifications of the catalog's /AF and of the name tree, bounded and without recursion."""
    names = pdf.Root.get("/Names")
    waiting: list[Any] = [pdf.Root.get("/AF")]
    waiting += [names.get("/EmbeddedFiles")] if isinstance(names, Dictionary) else []
    for _ in range(_NODES_MOST):
        if not waiting:
            return
        node = waiting.pop()
        if isinstance(node, Array):
            waiting += [one for one, _ in zip(node, range(_NODES_MOST), strict=False)]
        elif isinstance(node, Dictionary) and "/EF" in node:
            yield node
        elif isinstance(node, Dictionary):
            waiting += [node.get(key) for key in ("/Kids", "/Names")]


def file_name(file: Dictionary) -> str:
    """The name that a file specification states, empty if it states none."""
    for key in ("/UF", "/F"):
        try:
            if key in file:
                return str(file[key])
        except (UnicodeDecodeError, ValueError):
            continue
    return ""


def packet_of(pdf: Pdf) -> bytes:
    """The XMP packet of the file; empty if there is none that can be read, or it is larger than any genuine one."""
    metadata: Any = pdf.Root.get("/Metadata")
    try:
        packet = _unpacked(metadata) if isinstance(metadata, Stream) else b""
    except (PdfError, zlib.error):
        return b""
    return packet if len(packet) <= _XML_MOST_BYTES else b""


def _unpacked(stream: Stream) -> bytes:
    """What is in the stream, as far as that is bearable: a few bytes may swell to gigabytes."""
    raw, form = stream.read_raw_bytes(), stream.get("/Filter", Array([]))
    forms = list(form) if isinstance(form, Array) else [form]
    if forms == [Name.FlateDecode] and "/DecodeParms" not in stream:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw[2:], _XML_MOST_BYTES + 1)
    is_bearable = sum(one in _SWELLING for one in forms) <= 1 and len(raw) <= _PACKED_MOST_BYTES
    return stream.read_bytes() if is_bearable else raw if not forms else b""


def announced(packet: bytes) -> tuple[str | None, dict[str, str]]:
    """Namespace and values of the XMP properties that announce a structured invoice.

    Only plain words are taken, so that nothing else of a sender's gets into our metadata.
    """
    root = parsed(packet)
    if root is None:
        return None, {}
    values: dict[str, dict[str, str]] = {}
    for node in root.iter(etree.Element):
        pairs = [*node.attrib.items(), (node.tag, node.text or "")]
        for name, value in pairs:
            namespace, _, local = str(name)[1:].partition("}")
            if namespace in SCHEMAS and local in PROPERTIES and _VALUE.fullmatch(str(value).strip()):
                values.setdefault(namespace, {})[local] = str(value).strip()
    for namespace, said in values.items():
        if len(said) == len(PROPERTIES):
            return namespace, said
    return None, {}


def parsed(xml: bytes) -> Element | None:
    """The root of an XML document without a DTD; None if it is none. Nothing outside is looked up."""
    if not xml or len(xml) > _XML_MOST_BYTES:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return None if has_document_type(root) else root


def has_document_type(root: Element) -> bool:
    """Whether the XML document that `root` belongs to states a document type, where entities are made."""
    document: Any = root.getroottree()
    return bool(document.docinfo.doctype)


def _content(file: Dictionary) -> bytes:
    embedded = file.get("/EF")
    if isinstance(embedded, Dictionary):
        for key in ("/F", "/UF"):
            stream: Any = embedded.get(key)
            if isinstance(stream, Stream):
                try:
                    return bytes(stream.read_bytes())
                except PdfError:
                    continue
    return b""
