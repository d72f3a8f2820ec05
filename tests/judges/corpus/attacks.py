"""The published attacks on PDF signatures, and their kin.

Sources: "1 Trillion Dollar Refund: How To Spoof PDF Signatures" (CCS 2019: universal signature forgery, incremental
saving, signature wrapping), "Shadow Attacks" (NDSS 2021: hide, replace, hide-and-replace), "Breaking the Specification:
PDF Certification" (S&P 2021: evil annotation, sneaky signature), and the ways around cross-reference tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.judges.corpus import pdf as pdfs
from tests.judges.corpus import pki
from tests.judges.corpus.good import certified, empty_field, locked
from tests.judges.corpus.pdf import AMOUNT, CATALOG, CONTENT, FONT, FORM, INFO, PAGE, PAGES, Pdf, Stream, table, written
from tests.judges.corpus.sealing import Data, Seal, bt, good, identity, lt, lta

_EVIL = b"BT /F1 18 Tf 20 150 Td (Total 999 EUR) Tj ET"
_PLACES = {"after-seal": bt, "after-data": lambda: lt(bt()), "after-stamp": lambda: lta(lt(bt()))}


def cases() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file."""
    for made in (_forgery, _saving, _wrapping, _shadow, _dangling, _certified, _poison, _tables):
        yield from made()


def _change(pdf: Pdf, number: int, **entries: Any) -> dict[int, Any]:
    return {number: pdf.get(number) | entries}


def _forgery() -> Iterator[tuple[str, bytes]]:
    """Universal signature forgery: the signature's entries are missing or null."""
    for key in ("Contents", "ByteRange", "SubFilter", "Filter", "Type"):
        for name, value in (("absent", None), ("null", b"null"), ("empty", b"()")):
            pdf = lt(bt())
            signature = pdf.get(10)
            text = re.search(rb"10 0 obj\n(.*?)\nendobj", pdf.data, re.DOTALL)
            assert text
            signature = dict(_entries(text[1])) | {key: value}
            signature = {k: v for k, v in signature.items() if v is not None}
            yield f"forgery-{key.lower()}-{name}", lt(_replaced(pdf, {10: signature})).data
    plain = pdfs.document(_EVIL)
    for name, container in (("zeros", b"\0" * 50), ("empty", b""), ("random", b"0123456789" * 5)):
        yield f"forgery-container-{name}", lt(pdfs.sign(plain, lambda covered, c=container: c)).data
    moved = bt().data
    start, end = moved.index(b"/Contents <") + 11, moved.index(b">", moved.index(b"/Contents <"))
    yield (
        "forgery-container-of-another-file",
        lt(pdfs.sign(plain, lambda covered: b"", filled=lambda c, n: moved[start:end])).data,
    )


def _entries(text: bytes) -> Mapping[str, bytes]:
    found = re.findall(rb"/(\w+) (<[^>]*>|\[[^\]]*\]|/[^/ >]+|\([^)]*\))", text[2:-2])
    return {key.decode(): value for key, value in found}


def _replaced(pdf: Pdf, objects: Mapping[int, Any]) -> Pdf:
    return pdf.update(objects)


def _saving() -> Iterator[tuple[str, bytes]]:
    """Incremental saving: updates behind the signature, with and without what makes them whole."""
    for place, make in _PLACES.items():
        for name, changes in _updates(make()):
            yield f"{place}-{name}", make().update(changes).data
    pdf = lt(bt())
    evil = b"4 0 obj\n" + written(Stream(_EVIL, {})) + b"\nendobj\n"
    yield "saving-without-xref", pdf.data + evil
    yield "saving-without-xref-but-eof", pdf.data + evil + b"%%EOF\n"
    yield "saving-with-trailer-only", pdf.data + evil + b"trailer\n<</Root 1 0 R /Size 30>>\n"
    yield "saving-with-trailer-and-eof", pdf.data + evil + b"trailer\n<</Root 1 0 R /Size 30>>\n%%EOF\n"
    yield "saving-startxref-of-old", pdf.data + evil + b"startxref\n%d\n%%%%EOF\n" % pdf.xref
    first = pdf.data.index(b"xref\n0 ")
    yield "saving-startxref-of-the-first", pdf.data + b"startxref\n%d\n%%%%EOF\n" % first
    yield "saving-startxref-beyond", pdf.data + evil + b"startxref\n99999999\n%%EOF\n"
    yield "saving-startxref-zero", pdf.data + evil + b"startxref\n0\n%%EOF\n"
    signature = re.search(rb"10 0 obj\n.*?\nendobj\n", pdf.data, re.DOTALL)
    assert signature
    yield "saving-with-copied-signature", lt(pdf.update({CONTENT: Stream(_EVIL, {}), 10: signature[0][9:-8]})).data
    again = pdf.update({CONTENT: Stream(_EVIL, {})}).update({CONTENT: pdf.objects[CONTENT]})
    yield "changed-and-changed-back", again.data
    yield "data-twice", lt(lt(bt())).data
    yield "data-then-data-and-page", lt(lt(bt()).update({CONTENT: Stream(_EVIL, {})})).data


def _updates(pdf: Pdf) -> Iterator[tuple[str, dict[int, Any]]]:
    """What can be changed in one update."""
    free = pdf.free
    yield "nothing", {free: {"Nothing": 1}}
    yield "content-replaced", {CONTENT: Stream(_EVIL, {})}
    yield "content-elsewhere", {free: Stream(_EVIL, {})} | _change(pdf, PAGE, Contents=f"{free} 0 R")
    yield "page-added", {free: pdf.get(PAGE)} | _change(pdf, PAGES, Kids=["3 0 R", f"{free} 0 R"], Count=2)
    yield "page-removed", _change(pdf, PAGES, Kids=[], Count=0)
    yield "page-turned", _change(pdf, PAGE, Rotate=180)
    yield "page-cropped", _change(pdf, PAGE, CropBox=[0, 0, 40, 40])
    yield "pages-elsewhere", {free: pdf.get(PAGES)} | _change(pdf, CATALOG, Pages=f"{free} 0 R")
    note = {
        "Type": "/Annot",
        "Subtype": "/FreeText",
        "Rect": [0, 0, 300, 200],
        "F": 4,
        "Contents": "(999)",
        "DA": "(/F1 9 Tf)",
    }
    for name, more in (
        ("free-text", {}),
        ("stamp", {"Subtype": "/Stamp", "AP": {"N": "9 0 R"}}),
        ("highlight", {"Subtype": "/Highlight", "QuadPoints": [0, 0, 9, 0, 0, 9, 9, 9]}),
        ("link", {"Subtype": "/Link", "A": {"S": "/URI", "URI": "(https://example.invalid/)"}}),
        ("hidden", {"F": 2}),
    ):
        yield f"annotation-{name}", {free: note | more} | _change(pdf, PAGE, Annots=["7 0 R", "11 0 R", f"{free} 0 R"])
    yield "annotations-removed", _change(pdf, PAGE, Annots=[])
    yield "field-value", _change(pdf, AMOUNT, V="(999)")
    yield "field-appearance", {9: pdfs.appearance(b"999")}
    yield "field-value-and-appearance", _change(pdf, AMOUNT, V="(999)") | {9: pdfs.appearance(b"999")}
    yield "field-moved", _change(pdf, AMOUNT, Rect=[0, 0, 300, 200])
    yield "field-hidden", _change(pdf, AMOUNT, F=2)
    yield "field-removed", _change(pdf, FORM, Fields=["11 0 R"])
    yield "signature-field-removed", _change(pdf, FORM, Fields=["7 0 R"])
    yield (
        "signature-field-emptied",
        {11: {"Type": "/Annot", "Subtype": "/Widget", "FT": "/Sig", "T": "(Seal)", "Rect": [0] * 4}},
    )
    yield "form-removed", {CATALOG: {k: v for k, v in pdf.get(CATALOG).items() if k != "AcroForm"}}
    yield "font-replaced", _change(pdf, FONT, BaseFont="/ZapfDingbats", Encoding="null")
    yield "font-encoding", _change(pdf, FONT, Encoding={"Differences": [49, "/nine"]})
    yield "info", _change(pdf, INFO, Title="(Other)")
    yield "metadata", {free: Stream(b"<x/>", {"Type": "/Metadata"})} | _change(pdf, CATALOG, Metadata=f"{free} 0 R")
    yield "script", _change(pdf, CATALOG, OpenAction={"S": "/JavaScript", "JS": "(app.alert(1))"})
    yield "names", _change(pdf, CATALOG, Names={"JavaScript": {"Names": ["(a)", {"S": "/JavaScript", "JS": "(1)"}]}})
    yield "layers", _change(pdf, CATALOG, OCProperties={"OCGs": [], "D": {"BaseState": "/OFF"}})
    yield "collection", _change(pdf, CATALOG, Collection={"Type": "/Collection"})
    yield "version", _change(pdf, CATALOG, Version="/2.0")
    yield "extensions", _change(pdf, CATALOG, Extensions={"ADBE": {"BaseVersion": "/1.7", "ExtensionLevel": 8}})
    yield "need-appearances", _change(pdf, FORM, NeedAppearances="true")
    yield (
        "form-font",
        _change(pdf, FORM, DR={"Font": {"F1": {"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Symbol"}}}),
    )
    yield "xfa", {free: Stream(b"<xdp/>", {})} | _change(pdf, FORM, XFA=f"{free} 0 R")
    yield "struct-tree", _change(pdf, CATALOG, StructTreeRoot={"Type": "/StructTreeRoot"})
    yield "perms", _change(pdf, CATALOG, Perms={"DocMDP": "10 0 R"})
    yield "unused-object", {free: Stream(b"hidden", {})}
    yield "empty-update", {}


def _wrapping() -> Iterator[tuple[str, bytes]]:
    """Signature wrapping: the covered second part is moved back, something else put before it."""
    data = lt(bt()).data
    numbers = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", data)
    assert numbers
    start, end, length = map(int, numbers.groups())
    signed_tail = data[end : end + length]
    evil = b"\n4 0 obj\n" + written(Stream(_EVIL, {})) + b"\nendobj\n"
    for name, filler in (("", evil), ("-padded", evil.ljust(2000))):
        new = end + len(filler)
        text = b"/ByteRange [0 %d %d %d]" % (start, new, length)
        head = data[:start].replace(numbers[0].ljust(len(numbers[0])), text, 1)
        yield f"wrapping{name}", head + data[start:end] + filler + signed_tail + data[end + length :]
    yield "wrapping-second-range-in-update", _second_range(data, numbers[0])
    # The gap swallows an object: the range leaves it out.
    hidden = bt(entries={"ZZ": "(" + "x" * 100 + ")"}, with_range=lambda s, e, w: f"[0 {s} {e + 110} {w - e - 110}]")
    yield "wrapping-gap-swallows-an-entry", lt(hidden).data
    evil_pdf = pdfs.document(_EVIL)
    yield "wrapping-in-another-file", evil_pdf.data + data
    placed = len(evil_pdf.data)
    shifted = b"[%d %d %d %d]" % (placed, start, placed + end, length)
    yield "wrapping-in-another-file-shifted", evil_pdf.data + data.replace(numbers[0], b"/ByteRange " + shifted, 1)


def _second_range(data: bytes, numbers: bytes) -> bytes:
    pdf = lt(bt())
    signature = re.search(rb"10 0 obj\n(.*?)\nendobj\n", data, re.DOTALL)
    assert signature
    copy = signature[1] + b""
    return pdf.update({CONTENT: Stream(_EVIL, {}), 10: copy}).data


def _shadow() -> Iterator[tuple[str, bytes]]:
    """Shadow attacks: the signed document holds what will be shown later."""
    base = pdfs.document()
    cover = Stream(b"1 1 1 rg 0 0 300 200 re f", {"Type": "/XObject", "Subtype": "/Form", "BBox": [0, 0, 300, 200]})
    resources = {"Font": {"F1": "5 0 R"}, "XObject": {"Cover": "20 0 R"}}
    hidden = base.update(
        {20: cover, CONTENT: Stream(_EVIL + b" /Cover Do BT /F1 18 Tf 20 150 Td (Total 100 EUR) Tj ET", {})}
        | _change(base, PAGE, Resources=resources)
    )
    sealed = bt(base=hidden)
    yield "shadow-hide-before", lt(sealed).data
    for place, pdf in (("after-seal", sealed), ("after-data", lt(sealed)), ("after-stamp", lta(lt(sealed)))):
        yield f"shadow-hide-{place}", pdf.update({20: Stream(b"", dict(cover.entries))}).data
        freed = (
            pdf.data
            + b"xref\n20 1\n0000000000 00001 f \ntrailer\n"
            + written({"Size": pdf.free, "Root": "1 0 R", "Info": "8 0 R", "ID": ["<11>", "<11>"], "Prev": pdf.xref})
            + b"\nstartxref\n%d\n%%%%EOF\n" % len(pdf.data)
        )
        yield f"shadow-hide-by-freeing-{place}", freed
    two = base.update({21: Stream(_EVIL, {})} | _change(base, PAGE, PieceInfo={"X": {"Private": "21 0 R"}}))
    sealed = bt(base=two)
    for place, pdf in (("after-seal", sealed), ("after-data", lt(sealed))):
        yield f"shadow-hide-and-replace-{place}", pdf.update(_change(pdf, PAGE, Contents="21 0 R")).data
        only_table = {CONTENT: pdf.data.index(b"21 0 obj")}
        yield f"shadow-replace-by-table-only-{place}", _with_table(pdf, only_table)
        catalog = {22: {"Type": "/Pages", "Kids": ["23 0 R"], "Count": 1}, 23: pdf.get(PAGE) | {"Contents": "21 0 R"}}
        yield (
            f"shadow-replace-catalog-{place}",
            pdf.update(catalog | {24: pdf.get(CATALOG) | {"Pages": "22 0 R"}}, {"Root": "24 0 R"}).data,
        )
    font = base.update({25: {"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Courier", "FirstChar": 48}})
    sealed = bt(base=font)
    yield (
        "shadow-replace-font",
        lt(sealed).update({FONT: {"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Symbol"}}).data,
    )
    yield "shadow-replace-form-overlay", lt(sealed).update(_change(sealed, AMOUNT, V="(100)", MK={"CA": "(999)"})).data
    ready = empty_field()
    yield (
        "shadow-empty-field-signed-later",
        lt(bt(Seal(by=identity("other")), bt(base=ready), name="Late"), _both()).data,
    )


def _with_table(pdf: Pdf, places: Mapping[int, int]) -> bytes:
    trailer = {"Size": pdf.free, "Root": "1 0 R", "Info": "8 0 R", "ID": ["<11>", "<11>"], "Prev": pdf.xref}
    return pdf.data + table(places) + b"trailer\n" + written(trailer) + b"\nstartxref\n%d\n%%%%EOF\n" % len(pdf.data)


def _both() -> Data:
    return Data(ocsps=[good("seal"), good("other"), good("tsu")])


def _certified() -> Iterator[tuple[str, bytes]]:
    """Evil annotation and sneaky signature on certified files; changes against permissions and locks."""
    for level in (1, 2, 3):
        pdf = certified(level)
        wanted = (
            "field-value",
            "field-value-and-appearance",
            "annotation-free-text",
            "annotation-stamp",
            "content-replaced",
        )
        for name, changes in _updates(pdf):
            if name in wanted:
                yield f"certified-p{level}-{name}", lt(pdf.update(changes)).data
                yield f"certified-p{level}-data-{name}", lt(pdf).update(changes).data
        shown = {"Rect": [0, 0, 300, 200], "AP": {"N": "9 0 R"}}
        sneaky = bt(Seal(by=identity("other")), pdf, name="Sneaky", field=shown)
        yield f"certified-p{level}-sneaky-signature", lt(sneaky, _both()).data
        self_made = bt(Seal(by=pki.issue("sneaky", None, pki.SEAL), stamps=[]), pdf, name="Sneaky", field=shown)
        yield f"certified-p{level}-sneaky-self-signed", lt(self_made).data
    yield "certified-twice", lt(certified(2, certified(2)), _both()).data
    unreferenced = bt(catalog={"Perms": "<</DocMDP {sig} 0 R>>"})
    yield "certified-without-reference", lt(unreferenced).data
    usage = {"Type": "/SigRef", "TransformMethod": "/UR3", "TransformParams": {"Type": "/TransformParams", "V": "/2.2"}}
    yield "usage-rights", lt(bt(entries={"Reference": [usage]}, catalog={"Perms": "<</UR3 {sig} 0 R>>"})).data
    for name, pdf in (
        ("all", locked("All")),
        ("amount", locked("Include", ["(Amount)"])),
        ("others", locked("Exclude", ["(Amount)"])),
    ):
        changed = pdf.update(_change(pdf, AMOUNT, V="(999)") | {9: pdfs.appearance(b"999")})
        yield f"locked-{name}-then-filled-in", lt(changed).data


def _poison() -> Iterator[tuple[str, bytes]]:
    """Validation data that carries something else, or too much."""
    sealed = bt()
    yield "data-with-strange-entry", lt(sealed, Extra="(hidden)").data
    yield "data-with-page", lt(sealed, Page="3 0 R").data
    yield "data-with-vri-of-strangers", lt(sealed, VRI={"AB" * 20: {"Cert": ["3 0 R"]}}).data
    yield "data-with-vri-text", lt(sealed, VRI={"AB" * 20: "(hidden)"}).data
    yield "data-with-garbage-certificate", lt(sealed, Data(certificates=[*Data().certificates, b"garbage"])).data
    yield "data-with-garbage-ocsp", lt(sealed, Data(ocsps=[*Data().ocsps, b"garbage"])).data
    yield "data-with-garbage-crl", lt(sealed, Data(crls=[*Data().crls, b"garbage"])).data
    stranger = pki.issue("stranger root", None, pki.CA)
    yield "data-with-strangers-certificate", lt(sealed, Data(certificates=[*Data().certificates, stranger.der])).data
    yield (
        "data-with-second-root-of-the-same-name",
        lt(sealed, Data(certificates=[*Data().certificates, pki.issue("root", None, pki.CA, kind="p384").der])).data,
    )
    yield "data-with-many-ocsps", lt(sealed, Data(ocsps=Data().ocsps * 200)).data
    unsuccessful = bytes.fromhex("30030a0106")
    yield "data-with-unsuccessful-ocsp", lt(sealed, Data(ocsps=[*Data().ocsps, unsuccessful])).data
    pdf = lt(sealed)
    yield "data-is-the-catalog", sealed.update(_change(sealed, CATALOG, DSS="1 0 R")).data
    yield "data-is-text", sealed.update(_change(sealed, CATALOG, DSS="(hidden)")).data
    yield "data-loops", pdf.update(_change(pdf, CATALOG, DSS="30 0 R") | {30: {"Certs": "31 0 R"}, 31: ["31 0 R"]}).data
    yield (
        "data-and-content",
        sealed.update({CONTENT: Stream(_EVIL, {})} | _change(sealed, CATALOG, DSS={"Certs": []})).data,
    )


def _tables() -> Iterator[tuple[str, bytes]]:
    """Cross-reference tables that readers read differently."""
    sealed, pdf = bt(), lt(bt())
    evil = b"4 0 obj\n" + written(Stream(_EVIL, {})) + b"\nendobj\n"

    def ending(data: bytes, places: Mapping[int, int], **trailer: Any) -> bytes:
        said = {"Size": 40, "Root": "1 0 R", "Info": "8 0 R", "ID": ["<11>", "<11>"], "Prev": pdf.xref} | trailer
        return data + table(places) + b"trailer\n" + written(said) + b"\nstartxref\n%d\n%%%%EOF\n" % len(data)

    place = len(pdf.data)
    yield "table-wrong-offset", ending(pdf.data + evil, {CONTENT: place + 3})
    yield "table-wrong-number", ending(pdf.data + evil, {CONTENT + 1: place})
    yield "table-prev-loop", ending(pdf.data, {}, Prev=place)
    yield "table-prev-beyond", ending(pdf.data, {}, Prev=99999999)
    yield "table-prev-negative", ending(pdf.data, {}, Prev=-1)
    yield "table-prev-skips-the-seal", ending(pdf.data, {}, Prev=pdf.data.index(b"xref\n0 "))
    yield (
        "table-prev-absent",
        ending(pdf.data, {}).replace(b" /Prev %d>>\nstartxref\n%d" % (pdf.xref, place), b">>\nstartxref\n%d" % place),
    )
    yield "table-root-elsewhere", ending(pdf.data + evil, {CONTENT: place}, Root="2 0 R")
    yield "table-encrypt", ending(pdf.data, {}, Encrypt={"Filter": "/Standard", "V": 1})
    yield "table-id-changed", ending(pdf.data, {}, ID=["<22>", "<22>"])
    yield "table-size-tiny", ending(pdf.data, {}, Size=3)
    yield (
        "table-generation",
        pdf.data
        + evil.replace(b"4 0", b"4 1")
        + (
            b"xref\n4 1\n%010d 00001 n \ntrailer\n" % place
            + written({"Size": 40, "Root": "1 0 R", "Prev": pdf.xref})
            + b"\nstartxref\n%d\n%%%%EOF\n" % (place + len(evil))
        ),
    )
    stream = lt(sealed)
    yield "hybrid-xref", ending(stream.data, {}, XRefStm=stream.xref)
    overlap = sealed.data.index(b"4 0 obj")
    twin = sealed.data[:overlap] + sealed.data[overlap:]
    yield (
        "table-points-into-the-container",
        ending(twin, {CONTENT: sealed.data.index(b"/Contents <") + 11}, Prev=sealed.xref),
    )
    early = pdfs.document(
        b"BT /F1 18 Tf 20 150 Td (Total 100 EUR) Tj ET\nendstream\nendobj\n4 0 obj\n<</Length 3>>\nstream\nxyz"
    )
    yield "object-in-a-stream", lt(bt(base=early)).data
    yield "two-eofs", lt(bt(base=pdfs.document().update({}, end=b"%%EOF\n"))).data
    yield "eof-inside-content", lt(bt(base=pdfs.document(b"(%%EOF startxref 0 %%EOF) Tj"))).data
    yield (
        "seal-in-an-old-revision-only",
        bt().update({FORM: pdfs.document().get(FORM), PAGE: pdfs.document().get(PAGE)}).data,
    )
    twice = bt(base=bt(), name="Seal")
    yield "two-fields-of-one-name", lt(twice).data
    shared = bt()
    form = shared.get(FORM)
    form["Fields"] = [*form["Fields"], "12 0 R"]
    yield "two-fields-one-signature", lt(shared.update({12: shared.get(11) | {"T": "(Again)"}, FORM: form})).data
    for number in (100, 1000):
        many = bt()
        for _ in range(number):
            many = many.update({many.free if number == 100 else 90: {"N": 1}})
        yield f"{number}-updates", many.data


def _dangling() -> Iterator[tuple[str, bytes]]:
    """The signed document refers to an object that only the update brings: validation data, shown as something else."""
    plain = pdfs.document()
    number = bt(base=plain.update(_change(plain, PAGE, Contents=["4 0 R", "99 0 R"]))).free
    places = {"certificate": number, "store": number + 8}
    for name, aim in places.items():
        uses = {
            "content": _change(plain, PAGE, Contents=["4 0 R", f"{aim} 0 R"]),
            "form": _change(plain, PAGE, Resources={"XObject": {"Cover": f"{aim} 0 R"}, "Font": {"F1": "5 0 R"}}),
            "metadata": _change(plain, CATALOG, Metadata=f"{aim} 0 R"),
            "names": _change(plain, CATALOG, Names=f"{aim} 0 R"),
        }
        for use, changes in uses.items():
            yield f"dangling-{use}-is-{name}", lt(bt(base=plain.update(changes))).data
    aim = bt().free
    ahead = plain.update(_change(plain, PAGE, Contents=["4 0 R", f"{aim} 0 R"]), {"Size": aim + 1})
    yield "dangling-below-size", lt(bt(base=ahead)).data
