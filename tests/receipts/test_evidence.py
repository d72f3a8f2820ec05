"""Journal lines: whatever is removed, altered, swapped or added is detected."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from receipts.evidence import GENESIS, ChainBroken, Line, check_chain, following

# I-JSON (RFC 7493): integers that every reader keeps exactly, text without lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FACTS = st.dictionaries(TEXT, JSON, max_size=4)
TIMES = st.datetimes(
    datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=5.5))])
)
STREAM = "t/x"


@st.composite
def chains(draw: st.DrawFn, min_size: int = 0) -> list[Line]:
    """A stream as it is written."""
    lines: list[Line] = []
    for _ in range(draw(st.integers(min_size, 6))):
        event, at, facts = draw(TEXT), draw(TIMES), draw(FACTS)
        lines.append(following(lines, stream=STREAM, event=event, at=at, facts=facts))
    return lines


def anchor(lines: list[Line]) -> dict[str, object]:
    """Count and head as they are kept apart from the lines."""
    return {"count": len(lines), "head": lines[-1].digest if lines else GENESIS}


def check_detected(lines: list[Line], original: list[Line]) -> None:
    """Check that `lines` are not taken for `original`."""
    with pytest.raises(ChainBroken):
        check_chain(STREAM, lines, **anchor(original))  # type: ignore[arg-type]


@given(chains())
def test_a_stream_as_written_holds_also_after_storage(lines: list[Line]) -> None:
    check_chain(STREAM, lines, **anchor(lines))  # type: ignore[arg-type]
    stored = [Line.parse(line.canonical()) for line in lines]
    check_chain(STREAM, stored, **anchor(lines))  # type: ignore[arg-type]
    assert [line.digest for line in stored] == [line.digest for line in lines]
    for line, original in zip(stored, lines, strict=True):
        assert (line.at, line.at.utcoffset(), line.facts) == (original.at, timedelta(0), original.facts)


@given(chains(min_size=1), st.data())
def test_a_removed_line_is_detected(lines: list[Line], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines) - 1), label="place")  # the last one too
    check_detected(lines[:place] + lines[place + 1 :], lines)


@given(chains(min_size=1), st.integers(0, 5))
def test_a_cut_tail_is_detected(lines: list[Line], keep: int) -> None:
    assume(keep < len(lines))
    check_detected(lines[:keep], lines)


@given(chains(min_size=2), st.data())
def test_swapped_lines_are_detected(lines: list[Line], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(lines))), label="order")
    assume(order != list(range(len(lines))))
    check_detected([lines[place] for place in order], lines)


@given(chains(min_size=1), st.data())
def test_a_repeated_or_added_line_is_detected(lines: list[Line], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines)), label="place")
    again = data.draw(st.sampled_from(lines), label="again")
    check_detected([*lines[:place], again, *lines[place:]], lines)
    added = following(lines, stream=STREAM, event="added", at=datetime(2026, 1, 1, tzinfo=UTC), facts={})
    check_detected([*lines, added], lines)


@given(chains(min_size=1), st.data())
def test_an_altered_line_is_detected(lines: list[Line], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines) - 1), label="place")  # the last one too: by the head
    line = lines[place]
    change = data.draw(
        st.sampled_from(
            [
                {"event": line.event + "x"},
                {"at": line.at + timedelta(microseconds=1)},
                {"facts": {**line.facts, "added": 1}},
                {"stream": "t/y"},
                {"position": line.position + 1},
                {"previous": hashlib.sha256(b"other").hexdigest()},
            ]
        ),
        label="change",
    )
    check_detected([*lines[:place], replace(line, **change), *lines[place + 1 :]], lines)  # type: ignore[arg-type]


@given(chains(min_size=2), st.data())
def test_an_altered_line_with_its_chain_made_anew_is_detected_by_the_head(
    lines: list[Line], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(lines) - 1), label="place")
    forged = lines[:place]
    for line in lines[place:]:
        event = line.event + "x" if len(forged) == place else line.event
        forged.append(following(forged, stream=STREAM, event=event, at=line.at, facts=line.facts))
    check_chain(STREAM, forged, **anchor(forged))  # type: ignore[arg-type]
    check_detected(forged, lines)


@given(chains(min_size=1))
def test_a_wrong_anchor_is_detected(lines: list[Line]) -> None:
    for count, head in ((len(lines) + 1, lines[-1].digest), (len(lines), GENESIS), (0, GENESIS)):
        with pytest.raises(ChainBroken):
            check_chain(STREAM, lines, count=count, head=head)
    with pytest.raises(ChainBroken):
        check_chain("t/other", lines, **anchor(lines))  # type: ignore[arg-type]


@given(chains(min_size=1), st.data())
def test_no_stored_byte_can_be_changed(lines: list[Line], data: st.DataObject) -> None:
    """Any change of the stored bytes is no line any more, or a line with another digest."""
    stored = bytearray(lines[-1].canonical())
    what = data.draw(st.sampled_from(["change", "insert", "remove"]), label="what")
    place = data.draw(st.integers(0, len(stored) - 1), label="place")
    byte = data.draw(st.integers(0, 255), label="byte")
    if what == "change":
        assume(stored[place] != byte)
        stored[place] = byte
    elif what == "insert":
        stored.insert(place, byte)
    else:
        del stored[place]
    assume(bytes(stored) != lines[-1].canonical())
    with pytest.raises(ChainBroken):
        check_chain(STREAM, [*lines[:-1], Line.parse(bytes(stored))], **anchor(lines))  # type: ignore[arg-type]


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_line_is_refused(content: bytes) -> None:
    with pytest.raises(ChainBroken):
        Line.parse(content)


@given(chains(min_size=1), st.data())
def test_a_line_with_fields_of_other_types_is_refused_or_itself(lines: list[Line], data: st.DataObject) -> None:
    fields = json.loads(lines[0].canonical())
    name = data.draw(st.sampled_from(sorted(fields)), label="name")
    fields[name] = data.draw(JSON, label="value")
    content = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    try:
        line = Line.parse(content)
    except ChainBroken:
        return
    assert line.canonical() == content


def test_the_canonical_form_is_stable() -> None:
    """The form itself is evidence for ten years: a change here breaks every archive there is."""
    line = Line(
        stream="t/x",
        position=0,
        event="received",
        at=datetime(2026, 3, 1, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=1))),
        facts={"b": [1, None, True], "a": "é\n"},
        previous=GENESIS,
    )
    assert line.canonical() == (
        b'{"at":"2026-03-01T00:02:03.000004+00:00","event":"received","facts":{"a":"\xc3\xa9\\n","b":[1,null,true]},'
        b'"position":0,"previous":"' + b"0" * 64 + b'","stream":"t/x","v":1}'
    )
    assert line.digest == hashlib.sha256(line.canonical()).hexdigest()


def test_a_time_without_zone_is_refused() -> None:
    line = following([], stream=STREAM, event="received", at=datetime(2026, 1, 1), facts={})
    with pytest.raises(ValueError, match="UTC"):
        line.canonical()
