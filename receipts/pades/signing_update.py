"""What an update does that adds a signature or a document time-stamp, object by object (ISO 32000-2, 12.7.5.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from receipts.pades.numbers import is_new
from receipts.pades.structure import is_time_stamp
from receipts.pades.update import refuse

_FORM_KEYS: Final = frozenset({"/Fields", "/SigFlags"})
_TEXT_KEYS: Final = frozenset({"/DA", "/DR"})  # how text fields look that have no appearance of their own
_ELSEWHERE: Final = frozenset({"/P", "/Parent"})  # of a widget: the page that it is on, looked at by itself
_VERSIONS: Final = frozenset({"/1.4", "/1.5", "/1.6", "/1.7", "/2.0"})
_LARGEST_TREE: Final = 1000


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


def read_signing(old: HistoricalResolver, new: HistoricalResolver, references: set[generic.Reference]) -> Signing:
    """What an update from `old` to `new` does for signatures; nothing if it adds none.

    Args:
        old: The file before.
        new: The file after.
        references: The objects that the update writes.

    Raises:
        Finding: It does something else to the form or a page.
        Exception: It is malformed.
    """
    added, replaced = set[generic.Reference](), set[generic.Reference]()
    _check_versions(old, new, added)
    fields = _new_fields(old, new, replaced)
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
    for page in pages | {each for each in references if not is_new(old, each)}:
        _check_page(old, new, page, set(fields), replaced)
    has_new_fonts = _has_new_fonts(old, new, added)
    return Signing(
        added=added,
        replaced=replaced,
        signatures=tuple(names[False]),
        time_stamps=tuple(names[True]),
        has_new_fonts=has_new_fonts,
    )


def _new_fields(
    old: HistoricalResolver, new: HistoricalResolver, replaced: set[generic.Reference]
) -> list[generic.Reference]:
    """The fields that got a signature; form and field list go to `replaced` once they are found in order."""
    before, after = _form(old, replaced), _form(new, replaced)
    if after is None or before is None:
        if before is not after:
            refuse("a form is added or removed after the seal")
        return []
    earlier, later = _references(before, "/Fields", replaced), _references(after, "/Fields", replaced)
    if later[: len(earlier)] != earlier or len(set(later)) != len(later):
        refuse("form fields are moved or removed after the seal")
    changed = _changed(before, after) - _FORM_KEYS
    if all(_is_signature_field(new(each)) for each in later):
        changed -= _TEXT_KEYS
    if changed:
        refuse(f"the form's {min(changed)} is changed after the seal")
    filled = [each for each in earlier if _value(old(each)) is None and _value(new(each)) is not None]
    replaced.update(filled)
    return later[len(earlier) :] + filled


def _has_new_fonts(old: HistoricalResolver, new: HistoricalResolver, added: set[generic.Reference]) -> bool:
    """Whether the form's fonts are others than before, as PDFBox writes them; what is new in them goes to `added`."""
    form = new.root["/AcroForm"]
    for key in _TEXT_KEYS & set(form):
        _gather(old, new, form.raw_get(key), added)
    before = old.root["/AcroForm"] if "/AcroForm" in old.root else generic.DictionaryObject()
    return bool(_changed(before, form) & _TEXT_KEYS)


def _changed(before: generic.DictionaryObject, after: generic.DictionaryObject) -> set[str]:
    """The entries in which two dictionaries differ; what they refer to is not looked at."""
    keys = set(before) | set(after)
    return {key for key in keys if key not in before or key not in after or before.raw_get(key) != after.raw_get(key)}


def _is_signature_field(value: generic.PdfObject) -> bool:
    return isinstance(value, generic.DictionaryObject) and value.get("/FT") == "/Sig" and "/Kids" not in value


def _form(resolver: HistoricalResolver, seen: set[generic.Reference]) -> generic.DictionaryObject | None:
    if "/AcroForm" not in resolver.root:
        return None
    raw = resolver.root.raw_get("/AcroForm")
    if isinstance(raw, generic.IndirectObject):
        seen.add(raw.reference)
    form = resolver.root["/AcroForm"]
    if not isinstance(form, generic.DictionaryObject):
        refuse("the form is no dictionary")
    return form


def _references(holder: generic.DictionaryObject, key: str, seen: set[generic.Reference]) -> list[generic.Reference]:
    if key not in holder:
        return []
    raw = holder.raw_get(key)
    if isinstance(raw, generic.IndirectObject):
        seen.add(raw.reference)
    items = [holder[key].raw_get(position) for position in range(len(holder[key]))]
    if not all(isinstance(each, generic.IndirectObject) for each in items):
        refuse(f"{key} holds something else than references")
    return [each.reference for each in items]


def _value(value: generic.PdfObject) -> generic.PdfObject | None:
    return value["/V"] if isinstance(value, generic.DictionaryObject) and "/V" in value else None


def _checked_field(
    old: HistoricalResolver,
    new: HistoricalResolver,
    reference: generic.Reference,
    added: set[generic.Reference],
    replaced: set[generic.Reference],
) -> generic.DictionaryObject:
    """A signature field that was added or filled; all that is new in it goes to `added`."""
    value = new(reference)
    if not isinstance(value, generic.DictionaryObject) or not _is_signature_field(value):
        refuse("a form field that holds no signature is added after the seal")
    if {"/A", "/AA"} & set(value) or not isinstance(_value(value), generic.DictionaryObject):
        refuse("a form field with an action or without a signature is added after the seal")
    if is_new(old, reference):
        added.add(reference)
    else:
        changed = _changed(old(reference), value) - {"/V", "/AP", "/F", "/MK"}
        if changed:
            refuse(f"the field's {min(changed)} is changed after the seal")
        replaced.add(reference)
    for key in set(value) - _ELSEWHERE:
        _gather(old, new, value.raw_get(key), added)
    return value


def _gather(
    old: HistoricalResolver, new: HistoricalResolver, start: generic.PdfObject, added: set[generic.Reference]
) -> None:
    """All objects under `start` that are new."""
    waiting = [start]
    while waiting:
        item = waiting.pop()
        if isinstance(item, generic.IndirectObject):
            if item.reference in added or not is_new(old, item.reference):
                continue
            added.add(item.reference)
            if len(added) > _LARGEST_TREE:
                refuse("too many objects are added with a signature")
            item = new(item.reference)
        waiting.extend(_children(item))


def _children(item: generic.PdfObject) -> Iterator[generic.PdfObject]:
    if isinstance(item, generic.DictionaryObject):
        yield from (item.raw_get(key) for key in item if key not in _ELSEWHERE)
    elif isinstance(item, generic.ArrayObject):
        yield from (item.raw_get(position) for position in range(len(item)))


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
    changed = _changed(before, after) - {"/Annots"}
    if changed:
        refuse(f"a page's {min(changed)} is changed after the seal")
    seen = {reference}
    _check_annotations(_references(before, "/Annots", seen), _references(after, "/Annots", seen), fields)
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
        _gather(old, new, new.root.raw_get("/Extensions"), added)
