"""What is refused because it could do harm: files that are two things at once, and the virus test file.

What a file is, its head says (receipts/pdfa/media.py). A second nature that is data alone (a film behind a photo, a
second picture) is left alone; one that something would run or unpack is refused.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from receipts import nested
from receipts.errors import Code, Refused

EICAR: Final = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"  # two halves: scanners
_PDF_WITHIN: Final = 1024  # where readers look for a PDF's header: ISO 32000-1 Annex H, implementation note 13
_RUN_OR_OPENED: Final = (  # heads of what else a file with a PDF header further down would be taken for
    b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"BM", b"\0\0\x01\0", b"ID3", b"OggS", b"fLaC",
    b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe", b"\xd0\xcf\x11\xe0",
)  # fmt: skip
_MARKUP: Final = re.compile(rb"\s*<(?:!doctype\s|html|script|\?php|svg)", re.IGNORECASE)
_PHP: Final = re.compile(rb"<\?php\s")  # PHP runs it wherever it stands
_HTML: Final = rb"<(?i:script)[\s>]|<(?i:!doctype\s+html)|<(?i:html)>"
_PAGE: Final = re.compile(_HTML)
_PAGE_BEHIND: Final = re.compile(rb"\xff\xd9\s*(?:" + _HTML + rb")")
_CODED: Final = (b"\xda", b"\xd9", b"")  # where the segments of a JPEG end: start of scan, end of image, nothing more
_HALT: Final = b"__HALT_COMPILER();"


def refuse_evident(original: bytes) -> None:
    """Refuse what shows without parsing; to be asked first.

    Raises:
        Refused: HOSTILE.
    """
    if EICAR in original:
        raise Refused(Code.HOSTILE, "the EICAR test file")
    at = original[:_PDF_WITHIN].find(b"%PDF-")
    if at > 0 and (original.startswith(_RUN_OR_OPENED) or original[4:8] == b"ftyp" or _MARKUP.match(original)):
        raise Refused(Code.HOSTILE, "two kinds of file at once: a PDF within the head of something else")


def refuse_hidden(original: bytes, media_type: str) -> None:
    """Refuse what hides behind or within a file of `media_type`.

    Raises:
        Refused: HOSTILE.
    """
    is_picture = media_type.startswith("image/")
    if is_picture or media_type == "application/pdf":
        if _is_archive_too(original):
            raise Refused(Code.HOSTILE, f"two kinds of file at once: {media_type} and a ZIP archive")
        if _HALT in original or (is_picture and (_PHP.search(original) or _is_page_too(original))):
            raise Refused(Code.HOSTILE, f"two kinds of file at once: {media_type} and a script")
    for piece in nested.pieces_of(original, media_type):
        if EICAR in piece:
            raise Refused(Code.HOSTILE, "the EICAR test file, inside")


def _is_page_too(original: bytes) -> bool:
    """Whether a picture is a page with scripts too: in what it says of itself, or as a second file right behind it.

    What lies elsewhere behind a JPEG is what the memory card held before: cameras leave it in a file's last sectors.
    """
    if not original.startswith(b"\xff\xd8"):
        return _PAGE.search(original) is not None
    position = 2
    while original[position : position + 1] == b"\xff" and original[position + 1 : position + 2] not in _CODED:
        position += 2 + max(2, int.from_bytes(original[position + 2 : position + 4], "big"))  # ITU-T T.81 B.1.1.4
    return bool(_PAGE.search(original, 0, position) or _PAGE_BEHIND.search(original, position))


def _is_archive_too(original: bytes) -> bool:
    """Whether tools would open it as a ZIP: its end record stands at its end and has a directory (APPNOTE 4.3.16)."""
    at = original.rfind(b"PK\x05\x06", max(0, len(original) - 65_557))
    if at < 0 or at + 22 > len(original):
        return False
    size, _, comment = struct.unpack("<IIH", original[at + 12 : at + 22])
    ends = at + 22 + comment >= len(original) - 2
    return ends and original[max(0, at - size) : at][:4] in (b"PK\x01\x02", b"")
