"""What a mailbox tells of a mail before it is read: size, date and some headers."""

from __future__ import annotations

import contextlib
import email
from collections.abc import Mapping
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any, Final

from connectors.ports import Offer

HEADERS: Final = "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM MESSAGE-ID DATE)]"


def offer_of(key: str, item: Mapping[bytes, Any]) -> Offer:
    """The offer that a mailbox makes with a mail, from its size, date and headers.

    Args:
        key: Names the arrival.
        item: What the server answered for the mail, to `RFC822.SIZE INTERNALDATE` and `HEADERS`.
    """
    raw = next((value for name, value in item.items() if name.startswith(b"BODY[HEADER")), b"") or b""
    headers: dict[str, str] = {}
    for name, value in email.message_from_bytes(raw).raw_items():
        headers.setdefault(name.lower(), decoded(value))
    facts = {"sender": headers.get("from"), "message_id": headers.get("message-id"), "date": headers.get("date")}
    received = item.get(b"INTERNALDATE")
    if isinstance(received, datetime):
        facts["received"] = received.astimezone(UTC).isoformat()
    return Offer(
        key=key,
        name=headers.get("subject", ""),
        size_bytes=int(item[b"RFC822.SIZE"]),
        facts={name: value for name, value in facts.items() if value},
    )


def decoded(raw: object) -> str:
    """A header's text on one line (RFC 2047 decoded); what can't be decoded stays, what can't be stored is replaced."""
    text = str(raw).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    with contextlib.suppress(LookupError, ValueError, HeaderParseError):
        text = str(make_header(decode_header(text)))
    return " ".join(text.encode("utf-8", "replace").decode().replace("\0", "\ufffd").split())
