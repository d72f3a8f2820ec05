"""Whether a file that we did not write is written as PDF/A wants it: the rules that a parser forgets.

pikepdf's validator trusts the file syntax, because it is made for files that qpdf wrote. A PDF that is kept as it came
was not, so its bytes are checked here. What is unusual is not certain; nothing is repaired.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

_HEADER: Final = re.compile(rb"%PDF-1\.[0-7](?:\r\n|\r|\n)%[\x80-\xff]{4}")  # ISO 19005-3 6.1.2
_END: Final = re.compile(rb"%%EOF(?:\r\n|\r|\n)?\Z")  # 6.1.3
_XREF: Final = re.compile(rb"xref(?:\r\n|\r|\n)\d+ \d+ ?(?:\r\n|\r|\n)")  # 6.1.4
_HEAD: Final = re.compile(rb"(\d+) (\d+) obj(?:\r\n|\r|\n)")  # 6.1.9
_TAIL: Final = re.compile(rb"(?:\r\n|\r|\n)endobj(?:\r\n|\r|\n)")
_STREAM: Final = re.compile(rb"stream\r?\n")  # 6.1.7.1
_STREAM_TAIL: Final = re.compile(rb"(?:\r\n|\r|\n)endstream(?:\r\n|\r|\n)endobj(?:\r\n|\r|\n)")
_NUMBER: Final = re.compile(rb"\d+ \d+ obj\s+(\d+)\s+endobj")
_TOKEN: Final = re.compile(
    rb"[\0\t\n\f\r ]+|%[^\r\n]*|<<|>>|<(?P<hex>[^<>]*)>|/[^\0\t\n\f\r ()<>\[\]{}/%]*|[\[\]]"
    rb"|(?P<string>\()|(?P<word>[^\0\t\n\f\r ()<>\[\]{}/%]+)"
)
_PLAIN: Final = re.compile(rb"[^()\\]*")
_HEX: Final = re.compile(rb"(?:\s*[0-9A-Fa-f]\s*[0-9A-Fa-f])*\s*")  # 6.1.6
_NUMERAL: Final = re.compile(rb"[+-]?\d*\.?\d*")
_TOKENS_MOST: Final = 1_000_000
STRING_MOST: Final = 32_767  # ISO 19005-3 6.1.13; of what is written, which is never shorter than what is meant
NAME_MOST: Final = 127
_INTEGER_MOST: Final = 2**31 - 1
_DIGITS_MOST: Final = 30


class Unusual(Exception):
    """It is not certain that the file is written as PDF/A wants it."""


def check(pdf: bytes) -> None:
    """Check the syntax of every object and cross-reference section, those of earlier revisions too.

    Raises:
        Unusual: It is not certain.
    """
    if not _HEADER.match(pdf) or not _END.search(pdf, len(pdf) - 8):
        raise Unusual("header or end")
    try:
        reader = PdfFileReader(BytesIO(pdf), strict=True)
        if reader.encrypted or reader.xrefs.hybrid_xrefs_present:
            raise Unusual("encrypted, or with two cross-reference tables at once")
        _check_objects(_Tokens(pdf), reader)
    except Unusual:
        raise
    except Exception as error:  # whatever a strict reader stumbles over
        raise Unusual(str(error)[:100]) from error


def _check_objects(tokens: _Tokens, reader: PdfFileReader) -> None:
    packed: set[int] = set()
    known: set[tuple[int, int]] = set()
    places: dict[tuple[int, int], int] = {}
    offsets: set[int] = set()
    for revision in range(reader.total_revisions):
        section = reader.xrefs.get_xref_container_info(revision)
        if section.stream_ref:
            offsets.add(section.start_location)
        elif not _XREF.match(tokens.pdf, section.declared_startxref):
            raise Unusual("cross-reference table")
        for reference in reader.xrefs.explicit_refs_in_revision(revision):
            place = reader.xrefs.get_historical_ref(reference, revision)
            if place is not None:
                known.add((reference.idnum, reference.generation))
            if isinstance(place, int):
                offsets.add(place)
                places[reference.idnum, reference.generation] = place
            elif place is not None:
                packed.add(place.obj_stream_id)
    for offset in offsets:
        tokens.check_object(offset, places)
    for number in packed:
        stream = reader.get_object(generic.Reference(number, 0, reader))
        for _ in tokens.words(stream.data, int(stream["/First"])):
            pass
    if tokens.references - known:
        # It says null (ISO 32000-1 7.3.10), until an update gives an object that number.
        raise Unusual("a reference to an object that is not there")


class _Tokens:
    """Reads tokens (ISO 32000-1 7.2), only as many as are bearable."""

    def __init__(self, pdf: bytes) -> None:
        self.pdf, self.left = pdf, _TOKENS_MOST
        self.references: set[tuple[int, int]] = set()

    def check_object(self, offset: int, places: dict[tuple[int, int], int]) -> None:
        head = _HEAD.match(self.pdf, offset)
        if not head or self.pdf[offset - 1 : offset] not in (b"\r", b"\n"):
            raise Unusual("start of an object")
        depth, before, length = 0, b"", b""
        for word, position in self.words(self.pdf, head.end()):
            depth += (word == b"<<") - (word == b">>")
            if before == b"/Length" and depth == 1:
                length = self.pdf[position - len(word) : position + 30]
            if word == b"endobj":
                if not _TAIL.match(self.pdf, position - 7) and not _TAIL.match(self.pdf, position - 8):
                    raise Unusual("end of an object")
                return
            if word == b"stream":
                self._check_stream(position - 6, length, places)
                return
            before = word
        raise Unusual("an object without an end")

    def _check_stream(self, position: int, length: bytes, places: dict[tuple[int, int], int]) -> None:
        start = _STREAM.match(self.pdf, position)
        stated = re.match(rb"(\d+)(?: (\d+) R)?", length)
        if not start or not stated:
            raise Unusual("start of a stream")
        size = int(stated[1])
        if stated[2]:
            number = _NUMBER.match(self.pdf, places.get((size, int(stated[2])), 0))
            if not number:
                raise Unusual("length of a stream")
            size = int(number[1])
        end = start.end() + size
        tail = _STREAM_TAIL.match(self.pdf, end)
        # A last byte that is itself half of a line end may be counted to it by others.
        if not tail or (size and self.pdf[end - 1 : end] == b"\r" and self.pdf[end : end + 1] == b"\n"):
            raise Unusual("end of a stream")

    def words(self, data: bytes, position: int) -> Iterator[tuple[bytes, int]]:
        """Each token and where it ends; hexadecimal strings are checked and references gathered on the way."""
        two, one = b"", b""
        while position < len(data):
            self.left -= 1
            token = _TOKEN.match(data, position)
            if not token or self.left < 0:
                raise Unusual("tokens")
            position = token.end()
            if token["string"]:
                position = _end_of_string(data, position)
                if position - token.end() > STRING_MOST:
                    raise Unusual("a long string")
            elif token["hex"] is not None:
                if not _HEX.fullmatch(token["hex"]) or len(token["hex"]) > 2 * STRING_MOST:
                    raise Unusual("hexadecimal string")
            elif token[0][0] in b"<>/" or token["word"]:
                _check_limits(token[0])
                if token[0] == b"R":
                    self.references.add((int(two), int(one)))
                two, one = one, token[0]
                yield token[0], position


def _check_limits(word: bytes) -> None:
    """6.1.13, for what only its writer knows the meaning of too."""
    if word[:1] == b"/" and len(word) - 1 > NAME_MOST:
        raise Unusual("a long name")
    if _NUMERAL.fullmatch(word) and (len(word) > _DIGITS_MOST or (b"." not in word and abs(int(word)) > _INTEGER_MOST)):
        raise Unusual("a number out of range")


def _end_of_string(data: bytes, position: int) -> int:
    """Where a literal string ends (ISO 32000-1 7.3.4.2)."""
    depth = 1
    while depth:
        position = _PLAIN.match(data, position).end()  # type: ignore[union-attr]
        mark = data[position : position + 1]
        if not mark:
            raise Unusual("a string without an end")
        depth += (mark == b"(") - (mark == b")")
        position += 2 if mark == b"\\" else 1
    return position
