"""Trusted lists from the web and in a folder: bytes only, whether they can be trusted is for the rules to say."""

from connectors.trustlist.folder import SnapshotFolder
from connectors.trustlist.web import Unreachable, fetch_all, is_allowed

__all__ = ["SnapshotFolder", "Unreachable", "fetch_all", "is_allowed"]
