"""Extension schemas in XMP as PDF/A-3 wants them (ISO 19005-3 6.6.2.3), those of structured invoices alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from lxml import etree

from receipts.pdfa.invoice import SCHEMAS, Element, parsed

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_ID: Final = "http://www.aiim.org/pdfa/ns/id/"
# 6.6.2.3.3: these namespaces, and these prefixes for them.
_PREFIXES: Final = MappingProxyType({
    "http://www.aiim.org/pdfa/ns/extension/": "pdfaExtension",
    "http://www.aiim.org/pdfa/ns/schema#": "pdfaSchema",
    "http://www.aiim.org/pdfa/ns/property#": "pdfaProperty",
    _ID: "pdfaid",
})  # fmt: skip
_EXTENSION, _SCHEMA, _PROPERTY = list(_PREFIXES)[:3]
_HELD: Final = f"{{{_SCHEMA}}}property"
_SCHEMA_FIELDS: Final = frozenset({"schema", "namespaceURI", "prefix"})
_PROPERTY_FIELDS: Final = frozenset({"name", "valueType", "category", "description"})
_CATEGORIES: Final = frozenset({"internal", "external"})
_LEVELS: Final = frozenset({"A", "B", "U"})


def conform(packet: bytes) -> bool:
    """Whether the packet of a PDF/A-3 declares what it says of a structured invoice, and nothing else.

    What it says by the schemas that every reader knows is not looked at here.
    """
    root = parsed(packet)
    if root is None or not _prefixes_conform(root) or not _claims_part_3(root):
        return False
    containers = [*root.iter(f"{{{_EXTENSION}}}schemas")]
    listed = _items(containers[0], "Bag") if len(containers) == 1 else None
    if listed is None:
        return False
    declared: dict[str, frozenset[str]] = {}
    for item in listed:
        schema = _fields(item, _SCHEMA, _SCHEMA_FIELDS)
        names = _names(next(item.iter(_HELD), None))
        if schema is None or names is None or not schema["prefix"]:
            return False
        namespace = schema["namespaceURI"]
        if namespace in declared or namespace not in SCHEMAS:
            return False
        declared[namespace] = names
    return _is_declared(root, declared)


def _prefixes_conform(root: Element) -> bool:
    """6.6.2.3.3, 6.6.4: each of these namespaces has its prefix and no other, wherever it is stated."""
    stated = {pair for node in root.iter(etree.Element) for pair in node.nsmap.items() if pair[1] in _PREFIXES}
    return all(prefix == _PREFIXES[uri] for prefix, uri in stated)


def _claims_part_3(root: Element) -> bool:
    said = [(name, value) for namespace, name, value in _stated(root) if namespace == _ID]
    return len(said) == 2 and dict(said).get("part") == "3" and dict(said).get("conformance") in _LEVELS


def _is_declared(root: Element, declared: Mapping[str, frozenset[str]]) -> bool:
    """Whether each property of these schemas is declared, stands where it may, once, and is plain text."""
    said = [(namespace, name) for namespace, name, _ in _stated(root) if namespace in SCHEMAS]
    are_known = all(name in declared.get(namespace, ()) for namespace, name in said)
    return are_known and len(set(said)) == len(said)


def _stated(root: Element) -> Iterator[tuple[str, str, str]]:
    """Namespace, name and value of each simple property; a value that is none, or out of its place, has no name."""
    for node in root.iter(etree.Element):
        above, name = node.getparent(), etree.QName(node)
        is_plain = above is not None and above.tag == f"{{{_RDF}}}Description" and not len(node) and not node.attrib
        yield str(name.namespace), name.localname if is_plain else "", node.text or ""
        for key, value in node.attrib.items():
            name = etree.QName(key)
            yield str(name.namespace), name.localname if node.tag == f"{{{_RDF}}}Description" else "", str(value)


def _names(properties: Element | None) -> frozenset[str] | None:
    """The names that a schema declares, None if one of them is declared other than as plain text."""
    listed = None if properties is None else _items(properties, "Seq")
    found = [_fields(item, _PROPERTY, _PROPERTY_FIELDS) for item in listed or ()]
    names = [one["name"] for one in found if one and one["valueType"] == "Text" and one["category"] in _CATEGORIES]
    return frozenset(names) if names and len(set(names)) == len(found) else None


def _items(holder: Element, kind: str) -> list[Element] | None:
    """The items of the one container of that kind, None if there is something else."""
    containers = [*holder.iterchildren(etree.Element)]
    if holder.attrib or len(containers) != 1 or containers[0].tag != f"{{{_RDF}}}{kind}" or containers[0].attrib:
        return None
    items = [*containers[0].iterchildren(etree.Element)]
    return items if all(item.tag == f"{{{_RDF}}}li" for item in items) else None


def _fields(item: Element, namespace: str, wanted: frozenset[str]) -> dict[str, str] | None:
    """The plain fields of a structure by name, None if it has others than these."""
    inner = [*item.iterchildren(etree.Element)]
    if not item.attrib and len(inner) == 1 and inner[0].tag == f"{{{_RDF}}}Description":
        attributes, inner = inner[0].attrib, [*inner[0].iterchildren(etree.Element)]
    elif item.get(f"{{{_RDF}}}parseType") == "Resource" and len(item.attrib) == 1:
        attributes = etree.Element("none").attrib
    else:
        return None
    said = [(etree.QName(key), str(value)) for key, value in attributes.items()]
    said += [
        (etree.QName(one), one.text or "") for one in inner if one.tag != _HELD and not len(one) and not one.attrib
    ]
    fields = {name.localname: value for name, value in said if name.namespace == namespace}
    held = sum(one.tag == _HELD for one in inner)
    is_whole = len(fields) == len(said) == len(attributes) + len(inner) - held and set(fields) == wanted
    return fields if is_whole and held <= (namespace == _SCHEMA) else None
