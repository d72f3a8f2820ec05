"""Whom the European trusted lists (ETSI TS 119 612) say to trust, for what and when. Bytes in, values out.

`assemble` authenticates the list of the lists and the national lists and makes an immutable `Snapshot` of them;
`TrustedServices` answers from a snapshot: the anchors, and what a certificate was worth at a time (TS 119 615).
"""

from receipts.trust.difference import Change, differences
from receipts.trust.lists import BadList, Fault, TrustedList, authenticate, official_signers, pivots_named, read
from receipts.trust.qualification import Qualification, SealQualification, Standing, qualify
from receipts.trust.services import TrustedServices
from receipts.trust.snapshot import Altered, Problem, Snapshot, Sources, assemble, reopen
from receipts.trust.stamps import StampQualification, judge_stamp

__all__ = [
    "Altered",
    "BadList",
    "Change",
    "Fault",
    "Problem",
    "Qualification",
    "SealQualification",
    "Snapshot",
    "Sources",
    "StampQualification",
    "Standing",
    "TrustedList",
    "TrustedServices",
    "assemble",
    "authenticate",
    "differences",
    "judge_stamp",
    "official_signers",
    "pivots_named",
    "qualify",
    "read",
    "reopen",
]
