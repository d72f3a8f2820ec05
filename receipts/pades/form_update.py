"""What an update does to the form: fields that get a signature, and the fonts that some programs add."""

from __future__ import annotations

from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from receipts.pades.objects import changed, gather, references
from receipts.pades.update import refuse

_FORM_KEYS: Final = frozenset({"/Fields", "/SigFlags"})
_TEXT_KEYS: Final = frozenset({"/DA", "/DR"})  # how text fields look that have no appearance of their own


def new_fields(
    old: HistoricalResolver, new: HistoricalResolver, replaced: set[generic.Reference]
) -> list[generic.Reference]:
    """The fields that got a signature; form and field list go to `replaced` once they are found in order."""
    before, after = _form(old, replaced), _form(new, replaced)
    if after is None or before is None:
        if before is not after:
            refuse("a form is added or removed after the seal")
        return []
    earlier, later = references(before, "/Fields", replaced), references(after, "/Fields", replaced)
    if later[: len(earlier)] != earlier or len(set(later)) != len(later):
        refuse("form fields are moved or removed after the seal")
    differing = changed(before, after) - _FORM_KEYS
    if all(is_signature_field(new(each)) for each in later):
        differing -= _TEXT_KEYS
    if differing:
        refuse(f"the form's {min(differing)} is changed after the seal")
    filled = [each for each in earlier if value_of(old(each)) is None and value_of(new(each)) is not None]
    replaced.update(filled)
    return later[len(earlier) :] + filled


def has_new_fonts(old: HistoricalResolver, new: HistoricalResolver, added: set[generic.Reference]) -> bool:
    """Whether the form's fonts are others than before, as PDFBox writes them; what is new in them goes to `added`."""
    form = new.root["/AcroForm"]
    for key in _TEXT_KEYS & set(form):
        gather(old, new, form.raw_get(key), added)
    before = old.root["/AcroForm"] if "/AcroForm" in old.root else generic.DictionaryObject()
    return bool(changed(before, form) & _TEXT_KEYS)


def is_signature_field(value: generic.PdfObject) -> bool:
    """Whether it is a form field for a signature, in one piece."""
    return isinstance(value, generic.DictionaryObject) and value.get("/FT") == "/Sig" and "/Kids" not in value


def value_of(value: generic.PdfObject) -> generic.PdfObject | None:
    """What a form field holds."""
    return value["/V"] if isinstance(value, generic.DictionaryObject) and "/V" in value else None


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
