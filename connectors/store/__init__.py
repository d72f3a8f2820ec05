"""Unlocked bytes by key, for staging, quarantine and the inbox of uploads: a directory, S3, and memory for tests."""

from __future__ import annotations

from pathlib import Path

from connectors.ports import Store
from connectors.s3 import S3Options, open_client, split_url
from connectors.store.directory import DirectoryStore
from connectors.store.memory import MemoryStore
from connectors.store.s3 import S3Store

__all__ = ["DirectoryStore", "MemoryStore", "S3Options", "S3Store", "open_store"]


def open_store(url: str, *, s3: S3Options) -> Store:
    """The store at `url`.

    Args:
        url: A directory, `s3://bucket/prefix`, or `memory:` (a new, empty one).
        s3: How to reach S3; its storage class is for archives only.

    Raises:
        ValueError: The URL is of another kind.
    """
    if url == "memory:":
        return MemoryStore()
    if url.startswith("s3://"):
        return S3Store(open_client(s3.endpoint, s3.region), *split_url(url))
    if not url or "://" in url:
        raise ValueError(f"no store known for {url!r}: give a directory, s3://bucket/prefix or memory:")
    return DirectoryStore(Path(url))
