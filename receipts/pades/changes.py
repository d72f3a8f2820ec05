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
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel, StandardDiffPolicy
from pyhanko.sign.diff_analysis.policies import _find_orphans

from receipts.pades.metadata import renewed_metadata
from receipts.pades.numbers import is_in_use, is_new
from receipts.pades.objects import is_same
from receipts.pades.report import Finding, SubIndication
from receipts.pades.signing_update import Signing, read_signing
from receipts.pades.store import Store, read_store
from receipts.pades.structure import Located, Opened
from receipts.pades.update import CHANGES, read_update, refuse

_TRAILER_SAME: Final = ("/Root", "/Encrypt")
_MOST_UPDATES: Final = 256
_POLICY: Final = StandardDiffPolicy(
    DEFAULT_DIFF_POLICY.global_rules, DEFAULT_DIFF_POLICY.form_rule, reject_object_freeing=False
)
"""As pyHanko's own, but for numbers that are freed: which may be, is looked at here."""


@dataclass(frozen=True)
class Update:
    """One update that adds to a file what may be added.

    Attributes:
        end: Where it ends.
        words: What it adds.
        signing: What it does for signatures.
    """

    end: int
    words: str
    signing: Signing


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
        if len(updates) > 1 and not (updates[-1].signing.words or updates[-2].signing.words):
            refuse("more than one update follows that nothing covers")
        _check_difference(located, updates)
        signatures = [name for update in updates for name in update.signing.signatures]
        if signatures:
            # Whoever signs again has changed the form: whether the first signer meant that can't be told.
            evidence = (
                f"another signature was added after it: {', '.join(signatures)}; "
                "but for that, the pages show what they did"
            )
            raise Finding(CHANGES, SubIndication.SIG_CONSTRAINTS_FAILURE, evidence)
        if any(update.signing.has_new_fonts for update in updates):
            raise Finding(CHANGES, SubIndication.SIG_CONSTRAINTS_FAILURE, "fonts were added to the form after it")
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
    freed = reader.xrefs.refs_freed_in_revision(revision)
    if any(is_in_use(old, each) for each in freed):  # iText frees numbers that it set aside and never used
        refuse("objects are removed after the seal")
    end = read_update(file.pdf, reader, revision, start)
    _check_trailer(old, new)
    references = reader.xrefs.explicit_refs_in_revision(revision) - freed
    before, after = read_store(old), read_store(new)
    if not before.data <= after.data and not _contents(old, before) <= _contents(new, after):
        refuse("validation data is removed after the seal")
    signing, renewed = read_signing(old, new, references), renewed_metadata(old, new, references)
    _check_catalog(old.root, new.root, signing)
    _check_objects(old, new, references - _streams_of_tables(old, revision) - renewed, (before, after), signing)
    words = [*signing.words, *(["validation data"] if after != before else [])]
    if not words:
        refuse("the update doesn't add validation data")
    return Update(end=end, words=" and ".join(words), signing=signing)


def _contents(resolver: HistoricalResolver, store: Store) -> set[bytes]:
    """What the validation data is; iText writes all of it anew when it adds to it."""
    return {resolver(each).data for each in store.data}


def _streams_of_tables(old: HistoricalResolver, revision: int) -> set[generic.Reference]:
    """The streams of an update that say where its objects are, or hold them (ISO 32000-1, 7.5.7 and 7.5.8)."""
    tables = old.reader.xrefs
    stream = tables.get_xref_container_info(revision).stream_ref
    found: set[generic.Reference] = tables.object_streams_used_in(revision) | ({stream} if stream else set())
    for each in found:
        if not is_new(old, each):
            refuse(f"object {each.idnum} is replaced after the seal")
    return found


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
        if not is_new(old, reference):
            is_store = reference in before.frame and reference in after.frame
            if not is_store and not is_same(old(reference), new(reference)):  # PDFBox writes some once more
                refuse(f"object {reference.idnum} is replaced after the seal")
        elif reference not in after.frame | after.data | signing.added:
            strangers.append(reference)
    if strangers:
        unused = _find_orphans(new)
        shown = [each.idnum for each in strangers if each not in unused or not _is_left_over(new(each))]
        if shown:
            refuse(f"objects that are no validation data are added after the seal: {sorted(shown)}")


def _is_left_over(value: generic.PdfObject) -> bool:
    """Whether it is such as programs write and use nowhere: dictionaries (iText), cross-reference streams (PDFBox)."""
    if isinstance(value, generic.StreamObject):
        return value.get("/Type") == "/XRef"
    return isinstance(value, generic.DictionaryObject)


def _check_difference(located: Located, updates: list[Update]) -> None:
    embedded = located.embedded
    lock = embedded.fieldmdp  # pyHanko takes locked fields for changed that no update writes
    filled = [name for each in updates for name in (*each.signing.signatures, *each.signing.time_stamps)]
    locked = [name for name in filled if lock and lock.is_locked(name)]
    if locked:
        refuse(f"locked fields are filled after the seal: {', '.join(locked)}")
    most = ModificationLevel.LTA_UPDATES
    if any(update.signing.words for update in updates):
        # An empty appearance of a document time-stamp, such as DSS makes, is more to pyHanko than an update for LTA.
        most = ModificationLevel.FORM_FILLING
    try:
        result = _POLICY.review_file(located.file.reader, located.revision, doc_mdp=embedded.docmdp_level)
    except Exception as error:
        refuse(f"what follows the seal can't be read: {error or type(error).__name__}")
    if not isinstance(result, DiffResult):
        refuse(f"suspicious change after the seal: {result}")
    if result.modification_level > most:
        refuse("more than validation data is added after the seal")
