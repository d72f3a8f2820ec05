"""Made-up messages: MIME, winmail.dat, .msg and CMS, built byte by byte where no package builds them wrong enough."""

from __future__ import annotations

import base64
import functools
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pikepdf
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from PIL import Image

from tests.receipts.pdfa_cases import picture

HEADER = "From: Jo <jo@shop.example>\r\nTo: me@acme.example\r\nSubject: Your receipt\r\nDate: Mon, 23 Nov 2026 12:00:00 +0100\r\nMIME-Version: 1.0\r\n"  # noqa: E501


@functools.cache
def pdf(words: str = "12,00 EUR") -> bytes:
    """A PDF of one page, unlike that of other words."""
    from io import BytesIO

    document = pikepdf.new()
    document.add_blank_page(page_size=(200, 300))
    document.docinfo["/Title"] = words
    out = BytesIO()
    document.save(out, deterministic_id=True)
    return out.getvalue()


@functools.cache
def photo(width: int = 800, height: int = 1200, form: str = "JPEG", shade: int = 90) -> bytes:
    """A picture of that size."""
    return picture(Image.linear_gradient("L").resize((width, height)).point(lambda v: (v + shade) % 256), form)


def part(content: bytes, media_type: str, *headers: str) -> bytes:
    """A MIME part in base64."""
    head = "".join(f"{line}\r\n" for line in (f"Content-Type: {media_type}", *headers))
    return f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode() + base64.encodebytes(content)


def attached(content: bytes, name: str, media_type: str = "application/octet-stream") -> bytes:
    """A part attached by hand."""
    return part(content, media_type, f'Content-Disposition: attachment; filename="{name}"')


def text(words: str, kind: str = "plain") -> bytes:
    """A part of the body."""
    return f"Content-Type: text/{kind}; charset=utf-8\r\n\r\n{words}\r\n".encode()


def multipart(*parts: bytes, kind: str = "mixed", boundary: str = "B", header: str = HEADER) -> bytes:
    """A message of several parts."""
    start = f'{header}Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    line = f"--{boundary}".encode()
    return start + b"".join(line + b"\r\n" + one + b"\r\n" for one in parts) + line + b"--\r\n"


def nested(message: bytes, *headers: str) -> bytes:
    """A message as a part of another."""
    return "".join(f"{line}\r\n" for line in ("Content-Type: message/rfc822", *headers)).encode() + b"\r\n" + message


# --- CMS -----------------------------------------------------------------------------------------------------------


@functools.cache
def _signer() -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Shop")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + timedelta(days=9999))
    return builder.sign(key, hashes.SHA256()), key


def signed(content: bytes, *options: pkcs7.PKCS7Options, smime: bool = False) -> bytes:
    """CMS SignedData around `content`, or a whole S/MIME entity."""
    certificate, key = _signer()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    form = serialization.Encoding.SMIME if smime else serialization.Encoding.DER
    return builder.sign(form, [*options])


def enveloped(content: bytes) -> bytes:
    """CMS EnvelopedData."""
    certificate, _ = _signer()
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(certificate)
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def signed_in_ber(content: bytes) -> bytes:
    """CMS SignedData in indefinite lengths and pieces, as programs that stream write it (X.690 8.1.3.6)."""

    def open_ended(tag: int, *inner: bytes) -> bytes:
        return bytes((tag, 0x80)) + b"".join(inner) + b"\0\0"

    data, signed_data = bytes.fromhex("06092a864886f70d010701"), bytes.fromhex("06092a864886f70d010702")
    pieces = [content[start : start + 100] for start in range(0, len(content), 100)]
    octets = open_ended(0x24, *(bytes((0x04, len(piece))) + piece for piece in pieces))
    inside = open_ended(0x30, b"\x02\x01\x01", b"\x31\x00", open_ended(0x30, data, open_ended(0xA0, octets)), b"\x31\0")
    return open_ended(0x30, signed_data, open_ended(0xA0, inside))


# --- TNEF ----------------------------------------------------------------------------------------------------------


def tnef(body: str, attachments: Sequence[tuple[str, bytes]], *, more: bytes = b"") -> bytes:
    """A winmail.dat."""
    out = struct.pack("<IH", 0x223E9F78, 1) + tnef_attribute(1, 0x9007, struct.pack("<II", 1252, 0))
    out += tnef_attribute(1, 0x800C, body.encode("cp1252") + b"\0")
    for name, content in attachments:
        out += tnef_attribute(2, 0x9002, bytes(14))
        out += tnef_attribute(2, 0x8010, name.encode("cp1252") + b"\0") + tnef_attribute(2, 0x800F, content)
    return out + more


def tnef_attribute(level: int, name: int, value: bytes) -> bytes:
    """One attribute, its kind left out: nobody needs it."""
    return struct.pack("<BHHI", level, name, 6, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def tnef_object(content: bytes) -> bytes:
    """An attached message in properties [MS-OXTNEF 2.1.3.4]: a named property, a short, several strings, an object."""
    properties = struct.pack("<HH16sII", 0x0003, 0x8001, bytes(16), 0, 5) + struct.pack("<I", 7)
    properties += struct.pack("<HH16sII", 0x0002, 0x8002, bytes(16), 1, 6) + "abc".encode("utf-16-le") + b"\0\0"
    properties += struct.pack("<HH", 3, 0)
    properties += struct.pack("<HHI", 0x101E, 0x7001, 2) + struct.pack("<I3sxI1s3x", 3, b"ab\0", 1, b"\0")
    value = bytes.fromhex("0703020000000000c000000000000046") + content
    properties += struct.pack("<HHII", 0x000D, 0x3701, 1, len(value)) + value + bytes(-len(value) % 4)
    return tnef_attribute(2, 0x9002, bytes(14)) + tnef_attribute(2, 0x9005, struct.pack("<I", 4) + properties)


# --- .msg ----------------------------------------------------------------------------------------------------------

Storage = dict[str, "bytes | Storage"]


def msg(subject: str, body: str, attachments: Sequence[Storage] = (), **more: bytes) -> bytes:
    """An Outlook message; `more` are further streams by property code such as `p10130102`."""
    return compound(msg_storage(subject, body, attachments, head=32, **more))


def msg_storage(
    subject: str, body: str, attachments: Sequence[Storage] = (), *, head: int = 24, **more: bytes
) -> Storage:
    """The storage that a message is."""
    sent = struct.pack("<HHIQ", 0x0040, 0x0039, 0, 134_000_000_000_000_000)
    codepage = struct.pack("<HHIII", 0x0003, 0x3FDE, 0, 65001, 0)
    found: Storage = {
        "__properties_version1.0": bytes(head) + sent + codepage,
        "__substg1.0_0037001F": subject.encode("utf-16-le"),
        "__substg1.0_0C1A001F": "Jo".encode("utf-16-le"),
        "__substg1.0_5D01001F": "jo@shop.example".encode("utf-16-le"),
        "__substg1.0_1000001F": body.encode("utf-16-le"),
    }
    found |= {f"__substg1.0_{code[1:]}": value for code, value in more.items()}
    return found | {f"__attach_version1.0_#{number:08X}": one for number, one in enumerate(attachments)}


def msg_attachment(name: str, content: bytes | Storage, *, content_id: str = "", hidden: bool = False) -> Storage:
    """The storage that an attachment is: a file, or a message within."""
    fixed = struct.pack("<HHIII", 0x000B, 0x7FFE, 0, int(hidden), 0)
    found: Storage = {"__properties_version1.0": bytes(8) + fixed, "__substg1.0_3707001F": name.encode("utf-16-le")}
    if content_id:
        found["__substg1.0_3712001F"] = content_id.encode("utf-16-le")
    return found | {f"__substg1.0_3701{'0102' if isinstance(content, bytes) else '000D'}": content}


def compound(root: Storage) -> bytes:
    """An OLE2 compound file [MS-CFB] of sectors of 512 bytes, streams under 4096 in mini sectors of 64."""
    entries: list[bytes] = []
    sectors: list[bytes] = []
    fat: list[int] = []
    none, end = 0xFFFFFFFF, 0xFFFFFFFE

    def add_sectors(content: bytes) -> int:
        start, count = len(sectors), -(-len(content) // 512)
        for number in range(count):
            sectors.append(content[number * 512 : number * 512 + 512].ljust(512, b"\0"))
            fat.append(start + number + 1 if number + 1 < count else end)
        return start if count else end

    mini, mini_fat = bytearray(), list[int]()

    def add_mini(content: bytes) -> int:
        start, count = len(mini_fat), -(-len(content) // 64)
        mini.extend(content.ljust(count * 64, b"\0"))
        mini_fat.extend([*range(start + 1, start + count), end] if count else [])
        return start if count else end

    def add(name: str, thing: bytes | Storage, right: int, kind: int) -> int:
        place = len(entries)
        entries.append(b"")
        child, start, size = none, end, 0
        if isinstance(thing, bytes):
            start, size = (add_mini if len(thing) < 4096 else add_sectors)(thing), len(thing)
        else:
            for inner in reversed(thing):
                child = add(inner, thing[inner], child, 2 if isinstance(thing[inner], bytes) else 1)
        coded = name.encode("utf-16-le") + b"\0\0"
        head = coded.ljust(64, b"\0") + struct.pack("<HBBIII", len(coded), kind, 1, none, right, child)
        entries[place] = head + bytes(36) + struct.pack("<IQ", start, size)
        return place

    add("Root Entry", root, none, 5)
    entries[0] = entries[0][:116] + struct.pack("<IQ", add_sectors(bytes(mini)), len(mini))
    mini_table = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    mini_at = add_sectors(mini_table + b"\xff" * (-len(mini_table) % 512))
    directory = add_sectors(b"".join(entries))
    count = -(-len(fat) // 127) if fat else 1
    first = len(sectors)
    fat += [0xFFFFFFFD] * count
    table = struct.pack(f"<{len(fat)}I", *fat)
    table += b"\xff" * (-len(table) % 512)
    sectors += [table[start : start + 512] for start in range(0, len(table), 512)]
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack(
        "<IIIIIIIIII", 0, len(table) // 512, directory, 0, 4096, mini_at, -(-len(mini_table) // 512), end, 0, first
    )
    places = [first + number for number in range(1, len(table) // 512)]
    header += struct.pack("<108I", *places, *[none] * (108 - len(places)))
    return header + b"".join(sectors)
