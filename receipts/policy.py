"""How long we keep, what we accept, which level we require: plain values."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PARIS: Final = ZoneInfo("Europe/Paris")
ACCOUNTING_YEARS: Final = 10  # Code de commerce L123-22
TAX_YEARS: Final = 6  # LPF L102 B I, from the day the document was established


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What we accept. Sizes in bytes, pixels per picture, parts (receipts) per mail."""

    size_bytes: int = 50 * 1024 * 1024
    pages: int = 500
    pixels: int = 200_000_000
    parts: int = 100


@dataclass(frozen=True, kw_only=True)
class FinancialYear:
    """The day on which the company's financial year ends; 29 February means the last day of February."""

    end_month: int = 12
    end_day: int = 31

    def end_after(self, day: date) -> date:
        """The end of the financial year that `day` falls into."""
        end = _day(day.year, self.end_month, self.end_day)
        return end if day <= end else _day(day.year + 1, self.end_month, self.end_day)


def retain_until(*, received_at: datetime, established: date | None, year: FinancialYear) -> datetime:
    """Until when a receipt must be kept: UTC-aware, at the second.

    The later of the end of the financial year of receipt + 10 years (Code de commerce L123-22) and the day on which the
    document was established + 6 years (LPF L102 B I), each to the end of that day in Paris.

    Args:
        received_at: When we took it, UTC-aware.
        established: The date that the document bears, when known.
        year: The company's financial year.

    Raises:
        ValueError: `received_at` has no time zone, or `established` lies after the day of receipt: a lock can't be
            shortened, so a date that can't be right must not make one.
    """
    if received_at.tzinfo is None:
        raise ValueError("received_at must be UTC-aware")
    received = received_at.astimezone(PARIS).date()
    if established is not None and established > received:
        raise ValueError("a document can't be established after its receipt")
    closing = year.end_after(received)
    last = _day(closing.year + ACCOUNTING_YEARS, year.end_month, year.end_day)
    tax_last = _day(received.year + TAX_YEARS, received.month, received.day)
    if established is not None:
        tax_last = max(tax_last, _day(established.year + TAX_YEARS, established.month, established.day))
    return end_of_day_paris(max(last, tax_last))


def end_of_day_paris(day: date) -> datetime:
    """The first instant after `day` in Paris, in UTC: the whole day is kept."""
    return datetime.combine(day + timedelta(days=1), time(), PARIS).astimezone(UTC)


def _day(year: int, month: int, day: int) -> date:
    """That day, or the last day of the month where the month is shorter."""
    return date(year, month, min(day, monthrange(year, month)[1]))
