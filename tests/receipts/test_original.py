"""Taking the original out of files that nobody of ours wrote: an answer for each, and no more work than its bytes."""

from __future__ import annotations

import json
import zlib
from io import BytesIO

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Stream, String

from receipts.pdfa import original_of
from receipts.pdfa.document import PROVENANCE


def _file(provenance: bytes, attached: bytes = b"", *, swelling: bool = False) -> bytes:
    """An archive file as a forger would write it."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    page = pdf.pages[0].obj
    page.Resources = Dictionary(XObject=Dictionary(Im0=Dictionary()))
    files = []
    for name, content in ((PROVENANCE, provenance), ("attached", attached)):
        stream = Stream(pdf, content)
        if swelling:
            stream.write(zlib.compress(content), filter=Name.FlateDecode)
        files.append(Dictionary(UF=String(name), EF=Dictionary(F=pdf.make_indirect(stream))))
    pdf.Root.AF = Array(files)
    out = BytesIO()
    pdf.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return out.getvalue()


def _said(**original: object) -> bytes:
    return json.dumps({"original": original}).encode()


@pytest.mark.parametrize(
    "forged",
    [
        _file(b"[" * 200_000),
        _file(b'{"a":' * 200_000),
        _file(b'{"original": {"sha256": "x", "carried_as": "prefix", "size_bytes": NaN}}'),
        _file(b'{"original": {"sha256": "x", "carried_as": "prefix", "size_bytes": 0}, "more": 1e999}'),
        _file(_said(sha256="x", carried_as="image-stream")),
        _file(_said(sha256="x", carried_as="associated-file", name="attached"), b" " * 1_000_000, swelling=True),
        _file(_said(sha256="x", carried_as="associated-file", name="absent")),
    ],
    ids=["deep array", "deep object", "no number", "endless number", "picture without data", "swelling", "absent"],
)
def test_what_we_never_wrote_is_said_to_hold_no_original(forged: bytes) -> None:
    with pytest.raises(ValueError, match=r"archive file of ours|provenance does not say|attached as"):
        original_of(forged)
