"""What every store promises (`connectors.ports.Store`), on memory, a directory and a real S3 server."""

from __future__ import annotations

import os
import secrets
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.keys import below, check_key
from connectors.ports import Missing, Store
from connectors.store import DirectoryStore, MemoryStore, S3Options, S3Store, open_store

if TYPE_CHECKING:
    from tests.servers.s3 import S3Server

pytest_plugins = ["tests.servers.s3"]

BAD_KEYS = [
    "",
    ".",
    "..",
    "/",
    "/a",
    "a/",
    "a//b",
    "a/./b",
    "a/../b",
    "../a",
    "a b",
    "a\\b",
    "a\0",
    "a\n",
    "é",
    "a~",
    "x" * 241,
]


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    return s3_server.bucket(lock=False, versioning=False)


@pytest.fixture(params=["memory", "directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store."""
    if request.param == "memory":
        return MemoryStore()
    if request.param == "directory":
        return DirectoryStore(tmp_path / "new" / "staging")
    server: S3Server = request.getfixturevalue("s3_server")
    return S3Store(server.client(), request.getfixturevalue("bucket"), f"staging/{secrets.token_hex(6)}")


def test_gives_back_what_was_put_and_replaces_it(store: Store) -> None:
    store.put("default/ab/original", b"one")
    assert store.get("default/ab/original") == b"one"
    store.put("default/ab/original", b"two, longer")
    assert store.get("default/ab/original") == b"two, longer"
    store.put("default/ab/original", b"")
    assert store.get("default/ab/original") == b""


def test_any_bytes_survive(store: Store) -> None:
    content = bytes(range(256)) * 5000 + b"\r\n\x00"
    store.put("big", content)
    assert store.get("big") == content


def test_what_is_not_there_is_missing(store: Store) -> None:
    store.put("there/file", b"x")
    for key in ("not-there", "there", "there/file/below", "there/other"):
        with pytest.raises(Missing):
            store.get(key)


def test_deleting_may_be_repeated(store: Store) -> None:
    store.put("a/b", b"x")
    store.put("a/c", b"y")
    for _ in range(2):
        store.delete("a/b")
        store.delete("never/there")
        with pytest.raises(Missing):
            store.get("a/b")
    assert list(store.keys("")) == ["a/c"]


def test_lists_keys_below_whole_segments_in_ascending_order(store: Store) -> None:
    kept = ["a-1/x", "a.1/x", "a/2", "a/10", "a/sub/x", "a/sub-x", "a0", "ab/c", "B", ".hidden/x"]
    for key in kept:
        store.put(key, b"x")
    assert list(store.keys("")) == sorted(kept)
    assert list(store.keys("a")) == ["a/10", "a/2", "a/sub-x", "a/sub/x"]
    assert list(store.keys("a/sub")) == ["a/sub/x"]
    assert list(store.keys("a0")) == []
    assert list(store.keys("nothing/here")) == []


@pytest.mark.parametrize("key", BAD_KEYS)
def test_keys_of_another_form_are_refused(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        store.put(key, b"x")
    with pytest.raises(ValueError, match="not a key"):
        store.get(key)
    with pytest.raises(ValueError, match="not a key"):
        store.delete(key)
    if key:
        with pytest.raises(ValueError, match="not a key"):
            list(store.keys(key))
    assert list(store.keys("")) == []


@given(st.text(alphabet="ab.-_/\\~\0 é", max_size=12) | st.text())
def test_no_key_leaves_its_folder(key: str) -> None:
    folder = Path("/store/folder")
    try:
        path = folder / check_key(key)
    except ValueError:
        return
    assert Path(os.path.normpath(path)) == path
    assert path.is_relative_to(folder)
    assert path != folder
    assert str(path) == f"{folder}/{key}"
    assert below(key) == f"{key}/"


def test_a_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    DirectoryStore(tmp_path / "staging").put("a/b", b"x")
    for path in (tmp_path / "staging").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_directory_keeps_the_old_bytes_when_a_write_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryStore(tmp_path)
    store.put("a/b", b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            store.put("a/b", b"new")
    assert store.get("a/b") == b"old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b"]


def test_a_directory_destroys_what_a_crash_left_unfinished(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.put("a/b", b"x")
    folder = tmp_path / ".unfinished~"
    (folder / "old").write_bytes(b"half a receipt")
    (folder / "new").write_bytes(b"being written by another process")
    os.utime(folder / "old", (time.time() - 86400,) * 2)
    assert list(store.keys("")) == ["a/b"]
    DirectoryStore(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_a_bucket_with_versions_keeps_none_of_what_was_deleted(s3_server: S3Server) -> None:
    bucket, client = s3_server.bucket(lock=False, versioning=True), s3_server.client()
    store = S3Store(client, bucket, "staging")
    for content in (b"one", b"two"):
        store.put("a/b", content)
    store.put("a/bc", b"stays")
    store.delete("a/b")
    store.delete("a/b")
    listed = client.list_object_versions(Bucket=bucket)
    assert [v["Key"] for v in listed["Versions"]] == ["staging/a/bc"]
    assert not listed.get("DeleteMarkers")
    with pytest.raises(Missing):
        store.get("a/b")


def test_more_keys_than_a_page_holds(s3_server: S3Server, bucket: str) -> None:
    client = s3_server.client()
    store = S3Store(client, bucket, f"pages/{secrets.token_hex(6)}")
    for number in range(7):
        store.put(f"k/{number}", b"x")
    client.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 2})
    assert list(store.keys("k")) == [f"k/{number}" for number in range(7)]


def test_a_lost_bucket_is_a_fault_and_not_an_empty_store(s3_server: S3Server) -> None:
    client = s3_server.client()
    store = S3Store(client, "no-such-bucket")
    with pytest.raises(client.exceptions.NoSuchBucket):
        store.get("a")
    with pytest.raises(client.exceptions.NoSuchBucket):
        list(store.keys(""))


def test_opens_by_url(tmp_path: Path) -> None:
    assert isinstance(open_store("memory:", s3=S3Options()), MemoryStore)
    assert isinstance(open_store(str(tmp_path), s3=S3Options()), DirectoryStore)
    options = S3Options(endpoint="http://127.0.0.1:9", region="eu-west-3")
    assert isinstance(open_store("s3://bucket/some/prefix", s3=options), S3Store)
    for url in ("", "gs://bucket", "s3://", "s3://bucket/a b", "s3://bucket/../x"):
        with pytest.raises(ValueError, match=r"known|form|key"):
            open_store(url, s3=options)
