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
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>Probant provenance</pdfaSchema:schema>
<pdfaSchema:namespaceURI>{namespace}</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>probant</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq>
{schema}
</rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""

_PROPERTY: Final = (
    '<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
    "<pdfaProperty:valueType>Text</pdfaProperty:valueType>"
    "<pdfaProperty:category>external</pdfaProperty:category>"
    "<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"
)


def packet(values: Mapping[str, str], *, received_at: datetime) -> bytes:
    """The packet, UTF-8 (ISO 19005-3 6.6.2 and 6.6.4).

    Args:
        values: A value for each of `PROPERTIES`.
        received_at: Stands for every date in it, so that the same input gives the same packet.
    """
    date = received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return _PACKET.format(
        namespace=NAMESPACE,
        title=escape(f"Receipt {values['receipt']}"),
        date=date,
        software=escape(values["software"]),
        values="\n".join(f"<probant:{name}>{escape(values[name])}</probant:{name}>" for name in PROPERTIES),
        schema="\n".join(_PROPERTY.format(name=name, description=text) for name, text in PROPERTIES.items()),
    ).encode()
