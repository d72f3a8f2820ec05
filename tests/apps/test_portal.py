"""The portal: who gets in, what is taken, and that its page works in a phone's browser."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient

from apps.portal import create_app
from apps.portal.access import LOOPBACK, Insecure, check
from connectors.ports import Outcome
from connectors.source import Inbox, MobileSource
from connectors.store import DirectoryStore, MemoryStore
from tests.apps.browser import phone
from tests.conftest import SAMPLES, free_port

TOKEN = "a-token-that-nobody-guesses"
LIMIT = 100_000
BEARER = {"Authorization": f"Bearer {TOKEN}"}
KEY = {"Idempotency-Key": "0123456789abcdef"}
PHOTO = b"\xff\xd8 photo \x00\xff"
ARCHIVED = Outcome(kind="archived", receipt="default/00", message="Archived until 2036. You may destroy the paper.")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def guarded(store: MemoryStore) -> TestClient:
    """The portal as strangers reach it."""
    app = create_app(Inbox(store), limit_size_bytes=LIMIT, token=TOKEN, hosts=["localhost", "receipts.example.com"])
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


@pytest.fixture
def portal(guarded: TestClient) -> TestClient:
    """The same, for somebody who knows the token."""
    guarded.headers.update(BEARER)
    return guarded


def send(client: TestClient, content: bytes = PHOTO, name: str = "taxi.jpg", **headers: str):
    return client.post("/uploads", files={"file": (name, content)}, headers=headers or KEY)


def arrived(store: MemoryStore) -> list[bytes]:
    source = MobileSource(store, "phone")
    return [source.read(offer) for offer in source.offers()]


def test_an_upload_is_acknowledged_with_its_digest(portal: TestClient, store: MemoryStore) -> None:
    answer = send(portal)
    assert answer.status_code == 201
    assert answer.json() == {
        "upload": answer.json()["upload"],
        "sha256": hashlib.sha256(PHOTO).hexdigest(),
        "size_bytes": len(PHOTO),
    }
    assert arrived(store) == [PHOTO]
    assert portal.get(answer.headers["location"]).json()["state"] == "received"


def test_sending_again_makes_no_second_upload(portal: TestClient, store: MemoryStore) -> None:
    assert send(portal).json() == send(portal).json()
    assert arrived(store) == [PHOTO]
    answer = send(portal, b"another file")
    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_the_sender_sees_the_outcome(portal: TestClient, store: MemoryStore) -> None:
    upload = send(portal).json()["upload"]
    MobileSource(store, "phone").settle(upload, ARCHIVED)
    state = portal.get(f"/uploads/{upload}").json()
    assert (state["state"], state["message"]) == ("archived", ARCHIVED.message)
    page = portal.get(f"/uploads/{upload}", headers={"Accept": "text/html"})
    assert ARCHIVED.message in page.text


@pytest.mark.parametrize("excess", [1, 20_000, 3 * LIMIT])
@pytest.mark.parametrize("is_announced", [True, False])
def test_too_large_is_refused_with_advice(
    portal: TestClient, store: MemoryStore, excess: int, is_announced: bool
) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = head + bytes(LIMIT + excess) + b"\r\n--x--\r\n"
    pieces = body if is_announced else (body[i : i + 5000] for i in range(0, len(body), 5000))
    headers = {"Content-Type": "multipart/form-data; boundary=x", **KEY}
    answer = portal.post("/uploads", content=pieces, headers=headers)
    assert answer.status_code == 413
    assert answer.json()["code"] == "TOO_LARGE"
    assert "smaller" in answer.json()["advice"]
    assert arrived(store) == []


def test_the_largest_file_is_taken(portal: TestClient, store: MemoryStore) -> None:
    assert send(portal, bytes(LIMIT)).status_code == 201
    assert arrived(store) == [bytes(LIMIT)]


def test_an_empty_file_is_taken_so_that_its_sender_is_told(portal: TestClient, store: MemoryStore) -> None:
    assert send(portal, b"").status_code == 201
    assert arrived(store) == [b""]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "text/plain", 415, "NOT_A_FORM"),
        (b"", "multipart/form-data", 400, "BAD_FORM"),
        (b"garbage", "multipart/form-data; boundary=x", 400, "BAD_FORM"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 400, "NO_FILE"),
    ],
)
def test_what_is_no_upload_is_refused(portal: TestClient, body: bytes, kind: str, status: int, code: str) -> None:
    answer = portal.post("/uploads", content=body, headers={"Content-Type": kind, **KEY})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_upload_without_a_key_or_with_two_files_is_refused(portal: TestClient, store: MemoryStore) -> None:
    answer = portal.post("/uploads", files={"file": ("a", b"x")})
    assert (answer.status_code, answer.json()["code"]) == (400, "NO_IDEMPOTENCY_KEY")
    answer = portal.post("/uploads", files=[("file", ("a", b"x")), ("file", ("b", b"y"))], headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (400, "SEVERAL_FILES")
    assert arrived(store) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": "probant_session=9999999999.00"},
        {"Cookie": f"probant_session={TOKEN}"},
        {"Cookie": "probant_session=."},
        {"Cookie": "probant_session="},
    ],
)
def test_strangers_stay_outside(guarded: TestClient, store: MemoryStore, headers: dict[str, str]) -> None:
    assert send(guarded, **KEY, **headers).status_code == 401
    assert guarded.get("/", headers=headers).status_code == 401
    assert guarded.get(f"/uploads/{'0' * 40}", headers=headers).status_code == 401
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert guarded.get(path, headers=headers).status_code == 404
    assert arrived(store) == []
    assert guarded.get("/health").json() == {"status": "ok"}


def test_signing_in_gives_a_session_that_does_not_reveal_the_token(guarded: TestClient, store: MemoryStore) -> None:
    assert guarded.post("/sign-in", data={"token": "wrong"}).status_code == 401
    answer = guarded.post("/sign-in", data={"token": TOKEN})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert guarded.get("/").status_code == 200
    assert send(guarded, **KEY, Origin="http://localhost").status_code == 201
    guarded.post("/sign-out", headers={"Origin": "http://localhost"})
    guarded.cookies.clear()
    assert guarded.get("/").status_code == 401


def test_the_cookie_of_a_site_on_tls_stays_on_tls(guarded: TestClient) -> None:
    answer = guarded.post("https://receipts.example.com/sign-in", data={"token": TOKEN})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_pages_send_nothing(guarded: TestClient, store: MemoryStore, headers: dict[str, str]) -> None:
    guarded.post("/sign-in", data={"token": TOKEN})
    assert send(guarded, **KEY, **headers).status_code == 403
    assert guarded.post("/sign-in", data={"token": TOKEN}, headers=headers).status_code == 403
    open_to_this_machine = TestClient(
        create_app(Inbox(store), limit_size_bytes=LIMIT, token=None), base_url="http://localhost"
    )
    assert send(open_to_this_machine, **KEY, **headers).status_code == 403
    assert arrived(store) == []


def test_requests_to_another_host_name_are_refused(portal: TestClient) -> None:
    assert portal.get("/", headers={"Host": "rebound.evil.example"}).status_code == 400
    assert portal.get("/", headers={"Host": "receipts.example.com"}).status_code == 200


def test_pages_load_nothing_from_elsewhere(portal: TestClient) -> None:
    page = portal.get("/", headers={"Accept": "text/html"})
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert portal.get("/static/portal.js").status_code == portal.get("/static/portal.css").status_code == 200


def test_names_are_shown_as_text(portal: TestClient) -> None:
    upload = send(portal, name="<script>alert(1)</script>.jpg").json()["upload"]
    page = portal.get(f"/uploads/{upload}", headers={"Accept": "text/html"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_receipts_page_speaks_to_its_sender(portal: TestClient, store: MemoryStore) -> None:
    answer = send(portal, bytes(12_345))
    page = {"headers": {"Accept": "text/html"}}
    assert "Keep the paper until" in portal.get(answer.headers["location"], **page).text
    advice = "The file is damaged: please send the receipt again."
    refused = Outcome(kind="refused", receipt="default/00", message=advice, code="DAMAGED")
    MobileSource(store, "phone").settle(answer.json()["upload"], refused)
    text = portal.get(answer.headers["location"], **page).text
    for said in ("refused – keep the paper", advice, "DAMAGED", "12,345 bytes", 'href="/"'):
        assert said in text
    assert re.search(r"\d\d:\d\d:\d\d UTC<", text)


def test_what_is_not_there_or_breaks_leaves_a_way_back(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(Inbox(store), limit_size_bytes=LIMIT, token=None)
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    monkeypatch.setattr(store, "put", None)
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("GET", "/static/nowhere.css", 404),
        ("GET", f"/uploads/{'0' * 40}", 404),
        ("PUT", "/", 405),
        ("POST", "/uploads", 500),
    ):
        sent = {"files": {"file": ("a", b"x")}} if method == "POST" else {}
        answer = client.request(method, path, headers=KEY, **sent)
        assert (answer.status_code, answer.json().keys()) == (status, {"code", "advice"})
        page = client.request(method, path, headers={**KEY, "Accept": "text/html"}, **sent)
        assert page.status_code == status
        assert 'href="/"' in page.text


@pytest.mark.parametrize(
    ("host", "names", "token"),
    [
        ("0.0.0.0", ["receipts.example.com"], None),
        ("192.0.2.1", ["receipts.example.com"], "short"),
        ("127.0.0.1", [], "short"),
        ("0.0.0.0", [], TOKEN),
        ("receipts.example.com", [], None),
        ("", ["receipts.example.com"], None),
    ],
)
def test_it_does_not_start_open_to_strangers(host: str, names: list[str], token: str | None) -> None:
    with pytest.raises(Insecure):
        check(host, names, token)


def test_it_starts_on_loopback_and_where_it_is_guarded() -> None:
    assert set(LOOPBACK) <= set(check("127.0.0.1", [], None))
    assert "receipts.example.com" in check("0.0.0.0", ["receipts.example.com"], TOKEN)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The portal on a real port, with its inbox in the directory `uploads`."""
    app = create_app(Inbox(DirectoryStore(tmp_path / "uploads")), limit_size_bytes=10_000_000, token=None)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://localhost:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


def test_the_page_works_on_a_phone(address: str, tmp_path: Path) -> None:
    photo = SAMPLES / "images" / "receipt-ocr__receipt.jpg"
    digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    source = MobileSource(DirectoryStore(tmp_path / "uploads"), "phone")
    with phone(tmp_path / "profile", free_port()) as page:
        page.open(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.screenshot(tmp_path / "empty.png")
        page.choose("input[type=file]:not([capture])", photo)
        page.wait_for(f"document.body.innerText.includes('{digest}')")
        [offer] = source.offers()
        assert (offer.name, source.read(offer)) == (photo.name, photo.read_bytes())
        source.settle(offer.key, ARCHIVED)
        page.wait_for("document.body.innerText.includes('You may destroy the paper')")
        page.open(address + "/?again")
        assert page.evaluate(f"document.body.innerText.includes('{digest}')")
        page.screenshot(tmp_path / "archived.png")
        page.evaluate("document.querySelector('#list a').click()")
        page.wait_for("document.title.startsWith('Your receipt')")


def test_the_page_works_without_script(address: str, tmp_path: Path) -> None:
    photo = SAMPLES / "images" / "receipt-ocr__receipt.jpg"
    source = MobileSource(DirectoryStore(tmp_path / "uploads"), "phone")
    with phone(tmp_path / "profile", free_port(), script=False) as page:
        page.open(address)
        page.choose("input[type=file]:not([capture])", photo)
        page.screenshot(tmp_path / "form.png")
        page.evaluate("document.querySelector('button[type=submit]').click()")
        page.wait_for(f"document.body.innerText.includes('{hashlib.sha256(photo.read_bytes()).hexdigest()}')")
        page.screenshot(tmp_path / "state.png")
    assert [source.read(offer) for offer in source.offers()] == [photo.read_bytes()]
