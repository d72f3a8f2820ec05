"""Tables as the programs of this world write them, and forgeries that look the same.

Word writes two cross-reference tables at once, Acrobat packs objects into streams, iText frees numbers that it never
used and leaves objects over, PDFBox gives the number of a cross-reference stream again and adds fonts to forms.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.judges.corpus import pdf as pdfs
from tests.judges.corpus.pdf import CATALOG, CONTENT, FORM, INFO, PAGE, Pdf, Stream, table, written
from tests.judges.corpus.sealing import Data, bt, lt, lta

_EVIL = Stream(b"BT /F1 18 Tf 20 150 Td (Total 999 EUR) Tj ET", {})


def cases() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file."""
    for made in (_hybrid, _packed, _numbers, _left_over):
        yield from made()


def _data(pdf: Pdf) -> dict[int, Any]:
    """What an update for B-LT writes."""
    after = lt(pdf)
    return {number: value for number, value in after.objects.items() if pdf.objects.get(number) != value}


def _as_stream(
    pdf: Pdf,
    changes: Mapping[int, Any],
    packed: tuple[int, ...] = (),
    *,
    names_itself: bool = True,
    number: int = 0,
    entries: Mapping[str, Any] | None = None,
    content: Callable[[list[int], list[bytes]], tuple[int, bytes]] | None = None,
    shuffled: bool = False,
    stream: int = 0,
    rows: Mapping[int, bytes] | None = None,
) -> Pdf:
    """An update with a cross-reference stream; those of `packed` are in an object stream."""
    data, places = pdf.data, dict[int, bytes]()
    free = max([*changes, pdf.free - 1]) + 1
    stream, index = stream or free, number or free + 1
    for name, value in changes.items():
        if name not in packed:
            places[name] = b"\1%b\0\0" % len(data).to_bytes(4)
            data += b"%d 0 obj\n%b\nendobj\n" % (name, written(value))
    if packed:
        count, first, inside = len(packed), *(content or _together)(list(packed), [written(changes[n]) for n in packed])
        head: dict[str, Any] = {"Type": "/ObjStm", "N": count, "First": first, "Filter": "/FlateDecode"}
        head |= dict(entries or {})
        places[stream] = b"\1%b\0\0" % len(data).to_bytes(4)
        data += b"%d 0 obj\n%b\nendobj\n" % (stream, written(Stream(zlib.compress(inside), head)))
        for place, name in enumerate(reversed(packed) if shuffled else packed):
            places[name] = b"\2%b%b" % (stream.to_bytes(4), place.to_bytes(2))
    at = len(data)
    if names_itself:
        places[index] = b"\1%b\0\0" % at.to_bytes(4)
    places |= dict(rows or {})
    table_ = b"".join(places[n] for n in sorted(places))
    ends: dict[str, Any] = {"Type": "/XRef", "W": [1, 4, 2], "Index": [part for n in sorted(places) for part in (n, 1)]}
    ends |= {"Size": max(stream, index) + 1, "Root": "1 0 R", "Info": "8 0 R", "ID": ["<11>", "<11>"], "Prev": pdf.xref}
    data += b"%d 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (index, written(Stream(table_, ends)), at)
    known: dict[int, Any] = {stream: {}, index: {}} if names_itself else {}
    return Pdf(data=data, objects={**pdf.objects, **changes, **known}, xref=at)


def _together(numbers: list[int], values: list[bytes]) -> tuple[int, bytes]:
    """The content of an object stream, and where the first object starts."""
    places = [sum(len(each) + 1 for each in values[:place]) for place in range(len(values))]
    head = b" ".join(b"%d %d" % pair for pair in zip(numbers, places, strict=True)) + b" "
    return len(head), head + b"\n".join(values)


def _hybrid() -> Iterator[tuple[str, bytes]]:
    """Two cross-reference tables at once (ISO 32000-1, 7.5.8.4)."""
    yield "hybrid-before-the-seal", lt(bt(base=hybrid())).data
    yield "hybrid-before-the-seal-lta", lta(lt(bt(base=hybrid()))).data
    yield "hybrid-named-again-in-the-update", lt(_kept(bt(base=hybrid()))).data
    yield "hybrid-tables-disagree", lt(bt(base=hybrid(also={CONTENT: _EVIL}))).data
    sealed = bt(base=hybrid())
    again = sealed.update(_data(sealed), {"XRefStm": _stream_at(sealed)})
    yield "hybrid-in-the-update", again.data
    yield "hybrid-beyond-the-seal", _late_table()


def hybrid(also: Mapping[int, Any] | None = None) -> Pdf:
    """A document as Word writes it: the second table names what the first can't."""
    base = pdfs.document()
    notes = {20: {"Note": "(hidden from old readers)"}} | dict(also or {})
    data, rows = base.data, dict[int, bytes]()
    for number, value in notes.items():
        rows[number] = b"\1%b\0\0" % len(data).to_bytes(4)
        data += b"%d 0 obj\n%b\nendobj\n" % (number, written(value))
    stream = len(data)
    head = {"Type": "/XRef", "W": [1, 4, 2], "Index": [part for n in sorted(rows) for part in (n, 1)], "Size": 21}
    content = b"".join(rows[number] for number in sorted(rows))
    data += b"21 0 obj\n%b\nendobj\n" % written(Stream(content, head | {"Root": "1 0 R", "ID": ["<11>", "<11>"]}))
    at = len(data)
    named = {CONTENT: base.data.index(b"4 0 obj")} if also else {}
    ends = {"Size": 22, "Root": "1 0 R", "Info": "8 0 R", "ID": ["<11>", "<11>"], "Prev": base.xref, "XRefStm": stream}
    data += table(named) + b"trailer\n" + written(ends) + b"\nstartxref\n%d\n%%%%EOF\n" % at
    return Pdf(data=data, objects={**base.objects, 20: notes[20], 21: {}}, xref=at)


def _stream_at(pdf: Pdf) -> int:
    return pdf.data.index(b"21 0 obj")


def _kept(pdf: Pdf) -> Pdf:
    """An update that changes the content, so that naming the old table again would bring back what was."""
    return pdf.update({CONTENT: _EVIL}, {"XRefStm": _stream_at(pdf)})


def _late_table() -> bytes:
    """The sealed trailer names a second table where there is none yet; it comes behind the seal."""
    plain = pdfs.document()
    page = plain.get(PAGE) | {"Contents": ["4 0 R", "60 0 R"]}
    place = len(plain.data)  # of an object that no table names before
    plain = replace(plain, data=plain.data + b"60 0 obj\n%b\nendobj\n" % written(_EVIL))

    def sealed(at: int) -> Pdf:
        return bt(base=plain.update({PAGE: page}, {"XRefStm": f"{at:010}"}))

    early = sealed(len(sealed(0).data))
    head: dict[str, Any] = {"Type": "/XRef", "W": [1, 4, 2], "Index": [60, 1], "Size": 10, "Root": "1 0 R"}
    late: dict[int, Any] = {21: Stream(b"\1%b\0\0" % place.to_bytes(4), head)}
    return early.update(late | _data(replace(early, objects={**early.objects, **late}))).data


def _packed() -> Iterator[tuple[str, bytes]]:
    """Object streams in the update (ISO 32000-1, 7.5.7)."""
    sealed = bt()
    changes = _data(sealed)
    store = max(changes)
    inside = (CATALOG, store)
    yield "packed-data", _as_stream(sealed, changes, inside).data
    yield "packed-data-lta", lta(_as_stream(sealed, changes, inside)).data
    yield "packed-data-table-without-itself", _as_stream(sealed, changes, inside, names_itself=False).data
    yield (
        "packed-content-replaced",
        _as_stream(sealed, {**changes, PAGE: sealed.get(PAGE) | {"Rotate": 90}}, (*inside, PAGE)).data,
    )
    yield "packed-continues-another", _as_stream(sealed, changes, inside, entries={"Extends": "4 0 R"}).data
    yield "packed-out-of-order", _as_stream(sealed, changes, inside, shuffled=True).data
    yield "packed-with-one-more", _as_stream(sealed, changes, inside, content=_one_more, entries={"N": 3}).data
    yield "packed-with-junk-between", _as_stream(sealed, changes, inside, content=_junk).data
    yield "packed-with-junk-behind", _as_stream(sealed, changes, inside, content=_behind).data
    yield "packed-of-another-kind", _as_stream(sealed, changes, inside, entries={"Type": "/XObject"}).data
    yield "packed-and-extra-entry", _as_stream(sealed, changes, inside, entries={"Note": "(hidden)"}).data
    yield "packed-later-than-its-table", _late_stream()
    yield "packed-and-an-entry-of-an-unknown-kind", _as_stream(sealed, changes, rows={CONTENT: b"\3" + bytes(6)}).data
    yield "table-is-the-content", _as_stream(sealed, changes, number=CONTENT).data
    yield "table-is-the-font", _as_stream(sealed, changes, number=5).data


def _late_stream() -> bytes:
    """A page shows an object that its table has in an object stream which comes only behind the seal."""
    base = pdfs.document()
    shown = base.update(
        {PAGE: base.get(PAGE) | {"Resources": {"XObject": {"Late": "60 0 R"}, "Font": {"F1": "5 0 R"}}}}
    )
    entry = b"\2%b\0\0" % (90).to_bytes(4)
    at = len(shown.data)
    head = {"Type": "/XRef", "W": [1, 4, 2], "Index": [59, 2], "Size": 61, "Root": "1 0 R", "ID": ["<11>", "<11>"]}
    head |= {"Info": "8 0 R", "Prev": shown.xref}
    rows = Stream(b"\1%b\0\0" % at.to_bytes(4) + entry, head)
    data = shown.data + b"59 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (written(rows), at)
    sealed = bt(base=Pdf(data=data, objects={**shown.objects, 59: {}, 60: {}, 69: {}}, xref=at))
    late: dict[int, Any] = {60: {"Type": "/Font"}, **_data(sealed)}
    return _as_stream(sealed, late, (60,), stream=90, number=91).data


def _one_more(numbers: list[int], values: list[bytes]) -> tuple[int, bytes]:
    return _together([*numbers, 90], [*values, b"(hidden)"])


def _junk(numbers: list[int], values: list[bytes]) -> tuple[int, bytes]:
    first, content = _together(numbers, [values[0] + b"(hidden)", *values[1:]])
    return first, content


def _behind(numbers: list[int], values: list[bytes]) -> tuple[int, bytes]:
    first, content = _together(numbers, values)
    return first, content + b" (hidden)"


def _numbers() -> Iterator[tuple[str, bytes]]:
    """Numbers that are freed, or given again."""
    sealed = bt()
    changes = _data(sealed)
    unnamed = _as_stream(pdfs.document(), {20: {"Note": "(more)"}}, names_itself=False)
    yield "table-number-given-again", lt(bt(base=unnamed)).data
    named = _as_stream(pdfs.document(), {20: {"Note": "(more)"}})
    yield "table-replaced", lt(bt(base=named)).update({max(named.objects): _EVIL}).data
    yield "freed-numbers-never-used", _freeing(sealed, changes, [80, 81])
    for name, number in (("content", CONTENT), ("page", PAGE), ("field", 7), ("seal", 10)):
        yield f"freed-{name}", _freeing(sealed, changes, [number])
    yield "named-twice-in-the-table", _twice(b"4 1\n%010d 00000 n \n")
    yield "named-and-freed-in-the-table", _twice(b"4 1\n0000000000 00001 f \n")
    aim = _freeing(sealed, changes, [80])
    place = len(aim)
    again = b"80 1 obj\n" + written(_EVIL) + b"\nendobj\nxref\n80 1\n%010d 00001 n \ntrailer\n" % place
    ends = {"Size": 82, "Root": "1 0 R", "Info": "8 0 R", "ID": ["<11>", "<11>"], "Prev": aim.rindex(b"xref\n", 0, -20)}
    start = place + again.index(b"xref\n")
    yield "freed-and-given-again", aim + again + written(ends) + b"\nstartxref\n%d\n%%%%EOF\n" % start


def _twice(line: bytes) -> bytes:
    """The update writes the content once more as it was, and its table names that and something else."""
    base = pdfs.document()
    hidden = len(base.data)
    base = replace(base, data=base.data + b"4 0 obj\n%b\nendobj\n" % written(_EVIL)).update({INFO: base.get(INFO)})
    sealed = bt(base=base)
    after = sealed.update({CONTENT: sealed.objects[CONTENT], **_data(sealed)})
    place = after.data.rindex(b"xref\n", 0, -20) + len(b"xref\n")
    return after.data[:place] + (line % hidden if b"%" in line else line) + after.data[place:]


def _freeing(pdf: Pdf, changes: Mapping[int, Any], freed: list[int]) -> bytes:
    after = pdf.update(changes, {"Size": max(*freed, *changes) + 1})
    lines = b"".join(b"%d 1\n0000000000 00001 f \n" % number for number in freed)
    return after.data.replace(b"trailer\n", lines + b"trailer\n") if not freed else _inserted(after, lines)


def _inserted(pdf: Pdf, lines: bytes) -> bytes:
    place = pdf.data.rindex(b"trailer\n")
    return pdf.data[:place] + lines + pdf.data[place:]


def _left_over() -> Iterator[tuple[str, bytes]]:
    """Objects that nothing refers to, data that is written anew, fonts for forms without text."""
    sealed = bt()
    changes = _data(sealed)
    free = max(changes) + 1
    yield "left-over-dictionary", sealed.update({**changes, free: {"Type": "/Font"}}).data
    yield (
        "left-over-table",
        sealed.update({**changes, free: Stream(b"", {"Type": "/XRef", "W": [1, 1, 1], "Size": 3})}).data,
    )
    yield "left-over-content", sealed.update({**changes, free: _EVIL}).data
    yield (
        "left-over-that-is-used",
        sealed.update({**changes, free: {"Type": "/Font"}, PAGE: sealed.get(PAGE) | {"Group": f"{free} 0 R"}}).data,
    )
    pdf = lta(lt(sealed))
    fresh = replace(pdf, objects={**pdf.objects, CATALOG: sealed.get(CATALOG)})
    yield "data-written-anew", lt(fresh).data
    yield "data-written-anew-without-some", lt(fresh, replace(Data(), crls=[])).data
    fonts = {"DR": {"Font": {"Helv": "90 0 R"}}, "DA": "(/Helv 0 Tf 0 g )"}
    helv = {90: {"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Helvetica"}}
    for name, base in (("with-text", pdfs.document()), ("without-text", _without_text())):
        closed = lt(bt(base=base))
        form = closed.get(FORM) | fonts
        also = replace(closed, objects={**closed.objects, FORM: form})
        yield f"form-fonts-added-{name}", lta(also, also=helv).data


def _without_text() -> Pdf:
    base = pdfs.document()
    page = base.get(PAGE)
    page["Annots"] = []
    return base.update({FORM: {"Fields": []}, PAGE: page})
