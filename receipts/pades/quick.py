"""Two pure functions of the libraries that validation spends half of its time in, made quick: same in, same out.

What is remembered is how a name is written for comparison, never what became of a comparison: docs/adr/0022.
"""

from __future__ import annotations

import binascii
import functools
import threading
from typing import Any, BinaryIO, Final, TypeVar

from asn1crypto import core, x509
from pyhanko.pdf_utils import generic

T = TypeVar("T", bound=core.Asn1Value)
_PARSED_MOST: Final = 256
_SUBJECTS_MOST: Final = 20_000
_read_slowly: Final = generic.read_hex_string_from_stream
_prepare: Final = x509.NameTypeAndValue._ldap_string_prep
_FIRST_BYTES: Final = 128
_REMEMBERED_CHARACTERS: Final = 256  # RFC 5280, annex A: no attribute of a name is longer than a few hundred


def read_hex_string(stream: BinaryIO) -> generic.ByteStringObject | generic.TextStringObject:
    """A hex string (ISO 32000-1, 7.3.4.3) at once instead of digit by digit; unusual ones are read as before.

    Args:
        stream: Stands at its `<`; is left after its `>`.

    Raises:
        PdfStreamError: It is none.
    """
    start = stream.tell()
    content, size = stream.read(_FIRST_BYTES), _FIRST_BYTES
    while (end := content.find(b">")) < 0 and len(content) == size:
        content, size = content + stream.read(size), 2 * size
    try:
        if end < 0:
            raise binascii.Error
        value = binascii.unhexlify(content[1:end])
    except binascii.Error:  # white space, an odd number of digits, or no hex string
        stream.seek(start)
        return _read_slowly(stream)
    stream.seek(start + end + 1)
    return generic.pdf_string(value)


def prepared(attribute: x509.NameTypeAndValue, text: str) -> str:
    """How an attribute of a name is compared (RFC 4518, clause 2): the same few names are in all files.

    Raises:
        ValueError: It can't be compared.
    """
    if isinstance(text, str) and len(text) <= _REMEMBERED_CHARACTERS:
        return _remembered(text)
    prepared: str = _prepare(attribute, text)
    return prepared


@functools.lru_cache(maxsize=4096)
def _remembered(text: str) -> str:
    prepared: str = _prepare(x509.NameTypeAndValue(), text)
    return prepared


def parsed(kind: type[T], der: bytes) -> T:
    """`kind.load(der, strict=True)`: certificates and revocation data are the same in many files, and never altered.

    A thread has its own: asn1crypto parses when it is asked for a field, and must not be asked twice at a time.

    Raises:
        ValueError: That is not one of that kind.
    """
    known = _of_thread.known
    if (kind, der) not in known:
        if len(known) >= _PARSED_MOST:
            known.clear()
        known[kind, der] = kind.load(der, strict=True)
    found: T = known[kind, der]
    return found


def subject_of(anchor: x509.Certificate) -> str:
    """`anchor.subject.hashable`: trusted lists have thousands of anchors, which are the same for every file."""
    subjects = _of_thread.subjects
    if (entry := subjects.get(id(anchor))) and entry[0] is anchor:
        return entry[1]
    if len(subjects) >= _SUBJECTS_MOST:
        subjects.clear()
    subject: str = anchor.subject.hashable
    subjects[id(anchor)] = anchor, subject
    return subject


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.known: dict[tuple[type[core.Asn1Value], bytes], Any] = {}
        self.subjects: dict[int, tuple[x509.Certificate, str]] = {}


_of_thread: Final = _OfThread()


def install() -> None:
    """Have the libraries use them. May be repeated."""
    generic.read_hex_string_from_stream = read_hex_string
    x509.NameTypeAndValue._ldap_string_prep = prepared
