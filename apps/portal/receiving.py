"""Takes in the body of an upload without ever holding more of it than the limit allows."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from apps.portal.access import Forbidden
from receipts.errors import ADVICE, Code

_FORM_BYTES = 16 * 1024
_FIELD_BYTES = 2 * 1024


@dataclass(frozen=True, kw_only=True)
class Received:
    """A whole upload: its bytes, the file's name and the form's other fields; all of it untrusted."""

    content: bytes
    name: str
    fields: dict[str, str]


class _TooLarge(Exception):
    """The body went over the limit."""


async def receive(request: Request, limit_size_bytes: int) -> Received:
    """Read a multipart form (RFC 7578) with one file in the field `file`.

    Raises:
        Forbidden: It is too large, no such form, or holds no file or several.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Forbidden(415, "NOT_A_FORM", "Please send the file as a multipart form.")
    stream = request.stream()
    body = _limited(stream, request.headers.get("content-length", ""), limit_size_bytes + _FORM_BYTES)
    try:
        parser = MultiPartParser(request.headers, body, max_files=3, max_fields=5, max_part_size=_FIELD_BYTES)
        form = await parser.parse()
    except MultiPartException as fault:
        raise Forbidden(400, "BAD_FORM", "Please send the file again.") from fault
    except _TooLarge as fault:
        await _drain(stream, limit_size_bytes)
        raise too_large() from fault
    try:
        # A page without script has one field for the camera and one for files: the unused one comes without a name.
        files = [item for item in form.getlist("file") if isinstance(item, UploadFile) and item.filename]
        if len(files) != 1:
            raise Forbidden(400, "NO_FILE" if not files else "SEVERAL_FILES", "Please choose one file and send it.")
        if (files[0].size or 0) > limit_size_bytes:
            raise too_large()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return Received(content=await files[0].read(), name=files[0].filename or "", fields=fields)
    finally:
        await form.close()


def too_large() -> Forbidden:
    """The answer to an upload above the limit."""
    return Forbidden(413, Code.TOO_LARGE.value, ADVICE[Code.TOO_LARGE])


async def _limited(
    stream: AsyncGenerator[bytes, None], announced_bytes: str, limit_bytes: int
) -> AsyncGenerator[bytes, None]:
    if announced_bytes.isdigit() and int(announced_bytes) > limit_bytes:
        raise _TooLarge
    so_far = 0
    async for chunk in stream:
        so_far += len(chunk)
        if so_far > limit_bytes:
            raise _TooLarge
        yield chunk


async def _drain(stream: AsyncGenerator[bytes, None], limit_bytes: int) -> None:
    """Let a browser finish, within bounds: it shows no answer to what it could not send."""
    so_far = 0
    async for chunk in stream:
        so_far += len(chunk)
        if so_far > limit_bytes:
            return
