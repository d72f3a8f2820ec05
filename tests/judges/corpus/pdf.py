"""A small PDF writer that writes what it is told, revision by revision, so that forgeries are easy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

CATALOG, PAGES, PAGE, CONTENT, FONT, FORM, AMOUNT, INFO = range(1, 9)  # object numbers of every document's start
_PLACE: Final = "0000000000"


@dataclass(frozen=True)
class Stream:
    """A stream object."""

    data: bytes
    entries: Mapping[str, Any]


def written(value: Any) -> bytes:
    """A value in PDF syntax; text and bytes stand as they are."""
    if isinstance(value, Stream):
        return written({**value.entries, "Length": len(value.data)}) + b"\nstream\n" + value.data + b"\nendstream"
    if isinstance(value, Mapping):
        return b"<<" + b" ".join(b"/%b %b" % (k.encode(), written(v)) for k, v in value.items()) + b">>"
    if isinstance(value, list):
        return b"[" + b" ".join(map(written, value)) + b"]"
    return value if isinstance(value, bytes) else str(value).encode("latin-1")


@dataclass(frozen=True, kw_only=True)
class Pdf:
    """A file and what is in it.

    Attributes:
        data: The file.
        objects: The objects as they are now, by number.
        xref: Where the last cross-reference table is.
    """

    data: bytes
    objects: Mapping[int, Any]
    xref: int

    def get(self, number: int) -> dict[str, Any]:
        """A dictionary, to be changed and given to `update`."""
        return dict(self.objects[number])

    @property
    def free(self) -> int:
        """A number that no object has."""
        return max(self.objects) + 1

    def update(self, changes: Mapping[int, Any], trailer: Mapping[str, Any] | None = None, end: bytes = b"") -> Pdf:
        """Append a revision."""
        data, places = self.data, {}
        for number, value in changes.items():
            places[number] = len(data)
            data += b"%d 0 obj\n%b\nendobj\n" % (number, written(value))
        objects, xref = {**self.objects, **changes}, len(data)
        ends = {"Size": max(objects) + 1, "Root": "1 0 R", "Info": "8 0 R", "ID": ["<11>", "<11>"], "Prev": self.xref}
        data += table(places) + b"trailer\n" + written(ends | dict(trailer or {}))
        return Pdf(data=data + b"\nstartxref\n%d\n%%%%EOF\n" % xref + end, objects=objects, xref=xref)


def table(places: Mapping[int, int]) -> bytes:
    """A cross-reference table, a section for each object."""
    return (
        b"xref\n"
        + (b"" if places else b"0 0\n")
        + b"".join(b"%d 1\n%010d 00000 n \n" % (n, place) for n, place in sorted(places.items()))
    )


def document(content: bytes = b"BT /F1 18 Tf 20 150 Td (Total 100 EUR) Tj ET", header: bytes = b"%PDF-1.7\n") -> Pdf:
    """One page with a line of text and a form field, unsigned."""
    objects = {
        CATALOG: {"Type": "/Catalog", "Pages": "2 0 R", "AcroForm": "6 0 R"},
        PAGES: {"Type": "/Pages", "Kids": ["3 0 R"], "Count": 1},
        PAGE: {
            "Type": "/Page", "Parent": "2 0 R", "MediaBox": [0, 0, 300, 200], "Contents": "4 0 R",
            "Resources": {"Font": {"F1": "5 0 R"}}, "Annots": ["7 0 R"],
        },
        CONTENT: Stream(content, {}),
        FONT: {"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Helvetica", "Encoding": "/WinAnsiEncoding"},
        FORM: {"Fields": ["7 0 R"], "DR": {"Font": {"F1": "5 0 R"}}, "DA": "(/F1 12 Tf)"},
        AMOUNT: {
            "Type": "/Annot", "Subtype": "/Widget", "FT": "/Tx", "T": "(Amount)", "V": "(100)", "P": "3 0 R",
            "Rect": [20, 80, 120, 100], "F": 4, "DA": "(/F1 12 Tf)", "AP": {"N": "9 0 R"},
        },
        INFO: {"Title": "(Receipt)", "Producer": "(corpus)"},
        9: appearance(b"100"),
    }  # fmt: skip
    data, places = header + b"%\xe2\xe3\xcf\xd3\n", {}
    for number, value in objects.items():
        places[number] = len(data)
        data += b"%d 0 obj\n%b\nendobj\n" % (number, written(value))
    xref = len(data)
    body = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % places[number] for number in objects)
    trailer = {"Size": len(objects) + 1, "Root": "1 0 R", "Info": "8 0 R", "ID": ["<11>", "<11>"]}
    data += body + b"trailer\n" + written(trailer) + b"\nstartxref\n%d\n%%%%EOF\n" % xref
    return Pdf(data=data, objects=objects, xref=xref)


def appearance(text: bytes) -> Stream:
    """How a field shows a value."""
    entries = {"Type": "/XObject", "Subtype": "/Form", "BBox": [0, 0, 100, 20]}
    entries["Resources"] = {"Font": {"F1": "5 0 R"}}
    return Stream(b"/Tx BMC BT /F1 12 Tf 2 5 Td (" + text + b") Tj ET EMC", entries)


def sign(
    pdf: Pdf,
    container: Callable[[bytes], bytes],
    *,
    name: str = "Seal",
    entries: Mapping[str, Any] | None = None,
    field: Mapping[str, Any] | None = None,
    catalog: Mapping[str, Any] | None = None,
    also: Mapping[int, Any] | None = None,
    room: int = 12000,
    with_range: Callable[[int, int, int], str] | None = None,
    filled: Callable[[bytes, int], bytes] | None = None,
) -> Pdf:
    """Append a revision with a signature.

    Args:
        pdf: What is signed.
        container: Makes the container from the bytes it covers.
        name: Of the field.
        entries: More for the signature dictionary; None takes an entry out.
        field: More for the field.
        catalog: More for the catalog; `{sig}` in text stands for the signature's number.
        also: More objects in the same revision.
        room: How many bytes the container may have.
        with_range: Another byte range for where the gap starts, ends, and the file ends.
        filled: How the container is written into so many hex digits.
    """
    base = replace(pdf, objects={**pdf.objects, **(also or {})})
    at = base.free
    widget = {"Type": "/Annot", "Subtype": "/Widget", "FT": "/Sig", "T": f"({name})", "V": f"{at} 0 R"}
    widget |= {"Rect": [0, 0, 0, 0], "F": 132, "P": "3 0 R"} | dict(field or {})
    hole = "<" + "0" * (2 * room) + ">"
    signature = {"Type": "/Sig", "Filter": "/Adobe.PPKLite", "SubFilter": "/ETSI.CAdES.detached"}
    signature |= {"Contents": hole, "ByteRange": f"[0 {_PLACE} {_PLACE} {_PLACE}]", "M": "(D:20260601100000Z)"}
    signature |= dict(entries or {})
    signature = {key: value for key, value in signature.items() if value is not None}
    form, page = base.get(FORM), base.get(PAGE)
    form |= {"Fields": [*form["Fields"], f"{at + 1} 0 R"], "SigFlags": 3}
    page["Annots"] = [*page["Annots"], f"{at + 1} 0 R"]
    changes = dict(also or {}) | {at: signature, at + 1: widget, FORM: form, PAGE: page}
    if catalog:
        changes[CATALOG] = base.get(CATALOG) | {
            k: v.replace("{sig}", str(at)) if isinstance(v, str) else v for k, v in catalog.items()
        }
    made = pdf.update(changes)
    start = made.data.index(hole.encode(), len(pdf.data))
    end = start + len(hole)
    text = (with_range or covering)(start, end, len(made.data))
    blank = f"[0 {_PLACE} {_PLACE} {_PLACE}]".encode()
    place = made.data.index(blank, len(pdf.data))
    data = made.data[:place] + text.encode().ljust(len(blank)) + made.data[place + len(blank) :]
    digits = (filled or padded)(container(data[:start] + data[end:]), 2 * room)
    assert len(digits) == 2 * room, "the container doesn't fit"
    return replace(made, data=data[: start + 1] + digits + data[end - 1 :])


def covering(start: int, end: int, whole: int) -> str:
    """The byte range as it should be."""
    return f"[0 {start} {end} {whole - end}]"


def padded(container: bytes, digits: int) -> bytes:
    """Hex digits, filled up with zeros."""
    return container.hex().encode().ljust(digits, b"0")


def store(pdf: Pdf, certificates: list[bytes], ocsps: list[bytes], crls: list[bytes], **more: Any) -> Pdf:
    """Append a revision that adds validation data (/DSS) to what there is; `more` goes into it."""
    changes: dict[int, Any] = {}
    before = pdf.get(CATALOG).get("DSS", "")
    entries: dict[str, Any] = pdf.get(int(before.split()[0])) if before else {}
    number = pdf.free
    for name, items in (("Certs", certificates), ("OCSPs", ocsps), ("CRLs", crls)):
        entries[name] = list(entries.get(name, []))
        for item in items:
            changes[number] = Stream(item, {})
            entries[name].append(f"{number} 0 R")
            number += 1
    changes[number] = {"Type": "/DSS"} | entries | more
    changes[CATALOG] = pdf.get(CATALOG) | {"DSS": f"{number} 0 R"}
    return pdf.update(changes)
