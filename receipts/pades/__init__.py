"""Seals (PAdES) and their validation: bytes in, bytes or a report out. No network of its own, no disk, no clock.

A chunk of files is sealed in three steps, so that revocation information is younger than every time-stamp and fetched
only once: `seal` each (B-T, any number in flight), `validation_data` for all, `augment` each (B-LT); `stamp` each where
B-LTA is wanted. `validate` judges.
"""

from receipts.pades import bounds, numbers, quick
from receipts.pades.augment import (
    NotFresh,
    NotSealed,
    ValidationData,
    augment,
    is_served,
    stamped_at,
    validation_data,
)
from receipts.pades.embed import AlreadySealed
from receipts.pades.report import Check, Indication, Report, SubIndication
from receipts.pades.seal import Sealer, seal
from receipts.pades.stamp import stamp
from receipts.pades.token import BadSignature, BadToken
from receipts.pades.validate import validate

quick.install()
bounds.install()
numbers.install()

__all__ = [
    "AlreadySealed",
    "BadSignature",
    "BadToken",
    "Check",
    "Indication",
    "NotFresh",
    "NotSealed",
    "Report",
    "Sealer",
    "SubIndication",
    "ValidationData",
    "augment",
    "is_served",
    "seal",
    "stamp",
    "stamped_at",
    "validate",
    "validation_data",
]
