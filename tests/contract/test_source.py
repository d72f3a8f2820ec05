"""What every source promises (connectors.ports.Source), run on a folder, a real IMAP server and the upload inbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.ports import Gone, Outcome
from tests.contract.sources import Door, FolderDoor, ImapDoor, MobileDoor
from tests.servers import dovecot

MAIL = (
    b"Message-ID: <%d@example.org>\r\nFrom: Jo <jo@example.org>\r\nSubject: Taxi\r\n"
    b"Date: Mon, 23 Nov 2026 12:00:00 +0100\r\n\r\nBody \xff\xfe without a line end at the end"
)
FIRST, SECOND = MAIL % 1, MAIL % 2
ARCHIVED = Outcome(kind="archived", receipt="default/00", message="Archived.")
DUPLICATE = Outcome(kind="duplicate", receipt="default/00", message="We have this receipt already.")
REFUSED = Outcome(kind="refused", receipt="default/00", message="Please send it again.", code="TRUNCATED")


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running() as running:
        yield running


@pytest.fixture(params=["folder", "imap", "mobile"])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Door:
    if request.param == "folder":
        return FolderDoor(tmp_path)
    return ImapDoor(request.getfixturevalue("server")) if request.param == "imap" else MobileDoor()


def test_an_empty_source_offers_nothing(door: Door) -> None:
    source = door.source()
    assert list(source.offers()) == []
    source.close()
    source.close()


def test_it_names_itself_by_channel(door: Door) -> None:
    source = door.source()
    assert source.channel in ("folder", "imap", "mobile")
    assert source.name.startswith(f"{source.channel}:")


def test_an_arrival_is_offered_with_the_same_key_until_it_is_settled(door: Door) -> None:
    door.put(FIRST, "taxi.eml")
    source = door.source()
    [offer] = source.offers()
    assert source.read(offer) == source.read(offer) == FIRST
    assert offer.size_bytes == len(FIRST)
    assert offer.name
    assert list(source.offers()) == [offer]
    source.close()
    # A crash leaves nothing but the outside world: another process sees the same.
    assert list(door.source().offers()) == [offer]
    assert door.archived() == door.rejected() == []


def test_a_key_can_be_stored(door: Door) -> None:
    door.put(FIRST, "taxi.eml")
    [offer] = door.source().offers()
    for text in (offer.key, offer.name, *offer.facts, *offer.facts.values()):
        assert text.encode("utf-8").decode("utf-8") == text
        assert "\0" not in text


@pytest.mark.parametrize("outcome", [ARCHIVED, DUPLICATE, REFUSED], ids=lambda outcome: outcome.kind)
def test_settling_may_be_repeated_and_ends_the_offers(door: Door, outcome: Outcome) -> None:
    door.put(FIRST, "taxi.eml")
    source = door.source()
    [offer] = source.offers()
    for settling in (source, source, door.source()):
        settling.settle(offer.key, outcome)
        assert list(settling.offers()) == []
    with pytest.raises(Gone):
        source.read(offer)
    assert (len(door.archived()), len(door.rejected())) == ((0, 1) if outcome is REFUSED else (1, 0))


def test_a_refused_original_stays_with_its_sender(door: Door) -> None:
    door.put(FIRST, "taxi.eml")
    source = door.source()
    [offer] = source.offers()
    source.settle(offer.key, REFUSED)
    assert door.rejected() == [FIRST]


def test_two_arrivals_are_two_even_with_the_same_name_and_bytes(door: Door) -> None:
    source = door.source()
    keys = set()
    for _ in range(3):
        door.put(FIRST, "taxi.eml")
        [offer] = source.offers()
        keys.add(offer.key)
        source.settle(offer.key, ARCHIVED)
    assert len(keys) == 3
    assert len(door.archived()) == 3


def test_several_are_offered_and_settled_each_for_itself(door: Door) -> None:
    door.put(FIRST, "one.eml")
    door.put(SECOND, "two.eml")
    source = door.source()
    offers = list(source.offers())
    assert sorted(source.read(offer) for offer in offers) == [FIRST, SECOND]
    [second] = [offer for offer in offers if source.read(offer) == SECOND]
    source.settle(second.key, REFUSED)
    [left] = source.offers()
    assert source.read(left) == FIRST
    assert door.rejected() == [SECOND]


def test_what_its_sender_took_back_is_gone(door: Door) -> None:
    door.put(FIRST, "taxi.eml")
    source = door.source()
    [offer] = source.offers()
    door.take_back(FIRST)
    with pytest.raises(Gone):
        source.read(offer)
    source.settle(offer.key, ARCHIVED)


def test_an_unknown_outcome_is_not_taken_for_another(door: Door) -> None:
    door.put(FIRST, "taxi.eml")
    source = door.source()
    [offer] = source.offers()
    with pytest.raises(KeyError):
        source.settle(offer.key, Outcome(kind="lost", receipt="default/00", message=""))
    assert list(source.offers()) == [offer]
