"""Incremental updates (ISO 32000-1, 7.5.6) behind bytes that stay what they are."""

from __future__ import annotations

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter


class PlainUpdate(IncrementalPdfFileWriter):
    """An incremental update with nothing in it that we didn't ask for."""

    def _update_meta(self) -> None:
        """Leave XMP and /Info alone: pyHanko would rewrite their dates, after the seal too."""


def on_its_line(pdf: bytes) -> bytes:
    """`pdf`, after which an update begins on a line of its own: an end of line after %%EOF is part of no object."""
    return pdf if pdf.endswith((b"\r", b"\n")) else pdf + b"\n"
