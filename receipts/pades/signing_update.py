"""What an update does that adds a signature or a document time-stamp, object by object (ISO 32000-2, 12.7.5.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from receipts.pades.form_update import has_new_fonts, is_signature_field, new_fields, value_of
from receipts.pades.numbers import is_new
from receipts.pades.objects import ELSEWHERE, changed, gather, references
from receipts.pades.structure import is_time_stamp
from receipts.pades.update import refuse

_VERSIONS: Final = frozenset({"/1.4", "/1.5", "/1.6", "/1.7", "/2.0"})


@dataclass(frozen=True, kw_only=True)
class Signing:
    """What belongs to the signatures that an update adds.

    Attributes:
        added: Objects that are new.
        replaced: Objects that it may replace: form, field list, page, annotation list.
        signatures: Names of the fields with a signature.
        time_stamps: Names of those with a document time-stamp.
        has_new_fonts: Whether the form says anew how fields with text look, of which it has none.
    """

    added: set[generic.Reference] = field(default_factory=set)
    replaced: set[generic.Reference] = field(default_factory=set)
    signatures: tuple[str, ...] = ()
    time_stamps: tuple[str, ...] = ()
    has_new_fonts: bool = False

    @property
    def words(self) -> list[str]:
        """What is added."""
        return [f"signature {name}" for name in self.signatures] + [f"time-stamp {name}" for name in self.time_stamps]


def read_signing(old: HistoricalResolver, new: HistoricalResolver, written: set[generic.Reference]) -> Signing:
    """What an update from `old` to `new` does for signatures; nothing if it adds none.

    Args:
        old: The file before.
        new: The file after.
        written: The objects that the update writes.

    Raises:
        Finding: It does something else to the form or a page.
        Exception: It is malformed.
    """
    added, replaced = set[generic.Reference](), set[generic.Reference]()
    _check_versions(old, new, added)
    fields = new_fields(old, new, replaced)
    if not fields:
        return Signing(added=added)
    names, pages = {True: list[str](), False: list[str]()}, set[generic.Reference]()
    for reference in fields:
        value = _checked_field(old, new, reference, added, replaced)
        kind = is_time_stamp(value["/V"])
        names[kind].append(str(value.get("/T", "")))
        if kind and _is_shown(value):
            refuse("a document time-stamp shows something on a page")
        if isinstance(value.raw_get("/P") if "/P" in value else None, generic.IndirectObject):
            pages.add(value.raw_get("/P").reference)
    for page in pages | {each for each in written if not is_new(old, each)}:
        _check_page(old, new, page, set(fields), replaced)
    return Signing(
        added=added,
        replaced=replaced,
        signatures=tuple(names[False]),
        time_stamps=tuple(names[True]),
        has_new_fonts=has_new_fonts(old, new, added),
    )


def _checked_field(
    old: HistoricalResolver,
    new: HistoricalResolver,
    reference: generic.Reference,
    added: set[generic.Reference],
    replaced: set[generic.Reference],
) -> generic.DictionaryObject:
    """A signature field that was added or filled; all that is new in it goes to `added`."""
    value = new(reference)
    if not isinstance(value, generic.DictionaryObject) or not is_signature_field(value):
        refuse("a form field that holds no signature is added after the seal")
    if {"/A", "/AA"} & set(value) or not isinstance(value_of(value), generic.DictionaryObject):
        refuse("a form field with an action or without a signature is added after the seal")
    if is_new(old, reference):
        added.add(reference)
    else:
        differing = changed(old(reference), value) - {"/V", "/AP", "/F", "/MK"}
        if differing:
            refuse(f"the field's {min(differing)} is changed after the seal")
        replaced.add(reference)
    for key in set(value) - ELSEWHERE:
        gather(old, new, value.raw_get(key), added)
    return value


def _check_page(
    old: HistoricalResolver,
    new: HistoricalResolver,
    reference: generic.Reference,
    fields: set[generic.Reference],
    replaced: set[generic.Reference],
) -> None:
    """Check that a page that was replaced gained nothing but the new fields' widgets; if so, it goes to `replaced`."""
    before, after = old(reference), new(reference)
    if not isinstance(before, generic.DictionaryObject) or before.get("/Type") != "/Page":
        return  # no page: refused by whoever asked, unless it belongs to something that may change
    if not isinstance(after, generic.DictionaryObject):
        refuse("a page is changed after the seal")
    differing = changed(before, after) - {"/Annots"}
    if differing:
        refuse(f"a page's {min(differing)} is changed after the seal")
    seen = {reference}
    _check_annotations(references(before, "/Annots", seen), references(after, "/Annots", seen), fields)
    replaced |= seen


def _check_annotations(
    before: list[generic.Reference], after: list[generic.Reference], fields: set[generic.Reference]
) -> None:
    if after[: len(before)] != before or not set(after[len(before) :]) <= fields:
        refuse("annotations are added, moved or removed after the seal")


def _is_shown(value: generic.DictionaryObject) -> bool:
    if "/AP" not in value:
        return False
    left, bottom, right, top = (float(each) for each in value["/Rect"])
    return left != right and bottom != top


def _check_versions(old: HistoricalResolver, new: HistoricalResolver, added: set[generic.Reference]) -> None:
    """Which extensions and version a file says that it uses may change: it shows nothing (ISO 32000-2, 7.12)."""
    if "/Version" in new.root and new.root["/Version"] not in _VERSIONS:
        refuse("the catalog's /Version is changed after the seal")
    if "/Extensions" in new.root:
        gather(old, new, new.root.raw_get("/Extensions"), added)
