"""A mailbox on a real Dovecot: bytes, marks, moves, lost connections, TLS."""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from connectors.ports import Gone, Outcome
from connectors.source import ImapSource
from connectors.source.imap_headers import decoded
from tests.conftest import SAMPLES
from tests.servers import dovecot

ARCHIVED = Outcome(kind="archived", receipt="default/00", message="Archived.")
REFUSED = Outcome(kind="refused", receipt="default/00", message="Please send it again.", code="TRUNCATED")
MAIL = b"From: jo@example.org\r\nSubject: =?utf-8?q?Re=C3=A7u?= taxi\r\nMessage-ID: <1@example.org>\r\n\r\nBody\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running() as running:
        yield running


@pytest.fixture
def user(server: dovecot.Dovecot) -> str:
    return server.new_user()


def source(server: dovecot.Dovecot, user: str, **settings: object) -> ImapSource:
    given = {"password": dovecot.PASSWORD, "port": server.tls_port, "ca_file": server.ca_file, **settings}
    return ImapSource("mailbox", server.host, user=user, **given)  # type: ignore[arg-type]


def test_a_megabyte_of_any_bytes_comes_back_the_same(server: dovecot.Dovecot, user: str) -> None:
    numbers = random.Random(1)
    lines = [bytes(numbers.randrange(1, 256) for _ in range(70)) for _ in range(15000)]
    body = b"\r\n".join(line.replace(b"\r", b"-").replace(b"\n", b"-") for line in lines)
    message = MAIL + body
    server.append(user, message)
    mailbox = source(server, user)
    [offer] = mailbox.offers()
    assert mailbox.read(offer) == message
    assert offer.size_bytes == len(message)


def test_real_mails_come_back_the_same(server: dovecot.Dovecot, user: str) -> None:
    mails = []
    for path in sorted((SAMPLES / "mail").glob("*.eml")):
        mails.append(b"\r\n".join(path.read_bytes().replace(b"\0", b"").splitlines()) + b"\r\n")
        server.append(user, mails[-1])
    mailbox = source(server, user)
    offers = list(mailbox.offers())
    assert [mailbox.read(offer) for offer in offers] == mails


def test_headers_are_tolddecoded(server: dovecot.Dovecot, user: str) -> None:
    server.append(user, MAIL)
    [offer] = source(server, user).offers()
    assert offer.name == "Reçu taxi"
    assert offer.facts["sender"] == "jo@example.org"
    assert offer.facts["message_id"] == "<1@example.org>"
    assert offer.facts["received"].endswith("+00:00")


@given(st.binary(max_size=200))
def test_any_header_becomes_storable_text(raw: bytes) -> None:
    text = decoded(raw.decode("ascii", "surrogateescape"))
    assert text.encode("utf-8").decode("utf-8") == text
    assert not {"\0", "\r", "\n"} & set(text)


def test_reading_leaves_no_trace(server: dovecot.Dovecot, user: str) -> None:
    server.append(user, MAIL)
    mailbox = source(server, user)
    [offer] = mailbox.offers()
    mailbox.read(offer)
    [(_, flags)] = server.messages(user, "INBOX").values()
    assert b"\\Seen" not in flags
    mailbox.settle(offer.key, ARCHIVED)
    [(content, flags)] = server.messages(user, "Archived").values()
    assert content == MAIL
    assert b"\\Seen" not in flags


def test_the_reason_of_a_refusal_is_a_keyword(server: dovecot.Dovecot, user: str) -> None:
    server.append(user, MAIL)
    mailbox = source(server, user)
    [offer] = mailbox.offers()
    mailbox.settle(offer.key, REFUSED)
    [(_, flags)] = server.messages(user, "Rejected").values()
    assert b"Probant-TRUNCATED" in flags


def test_an_old_key_means_no_mail_of_a_mailbox_made_anew(server: dovecot.Dovecot, user: str) -> None:
    with server.client(user) as client:
        client.create_folder("Receipts")
    server.append(user, MAIL, "Receipts")
    mailbox = source(server, user, folder="Receipts")
    [old] = mailbox.offers()
    with server.client(user) as client:
        client.delete_folder("Receipts")
        client.create_folder("Receipts")
    other = MAIL + b"another receipt\r\n"
    server.append(user, other, "Receipts")
    with pytest.raises(Gone):
        mailbox.read(old)
    mailbox.settle(old.key, ARCHIVED)
    [new] = mailbox.offers()
    assert new.key != old.key
    assert mailbox.read(new) == other


def test_a_server_that_was_restarted_is_reached_again(server: dovecot.Dovecot, user: str) -> None:
    server.append(user, MAIL)
    mailbox = source(server, user)
    [offer] = mailbox.offers()
    server.stop()
    with pytest.raises(OSError):  # noqa: PT011 (refused or reset: it is down)
        mailbox.read(offer)
    server.start()
    assert mailbox.read(offer) == MAIL
    server.stop()
    server.start()
    assert list(mailbox.offers()) == [offer]
    server.stop()
    server.start()
    mailbox.settle(offer.key, ARCHIVED)
    assert len(server.messages(user, "Archived")) == 1


def test_without_move_it_copies_before_it_expunges(
    server: dovecot.Dovecot, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mail in (MAIL, MAIL + b"marked by its owner\r\n"):
        server.append(user, mail)
    with server.client(user) as client:
        client.select_folder("INBOX")
        client.delete_messages([2])
    real = IMAPClient.has_capability
    monkeypatch.setattr(IMAPClient, "has_capability", lambda self, name: name != "MOVE" and real(self, name))
    mailbox = source(server, user)
    first, second = mailbox.offers()
    mailbox.settle(first.key, ARCHIVED)
    assert [content for content, _ in server.messages(user, "Archived").values()] == [MAIL]
    assert list(mailbox.offers()) == [second]


def test_a_server_that_can_let_go_of_everything_only_is_not_asked_to(
    server: dovecot.Dovecot, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.append(user, MAIL)
    monkeypatch.setattr(IMAPClient, "has_capability", lambda self, name: name not in ("MOVE", "UIDPLUS"))
    mailbox = source(server, user)
    [offer] = mailbox.offers()
    with pytest.raises(CapabilityError):
        mailbox.settle(offer.key, ARCHIVED)
    assert list(mailbox.offers()) == [offer]


def test_starttls_protects_the_password(server: dovecot.Dovecot, user: str) -> None:
    server.append(user, MAIL)
    mailbox = source(server, user, port=server.port, security="starttls")
    assert len(list(mailbox.offers())) == 1
    mailbox.close()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_unknown_certificate_is_not_trusted(server: dovecot.Dovecot, user: str, security: str) -> None:
    port = server.tls_port if security == "tls" else server.port
    with pytest.raises(ssl.SSLCertVerificationError):
        list(source(server, user, ca_file=None, security=security, port=port).offers())


def test_a_password_never_crosses_a_network_in_the_clear() -> None:
    with pytest.raises(ValueError, match="TLS only"):
        ImapSource("mailbox", "mail.example.org", 143, "jo", "secret", security="none")


def test_a_wrong_password_and_a_missing_folder_are_faults(server: dovecot.Dovecot, user: str) -> None:
    with pytest.raises(LoginError):
        list(source(server, user, password="wrong").offers())
    with pytest.raises(IMAPClientError):
        list(source(server, user, folder="Nowhere").offers())
