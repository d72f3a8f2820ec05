"""The rules of receipts/receipt.py: the only legal order of events, and identity."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.receipt import (
    IN_PROGRESS,
    NOTES,
    TRANSITIONS,
    Event,
    IllegalEvent,
    State,
    after,
    archive_key,
    receipt_id,
    receipt_of,
    state_of,
)
from tests.receipts import states

STRAIGHT = (Event.RECEIVED, Event.NORMALISED, Event.SEALED, Event.VERIFIED, Event.ARCHIVED)
EVENTS = st.lists(st.sampled_from(Event), max_size=12)


def moves(events: list[Event]) -> tuple[Event, ...]:
    """The events that move a receipt, without those between a rejected seal and the seal that took its place.

    A seal may have waited with its time-stamp before it was complete.
    """
    moving: list[Event] = []
    for event in events:
        if event is Event.SEAL_REJECTED:
            if Event.SEALED in moving:
                moving.remove(Event.SEALED)
        elif event not in NOTES and event is not Event.TIME_STAMPED:
            moving.append(event)
    return tuple(moving)


@st.composite
def walks(draw: st.DrawFn) -> list[Event]:
    """Legal sequences: each next event is one that the rules let happen."""
    events: list[Event] = []
    for _ in range(draw(st.integers(0, 12))):
        state = state_of(events)
        legal = [event for event in Event if is_legal(state, event)]
        if not legal:
            break
        events.append(draw(st.sampled_from(legal)))
    return events


def is_legal(state: State | None, event: Event) -> bool:
    """Whether the rules let `event` happen in `state`."""
    try:
        after(state, event)
    except IllegalEvent:
        return False
    return True


def test_no_sequence_reaches_archived_but_the_legal_one() -> None:
    """All sequences of moving events up to length 6: every one that ends archived is the straight one."""
    moving = [event for event in Event if event not in NOTES]
    for length in range(7):
        for events in itertools.product(moving, repeat=length):
            try:
                state = state_of(events)
            except IllegalEvent:
                continue
            if state is State.ARCHIVED:
                assert moves(list(events)) == STRAIGHT


@given(EVENTS)
def test_any_events_that_end_archived_went_straight(events: list[Event]) -> None:
    try:
        state = state_of(events)
    except IllegalEvent:
        return
    if state in (State.ARCHIVED, State.DISPOSED):
        assert moves(events)[:5] == STRAIGHT


@given(walks())
def test_legal_events_that_end_archived_went_straight(events: list[Event]) -> None:
    if state_of(events) is State.ARCHIVED:
        assert moves(events) == STRAIGHT
        # Nothing is archived under a seal that was not verified after it was made.
        last = {event: position for position, event in enumerate(events)}
        assert last[Event.SEALED] < last[Event.VERIFIED] < last[Event.ARCHIVED]
        assert last.get(Event.SEAL_REJECTED, -1) < last[Event.SEALED]


@given(walks(), st.integers(0, 11))
def test_leaving_out_a_step_is_illegal_or_falls_short(events: list[Event], place: int) -> None:
    if state_of(events) is not State.ARCHIVED or place >= len(events) or events[place] in NOTES:
        return
    if events[place] is Event.SEALED and events.count(Event.SEALED) > 1:
        return
    if events[place] in (Event.TIME_STAMPED, Event.SEAL_REJECTED):
        return  # a seal needn't wait, nor be rejected
    shorter = events[:place] + events[place + 1 :]
    with suppress(IllegalEvent):
        assert state_of(shorter) is not State.ARCHIVED


def test_the_straight_way_passes_every_state_in_progress() -> None:
    waited = (*STRAIGHT[:2], Event.TIME_STAMPED, *STRAIGHT[2:])
    passed = [state_of(waited[:length]) for length in range(1, 7)]
    assert passed == [*IN_PROGRESS, State.ARCHIVED]
    assert [state_of(STRAIGHT[:length]) for length in range(1, 6)] == [s for s in passed if s != State.TIME_STAMPED]
    assert state_of([]) is None


@pytest.mark.parametrize("state", [State.REFUSED, State.DISPOSED])
def test_ends_are_ends(state: State) -> None:
    assert {event for event in Event if is_legal(state, event)} == {Event.RECEIVED_AGAIN, Event.ACKNOWLEDGED}


def test_an_archived_receipt_can_only_be_looked_at_or_disposed_of() -> None:
    moving = {
        event for event in Event if is_legal(State.ARCHIVED, event) and after(State.ARCHIVED, event) != State.ARCHIVED
    }
    assert moving == {Event.DISPOSED}


def test_every_event_and_state_has_its_place_in_the_tables() -> None:
    assert {event for _, event in TRANSITIONS} | set(NOTES) == set(Event)
    assert set(TRANSITIONS.values()) == set(State)
    assert not {event for _, event in TRANSITIONS} & set(NOTES)


@given(st.sampled_from([None, *State]), st.sampled_from(Event))
def test_a_note_never_moves_a_receipt(state: State | None, event: Event) -> None:
    if event in NOTES and is_legal(state, event):
        assert after(state, event) is state


def test_the_page_of_states_is_current() -> None:
    assert states.PAGE.read_text(encoding="utf-8") == states.page(), "run: python -m tests.receipts.states"


TENANTS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
DIGESTS = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@given(TENANTS, DIGESTS)
def test_an_identity_names_tenant_and_original(tenant: str, digest: str) -> None:
    receipt = receipt_id(tenant, digest)
    assert receipt.split("/") == [tenant, digest]
    assert archive_key(receipt) == f"{tenant}/{digest[:2]}/{digest}.pdf"
    assert receipt_of(archive_key(receipt)) == receipt


@given(st.one_of(st.text(), st.from_regex(r"[a-z/-]{1,5}/[0-9a-f]{2}/[0-9a-f]{64}\.pdf\n?", fullmatch=True)))
def test_only_the_key_of_an_archive_file_names_a_receipt(key: str) -> None:
    receipt = receipt_of(key)
    assert receipt is None or archive_key(receipt) == key


@given(st.tuples(TENANTS, DIGESTS), st.tuples(TENANTS, DIGESTS))
def test_identities_differ_when_tenant_or_original_does(one: tuple[str, str], two: tuple[str, str]) -> None:
    assert (receipt_id(*one) == receipt_id(*two)) == (one == two)
    assert (archive_key(receipt_id(*one)) == archive_key(receipt_id(*two))) == (one == two)


@pytest.mark.parametrize("tenant", ["", "A", "a/b", "-a", "a_b", "..", "é", "a" * 64, "a\n"])
def test_other_tenants_are_refused(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        receipt_id(tenant, "0" * 64)


@pytest.mark.parametrize("digest", ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n", "g" * 64, "٠" * 64])
def test_other_digests_are_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        receipt_id("t", digest)
