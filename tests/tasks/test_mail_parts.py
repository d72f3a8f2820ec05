"""A mail and the receipts that came inside it: each on its own way, told together, whatever dies on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from connectors.ports import Claim, Outcome, Record, Row
from connectors.source import PathsSource
from receipts.pdfa import original_of, provenance_of
from receipts.receipt import Event
from tasks.acknowledge import acknowledge_all
from tasks.journal import load, project, record
from tasks.normalise import normalise
from tasks.parts import parts_of
from tasks.staging import original_key, quarantine_key
from tasks.step import Work
from tests.installation import Installation
from tests.receipts.mails import attached, multipart, pdf, photo, text

GOOD = multipart(text("Two receipts"), attached(pdf("1"), "taxi.pdf"), attached(photo(), "lunch.jpg"))
MIXED = multipart(text("One bad"), attached(pdf("1"), "taxi.pdf"), attached(b"%PDF-1.7 cut", "bad.pdf"))


class Killed(BaseException):
    """As SIGKILL: nothing catches it."""


@pytest.fixture
def drop(tmp_path: Path) -> Callable[[bytes], Path]:
    numbers = count()

    def write(content: bytes) -> Path:
        path = tmp_path / f"mail-{next(numbers)}.eml"
        path.write_bytes(content)
        return path

    return write


def ingest_all(installation: Installation) -> None:
    for _ in range(2):
        assert [work.problem for work in installation.ingest() if work.problem] == []


def parts(installation: Installation, mail: str) -> list[str]:
    return [part.history.receipt for part in parts_of(installation.registry, load(installation.registry, mail))]


def unsettled(installation: Installation) -> list[tuple[str, str]]:
    return [arrival for row in installation.registry.rows() for arrival in row.unsettled]


def test_each_attached_receipt_is_archived_by_itself(installation: Installation, drop: Callable[[bytes], Path]) -> None:
    path = drop(GOOD)
    [reception] = installation.receive(path)
    mail = str(reception.receipt)
    ingest_all(installation)
    taxi, lunch = parts(installation, mail)
    assert [installation.state(one) for one in (mail, taxi, lunch)] == ["ARCHIVED"] * 3
    assert original_of(installation.archived_file(mail)) == GOOD
    assert original_of(installation.archived_file(taxi)) == pdf("1")
    assert original_of(installation.archived_file(lunch)) == photo()
    assert provenance_of(installation.archived_file(taxi))["message"] == mail
    assert provenance_of(installation.archived_file(mail))["message"] is None
    row = installation.registry.row(lunch)
    assert row is not None
    assert (row.summary["message"], row.summary["source_name"], row.summary["channel"]) == (
        mail,
        "lunch.jpg",
        "command",
    )
    assert list(installation.staging.keys("")) == []


def test_the_sender_is_told_when_all_are_done(installation: Installation, drop: Callable[[bytes], Path]) -> None:
    path = drop(GOOD)
    [reception] = installation.receive(path)
    mail = str(reception.receipt)
    installation.ingest()
    assert installation.state(mail) == "ARCHIVED"
    assert installation.acknowledge(path) == []  # its receipts are still on their way
    installation.ingest()
    [told] = installation.acknowledge(path)
    assert (told.outcome.kind, told.outcome.receipt) == ("archived", mail)
    assert "2 receipts" in told.outcome.message
    assert unsettled(installation) == []
    for part in parts(installation, mail):
        assert [line.event for line in load(installation.registry, part).lines][-1] == Event.ACKNOWLEDGED
    assert installation.acknowledge(path) == []
    before = installation.registry.rows()
    installation.registry.rebuild(project)
    assert installation.registry.rows() == before


def test_a_refused_part_is_named_with_its_reason(installation: Installation, drop: Callable[[bytes], Path]) -> None:
    path = drop(MIXED)
    [reception] = installation.receive(path)
    ingest_all(installation)
    [told] = installation.acknowledge(path)
    assert told.outcome.kind == "refused"
    assert told.outcome.code == "TRUNCATED"
    assert told.outcome.message.startswith("bad.pdf: The file is incomplete")
    assert "1 of its 2 receipts are archived" in told.outcome.message
    mail = str(reception.receipt)
    taxi, bad = parts(installation, mail)
    assert [installation.state(one) for one in (mail, taxi, bad)] == ["ARCHIVED", "ARCHIVED", "REFUSED"]
    assert installation.staging.get(quarantine_key(bad)) == b"%PDF-1.7 cut"
    assert unsettled(installation) == []


def test_the_same_receipt_in_two_mails_is_one(installation: Installation, drop: Callable[[bytes], Path]) -> None:
    first, second = drop(GOOD), drop(GOOD.replace(b"Two receipts", b"Once more"))
    receptions = installation.receive(first, second)
    archive_without_seal(installation)
    mails = [str(reception.receipt) for reception in receptions]
    assert parts(installation, mails[0]) == parts(installation, mails[1])
    assert len(installation.registry.rows()) == 4
    told = installation.acknowledge(first, second)
    assert [each.outcome.kind for each in told] == ["archived", "archived"]
    assert unsettled(installation) == []


def test_a_refused_mail_keeps_its_original(installation: Installation, drop: Callable[[bytes], Path]) -> None:
    content = multipart(text("-----BEGIN PGP MESSAGE-----\r\n\r\nx"), attached(pdf(), "r.pdf"))
    [reception] = installation.receive(path := drop(content))
    installation.ingest()
    mail = str(reception.receipt)
    assert installation.state(mail) == "REFUSED"
    assert installation.staging.get(quarantine_key(mail)) == content
    [told] = installation.acknowledge(path)
    assert (told.outcome.kind, told.outcome.code) == ("refused", "ENCRYPTED")


class Deadly:
    """Passes everything on, until its life is over: before or after the call that writes."""

    def __init__(self, inner: Any, life: Iterator[int], writes: str) -> None:
        self._inner, self._life, self._writes = inner, life, writes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._writes:
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            if next(self._life) == 0:
                raise Killed
            result = found(*arguments, **options)
            if next(self._life) == 0:
                raise Killed
            return result

        return call


def mortal(installation: Installation, life: int) -> Installation:
    """The same installation, dead after so many half writes."""
    left = iter(range(life, -1_000_000, -1))
    dying = Installation(installation.settings)
    dying.__dict__["registry"] = Deadly(installation.registry, left, "append")
    dying.__dict__["staging"] = Deadly(installation.staging, left, "put")
    return dying


def claimed(installation: Installation, receipt: str) -> Work:
    """That receipt, claimed."""
    work = {each.receipt: each for each in installation.claim()}
    installation.registry.release([each.claim for name, each in work.items() if each.claim and name != receipt])
    return work[receipt]


def test_death_at_any_write_of_normalise(installation: Installation, drop: Callable[[bytes], Path]) -> None:
    """Each round dies one write later; the last one gets through. Every arrival is recorded once all the same."""
    for life in range(40):
        path = drop(GOOD.replace(b"Two receipts", b"Death %d" % life).replace(b"taxi", b"%d" % life))
        [reception] = installation.receive(path)
        work = claimed(installation, str(reception.receipt))
        died = False
        try:
            normalise(mortal(installation, life), [work])
        except Killed:
            died = True
        assert work.claim is not None
        installation.registry.release([work.claim])  # stands for the end of its lease
        installation.ingest([normalise])
        mail = str(reception.receipt)
        assert [line.event for line in load(installation.registry, mail).lines] == ["received", "normalised"]
        arrived = [
            (line.facts["source"], line.facts["key"])
            for part in parts(installation, mail)
            for line in load(installation.registry, part).lines
            if line.facts.get("message") == mail
        ]
        assert len(arrived) == len(set(arrived)) == 2
        for part in parts(installation, mail):
            assert load(installation.registry, part).state in ("RECEIVED", "NORMALISED")
            assert installation.staging.get(original_key(part))
        if not died:
            assert life > 6
            return
    raise AssertionError("never got through")


def archive_without_seal(installation: Installation) -> None:
    """Write down that everything was archived: sealing is not what is looked at here, and it is slow."""
    for _ in range(2):
        installation.ingest([normalise])
    facts = {"retain_until": "2037-01-01T00:00:00+00:00", "development": True}
    for row in installation.registry.rows(states=["NORMALISED"]):
        history = load(installation.registry, row.stream)
        for event in (Event.SEALED, Event.VERIFIED, Event.ARCHIVED):
            history = record(installation.registry, history, event, facts, at=installation.now(), claim=None)


class Mailbox(PathsSource):
    """Files whose settling is noted."""

    def __init__(self, path: Path) -> None:
        super().__init__([path], "command")
        self.settled: list[str] = []

    def settle(self, key: str, outcome: Outcome) -> None:
        """Note it."""
        self.settled.append(outcome.kind)


def test_death_while_the_sender_is_told(installation: Installation, drop: Callable[[bytes], Path]) -> None:
    for life in range(40):
        path = drop(GOOD.replace(b"Two receipts", b"Death %d" % life))
        installation.receive(path)
        archive_without_seal(installation)
        mailbox = Mailbox(path)
        try:
            list(acknowledge_all(mortal(installation, life), mailbox))
        except Killed:
            assert unsettled(installation) != [] or life % 2
            list(acknowledge_all(installation, mailbox))
            assert set(mailbox.settled) == {"archived"}
            assert unsettled(installation) == []
            continue
        assert life > 2
        assert unsettled(installation) == []
        return
    raise AssertionError("never got through")


def test_a_worker_that_lost_the_mail_changes_nothing(installation: Installation, drop: Callable[[bytes], Path]) -> None:
    [reception] = installation.receive(drop(GOOD))
    slow = claimed(installation, str(reception.receipt))
    installation.registry.release([slow.claim] if slow.claim else [])  # stands for the end of its lease
    archive_without_seal(installation)

    class Late:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def renew(self, claims: list[Claim], **_: Any) -> list[Claim]:
            return claims

        def append(self, record: Record, row: Row, *, claim: Claim | None) -> None:
            self.inner.append(record, row, claim=claim)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    late = Installation(installation.settings)
    late.__dict__["registry"] = Late(installation.registry)
    before = installation.registry.rows()
    normalise(late, [slow])
    assert installation.registry.rows() == before
    assert installation.state(str(reception.receipt)) == "ARCHIVED"
