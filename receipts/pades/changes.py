"""What came after a signature: validation data (/DSS), document time-stamps and further signatures, not a byte more.

PDF readers show whatever the last update says, so this is where a sealed document would be forged. pyHanko's difference
analysis and these checks, which read each update's bytes one by one, must both agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel

from receipts.pades.metadata import renewed_metadata
from receipts.pades.report import Finding, SubIndication
from receipts.pades.signing_update import Signing, read_signing
from receipts.pades.store import Store, read_store
from receipts.pades.structure import Located, Opened
from receipts.pades.update import CHANGES, is_same, read_update, refuse

_TRAILER_SAME: Final = ("/Root", "/Encrypt")
_MOST_UPDATES: Final = 256


@dataclass(frozen=True)
class Update:
    """One update that adds to a file what may be added.

    Attributes:
        end: Where it ends.
        words: What it adds.
        signatures: Names of the signature fields that it fills, document time-stamps aside.
        is_covered: Whether something in it covers it: a signature or a document time-stamp.
    """

    end: int
    words: str
    signatures: tuple[str, ...]
    is_covered: bool


class Updates:
    """The updates of one file, each looked at once."""

    def __init__(self, file: Opened) -> None:
        self._file = file
        self._seen: dict[tuple[int, int], Update | Finding] = {}

    def after(self, located: Located) -> list[Update]:
        """Check what follows a signature.

        Returns:
            The updates, in order; none if it covers the whole file.

        Raises:
            Finding: Something follows that may not.
        """
        reader, pdf, updates = self._file.reader, self._file.pdf, list[Update]()
        position = located.end
        if position == len(pdf):
            return updates
        if reader.total_revisions - located.revision > _MOST_UPDATES:
            refuse(f"{reader.total_revisions - located.revision - 1} updates follow")
        for revision in range(located.revision + 1, reader.total_revisions):
            updates.append(self._update(revision, position))
            position = updates[-1].end
        if position != len(pdf):
            refuse(f"{len(pdf) - position} bytes follow the last update")
        if len(updates) > 1 and not (updates[-1].is_covered or updates[-2].is_covered):
            refuse("more than one update follows that nothing covers")
        _check_difference(located, updates)
        signatures = [name for update in updates for name in update.signatures]
        if signatures:
            # Whoever signs again has changed the form: whether the first signer meant that can't be told.
            evidence = f"another signature was added after it: {', '.join(signatures)}"
            raise Finding(CHANGES, SubIndication.SIG_CONSTRAINTS_FAILURE, evidence)
        return updates

    def _update(self, revision: int, start: int) -> Update:
        key = (revision, start)
        if key not in self._seen:
            try:
                self._seen[key] = _look(self._file, revision, start)
            except Finding as finding:
                self._seen[key] = finding
            except Exception as error:
                evidence = f"what follows the seal can't be read: {error or type(error).__name__}".splitlines()[0]
                self._seen[key] = Finding(CHANGES, SubIndication.FORMAT_FAILURE, evidence[:300])
        found = self._seen[key]
        if isinstance(found, Finding):
            raise found
        return found


def _look(file: Opened, revision: int, start: int) -> Update:
    reader = file.reader
    old, new = reader.get_historical_resolver(revision - 1), reader.get_historical_resolver(revision)
    if reader.xrefs.refs_freed_in_revision(revision):
        refuse("objects are removed after the seal")
    end = read_update(file.pdf, reader, revision, start)
    _check_trailer(old, new)
    references = reader.xrefs.explicit_refs_in_revision(revision)
    before, after = read_store(old), read_store(new)
    if not before.data <= after.data:
        refuse("validation data is removed after the seal")
    signing, renewed = read_signing(old, new, references), renewed_metadata(old, new, references)
    container = reader.xrefs.get_xref_container_info(revision)
    xref_stream = {container.stream_ref} if container.stream_ref else set()
    _check_catalog(old.root, new.root, signing)
    _check_objects(old, new, references - xref_stream - renewed, (before, after), signing)
    words = [*signing.words, *(["validation data"] if after != before else [])]
    if not words:
        refuse("the update doesn't add validation data")
    return Update(end=end, words=" and ".join(words), signatures=signing.signatures, is_covered=bool(signing.words))


def _check_trailer(old: HistoricalResolver, new: HistoricalResolver) -> None:
    before, after = old.trailer_view, new.trailer_view
    for key in _TRAILER_SAME:
        if before.get_value_as_reference(key, optional=True) != after.get_value_as_reference(key, optional=True):
            refuse(f"the trailer's {key} is changed after the seal")


def _check_catalog(before: generic.DictionaryObject, after: generic.DictionaryObject, signing: Signing) -> None:
    may_change = {"/DSS", "/Extensions", "/Version"} | ({"/AcroForm"} if signing.words else set())
    if "/Metadata" in before and "/Metadata" in after:
        may_change.add("/Metadata")  # it was looked at
    for key in (set(before) | set(after)) - may_change:
        if key not in before or key not in after or before.raw_get(key) != after.raw_get(key):
            refuse(f"the catalog's {key} is changed after the seal")
    if not _extensions(before) <= _extensions(after):
        refuse("the catalog's /Extensions are changed after the seal")
    if "/DSS" in before and "/DSS" not in after:
        refuse("validation data is removed after the seal")


def _extensions(root: generic.DictionaryObject) -> set[str]:
    """Which extensions the file says that it uses, and how (ISO 32000-1, 7.12): an update may add to that."""
    named = root["/Extensions"] if "/Extensions" in root else generic.DictionaryObject()
    said = {name: named[name] for name in named}
    keys = {f"{name}{key}" for name, one in said.items() if isinstance(one, generic.DictionaryObject) for key in one}
    return set(said) | keys


def _check_objects(
    old: HistoricalResolver,
    new: HistoricalResolver,
    references: Iterable[generic.Reference],
    stores: tuple[Store, Store],
    signing: Signing,
) -> None:
    """Check that each object of the update belongs to the validation data or to a signature."""
    before, after = stores
    strangers = []
    for reference in references:
        if reference == new.root_ref or reference in signing.replaced:
            continue
        if not old.is_ref_unassignable(reference):
            is_store = reference in before.frame and reference in after.frame
            if not is_store and not is_same(old(reference), new(reference)):  # PDFBox writes some once more
                refuse(f"object {reference.idnum} is replaced after the seal")
        elif reference not in after.frame | after.data | signing.added:
            strangers.append(reference.idnum)
    if strangers:
        refuse(f"objects that are no validation data are added after the seal: {sorted(strangers)}")


def _check_difference(located: Located, updates: list[Update]) -> None:
    embedded = located.embedded
    most = ModificationLevel.LTA_UPDATES
    if any(update.is_covered for update in updates):
        # An empty appearance of a document time-stamp, such as DSS makes, is more to pyHanko than an update for LTA.
        most = ModificationLevel.FORM_FILLING
    try:
        result = DEFAULT_DIFF_POLICY.review_file(
            located.file.reader, located.revision, field_mdp_spec=embedded.fieldmdp, doc_mdp=embedded.docmdp_level
        )
    except Exception as error:
        refuse(f"what follows the seal can't be read: {error or type(error).__name__}")
    if not isinstance(result, DiffResult):
        refuse(f"suspicious change after the seal: {result}")
    if result.modification_level > most:
        refuse("more than validation data is added after the seal")
