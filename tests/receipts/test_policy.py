"""How long a receipt is kept: Code de commerce L123-22, LPF L102 B I, in days of Paris."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.policy import PARIS, FinancialYear, end_of_day_paris, retain_until

CALENDAR = FinancialYear()
JUNE = FinancialYear(end_month=6, end_day=30)
LEAP = FinancialYear(end_month=2, end_day=29)


def utc(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("received", "established", "year", "expected"),
    [
        # The end of 31 December in Paris (winter, UTC+1) is 23:00 UTC of that day.
        ("2026-03-01T12:00:00", None, CALENDAR, "2036-12-31T23:00:00"),
        ("2026-03-01T12:00:00", date(2025, 12, 24), CALENDAR, "2036-12-31T23:00:00"),
        # Paris is in the new year an hour before UTC.
        ("2026-12-31T22:59:59.999999", None, CALENDAR, "2036-12-31T23:00:00"),
        ("2026-12-31T23:00:00", None, CALENDAR, "2037-12-31T23:00:00"),
        ("2027-01-01T00:00:00", None, CALENDAR, "2037-12-31T23:00:00"),
        # The end of 30 June in Paris (summer, UTC+2) is 22:00 UTC.
        ("2026-06-30T21:59:59", None, JUNE, "2036-06-30T22:00:00"),
        ("2026-06-30T22:00:00", None, JUNE, "2037-06-30T22:00:00"),
        ("2026-07-01T12:00:00", None, JUNE, "2037-06-30T22:00:00"),
        # 29 February means the last day of February, of the closing year and of the tenth after it.
        ("2026-02-28T12:00:00", None, LEAP, "2036-02-29T23:00:00"),
        ("2026-03-01T12:00:00", None, LEAP, "2037-02-28T23:00:00"),
        ("2028-02-29T12:00:00", None, LEAP, "2038-02-28T23:00:00"),
        ("2028-02-28T12:00:00", None, FinancialYear(end_month=2, end_day=28), "2038-02-28T23:00:00"),
        ("2028-02-29T12:00:00", None, FinancialYear(end_month=2, end_day=28), "2039-02-28T23:00:00"),
        # Clocks change on 29 March 2026 and 25 October 2026; the end lies in the other half of the year.
        ("2026-03-28T23:00:00", None, FinancialYear(end_month=3, end_day=28), "2037-03-28T23:00:00"),
        ("2026-03-29T21:59:59", None, FinancialYear(end_month=3, end_day=29), "2036-03-29T23:00:00"),
        ("2026-10-25T22:59:59", None, FinancialYear(end_month=10, end_day=25), "2036-10-25T22:00:00"),
        # The last day itself changes the clocks: 30 March 2036, 26 October 2036 and 25 October 2037.
        ("2026-10-25T23:00:00", None, FinancialYear(end_month=10, end_day=25), "2037-10-25T23:00:00"),
        ("2026-03-30T12:00:00", None, FinancialYear(end_month=3, end_day=30), "2036-03-30T22:00:00"),
        ("2026-10-26T12:00:00", None, FinancialYear(end_month=10, end_day=26), "2036-10-26T23:00:00"),
    ],
)
def test_retention_table(received: str, established: date | None, year: FinancialYear, expected: str) -> None:
    until = retain_until(received_at=utc(received), established=established, year=year)
    assert until == utc(expected)
    assert until.tzinfo is UTC


def test_an_established_date_may_be_the_day_of_receipt_in_paris() -> None:
    late = utc("2026-06-30T22:30:00")  # 1 July in Paris
    assert retain_until(received_at=late, established=date(2026, 7, 1), year=CALENDAR) == utc("2036-12-31T23:00:00")
    with pytest.raises(ValueError, match="established"):
        retain_until(received_at=late, established=date(2026, 7, 2), year=CALENDAR)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="UTC"):
        retain_until(received_at=datetime(2026, 1, 1), established=None, year=CALENDAR)


TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))
YEARS = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(
    lambda day: FinancialYear(end_month=day.month, end_day=day.day)
)


@given(TIMES, st.integers(0, 30_000), YEARS)
def test_retention_satisfies_both_laws(received: datetime, age_days: int, year: FinancialYear) -> None:
    day = received.astimezone(PARIS).date()
    established = max(date(1990, 1, 1), day - timedelta(days=age_days))
    until = retain_until(received_at=received, established=established, year=year)
    last = (until - timedelta(microseconds=1)).astimezone(PARIS).date()
    closing = year.end_after(day)
    assert day <= closing <= day + timedelta(days=366)
    # Ten whole years after the close, six after the document; and never a year more than the law asks.
    assert last.year == closing.year + 10
    assert (last.month, min(last.day, 28)) == (closing.month, min(closing.day, 28))
    assert last.year - established.year >= 6
    assert until > received
    assert until.astimezone(PARIS).time().isoformat() == "00:00:00"


@given(TIMES, TIMES, YEARS)
def test_a_later_receipt_is_never_kept_less_long(one: datetime, two: datetime, year: FinancialYear) -> None:
    early, late = sorted([one, two])
    first = retain_until(received_at=early, established=None, year=year)
    assert first <= retain_until(received_at=late, established=None, year=year)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_day_of_paris_is_kept_to_its_last_instant(day: date) -> None:
    end = end_of_day_paris(day)
    assert (end - timedelta(microseconds=1)).astimezone(PARIS).date() == day
    assert end.astimezone(PARIS).date() == day + timedelta(days=1)
