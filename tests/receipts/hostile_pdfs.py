"""PDFs made to crash or stall whoever reads their signatures. Each is small."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

from asn1crypto import cms

from tests.receipts.pades_attacks import container, gap, with_container

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def build(objects: Mapping[int, bytes], trailer: bytes = b"", start: bytes = HEADER) -> bytes:
    """A PDF of these objects, object 1 being the catalog."""
    pdf, places = bytearray(start), {}
    for number, content in objects.items():
        places[number] = len(pdf)
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(pdf)
    size = max(objects) + 1
    pdf += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        pdf += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n"
    pdf += b"trailer\n<</Root 1 0 R/Size %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, table)
    return bytes(pdf)


def stream(content: bytes, more: bytes = b"") -> bytes:
    """A stream object's content."""
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), more, content)


def signed(fields: bytes, others: Mapping[int, bytes] | None = None) -> bytes:
    """A PDF with a form of these fields."""
    catalog = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields %s>>>>" % fields
    return build({1: catalog, 2: b"<</Type/Pages/Kids[]/Count 0>>", **(others or {})})


def prev_loop() -> bytes:
    """Cross-reference tables that name each other as the one before."""
    pdf = build({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[]/Count 0>>"}, b"/Prev 0000000000")
    return pdf.replace(b"/Prev 0000000000", b"/Prev %010d" % pdf.index(b"xref\n0"))


def many_updates() -> bytes:
    """Thousands of empty updates."""
    pdf = build({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[]/Count 0>>"})
    previous = pdf.rindex(b"xref\n0")
    out = bytearray(pdf)
    for _ in range(5_000):
        table = len(out)
        out += b"xref\n0 0\ntrailer\n<</Root 1 0 R/Size 3/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (previous, table)
        previous = table
    return bytes(out)


def field_loop() -> bytes:
    """A form field that is its own child."""
    return signed(b"[5 0 R]", {5: b"<</FT/Sig/T(a)/Kids[5 0 R 5 0 R]/V 6 0 R>>", 6: b"<</Type/Sig>>"})


def deep() -> bytes:
    """Arrays in arrays in arrays."""
    return signed(b"[" * 200_000 + b"]" * 200_000)


def deep_fields() -> bytes:
    """Fields in fields, thousands of levels down."""
    levels = {number: b"<</T(a)/FT/Sig/Kids[%d 0 R]>>" % (number + 1) for number in range(5, 5000)}
    return signed(b"[5 0 R]", {**levels, 5000: b"<</T(a)/FT/Sig/V<</Type/Sig>>>>"})


def many_signatures() -> bytes:
    """Thousands of signature fields."""
    value = b"<</Type/Sig/Filter/a/SubFilter/ETSI.CAdES.detached/ByteRange[0 1 2 3]/Contents<3000>>>"
    fields = {number: b"<</FT/Sig/T(a%d)/V 4 0 R>>" % number for number in range(5, 10_000)}
    names = b"[%s]" % b" ".join(b"%d 0 R" % number for number in fields)
    return signed(names, {4: value, **fields})


def stream_bomb() -> bytes:
    """An object stream of which each kilobyte becomes a megabyte."""
    packed = zlib.compress(zlib.compress(b"0" * 1_000_000_000, 9), 9)
    content = stream(packed, b"/Type/ObjStm/N 100000/First 1000000/Filter[/FlateDecode/FlateDecode]")
    rows = b"".join((b"\0" + b"\0" * 4 + b"\0\0", b"\2\0\0\0\5\0\0", b"\2\0\0\0\5\0\1", b"\0" * 7, b"\0" * 7))
    return _with_xref_stream({5: content}, rows, 7)


def stream_in_itself() -> bytes:
    """An object stream that says that it lies in itself."""
    content = stream(b"5 0 1 10 <<>><<>>", b"/Type/ObjStm/N 2/First 9")
    rows = b"".join((b"\0" * 7, b"\2\0\0\0\5\0\1", b"\2\0\0\0\5\0\0", b"\0" * 7, b"\0" * 7, b"\2\0\0\0\5\0\0"))
    return _with_xref_stream({5: content}, rows, 7)


def huge_table() -> bytes:
    """A cross-reference stream for a billion objects."""
    rows = zlib.compress(zlib.compress(b"\1" * 1_500_000_000, 9), 9)
    pdf = bytearray(HEADER)
    place = len(pdf)
    about = b"/Type/XRef/Size 2147483647/W[1 1 1]/Root 1 0 R/Index[0 2147483647]/Filter[/FlateDecode/FlateDecode]"
    pdf += b"5 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(rows, about), place)
    return bytes(pdf)


def _with_xref_stream(objects: Mapping[int, bytes], rows: bytes, size: int) -> bytes:
    pdf, rows_at = bytearray(HEADER), bytearray(rows.ljust(7 * size, b"\0"))
    for number, content in objects.items():
        if rows_at[7 * number] == 0:
            rows_at[7 * number : 7 * number + 7] = b"\1" + len(pdf).to_bytes(4, "big") + b"\0\0"
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    place = len(pdf)
    about = b"/Type/XRef/Size %d/W[1 4 2]/Root 1 0 R" % size
    pdf += b"9 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(bytes(rows_at), about), place)
    return bytes(pdf)


def page_loop() -> bytes:
    """A tree of pages without end."""
    catalog = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[3 0 R]>>>>"
    field = b"<</FT/Sig/T(a)/V<</Type/Sig/ByteRange[0 10 20 10]/Contents<00>>>>>"
    return build({1: catalog, 2: b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9/Parent 2 0 R>>", 3: field})


SMALL: Mapping[str, Callable[[], bytes]] = {
    each.__name__: each
    for each in (
        prev_loop,
        many_updates,
        field_loop,
        deep,
        deep_fields,
        many_signatures,
        stream_bomb,
        stream_in_itself,
        huge_table,
        page_loop,
    )
}


def from_sealed(sealed: bytes, augmented: bytes) -> dict[str, bytes]:
    """Sealed files whose container or validation data is a trap."""
    start, end = gap(sealed)
    room = (end - start) // 2
    nested = b"\x30\x80" * (room // 2 - 2)
    announced = b"\x30\x84\x7f\xff\xff\xff" + b"\x30\x82\xff\xff" * (room // 8)
    tail = augmented[len(sealed) :]
    bomb = zlib.compress(b"\x30\x82" + b"\0" * 500_000_000, 9)
    return {
        "container nested": sealed[:start] + nested.hex().encode().ljust(end - start, b"0") + sealed[end:],
        "container announces more": sealed[:start] + announced.hex().encode().ljust(end - start, b"0") + sealed[end:],
        "container with thousands of signers": _many_signers(sealed),
        "validation data bomb": sealed + tail.replace(b"/Certs [", b"/Certs [ 900 0 R ", 1) + _object(900, bomb),
        "byte range overflows": sealed.replace(b"/ByteRange [0 ", b"/ByteRange [0 9", 1),
        "cut in the container": sealed[: start + 100],
    }


def _many_signers(sealed: bytes) -> bytes:
    message = container(sealed)
    signer = message["content"]["signer_infos"][0]
    small = cms.SignerInfo.load(signer.dump())
    small["unsigned_attrs"] = cms.CMSAttributes([])
    try:
        message["content"]["signer_infos"] = [small] * 5
        return with_container(sealed, message)
    except AssertionError:
        return sealed[:-1]


def _object(number: int, content: bytes) -> bytes:
    return b"%d 0 obj\n%s\nendobj\n" % (number, stream(content, b"/Filter/FlateDecode"))
