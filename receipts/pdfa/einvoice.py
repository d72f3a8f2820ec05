"""A structured invoice by itself, UBL or CII (EN 16931-1, CEN/TS 16931-3): shown in full, carried byte for byte.

What is shown is set from the XML alone: the terms a reader looks for first, then every element with its value, in the
order of the file. Nothing is computed, translated or left out.
"""

from __future__ import annotations

import html
import re
from types import MappingProxyType
from typing import Final

from lxml import etree

from receipts.errors import Code, Refused
from receipts.evidence import Json
from receipts.pdfa import render, typeset
from receipts.pdfa.invoice import Element, has_document_type
from receipts.pdfa.model import Shown
from receipts.policy import Limits

_ROOTS: Final = MappingProxyType(
    {
        "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice": "ubl",
        "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote": "ubl",
        "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice": "cii",
        "{urn:ferd:CrossIndustryDocument:invoice:1p0}CrossIndustryDocument": "cii",
        "{urn:un:unece:uncefact:data:SCRDMCCBDACIOMessageStructure:100}SCRDMCCBDACIOMessageStructure": "cii",
    }
)
_START: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?[^>]*\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>\s*)*"
    rb"<(?:[\w.-]+:)?(Invoice|CreditNote|CrossIndustryInvoice|CrossIndustryDocument|SCRDMCCBDACIOMessageStructure)"
    rb"\s([^>]*)>",
    re.DOTALL,
)
_NAMESPACE: Final = re.compile(
    rb"urn:(?:oasis:names:specification:ubl:schema:xsd:|un:unece:uncefact:data:|ferd:CrossIndustryDocument)"
)
_LOOKED_AT: Final = 65_536
_BOMS: Final = MappingProxyType({b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"})
_ELEMENTS_MOST: Final = 200_000

# Term of EN 16931-1, path in UBL 2.1, path in CII D16B; local names, so that prefixes don't matter.
_TERMS: Final = (
    ("Invoice number", "ID", "ExchangedDocument/ID"),
    ("Kind of document", "InvoiceTypeCode|CreditNoteTypeCode", "ExchangedDocument/TypeCode"),
    ("Date of issue", "IssueDate", "ExchangedDocument/IssueDateTime/DateTimeString"),
    ("Due date", "DueDate", "**/SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString"),
    ("Currency", "DocumentCurrencyCode", "**/InvoiceCurrencyCode"),
    ("Seller", "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName", "**/SellerTradeParty/Name"),
    (
        "Seller's VAT identifier",
        "AccountingSupplierParty/Party/PartyTaxScheme/CompanyID",
        "**/SellerTradeParty/SpecifiedTaxRegistration/ID",
    ),
    ("Buyer", "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName", "**/BuyerTradeParty/Name"),
    (
        "Total without VAT",
        "LegalMonetaryTotal/TaxExclusiveAmount",
        "**/SpecifiedTradeSettlementHeaderMonetarySummation/TaxBasisTotalAmount",
    ),
    ("VAT", "TaxTotal/TaxAmount", "**/SpecifiedTradeSettlementHeaderMonetarySummation/TaxTotalAmount"),
    (
        "Total with VAT",
        "LegalMonetaryTotal/TaxInclusiveAmount",
        "**/SpecifiedTradeSettlementHeaderMonetarySummation/GrandTotalAmount",
    ),
    (
        "Amount due",
        "LegalMonetaryTotal/PayableAmount",
        "**/SpecifiedTradeSettlementHeaderMonetarySummation/DuePayableAmount",
    ),
)


def is_invoice(original: bytes) -> bool:
    """Whether `original` starts as an invoice in UBL or CII does."""
    head = original[:_LOOKED_AT]
    if head[:2] in _BOMS:
        head = head[2:].decode(_BOMS[head[:2]], "replace").encode()
    found = _START.match(head)
    return found is not None and _NAMESPACE.search(found[2]) is not None


def show(original: bytes, limits: Limits) -> Shown:
    """The invoice as pages.

    Raises:
        Refused: DAMAGED, HOSTILE for a document type of its own, UNSUPPORTED_TYPE or TOO_MANY_PAGES.
    """
    root = _parsed(original)
    kind = _ROOTS.get(str(root.tag))
    if kind is None:
        raise Refused(Code.UNSUPPORTED_TYPE, "XML that is neither UBL nor CII")
    pages = typeset.pages(_summary(root, kind), _everything(root), {}, limits.pages)
    fidelity: dict[str, Json] = {
        "claim": "original-attached",
        "shown": "every element of the XML with its value, set anew",
        "structured_invoice": kind,
        "characters_without_glyph": pages.without_glyph,
        "rendered_by": typeset.RENDERER,
    }
    if typeset.is_certain(pages.pdf):
        return Shown(pdf=pages.pdf, route="invoice-set", fidelity=fidelity)
    pictures, dpi = render.pictures_of(pages.pdf, limits)
    fidelity |= {"dpi": dpi, "pictures_by": render.RENDERER}
    return Shown(pdf=pictures, route="invoice-set-rendered", fidelity=fidelity)


def _parsed(original: bytes) -> Element:
    """The root element; entities are never expanded and nothing outside is looked up."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(original, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        code = Code.HOSTILE if b"<!DOCTYPE" in original[:_LOOKED_AT] else Code.DAMAGED
        raise Refused(code, f"XML: {error}"[:200]) from error
    if has_document_type(root):
        raise Refused(Code.HOSTILE, "XML with a document type of its own")
    return root


def _summary(root: Element, kind: str) -> str:
    rows = []
    for term, ubl, cii in _TERMS:
        values = _values(root, ubl if kind == "ubl" else cii)
        if values:
            rows.append(
                f'<tr><td style="color: #555555; vertical-align: top; padding-right: 8pt">{term}</td>'
                f'<td style="overflow-wrap: anywhere">{"; ".join(html.escape(one) for one in values)}</td></tr>'
            )
    title = html.escape(f"{_local(root)} ({kind.upper()})")
    return (
        '<div style="font: 9pt sans-serif; border-bottom: 1pt solid #888888; padding-bottom: 6pt">'
        f'<b style="font-size: 12pt">{title}</b><table style="font: 9pt sans-serif">{"".join(rows)}</table></div>'
    )


def _values(root: Element, path: str) -> list[str]:
    """Text of the elements at `path` of local names; `a|b` is either, a leading `**` is at any depth."""
    steps = path.split("/")
    nodes = [root]
    if steps[0] == "**":
        steps = steps[1:]
        parents = [node.getparent() for node in root.iter(etree.Element) if _local(node) == steps[0]]
        nodes = [parent for parent in parents if parent is not None]
    for step in steps:
        nodes = [
            child for node in nodes for child in node.iterchildren(etree.Element) if _local(child) in step.split("|")
        ]
    return list(dict.fromkeys(_text(node) for node in nodes if _text(node)))[:5]


def _everything(root: Element) -> str:
    """Every element in the order of the file, indented by its depth, with its attributes and its text."""
    rows = []
    for number, (event, node) in enumerate(etree.iterwalk(root, events=("start", "end"))):
        if number > 2 * _ELEMENTS_MOST:
            raise Refused(Code.TOO_MANY_PAGES, f"XML of more than {_ELEMENTS_MOST} elements")
        if event == "start" and isinstance(node.tag, str):
            attributes = " ".join(f"{str(name).rpartition('}')[2]}={value}" for name, value in node.attrib.items())
            depth = sum(1 for _ in node.iterancestors())
            rows.append(
                f'<div style="padding-left: {depth * 8}pt"><span style="color: #555555">{html.escape(_local(node))}'
                f"{' [' + html.escape(attributes) + ']' if attributes else ''}</span> "
                f"{html.escape(_text(node))}</div>"
            )
    return f'<div style="font: 8pt sans-serif; overflow-wrap: anywhere">{"".join(rows)}</div>'


def _text(node: Element) -> str:
    """The text of an element, without that of its children; long Base64 attachments by their size."""
    text = " ".join("".join([node.text or "", *(child.tail or "" for child in node)]).split())
    is_attachment = _local(node) in ("EmbeddedDocumentBinaryObject", "AttachmentBinaryObject")
    return f"({len(text)} characters of Base64, in the attached XML)" if is_attachment else text


def _local(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]
