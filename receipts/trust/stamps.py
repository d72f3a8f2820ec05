"""What a time-stamp is worth by the trusted lists (TS 119 615, 4.9; eIDAS art. 42)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from asn1crypto import tsp
from pyhanko.sign.ades.qualified_asn1 import QcStatements
from pyhanko.sign.validation.qualified.tsp import QTSTServiceInformation, QualifiedServiceInformation
from pyhanko_certvalidator.path import ValidationPath

from receipts.trust.services import TrustedServices

_QTST_STATEMENT: Final = "0.4.0.19422.1.1"  # esi4-qtstStatement-1 (EN 319 422, 9.1)
_QC_STATEMENTS: Final = "1.3.6.1.5.5.7.1.3"


class StampQualification(StrEnum):
    """What a time-stamp that holds is (TS 119 615, 4.9)."""

    QTSA = "QTSA"
    TSA = "TSA"
    NOT_ESTABLISHED = "not established"


def judge_stamp(
    services: TrustedServices, stamps: Sequence[tuple[ValidationPath, tsp.TSTInfo]], *, passed: bool, at: datetime
) -> tuple[StampQualification, str]:
    """What the earliest of some time-stamps is, and what that rests on, in one line.

    A qualified one is a token of a granted service that says itself that it is one (EN 319 421 and 319 422).

    Args:
        services: The trusted lists.
        stamps: Path and content of each, as validation found them.
        passed: Whether what they stamp, or they themselves, hold; else they are nothing yet.
        at: For which time the verdict is: the lists must be in force then.
    """
    path, info = min(stamps, key=lambda each: each[1]["gen_time"].native)
    with services.alone:
        found, evidence = _judge(services, path, info, at)
    return (found if passed else StampQualification.NOT_ESTABLISHED), evidence


def _judge(
    services: TrustedServices, path: ValidationPath, info: tsp.TSTInfo, at: datetime
) -> tuple[StampQualification, str]:
    moment = info["gen_time"].native
    listed = services.of(list(path.iter_certs(include_root=True)), at)
    granted = [
        (service, entry)
        for service in listed
        for entry in service.registry.applicable_tsps_on_path(path, moment)
        if isinstance(entry, QTSTServiceInformation) and is_current(entry, moment)
    ]
    if not granted:
        return StampQualification.TSA, "no service granted for qualified time-stamps made it"
    service, entry = granted[0]
    where = f"{entry.base_info.service_name} of {service.provider} ({service.territory})"
    if not _states_qtst(info):
        return StampQualification.TSA, f"{where} is granted, but the time-stamp does not state that it is one of those"
    since = f"{entry.base_info.valid_from:%Y-%m-%d}"
    return StampQualification.QTSA, f"{where}, granted for qualified time-stamps since {since}"


def _states_qtst(info: tsp.TSTInfo) -> bool:
    for extension in info["extensions"]:
        if extension["extn_id"].dotted == _QC_STATEMENTS:
            statements = QcStatements.load(extension["extn_value"].contents)
            return any(each["statement_id"].dotted == _QTST_STATEMENT for each in statements)
    return False


def is_current(entry: QualifiedServiceInformation, moment: datetime) -> bool:
    """Whether an entry of a list is about that moment: a status ends in the second in which the next begins."""
    until = entry.base_info.valid_until
    return entry.base_info.valid_from <= moment and (until is None or moment < until)
