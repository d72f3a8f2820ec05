"""Makes evidence records (RFC 4998) by the rules of EVIDENCE-RECORDS.md, with the time-stamping unit of a PKI."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from asn1crypto import algos, cms, core, crl, tsp

from connectors.devpki import DevPki
from connectors.devpki.revocation import CrlIssuer
from connectors.devpki.tsu import TimeStampingUnit
from receipts.evidence_record import ArchiveTimeStampSequence, EvidenceRecord

Tree = Sequence[Sequence[bytes]]


def token(pki: DevPki, imprint: bytes, at: datetime, *, algorithm: str = "sha256") -> cms.ContentInfo:
    """A token that carries the revocation lists for its own chain, as of the same time."""
    query = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": imprint},
            "cert_req": True,
        }
    )
    unit = TimeStampingUnit(pki.identity("tsu"), pki.certificate("ca"))
    answer = tsp.TimeStampResp.load(unit.answer(query.dump(), at))["time_stamp_token"]
    signed = answer["content"]
    lists = [crl.CertificateList.load(CrlIssuer(pki, name).answer(at)) for name in ("ca", "root")]
    members = sorted((cms.RevocationInfoChoice(name="crl", value=each) for each in lists), key=_der)
    content = {
        "version": signed["version"],
        "digest_algorithms": signed["digest_algorithms"],
        "encap_content_info": signed["encap_content_info"],
        "certificates": signed["certificates"],
        "crls": members,
        "signer_infos": signed["signer_infos"],
    }
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(content)})


def stamp(leaf: bytes, pki: DevPki, at: datetime, others: Tree = (), *, algorithm: str = "sha256") -> dict[str, object]:
    """An ArchiveTimeStamp over a leaf and its siblings in the hash tree."""
    value = leaf
    for siblings in others:
        value = hashlib.new(algorithm, b"".join(sorted([*siblings, value]))).digest()
    made: dict[str, object] = {
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}),
        "time_stamp": token(pki, value, at, algorithm=algorithm),
    }
    if others:
        made["reduced_hashtree"] = [[leaf], *([*sorted(siblings)] for siblings in others)]
    return made


def record(*chains: Sequence[dict[str, object]], algorithms: Sequence[str] = ("sha256",)) -> bytes:
    """An EvidenceRecord."""
    return bytes(
        EvidenceRecord(
            {
                "version": 1,
                "digest_algorithms": [algos.DigestAlgorithm({"algorithm": name}) for name in algorithms],
                "archive_time_stamp_sequence": [list(chain) for chain in chains],
            }
        ).dump()
    )


def renewed_leaf(older: dict[str, object], *, algorithm: str = "sha256") -> bytes:
    """What a time-stamp renewal is over: the token before."""
    return hashlib.new(algorithm, older["time_stamp"].dump()).digest()  # type: ignore[attr-defined]


def new_chain_leaf(content: bytes, chains: Sequence[Sequence[dict[str, object]]], *, algorithm: str) -> bytes:
    """What a hash-tree renewal is over: the file and all chains before."""
    before = ArchiveTimeStampSequence([list(chain) for chain in chains]).dump()
    hashed = [hashlib.new(algorithm, each).digest() for each in (content, before)]
    return hashlib.new(algorithm, b"".join(hashed)).digest()


def _der(value: core.Asn1Value) -> bytes:
    return bytes(value.dump())
