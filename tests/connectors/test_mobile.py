"""The inbox of uploads: what it promises to a phone that may try again at any moment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ports import Offer, Outcome
from connectors.source import Inbox, MobileSource
from connectors.source.mobile import KeyReused
from connectors.store import DirectoryStore, MemoryStore

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 12, tzinfo=UTC)
ARCHIVED = Outcome(kind="archived", receipt="default/00", message="Archived.")
REFUSED = Outcome(kind="refused", receipt="default/00", message="Please send it again.", code="TRUNCATED")


class Crash(Exception):
    """The machine dies here."""


class CrashingStore(MemoryStore):
    """Dies before the change of that number."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 1000

    def put(self, key: str, content: bytes) -> None:
        self._count()
        super().put(key, content)

    def delete(self, key: str) -> None:
        self._count()
        super().delete(key)

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Crash


def offers(store: MemoryStore) -> list[Offer]:
    return list(MobileSource(store, "phone").offers())


def test_the_same_key_and_bytes_are_the_same_upload() -> None:
    store = MemoryStore()
    first = Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", AT)
    assert Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", LATER) == first
    assert len(offers(store)) == 1
    assert Inbox(store).find(first.upload) == first


def test_the_same_key_with_other_bytes_is_an_error() -> None:
    store = MemoryStore()
    Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", AT)
    with pytest.raises(KeyReused):
        Inbox(store).deposit(b"other", "a.jpg", "jo", "key", AT)
    assert len(offers(store)) == 1


def test_the_same_bytes_under_another_key_are_another_arrival() -> None:
    store = MemoryStore()
    Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", AT)
    Inbox(store).deposit(b"photo", "a.jpg", "jo", "key2", LATER)
    assert [offer.facts["uploaded"][:10] for offer in offers(store)] == ["2026-11-23", "2026-11-24"]


@pytest.mark.parametrize("steps", range(4))
def test_a_crash_while_receiving_leaves_nothing_or_all(steps: int) -> None:
    store = CrashingStore()
    store.left = steps
    try:
        Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", AT)
    except Crash:
        assert offers(store) == []
    store.left = 1000
    made = Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", LATER)
    [offer] = offers(store)
    assert offer.key == made.upload
    assert MobileSource(store, "phone").read(offer) == b"photo"


@pytest.mark.parametrize("outcome", [ARCHIVED, REFUSED], ids=lambda outcome: outcome.kind)
@pytest.mark.parametrize("steps", range(4))
def test_a_crash_while_settling_is_made_good(steps: int, outcome: Outcome) -> None:
    store = CrashingStore()
    made = Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", AT)
    store.left = steps
    try:
        Inbox(store).settle(made.upload, outcome)
    except Crash:
        assert {offer.key for offer in offers(store)} <= {made.upload}
    store.left = 1000
    Inbox(store).settle(made.upload, outcome)
    assert offers(store) == []
    found = Inbox(store).find(made.upload)
    assert found is not None
    assert (found.state, found.message, found.code) == (outcome.kind, outcome.message, outcome.code)
    assert list(store.keys("content")) == ([f"content/{made.upload}"] if outcome is REFUSED else [])


def test_an_upload_sent_again_after_its_outcome_tells_the_outcome() -> None:
    store = MemoryStore()
    made = Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", AT)
    Inbox(store).settle(made.upload, ARCHIVED)
    assert Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", LATER).state == "archived"
    assert offers(store) == []


def test_other_bytes_than_acknowledged_are_never_handed_on() -> None:
    store = MemoryStore()
    made = Inbox(store).deposit(b"photo", "a.jpg", "jo", "key", AT)
    store.put(f"content/{made.upload}", b"rotten")
    [offer] = offers(store)
    with pytest.raises(OSError, match="not what was acknowledged"):
        MobileSource(store, "phone").read(offer)


@pytest.mark.parametrize("upload", ["", "../keys/x", "0" * 39, "g" * 40, "a" * 41])
def test_a_guessed_id_finds_nothing(upload: str) -> None:
    assert Inbox(MemoryStore()).find(upload) is None


@given(name=st.text(max_size=2000) | st.binary(max_size=50).map(lambda raw: raw.decode("ascii", "surrogateescape")))
def test_any_name_can_be_kept(name: str) -> None:
    store = MemoryStore()
    Inbox(store).deposit(b"photo", name, name, "key", AT)
    [offer] = offers(store)
    for text in (offer.name, offer.facts.get("sender", "")):
        assert text.encode("utf-8").decode("utf-8") == text
        assert "\0" not in text


def test_it_survives_its_process_in_a_directory(tmp_path: Path) -> None:
    made = Inbox(DirectoryStore(tmp_path)).deposit(b"photo", "a.jpg", "jo", "key", AT)
    source = MobileSource(DirectoryStore(tmp_path), "phone")
    [offer] = source.offers()
    assert (offer.key, source.read(offer)) == (made.upload, b"photo")
    source.settle(offer.key, ARCHIVED)
    assert list(source.offers()) == []
