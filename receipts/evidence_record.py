"""Evidence records (RFC 4998): whether one proves that a file existed.

An evidence record is kept beside the file: a hash tree from the file's digest up to a time-stamp, renewed by further
time-stamps over the older ones before they lose their worth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asn1crypto import algos, cms, core

from receipts.der import NotDer, check_der

LARGEST_BYTES: Final = 4 * 1024**2


class BadRecord(Exception):
    """An evidence record breaks a rule; the message says which."""


class NotProved(BadRecord):
    """The hashes of a record do not lead from the file to its time-stamps."""


class _Hashes(core.SequenceOf):  # type: ignore[misc]
    _child_spec = core.OctetString


class _Tree(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _Hashes


class ArchiveTimeStamp(core.Sequence):  # type: ignore[misc]
    """RFC 4998, 4.1."""

    _fields = [  # noqa: RUF012
        ("digest_algorithm", algos.DigestAlgorithm, {"implicit": 0, "optional": True}),
        ("attributes", cms.CMSAttributes, {"implicit": 1, "optional": True}),
        ("reduced_hashtree", _Tree, {"implicit": 2, "optional": True}),
        ("time_stamp", cms.ContentInfo),
    ]


class ArchiveTimeStampChain(core.SequenceOf):  # type: ignore[misc]
    """RFC 4998, 5.1: oldest first."""

    _child_spec = ArchiveTimeStamp


class ArchiveTimeStampSequence(core.SequenceOf):  # type: ignore[misc]
    """RFC 4998, 5.1: oldest first."""

    _child_spec = ArchiveTimeStampChain


class _Algorithms(core.SequenceOf):  # type: ignore[misc]
    _child_spec = algos.DigestAlgorithm


class EvidenceRecord(core.Sequence):  # type: ignore[misc]
    """RFC 4998, 3.1."""

    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("digest_algorithms", _Algorithms),
        ("crypto_infos", core.Sequence, {"implicit": 0, "optional": True}),
        ("encryption_info", core.Sequence, {"implicit": 1, "optional": True}),
        ("archive_time_stamp_sequence", ArchiveTimeStampSequence),
    ]


@dataclass(frozen=True)
class Stamped:
    """One time-stamp of a record, whose message imprint is what it must be.

    Attributes:
        token: The time-stamp token.
        algorithm: Digest algorithm of its hash tree, such as `sha256`.
        imprint: What it is over.
    """

    token: cms.SignedData
    algorithm: str
    imprint: bytes


def check_record(der: bytes, content: bytes) -> list[Stamped]:
    """Check that the hashes of an evidence record lead from a file to each of its time-stamps (RFC 4998, 5.3).

    Args:
        der: The record, DER.
        content: The file that it should prove.

    Returns:
        Its time-stamps, oldest first; whether they and their algorithms can be trusted is not looked at.

    Raises:
        NotProved: They don't.
        BadRecord: The record is malformed.
    """
    if len(der) > LARGEST_BYTES:
        raise BadRecord(f"it has {len(der)} bytes, more than {LARGEST_BYTES}")
    try:
        check_der(der)
        record = EvidenceRecord.load(der, strict=True)
        return _check(record, content)
    except BadRecord:
        raise
    except NotDer as error:
        raise BadRecord(str(error)) from error
    except Exception as error:  # asn1crypto on a stranger's bytes
        text = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise BadRecord(f"it is malformed: {text}") from error


def _check(record: EvidenceRecord, content: bytes) -> list[Stamped]:
    if record["version"].native != 1 or record["encryption_info"].native is not None:
        raise BadRecord("it is not of version 1, or encrypted")
    declared = {each["algorithm"].native for each in record["digest_algorithms"]}
    sequence, found = record["archive_time_stamp_sequence"], list[Stamped]()
    if not len(sequence) or not all(len(chain) for chain in sequence):
        raise BadRecord("it has no time-stamp")
    for number, chain in enumerate(sequence):
        algorithm = _algorithm(chain[0])
        if algorithm not in declared:
            raise BadRecord(f"{algorithm} is not declared")
        leaf = hashlib.new(algorithm, content).digest()
        if number:  # hash-tree renewal (5.2): the file and all chains before
            before = ArchiveTimeStampSequence(list(sequence)[:number]).dump()
            leaf = hashlib.new(algorithm, leaf + hashlib.new(algorithm, before).digest()).digest()
        for stamp in chain:
            if _algorithm(stamp) != algorithm:
                raise BadRecord("the time-stamps of a chain use several digest algorithms")
            found.append(_stamped(stamp, algorithm, leaf))
            # Time-stamp renewal (5.2): the token, whole and as it is.
            leaf = hashlib.new(algorithm, stamp["time_stamp"].dump()).digest()
    return found


def _algorithm(stamp: ArchiveTimeStamp) -> str:
    imprint = _info(stamp)["message_imprint"]["hash_algorithm"]["algorithm"].native
    stated = stamp["digest_algorithm"]
    if stated.native is not None and stated["algorithm"].native != imprint:
        raise BadRecord("a time-stamp uses another digest algorithm than its hash tree")
    return str(imprint)


def _stamped(stamp: ArchiveTimeStamp, algorithm: str, leaf: bytes) -> Stamped:
    tree = stamp["reduced_hashtree"]
    lists = [[each.native for each in hashes] for hashes in tree] if tree.native is not None else [[leaf]]
    if not lists or leaf not in lists[0]:
        raise NotProved("it does not prove this file")
    value = lists[0][0] if len(lists[0]) == 1 else _joined(lists[0], algorithm)
    for siblings in lists[1:]:
        value = _joined([*siblings, value], algorithm)
    if value != _info(stamp)["message_imprint"]["hashed_message"].native:
        raise NotProved("its hashes do not lead to its time-stamp")
    return Stamped(stamp["time_stamp"]["content"], algorithm, value)


def _joined(hashes: Sequence[bytes], algorithm: str) -> bytes:
    """A node of the tree: its children sorted and joined (4.2)."""
    return hashlib.new(algorithm, b"".join(sorted(hashes))).digest()


def _info(stamp: ArchiveTimeStamp) -> core.Sequence:
    if stamp["time_stamp"]["content_type"].native != "signed_data":
        raise BadRecord("a time-stamp is no token")
    content = stamp["time_stamp"]["content"]["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise BadRecord("a time-stamp is no token")
    return content["content"].parsed
