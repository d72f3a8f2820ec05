"""The XMP packet of an archive file, with our own properties and the extension schema that declares them.

Only words and numbers of our own go in, never text from a sender: sealing rewrites the packet, and text that looks
like a URI would change its form there. What the sender wrote is in the attached provenance.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from receipts.pdfa.invoice import PROPERTIES as INVOICE_PROPERTIES
from receipts.pdfa.invoice import SCHEMAS, Element, parsed

NAMESPACE: Final = "urn:probant:pdfa:provenance:1p0#"

PROPERTIES: Final = MappingProxyType(
    {
        "receipt": "Identity of the receipt: tenant and SHA-256 of the original",
        "tenant": "Whose receipt it is",
        "channel": "How it arrived: folder, imap or mobile",
        "receivedAt": "When it was received, UTC",
        "originalSha256": "SHA-256 of the bytes that arrived",
        "originalMediaType": "Media type of these bytes, by their content",
        "route": "How this file was made of them",
        "software": "What made this file",
    }
)

_PREFIXES: Final = MappingProxyType(
    {
        "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "pdfaExtension": "http://www.aiim.org/pdfa/ns/extension/",
    }
)

_LEVELS: Final = MappingProxyType({"1": ("a", "b"), "2": ("a", "b", "u"), "3": ("a", "b", "u"), "4": ("", "e", "f")})

_PACKET: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" \
xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" \
xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" \
xmlns:probant="{namespace}">
<pdfaid:part>3</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<xmp:CreateDate>{date}</xmp:CreateDate>
<xmp:ModifyDate>{date}</xmp:ModifyDate>
<xmp:MetadataDate>{date}</xmp:MetadataDate>
<xmp:CreatorTool>{software}</xmp:CreatorTool>
<pdf:Producer>{software}</pdf:Producer>
{values}
<pdfaExtension:schemas><rdf:Bag>{schemas}</rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
{invoice}</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""

_SCHEMA: Final = """<rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>{title}</pdfaSchema:schema>
<pdfaSchema:namespaceURI>{namespace}</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>{prefix}</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq>
{properties}
</rdf:Seq></pdfaSchema:property>
</rdf:li>"""

_PROPERTY: Final = (
    '<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
    "<pdfaProperty:valueType>Text</pdfaProperty:valueType>"
    "<pdfaProperty:category>external</pdfaProperty:category>"
    "<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"
)

_PLAIN: Final = MappingProxyType(
    {
        "{http://ns.adobe.com/xap/1.0/}CreateDate": "xmp:CreateDate",
        "{http://ns.adobe.com/xap/1.0/}ModifyDate": "xmp:ModifyDate",
        "{http://ns.adobe.com/xap/1.0/}CreatorTool": "xmp:CreatorTool",
        "{http://ns.adobe.com/pdf/1.3/}Producer": "pdf:Producer",
        "{http://ns.adobe.com/pdf/1.3/}Keywords": "pdf:Keywords",
    }
)
_STRIPPED: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/" \
xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>{body}
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""

_ADDITIONS: Final = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" \
xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" \
xmlns:probant="{namespace}">
{values}
<pdfaExtension:schemas><rdf:Bag>{schemas}</rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
{invoice}</rdf:RDF>
</x:xmpmeta>"""


def packet(
    values: Mapping[str, str],
    *,
    received_at: datetime,
    invoice: tuple[str, Mapping[str, str]] | None = None,
) -> bytes:
    """The packet, UTF-8 (ISO 19005-3 6.6.2 and 6.6.4).

    Args:
        values: A value for each of `PROPERTIES`.
        received_at: Stands for every date in it, so that the same input gives the same packet.
        invoice: Namespace and properties that announce a structured invoice.
    """
    date = received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return _PACKET.format(
        namespace=NAMESPACE,
        title=escape(f"Receipt {values['receipt']}"),
        date=date,
        software=escape(values["software"]),
        values="\n".join(f"<probant:{name}>{escape(values[name])}</probant:{name}>" for name in PROPERTIES),
        schemas=_schemas(invoice),
        invoice=_invoice(invoice),
    ).encode()


def reduced(packet: bytes) -> bytes | None:
    """The packet of a PDF/A of any part, now stating part 3, level B, without extension schemas and what they declare.

    None of what is left is ours or a structured invoice's: pikepdf's validator can judge all of it.

    Returns:
        The packet, or None if it can't be read or does not claim to be PDF/A.
    """
    root = parsed(packet)
    if root is None or claim(packet) is None:
        return None
    for node in [*root.iter(etree.Element)]:
        names = [name for name in node.attrib if _namespace(name) in {*SCHEMAS, NAMESPACE, _PREFIXES["pdfaid"]}]
        for name in names:
            del node.attrib[name]
        own = {*SCHEMAS, NAMESPACE, _PREFIXES["pdfaid"], _PREFIXES["pdfaExtension"]}
        parent = node.getparent()
        if _namespace(node.tag) in own and parent is not None:
            parent.remove(node)
    description = etree.SubElement(
        next(root.iter(f"{{{_PREFIXES['rdf']}}}RDF")),
        f"{{{_PREFIXES['rdf']}}}Description",
        {f"{{{_PREFIXES['rdf']}}}about": ""},
        {"pdfaid": _PREFIXES["pdfaid"]},
    )
    for name, value in (("part", "3"), ("conformance", "B")):
        etree.SubElement(description, f"{{{_PREFIXES['pdfaid']}}}{name}").text = value
    etree.cleanup_namespaces(root)
    return etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=False)


def plain(packet: bytes) -> bytes | None:
    """As `reduced`, but with those properties alone that are simple and of the three schemas every file has.

    What else it says, such as the history of its making, stays in the packet before it.
    """
    root = parsed(reduced(packet) or b"")
    if root is None:
        return None
    kept: dict[str, Element] = {}
    for description in root.iter(f"{{{_PREFIXES['rdf']}}}Description"):
        for node in description.iterchildren(etree.Element):
            if node.tag in _PLAIN and node.tag not in kept and not node.attrib and not len(node):
                kept[str(node.tag)] = node
        for name, value in description.attrib.items():
            if name in _PLAIN and name not in kept:
                kept[str(name)] = etree.Element(str(name))
                kept[str(name)].text = str(value)
    body = "".join(f"<{_PLAIN[name]}>{escape(node.text or '')}</{_PLAIN[name]}>" for name, node in kept.items())
    return reduced(_STRIPPED.format(body=body).encode())


def extended(
    packet: bytes, values: Mapping[str, str], *, invoice: tuple[str, Mapping[str, str]] | None = None
) -> bytes:
    """A `reduced` packet with our own properties, and those of a structured invoice, in it and declared."""
    whole = parsed(packet)
    ours = parsed(_packet_of_additions(values, invoice))
    if whole is None or ours is None:
        raise ValueError("not a packet")
    target = next(whole.iter(f"{{{_PREFIXES['rdf']}}}RDF"))
    for description in [*next(ours.iter(f"{{{_PREFIXES['rdf']}}}RDF"))]:
        target.append(description)
    return etree.tostring(whole.getroottree(), encoding="utf-8", xml_declaration=False)


def claim(packet: bytes) -> str | None:
    """The PDF/A part and level that a packet claims, such as `2u`, `4` or `4f`; None if none."""
    root = parsed(packet)
    if root is None or not any(True for _ in root.iter(f"{{{_PREFIXES['rdf']}}}RDF")):
        return None
    said: dict[str, str] = {}
    for node in root.iter(etree.Element):
        for name, value in [*node.attrib.items(), (node.tag, node.text or "")]:
            if _namespace(name) == _PREFIXES["pdfaid"]:
                said[str(name).partition("}")[2]] = str(value).strip()
    part, level = said.get("part", ""), said.get("conformance", "").lower()
    return part + level if level in _LEVELS.get(part, ()) else None


def _packet_of_additions(values: Mapping[str, str], invoice: tuple[str, Mapping[str, str]] | None) -> bytes:
    body = "\n".join(f"<probant:{name}>{escape(values[name])}</probant:{name}>" for name in PROPERTIES)
    return _ADDITIONS.format(
        namespace=NAMESPACE, values=body, schemas=_schemas(invoice), invoice=_invoice(invoice)
    ).encode()


def _schemas(invoice: tuple[str, Mapping[str, str]] | None) -> str:
    declared = [("Probant provenance", NAMESPACE, "probant", PROPERTIES)]
    if invoice:
        declared.append(("Structured invoice", invoice[0], SCHEMAS[invoice[0]], INVOICE_PROPERTIES))
    return "\n".join(
        _SCHEMA.format(
            title=title,
            namespace=namespace,
            prefix=prefix,
            properties="\n".join(_PROPERTY.format(name=name, description=text) for name, text in properties.items()),
        )
        for title, namespace, prefix, properties in declared
    )


def _invoice(invoice: tuple[str, Mapping[str, str]] | None) -> str:
    if not invoice:
        return ""
    namespace, values = invoice
    prefix = SCHEMAS[namespace]
    body = "\n".join(f"<{prefix}:{name}>{escape(values[name])}</{prefix}:{name}>" for name in INVOICE_PROPERTIES)
    return f'<rdf:Description rdf:about="" xmlns:{prefix}="{namespace}">\n{body}\n</rdf:Description>\n'


def _namespace(name: object) -> str:
    return str(name)[1:].partition("}")[0] if str(name).startswith("{") else ""
