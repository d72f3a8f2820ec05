"""Makes a bad file of good ones; the same seed gives the same file."""

from __future__ import annotations

import random
import re
import struct
import zlib
from collections.abc import Callable

INTERESTING = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1")
WORDS = (
    b"/Kids", b"/Parent", b"/Type", b"/Filter", b"/Length", b"/Encrypt", b"/JavaScript", b"/SMask", b"/Annots",
    b"stream", b"endstream", b"endobj", b"obj", b"xref", b"trailer", b"startxref", b"%%EOF", b"R", b"<<", b">>", b"[",
    b"]",
    b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"gAMA", b"\xff\xd8", b"\xff\xd9", b"\xff\xc0", b"\xff\xc4",
    b"\xff\xdd",
    b"Exif\0\0", b"ICC_PROFILE\0", b"Adobe", b"Content-Type: text/html", b"multipart/mixed",
    b"boundary=", b"base64",
    b"<table>", b"<img src=cid:", b"<style>", b"&#x0;", b"=?utf-8?B?", b"\r\n\r\n", b"--",
)  # fmt: skip


def mutated(seed: int, samples: list[bytes]) -> bytes:
    """One sample, damaged some times over."""
    chance = random.Random(seed)
    content = bytearray(chance.choice(samples))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8, 20))):
        if not content:
            break
        chance.choice(STEPS)(chance, content, samples)
    if content[:8] == b"\x89PNG\r\n\x1a\n" and chance.random() < 0.8:
        content = _with_right_checksums(content)
    return bytes(content)


_KNOWN = re.compile(rb"/[A-Z][A-Za-z]{2,12}|\b(?:IDAT|obj|stream|text/\w+|boundary|charset)\b")
_NUMBER = re.compile(rb"(?<=[ \[])-?\d{1,10}(?=[ \]\r\n])")


def _flip(chance: random.Random, content: bytearray, _: list[bytes]) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _overwrite(chance: random.Random, content: bytearray, _: list[bytes]) -> None:
    value = chance.choice(INTERESTING)
    at = chance.randrange(len(content))
    content[at : at + len(value)] = value


def _head(chance: random.Random, content: bytearray, _: list[bytes]) -> None:
    """Headers are where the meaning is."""
    content[chance.randrange(min(len(content), 600))] = chance.randrange(256)


def _word(chance: random.Random, content: bytearray, _: list[bytes]) -> None:
    at = chance.randrange(len(content) + 1)
    content[at:at] = chance.choice(WORDS)


def _swap_word(chance: random.Random, content: bytearray, _: list[bytes]) -> None:
    """One known word becomes another, in place."""
    found = list(
        re.finditer(
            rb"/[A-Z][A-Za-z]{2,12}|\b(?:IDAT|obj|stream|text/\w+|boundary|charset)\b", bytes(content[:200_000])
        )
    )
    if found:
        match = chance.choice(found)
        content[match.start() : match.end()] = chance.choice(WORDS)


def _number(chance: random.Random, content: bytearray, _: list[bytes]) -> None:
    found = list(_NUMBER.finditer(bytes(content[:200_000])))
    if found:
        match = chance.choice(found)
        value = chance.choice((b"0", b"-1", b"1", b"65536", b"2147483648", b"99999999999", b"0.00001", b"1e9"))
        content[match.start() : match.end()] = value


def _cut(chance: random.Random, content: bytearray, _: list[bytes]) -> None:
    at = chance.randrange(len(content))
    del content[at : at + chance.choice((1, 4, 64, 1024, len(content)))]


def _repeat(chance: random.Random, content: bytearray, _: list[bytes]) -> None:
    at = chance.randrange(len(content))
    content[at:at] = content[at : at + chance.choice((4, 64, 1024))] * chance.choice((1, 2, 50))


def _splice(chance: random.Random, content: bytearray, samples: list[bytes]) -> None:
    other = chance.choice(samples)
    start = chance.randrange(max(1, len(other)))
    at = chance.randrange(len(content))
    content[at : at + chance.choice((0, 256, 4096))] = other[start : start + chance.choice((16, 256, 4096))]


STEPS: tuple[Callable[[random.Random, bytearray, list[bytes]], None], ...] = (
    _flip, _flip, _overwrite, _overwrite, _head, _head, _head, _word, _swap_word, _swap_word, _number, _number, _cut,
    _repeat, _splice,
)  # fmt: skip


def _with_right_checksums(png: bytearray) -> bytearray:
    """A PNG whose chunks pass their CRC, so that what is in them is reached."""
    out, position = bytearray(png[:8]), 8
    while position + 12 <= len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        body = png[position + 4 : position + 8 + length]
        out += png[position : position + 4] + body + struct.pack(">I", zlib.crc32(body))
        position += 12 + length
    return out + png[position:]
