"""Whether a PDF lets a seal be added to it: what its encryption, its permissions and the signatures in it say."""

from __future__ import annotations

from typing import Final

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature

from receipts.errors import Code, Refused

FIELD: Final = "Seal"
_FIELDS_MOST: Final = 1000


def field_for_seal(reader: PdfFileReader) -> str:
    """Name of the new field that a further seal may be put into without harm to what is in the file.

    Args:
        reader: The file, opened.

    Raises:
        Refused: LOCKED if a signature or permission in the file bars it; ENCRYPTED; NOT_SEALABLE if the file is built
            in a way in which no update can be sure to leave it what it is.
    """
    if reader.encrypted:
        raise Refused(Code.ENCRYPTED, "the PDF is encrypted")
    _check_permissions(reader)
    if "/AcroForm" in reader.root and "/XFA" in reader.root["/AcroForm"]:
        raise Refused(Code.NOT_SEALABLE, "it is an XFA form, which is shown in its own way whatever is sealed")
    return free_field(reader, FIELD)


def free_field(reader: PdfFileReader, wanted: str) -> str:
    """A name like the one that is wanted that no field has and no signature locks.

    Raises:
        Refused: LOCKED if there is none.
    """
    fields = reader.root["/AcroForm"]["/Fields"] if "/AcroForm" in reader.root else ()
    taken = {str(field.get_object()["/T"]) for field in fields if "/T" in field.get_object()}
    locks = _locks(reader)
    for name in (wanted, *(f"{wanted}-{number}" for number in range(2, _FIELDS_MOST))):
        if name not in taken and not any(lock.is_locked(name) for lock in locks):
            return name
    raise Refused(Code.LOCKED, "a signature in it locks every further field")


def earlier_signatures(reader: PdfFileReader) -> list[EmbeddedPdfSignature]:
    """The signatures and document time-stamps that the file carries, in the order in which they were made."""
    found = [
        EmbeddedPdfSignature(reader, field, name) for name, _, field in enumerate_sig_fields(reader, filled_status=True)
    ]
    return sorted(found, key=lambda each: each.signed_revision)


def _check_permissions(reader: PdfFileReader) -> None:
    """ISO 32000-1, 12.8.4: usage rights hold only while nothing but what they name is changed, and no seal is named."""
    if "/Perms" in reader.root:
        others = set(reader.root["/Perms"]) - {"/DocMDP"}
        if others:
            raise Refused(Code.LOCKED, f"its permissions ({', '.join(sorted(others))}) end with any change to it")


def _locks(reader: PdfFileReader) -> list[FieldMDPSpec]:
    """The field locks of the signatures (ISO 32000-1, 12.8.2.4), none of which bars every change.

    Raises:
        Refused: LOCKED if one bars every change (12.8.2.2: DocMDP with P 1; ISO 32000-2, table 236: a lock with P 1).
    """
    locks = []
    for each in earlier_signatures(reader):
        if each.docmdp_level is MDPPerm.NO_CHANGES:
            raise Refused(Code.LOCKED, f"the signature in field {each.field_name} allows no change to the file")
        if each.fieldmdp is not None:
            locks.append(each.fieldmdp)
        elif "/Lock" in each.sig_field:
            locks.append(FieldMDPSpec.from_pdf_object(each.sig_field["/Lock"]))
    return locks


def disturbed(reader: PdfFileReader) -> set[str]:
    """Fields of the signatures after which more was changed than they allow; a signature is no change (12.8.2.2)."""
    return {each.field_name for each in earlier_signatures(reader) if not _is_undisturbed(reader, each)}


def _is_undisturbed(reader: PdfFileReader, signature: EmbeddedPdfSignature) -> bool:
    try:
        later = DEFAULT_DIFF_POLICY.review_file(
            reader, signature.signed_revision, field_mdp_spec=signature.fieldmdp, doc_mdp=signature.docmdp_level
        )
    except Exception:  # pyHanko on what strangers signed
        return False
    return isinstance(later, DiffResult) and later.modification_level <= ModificationLevel.FORM_FILLING
