"""Signature fields and their signatures as PDF/A-3 allows them, judged and taken out of a copy.

What a field shows stays in the copy as a stamp, which has to hold by the same rules (ISO 19005-3 6.3).
"""

from __future__ import annotations

from typing import Any, Final

from asn1crypto import cms
from cryptography import x509
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from receipts.pdfa.syntax import STRING_MOST

# ISO 32000-1 tables 218, 220, 164, 188, 189, 232 to 234: keys that hold no script, action, file or picture.
_FORM: Final = frozenset({"/Fields", "/SigFlags", "/DA", "/DR", "/NeedAppearances"})
_FIELD: Final = frozenset({
    "/Type", "/Subtype", "/FT", "/T", "/TU", "/Ff", "/V", "/Lock", "/DA", "/Rect", "/P", "/NM", "/M", "/F", "/AP",
    "/MK", "/Border", "/BS", "/H", "/Contents",
})  # fmt: skip
_PRINTED: Final = (4, 132)  # Print, and perhaps Locked
_SHOWN: Final = ("/Type", "/Rect", "/P", "/F", "/AP")
_TURNED: Final = frozenset({"/R"})
_EXTENSION: Final = frozenset({"/Type", "/BaseVersion", "/ExtensionLevel", "/ExtensionRevision", "/URL"})
_PERMISSIONS: Final = frozenset({"/DocMDP"})
_STORE: Final = frozenset({"/Type", "/Certs", "/OCSPs", "/CRLs", "/VRI"})
_STORED: Final = frozenset({"/Type", "/Cert", "/OCSP", "/CRL", "/TU", "/TS"})
_CONTAINERS: Final = (Name("/adbe.pkcs7.detached"), Name("/ETSI.CAdES.detached"), Name("/ETSI.RFC3161"))


def signatures_in(pdf: Pdf) -> int:
    """How many signature fields are filled, in the one flat list that is judged here."""
    form: Any = pdf.Root.get("/AcroForm")
    fields: Any = form.get("/Fields") if isinstance(form, Dictionary) else None
    return sum(isinstance(one, Dictionary) and "/V" in one for one in fields) if isinstance(fields, Array) else 0


def take_out(copy: Pdf) -> None:
    """Take the signature fields, permissions and validation data out of `copy` if all of it is as PDF/A-3 wants it."""
    root: Any = copy.Root
    form: Any = root.get("/AcroForm")
    if not isinstance(form, Dictionary) or not _form_conforms(form) or not _data_conforms(root):
        return
    fields: list[Any] = list(form.Fields)
    if not all(_conforms(one) for one in fields):
        return
    if root.get("/Version") == Name("/2.0"):
        del root.Version  # 6.1.2 is about the header; PAdES signers write it for what 32000-2 adds
    for key in ("/AcroForm", "/Perms", "/DSS", *(["/Extensions"] if _names_extensions(root) else [])):
        if key in root:
            del root[key]
    stamps = {field.objgen for field in fields if field.is_indirect}
    for field in fields:
        for key in set(field.keys()) - set(_SHOWN):
            del field[key]
        field.Subtype = Name.Stamp
    for page in copy.pages:
        listed: Any = page.obj.get("/Annots")
        if isinstance(listed, Array):
            annotations: list[Any] = list(listed)
            page.obj.Annots = Array([one for one in annotations if not (one.objgen in stamps and _is_unseen(one))])


def _names_extensions(root: Dictionary) -> bool:
    """Whether the file says no more than which extensions it uses (ISO 32000-1 7.12), such as those of PAdES."""
    named: Any = root.get("/Extensions", Dictionary())
    if not isinstance(named, Dictionary):
        return False
    said: list[Any] = [value for key, value in named.items() if key != "/Type"]
    every = [one for value in said for one in (value if isinstance(value, Array) else [value])]
    return all(isinstance(one, Dictionary) and set(one.keys()) <= _EXTENSION for one in every)


def _form_conforms(form: Dictionary) -> bool:
    """6.4.1 and 6.4.2: no XFA, nothing left to be drawn by the viewer. Its resources draw nothing here."""
    is_flat = isinstance(form.get("/Fields"), Array) and set(form.keys()) <= _FORM
    return is_flat and not form.get("/NeedAppearances", False)


def _conforms(field: object) -> bool:
    """Whether a field is a signature field and a widget in one, with nothing in it that could act (6.4.1)."""
    if not isinstance(field, Dictionary) or set(field.keys()) - _FIELD or field.get("/FT") != Name.Sig:
        return False
    looks: Any = field.get("/MK", Dictionary())
    if field.get("/Subtype") != Name.Widget or not isinstance(looks, Dictionary) or set(looks.keys()) - _TURNED:
        return False
    appearance: Any = field.get("/AP", Dictionary())
    if not isinstance(appearance, Dictionary) or set(appearance.keys()) - {"/N"}:
        return False
    return "/V" not in field or _signature_conforms(field.V)


def _signature_conforms(value: object) -> bool:
    """6.4.3: a PKCS #7 object with one signer and at least the certificate of that one."""
    if not isinstance(value, Dictionary) or value.get("/SubFilter") not in _CONTAINERS:
        return False
    content: Any = value.get("/Contents")
    ranges: Any = value.get("/ByteRange")
    if not isinstance(content, String) or not isinstance(ranges, Array) or len(ranges) != 4:
        return False
    return len(bytes(content)) <= STRING_MOST and _container_conforms(bytes(content))


def _container_conforms(der: bytes) -> bool:
    """Whether strict readers can read all of it, of which the signature proves but a part."""
    container = cms.ContentInfo.load(der)
    if container["content_type"].native != "signed_data":
        return False
    signed, certificates = container["content"], container["content"]["certificates"] or ()
    signers = signed["signer_infos"]
    if len(signers) != 1 or signers[0]["sid"].name != "issuer_and_serial_number" or not len(certificates):
        return False
    for one in certificates:
        if one.name != "certificate" or one.chosen["tbs_certificate"]["signature"].dump() != (
            one.chosen["signature_algorithm"].dump()
        ):
            return False
        x509.load_der_x509_certificate(one.dump())
    signer = signers[0]["sid"].chosen
    own = (signer["issuer"].dump(), signer["serial_number"].native)  # 6.4.3: at least the signer's certificate
    if own not in [(one.chosen.issuer.dump(), one.chosen.serial_number) for one in certificates]:
        return False
    return bool(signed.native)  # reads every field


def _data_conforms(root: Dictionary) -> bool:
    """Permissions of the author's signature alone (6.1.12), and validation data that are plain streams."""
    permissions: Any = root.get("/Perms", Dictionary())
    store: Any = root.get("/DSS", Dictionary())
    if not isinstance(permissions, Dictionary) or set(permissions.keys()) - _PERMISSIONS:
        return False
    return isinstance(store, Dictionary) and not set(store.keys()) - _STORE and _is_plain(store)


def _is_plain(store: Dictionary) -> bool:
    lists: list[Any] = [store.get(key, Array()) for key in ("/Certs", "/OCSPs", "/CRLs")]
    for one in dict(store.get("/VRI", Dictionary())).values():
        if not isinstance(one, Dictionary) or set(one.keys()) - _STORED:
            return False
        lists += [one.get(key, Array()) for key in ("/Cert", "/OCSP", "/CRL")]
        lists.append(Array([one.TS]) if "/TS" in one else Array())
    return all(isinstance(one, Array) and all(_is_data(each) for each in one) for one in lists)


def _is_data(thing: object) -> bool:
    """6.1.7: a stream in the file itself, in a form that PDF/A allows."""
    if not isinstance(thing, Stream) or set(thing.stream_dict.keys()) - {"/Type", "/Length", "/Filter"}:
        return False
    return thing.get("/Filter", Name.FlateDecode) == Name.FlateDecode


def _is_unseen(stamp: Dictionary) -> bool:
    """Whether it has no size, and so needs no appearance (6.3.3); the flags must be right all the same (6.3.2)."""
    rectangle: Any = stamp.Rect
    left, bottom, right, top = (float(each) for each in rectangle)
    return left == right and bottom == top and "/AP" not in stamp and stamp.get("/F") in _PRINTED
