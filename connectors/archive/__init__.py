"""Write-once storage under retention locks: S3 Object Lock, a directory that behaves like it, and memory for tests."""

from __future__ import annotations

from pathlib import Path

from connectors.archive.local import LocalArchive
from connectors.archive.memory import MemoryArchive
from connectors.archive.s3 import S3Archive
from connectors.archive.terms import Clock
from connectors.ports import Archive
from connectors.s3 import S3Options, open_client, split_url

__all__ = ["LocalArchive", "MemoryArchive", "S3Archive", "S3Options", "open_archive"]


def open_archive(url: str, *, s3: S3Options, clock: Clock) -> Archive:
    """The archive at `url`. Nothing is asked of it yet: call `check` before a batch.

    Args:
        url: A directory, `s3://bucket/prefix`, or `memory:` (a new, empty one).
        s3: How to reach S3.
        clock: Gives the present, UTC-aware.

    Raises:
        ValueError: The URL is of another kind.
    """
    if url == "memory:":
        return MemoryArchive(clock)
    if url.startswith("s3://"):
        bucket, prefix = split_url(url)
        return S3Archive(open_client(s3.endpoint, s3.region), bucket, prefix, s3.storage_class, clock=clock)
    if not url or "://" in url:
        raise ValueError(f"no archive known for {url!r}: give a directory, s3://bucket/prefix or memory:")
    return LocalArchive(Path(url), clock)
