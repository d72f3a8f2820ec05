"""Small hostile files, whose trees meet again and again, end in a verdict."""

from __future__ import annotations

import zlib

import pytest

from receipts import pades
from receipts.verdict import revisions
from tests.judges.corpus import JUDGED_AT
from tests.judges.corpus.pdf import CATALOG, FORM, PAGE, PAGES, Pdf, Stream, document, written
from tests.judges.corpus.sealing import bt, identity, lt

DEEP = 60  # each level twice as many ways as the one above it


def fields() -> bytes:
    """Form fields, each with the next one as its kid, twice."""
    base = document()
    form = base.get(FORM)
    form["Fields"] = [*form["Fields"], "100 0 R"]
    tree = {100 + i: {"T": f"(F{i})", "Kids": [f"{101 + i} 0 R"] * 2} for i in range(DEEP)}
    return lt(bt(base=base.update(tree | {100 + DEEP: {"T": "(x)", "FT": "/Tx"}, FORM: form}))).data


def objects() -> bytes:
    """Dictionaries, each with the next one in it, four times."""
    base = document()
    tree = {100 + i: {"A": f"{101 + i} 0 R", "B": [f"{101 + i} 0 R"] * 3} for i in range(DEEP)}
    catalog = base.get(CATALOG) | {"PieceInfo": "100 0 R"}
    return lt(bt(base=base.update(tree | {100 + DEEP: {"X": 1}, CATALOG: catalog}))).data


def pages() -> bytes:
    """Page tree nodes, each with the next one in it, twice."""
    base = document()
    tree = {100 + i: {"Type": "/Pages", "Kids": [f"{101 + i} 0 R"] * 2, "Count": 2} for i in range(DEEP)}
    root = {"Type": "/Pages", "Kids": ["3 0 R", "100 0 R"], "Count": 2}
    return lt(bt(base=base.update(tree | {100 + DEEP: base.get(PAGE), PAGES: root}))).data


def references() -> bytes:
    """A cross-reference stream that claims two thousand million objects."""
    sealed: Pdf = lt(bt())
    entries = {"Type": "/XRef", "W": [1, 2, 1], "Index": [0, 2**31 - 1], "Size": 2**31, "Root": "1 0 R"}
    stream = Stream(zlib.compress(b"\0" * 10), entries | {"Prev": sealed.xref, "Filter": "/FlateDecode"})
    table = b"9 0 obj\n" + written(stream) + b"\nendobj\n"
    return sealed.data + table + b"startxref\n%d\n%%%%EOF\n" % len(sealed.data)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("make", [fields, objects, pages, references])
def test_a_small_file_can_not_keep_validation_busy(make: object) -> None:
    content = make()  # type: ignore[operator]
    report = pades.validate(content, [identity("root").asn1], at=JUDGED_AT)
    assert (report.passed, str(report.sub_indication)) == (False, "FORMAT_FAILURE")
    revisions(content)
