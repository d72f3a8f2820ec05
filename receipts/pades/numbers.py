"""Object numbers: which are new in a revision, and that the tables that give them agree (ISO 32000-1, 7.5.4 and 7.5.8).

pyHanko takes every number below /Size for one in use, and no number of a cross-reference stream for free again. Writers
such as PDFBox number on from what their tables name, which a cross-reference stream need not be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pyhanko.pdf_utils import generic, xref
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

_check_freed: Final = xref._check_freed_refs


def is_new(resolver: HistoricalResolver, ref: generic.Reference) -> bool:
    """Whether no revision up to the resolver's has used or freed an object's number.

    A number that is used by none may still be referred to, which pyHanko's walk through all objects refuses.
    """
    sections = _sections(resolver.reader, resolver.revision)
    return not is_in_use(resolver, ref) and not any(ref.idnum in each.freed for each in sections)


def is_in_use(resolver: HistoricalResolver, reference: generic.Reference) -> bool:
    """Whether a revision up to the resolver's has given an object that number."""
    sections = _sections(resolver.reader, resolver.revision)
    return any(reference.idnum in each.standard_xrefs or reference.idnum in each.xrefs_in_objstm for each in sections)


def check_numbers(reader: PdfFileReader) -> None:
    """Check that where there are two cross-reference tables at once (7.5.8.4), all readers see the same objects.

    Raises:
        ValueError: An object is in both at different places, or deleted by one of them.
    """
    mains = (reader.xrefs.get_xref_data(revision) for revision in range(reader.xrefs.total_revisions))
    for main, hidden in [(each, each.hybrid.xref_data) for each in mains if each.hybrid]:
        for number in {*hidden.standard_xrefs, *hidden.xrefs_in_objstm}:
            place = main.standard_xrefs.get(number)
            if place not in (None, hidden.standard_xrefs.get(number)) or main.freed.get(number) == 1:
                raise ValueError(f"two cross-reference tables at once disagree on object {number}")


def _sections(reader: PdfFileReader, newest: int) -> Iterator[xref.XRefSectionData]:
    for revision in range(newest + 1):
        section = reader.xrefs.get_xref_data(revision)
        yield section
        if section.hybrid:
            yield section.hybrid.xref_data


def check_freed(place: int, section: xref.XRefSection, sections: list[xref.XRefSection]) -> None:
    """pyHanko's check of what a table frees, which lets the number of a stream be used again that its table leaves out.

    Raises:
        PdfStrictReadError: An object that was freed is used again as it was.
    """
    stream = section.meta_info.stream_ref
    if stream and (stream.idnum, stream.generation) not in section.xref_data.explicit_refs_in_revision:
        section = replace(section, meta_info=replace(section.meta_info, stream_ref=None))
    _check_freed(place, section, sections)


def install() -> None:
    """Have the library use them. May be repeated."""
    xref._check_freed_refs = check_freed  # type: ignore[assignment]
    HistoricalResolver.is_ref_unassignable = is_new  # type: ignore[method-assign,assignment]
