"""Why a receipt is refused, in words that its sender can act on.

There are two kinds of fault. `Refused` says that the receipt is wrong: it is never retried, and its sender is told why
and what to do. Every other exception says that we are wrong: the step is retried and nothing is recorded as done.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Code(StrEnum):
    """Stable codes of a refusal: scripts and translations rely on them, so a code is never renamed or reused."""

    EMPTY = "EMPTY"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_PAGES = "TOO_MANY_PAGES"
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"
    TOO_MANY_PARTS = "TOO_MANY_PARTS"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    UNSUPPORTED_TYPE = "UNSUPPORTED_TYPE"
    TRUNCATED = "TRUNCATED"
    DAMAGED = "DAMAGED"
    ENCRYPTED = "ENCRYPTED"
    NO_CONTENT = "NO_CONTENT"
    HOSTILE = "HOSTILE"
    TOO_COSTLY = "TOO_COSTLY"
    LOCKED = "LOCKED"
    NOT_SEALABLE = "NOT_SEALABLE"
    ALREADY_SEALED = "ALREADY_SEALED"
    CLAIMS_CUSTODY = "CLAIMS_CUSTODY"


ADVICE: Final = MappingProxyType(
    {
        Code.EMPTY: "The file is empty: please send the receipt again.",
        Code.TOO_LARGE: "The file is larger than we accept: please send a smaller photo or split the file.",
        Code.TOO_MANY_PAGES: "The document has more pages than we accept: please send only the receipt.",
        Code.TOO_MANY_PIXELS: "The picture has more pixels than we accept: please take a normal photo of it.",
        Code.TOO_MANY_PARTS: "The message has more attachments than we accept: please send several messages.",
        Code.UNKNOWN_TYPE: "We could not recognise this file: please send a photo (JPEG or PNG), a PDF or the e-mail.",
        Code.UNSUPPORTED_TYPE: "We don't take such files: please send photos (JPEG, PNG), PDFs or e-mails, unpacked.",
        Code.TRUNCATED: "The file is incomplete, perhaps cut off while it was sent: please send it again.",
        Code.DAMAGED: "The file is damaged: please send the receipt again, or take a new photo of it.",
        Code.ENCRYPTED: "The file or message is encrypted: please send a copy that opens without password or key.",
        Code.NO_CONTENT: "There is nothing to archive in this message: please attach the receipt and send it again.",
        Code.HOSTILE: "The file contains something that could do harm: please take a photo of the receipt instead.",
        Code.TOO_COSTLY: "Reading it takes more than a receipt should: please take a photo of the receipt instead.",
        Code.LOCKED: "Its signer locked this PDF: please have it signed so that others may, or `probant ingest` it.",
        Code.NOT_SEALABLE: "No seal can be added to this PDF as it is: please save it anew, or `probant ingest` it.",
        Code.ALREADY_SEALED: "It has a seal by the same certificate: please check that with `probant verify --field`.",
        Code.CLAIMS_CUSTODY: "It says that it is an archived receipt: please `probant ingest` what it was made from.",
    }
)


class Refused(Exception):
    """The receipt is wrong and stays refused: never retried, its sender is told why and what to do.

    Args:
        code: The stable code of the reason.
        detail: What was found, for the journal and for ops; one line, no content of the receipt.
    """

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail

    @property
    def advice(self) -> str:
        """One sentence that tells the sender what to do."""
        return ADVICE[self.code]

    def __reduce__(self) -> tuple[type[Refused], tuple[Code, str]]:
        return (Refused, (self.code, self.detail))


class WrongFacts(ValueError):
    """The facts belong to other bytes, or their time has no zone: a fault of ours, not of the receipt."""
