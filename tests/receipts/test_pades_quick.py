"""What was made quick gives what it gave before, and remembers no verdict."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import example, given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic

from connectors.devpki import Service
from receipts import pades
from receipts.pades import quick
from tests.pki import anchors_of, archive_file, seal_lt

HEX = st.binary(max_size=400).map(lambda content: content.hex().encode())
LIKE_HEX = st.lists(st.sampled_from([b"0", b"a", b"F", b" ", b"\n", b"\0", b"x", b">", b"<"]), max_size=300).map(
    b"".join
)


@given(st.one_of(HEX, LIKE_HEX, st.binary(max_size=300)), st.binary(max_size=20), st.booleans())
@example(b"fffe", b"", True)
@example(b"48656c6c6f", b"", True)
def test_a_hex_string_is_read_as_before(content: bytes, behind: bytes, closed: bool) -> None:
    pdf = b"before<" + content + b">" * closed + behind

    def read(how: Callable[[BytesIO], object]) -> tuple[object, ...]:
        stream = BytesIO(pdf)
        stream.seek(6)
        try:
            value = how(stream)
        except Exception as error:
            return type(error), str(error)
        return type(value), value, stream.tell()

    assert read(quick.read_hex_string) == read(quick._read_slowly)


@given(st.text(max_size=300))
@example("Société   Générale\u00a0")
@example("\ufffd")
def test_a_name_is_prepared_as_before(text: str) -> None:
    def prepare(how: Callable[..., str]) -> object:
        try:
            return how(x509.NameTypeAndValue(), text)
        except ValueError as error:
            return str(error)

    assert prepare(quick.prepared) == prepare(quick._prepare) == prepare(quick.prepared)


def test_the_libraries_use_them() -> None:
    assert generic.read_hex_string_from_stream is quick.read_hex_string
    assert x509.NameTypeAndValue._ldap_string_prep is quick.prepared


def test_what_is_parsed_is_kept_for_the_thread_and_bounded(devpki: Service) -> None:
    der = devpki.pki.certificate("ca").public_bytes(serialization.Encoding.DER)
    first = quick.parsed(x509.Certificate, der)
    assert quick.parsed(x509.Certificate, bytes(bytearray(der))) is first
    others: list[Any] = []
    thread = threading.Thread(target=lambda: others.append(quick.parsed(x509.Certificate, der)))
    thread.start()
    thread.join()
    assert others[0] is not first
    assert others[0].dump() == first.dump() == der
    for wrong in (der + b"\0", der[:-1], b""):
        with pytest.raises(ValueError, match=r".+"):
            quick.parsed(x509.Certificate, wrong)
    for number in range(2 * quick._PARSED_MOST):
        quick.parsed(x509.Name, x509.Name.build({"common_name": str(number)}).dump())
    assert len(quick._of_thread.known) <= quick._PARSED_MOST
    assert quick.subject_of(first) == quick.subject_of(first) == first.subject.hashable


def test_a_verdict_on_one_file_says_nothing_about_the_next(devpki: Service, another_pki: Service) -> None:
    good, other = (seal_lt([archive_file()], service.pki)[0] for service in (devpki, another_pki))
    altered = bytearray(good)
    altered[good.index(b"/MediaBox")] ^= 1
    anchors, at = anchors_of(devpki.pki), datetime.now(UTC)
    for _ in range(2):
        assert pades.validate(good, anchors, at=at).passed
        assert not pades.validate(bytes(altered), anchors, at=at).passed
        assert not pades.validate(other, anchors, at=at).passed
        assert not pades.validate(good, anchors_of(another_pki.pki), at=at).passed
        assert not pades.validate(good, [], at=at).passed
        assert not pades.validate(good, anchors, at=datetime(2099, 1, 1, tzinfo=UTC)).passed
