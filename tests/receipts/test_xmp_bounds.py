"""XMP packets that swell: a stranger's file may not exhaust whoever asks what it claims to be."""

from __future__ import annotations

import zlib
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Name, Pdf, Stream

from receipts.pdfa.invoice import packet_of
from receipts.verdict import pdfa_claim
from tests.receipts import pdf_cases

PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="2" '
    b'pdfaid:conformance="U"/></rdf:RDF></x:xmpmeta>'
)
BOMB = PACKET + b" " * 60_000_000
FLATE, HEX = Name.FlateDecode, Name.ASCIIHexDecode


def with_packet(data: bytes, *filters: Name) -> Pdf:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    metadata: Any = Stream(pdf, data, Type=Name.Metadata, Subtype=Name.XML)
    if filters:
        metadata.Filter = Array(filters)
    pdf.Root.Metadata = pdf.make_indirect(metadata)
    return pdf


def raw(pdf: Pdf) -> bytes:
    as_it_is: dict[str, Any] = {"stream_decode_level": pikepdf.StreamDecodeLevel.none, "compress_streams": False}
    return pdf_cases.written(pdf, fix_metadata_version=False, **as_it_is)


@pytest.mark.parametrize(
    ("data", "filters"),
    [
        (PACKET, ()),
        (zlib.compress(PACKET), (FLATE,)),
        (zlib.compress(PACKET).hex().encode() + b">", (HEX, FLATE)),
        (PACKET.hex().encode() + b">", (HEX,)),
    ],
)
def test_a_packet_is_read_however_it_is_packed(data: bytes, filters: tuple[Name, ...]) -> None:
    pdf = with_packet(data, *filters)
    assert packet_of(pdf) == PACKET
    assert pdfa_claim(raw(pdf)) == "PDF/A-2U"


@pytest.mark.parametrize(
    ("data", "filters"),
    [
        (BOMB, ()),
        (zlib.compress(BOMB), (FLATE,)),
        (zlib.compress(zlib.compress(BOMB)), (FLATE, FLATE)),
        (BOMB[:20_000_000].hex().encode() + b">", (HEX,)),
    ],
)
def test_a_packet_that_swells_claims_nothing(data: bytes, filters: tuple[Name, ...]) -> None:
    pdf = with_packet(data, *filters)
    assert packet_of(pdf) == b""
    assert pdfa_claim(raw(pdf)) is None
