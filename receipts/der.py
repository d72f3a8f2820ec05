"""Whether bytes are DER: what is hashed must have one form only, and asn1crypto reads more than that one."""

from __future__ import annotations

from typing import Final

_SET: Final = 0x31
_DEEPEST: Final = 64


class NotDer(ValueError):
    """Bytes are not DER; the message says why."""


def check_der(der: bytes) -> None:
    """Check that lengths are definite and shortest, and sets sorted (ITU-T X.690, 10.1 and 11.6).

    Args:
        der: One value, whole.

    Raises:
        NotDer: It is not.
    """
    _check(der, 0, len(der), 0)


def _check(der: bytes, start: int, end: int, depth: int) -> None:
    if depth > _DEEPEST:
        raise NotDer("it is nested too deep")
    position, parts = start, list[bytes]()
    while position < end:
        first = der[position]
        if first & 0x1F == 0x1F or position + 1 >= end:
            raise NotDer("it is not DER")
        body, after = _body(der, position, end)
        if first & 0x20:
            _check(der, body, after, depth + 1)
            if first == _SET:
                members = _members(der, body, after)
                if members != sorted(members):
                    raise NotDer("it is not DER: a set is not sorted")
        parts.append(der[position:after])
        position = after
    if depth == 0 and len(parts) != 1:
        raise NotDer("something follows it")


def _members(der: bytes, start: int, end: int) -> list[bytes]:
    found = []
    while start < end:
        _, after = _body(der, start, end)
        found.append(der[start:after])
        start = after
    return found


def _body(der: bytes, position: int, end: int) -> tuple[int, int]:
    length, body = der[position + 1], position + 2
    if length >= 0x80:
        octets = length & 0x7F
        length = int.from_bytes(der[body : body + octets], "big")
        if not 1 <= octets <= 4 or length < 0x80 or length >> 8 * (octets - 1) == 0:
            raise NotDer("it is not DER: a length is not the shortest")
        body += octets
    if body + length > end:
        raise NotDer("it is cut off")
    return body, body + length
