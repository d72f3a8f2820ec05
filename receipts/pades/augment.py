"""From B-T to B-LT: revocation information, fetched once for many sealed files, goes into each one's /DSS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import Final

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign.general import extract_certificate_info
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.fetchers import FetcherBackend

from receipts.appended import PlainUpdate

_BYTE_RANGE: Final = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


class NotFresh(Exception):
    """The revocation information is older than the newest time-stamp: try again a little later (requirement 47).

    Args:
        issued_at: When the oldest of it was issued, UTC.
        stamped_at: When the time-stamp was made, UTC.
    """

    def __init__(self, issued_at: datetime, stamped_at: datetime) -> None:
        super().__init__(f"revocation information of {issued_at} is older than the time-stamp of {stamped_at}")
        self.issued_at, self.stamped_at = issued_at, stamped_at


class NotSealed(Exception):
    """These are not bytes as `seal` gives them."""


@dataclass(frozen=True, kw_only=True)
class ValidationData:
    """What proves the certificates of some seals and time-stamps good after the fact. All DER.

    Attributes:
        certificates: All certificates of the chains, those of OCSP responders included.
        ocsps: OCSP responses.
        crls: Certificate revocation lists.
        issued_at: When the oldest of them was issued, UTC-aware: time-stamps up to then are served.
        served: The end-entity certificates (signers, time-stamping units) whose chains are covered.
    """

    certificates: tuple[bytes, ...] = field(repr=False)
    ocsps: tuple[bytes, ...] = field(repr=False)
    crls: tuple[bytes, ...] = field(repr=False)
    issued_at: datetime
    served: frozenset[bytes] = field(repr=False)


@dataclass(frozen=True)
class _Seal:
    """What a container holds that matters here."""

    ends: tuple[x509.Certificate, ...]  # of signer and time-stamping unit
    others: tuple[x509.Certificate, ...]
    stamped_at: datetime


async def validation_data(
    sealed: Sequence[bytes], anchors: Sequence[x509.Certificate], fetchers: FetcherBackend, *, at: datetime
) -> ValidationData:
    """Fetch revocation information for the chains of all signers and time-stamping units of some files, once.

    Args:
        sealed: Files as `seal` or `stamp` gave them.
        anchors: Trust anchors that the chains must reach.
        fetchers: Where OCSP responses and CRLs come from; asked anew at each call.
        at: The present, UTC-aware.

    Raises:
        ValueError: No files, or no anchors.
        NotSealed: One of the files is none that `seal` gave.
        NotFresh: What was fetched is older than the newest time-stamp; may be repeated later.
        Exception: A chain can't be built or checked, something is revoked, or a service can't be reached. May be
            repeated.
    """
    if not sealed or not anchors:
        raise ValueError("validation data needs sealed files and trust anchors")
    seals = [_read(pdf) for pdf in sealed]
    ends = {end.dump(): end for each in seals for end in each.ends}
    others = {other.dump(): other for each in seals for other in each.others}
    context = _fetching(anchors, list(others.values()), fetchers, at)
    certificates: dict[bytes, None] = {}
    for end in ends.values():
        path = await CertificateValidator(end, validation_context=context).async_validate_path()
        certificates |= {each.dump(): None for each in path}
    responders = (c for each in context.ocsps for c in each.basic_ocsp_response["certs"] or ())
    issued_at = min(_issue_times(context.ocsps, context.crls))
    newest = max(each.stamped_at for each in seals)
    if issued_at < newest:  # TS 119 172-4: revocation freshness 0 after best-signature-time
        raise NotFresh(issued_at, newest)
    return ValidationData(
        certificates=tuple(certificates | {each.dump(): None for each in responders}),
        ocsps=tuple(dict.fromkeys(each.dump() for each in context.ocsps)),
        crls=tuple(dict.fromkeys(each.dump() for each in context.crls)),
        issued_at=issued_at,
        served=frozenset(ends),
    )


def _fetching(
    anchors: Sequence[x509.Certificate], others: Sequence[x509.Certificate], fetchers: FetcherBackend, at: datetime
) -> ValidationContext:
    return ValidationContext(
        trust_roots=list(anchors),
        other_certs=list(others),
        fetchers=fetchers.get_fetchers(),
        allow_fetching=True,
        revocation_mode="require",
        retroactive_revinfo=True,  # fetched after `at` was read; its age is judged by who asked
        moment=at,
        time_tolerance=timedelta(0),
    )


def stamped_at(sealed: bytes) -> datetime:
    """When the newest seal or document time-stamp of a file was time-stamped, UTC.

    Raises:
        NotSealed: The file is none that `seal` or `stamp` gave.
    """
    return _read(sealed).stamped_at


def is_served(sealed: bytes, data: ValidationData) -> bool:
    """Whether the data covers the chains of the newest seal or document time-stamp of a file."""
    return {end.dump() for end in _read(sealed).ends} <= data.served


def augment(sealed: bytes, data: ValidationData) -> bytes:
    """Add validation data to a sealed file: PAdES B-LT, one incremental update that adds /DSS and nothing else.

    Args:
        sealed: A file as `seal` or `stamp` gave it.
        data: From `validation_data`, for this file among others.

    Returns:
        The file; it starts with the bytes of `sealed`, unaltered. The same arguments give the same seal and data; only
        the file identifier's second half differs.

    Raises:
        NotSealed: The file is none that `seal` gave.
        NotFresh: The data is older than the file's time-stamp.
        ValueError: The data is not for this file.
    """
    seal = _read(sealed)
    if seal.stamped_at > data.issued_at:
        raise NotFresh(data.issued_at, seal.stamped_at)
    if not {end.dump() for end in seal.ends} <= data.served:
        raise ValueError("this validation data is not for this file")
    return added(sealed, data)


def added(sealed: bytes, data: ValidationData) -> bytes:
    """`augment`, whatever the data is and whatever it is about."""
    output = BytesIO(sealed)
    writer = PlainUpdate(output)
    store = generic.DictionaryObject()
    if "/DSS" in writer.root:  # of signatures that others made before
        store.update({key: writer.root["/DSS"].raw_get(key) for key in writer.root["/DSS"]})
    for key, items in (("/Certs", data.certificates), ("/OCSPs", data.ocsps), ("/CRLs", data.crls)):
        kept = list(store[key]) if key in store else []
        known = {stream.get_object().data for stream in kept}
        streams = [writer.add_object(generic.StreamObject(stream_data=item)) for item in items if item not in known]
        if kept or streams:
            store[pdf_name(key)] = generic.ArrayObject([*kept, *streams])
    writer.root[pdf_name("/DSS")] = writer.add_object(store)
    writer.update_root()  # type: ignore[no-untyped-call]
    writer.write_in_place()  # type: ignore[no-untyped-call]
    return output.getvalue()


def _read(sealed: bytes) -> _Seal:
    """What the container of the newest seal or document time-stamp holds; much faster than a full parse."""
    try:
        signed = cms.ContentInfo.load(_container(sealed))["content"]
        parts = [signed] if _is_token(signed) else [signed, _time_stamp(signed)]
        found = [extract_certificate_info(each) for each in parts]
        info = parts[-1]["encap_content_info"]["content"].parsed
        return _Seal(
            ends=tuple(each.signer_cert for each in found),
            others=tuple(other for each in found for other in each.other_certs),
            stamped_at=info["gen_time"].native,
        )
    except NotSealed:
        raise
    except Exception as error:
        raise NotSealed(f"no B-T seal: {error}") from error


def _is_token(signed: cms.SignedData) -> bool:
    return bool(signed["encap_content_info"]["content_type"].native == "tst_info")


def _time_stamp(signed: cms.SignedData) -> cms.SignedData:
    [signer] = signed["signer_infos"]
    [stamp] = [a for a in signer["unsigned_attrs"] if a["type"].native == "signature_time_stamp_token"]
    [token] = stamp["values"]
    return token["content"]


def _container(sealed: bytes) -> bytes:
    for found in reversed(list(_BYTE_RANGE.finditer(sealed))):
        start, end, length = map(int, found.groups())
        if end + length == len(sealed) and sealed[start : start + 1] == b"<" and sealed[end - 1 : end] == b">":
            return bytes.fromhex(sealed[start + 1 : end - 1].decode("ascii"))
    raise NotSealed("no seal covers the file to its end")


def _issue_times(ocsps: Iterable[ocsp.OCSPResponse], crls: Iterable[crl.CertificateList]) -> Iterable[datetime]:
    for each in ocsps:
        said = each.basic_ocsp_response["tbs_response_data"]
        yield said["produced_at"].native
        for single in said["responses"]:
            if single["cert_status"].name != "good":
                raise ValueError("an OCSP response says that a certificate of the chains is not good")
            yield single["this_update"].native
    for each in crls:
        yield each["tbs_cert_list"]["this_update"].native
