"""Payment terms in words: what is read of them, and what is rather not read at all."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.documents.payment_terms import Credit, credit_in

DAYS = {
    "NET30": 30, "net 45": 45, "Net-60": 60, "NET 0": 0, "N30": 30, "net: 30": 30, "net30days": 30,
    "45 days from acceptance": 45, "7 DAYS": 7, "30D": 30, "30-day credit": 30, "30 days net": 30,
    "Credit of 21 days": 21, "within 30 days": 30, "net within 15 days": 15, "net 30 from receipt": 30,
    "2/10 net 30": 30, "2/10, n/30": 30, "2/10 and then NET 30": 30, "1.5/10, 1/20, net 60": 60,
    "2% 10 days, net 30 days": 30, "2% 10, net 30": 30, "2%10NET30": 30, "net 30 days, 2% 10 days": 30,
    "2 % discount if paid within 10 days, net 30": 30, "2% discount, net 30": 30,
    "less 2% in 10 days or full in 45 days": 45, "30 days, interest 18% p.a.": 30,
    "net 30, 1.5% a month after 45 days": 30, "NET 30 (thirty) days": 30,
    "net 2 weeks": 14, "6 weeks": 42,
}  # fmt: skip
MONTHS = {
    "net 2 months": 2,
    "1 month": 1,
    "2 MONTHS from acceptance": 2,
    "2% 10 days, net 1 month": 1,
}
UNREAD = (
    "", "on delivery", "immediate", "net", "net thirty", "2% 10 days", "2/10", "2% within 10 days",
    "100% advance", "50% advance, balance 30 days", "30% in 10 days, 70% in 60 days",
    "30/60/90 days", "30/60 days", "30 to 45 days", "net 30-45", "net 30, net 60 for exports",
    "net 30 EOM", "30 days end of month", "net 10th prox", "15 MFI", "net 10 EOM",
    "net 2 years", "net 5 working days", "10 business days", "net 1.5 months", "net 12345",
    "due 15/01/2026", "due on 15.01.2026", "45 days, PO 4711", "2 bills, 30 days", "internet 30",
    "net 2 quarters", "net 48 hours", "net 30th",
)  # fmt: skip


@pytest.mark.parametrize(("terms", "days"), DAYS.items())
def test_days(terms: str, days: int) -> None:
    assert credit_in(terms) == Credit(days=days)


@pytest.mark.parametrize(("terms", "months"), MONTHS.items())
def test_months(terms: str, months: int) -> None:
    assert credit_in(terms) == Credit(months=months)


@pytest.mark.parametrize("terms", UNREAD)
def test_what_is_not_sure_is_not_read(terms: str) -> None:
    assert credit_in(terms) is None


@pytest.mark.parametrize(
    ("months", "accepted", "due"),
    [
        (2, date(2025, 11, 21), date(2026, 1, 21)), (1, date(2026, 1, 31), date(2026, 2, 28)),
        (1, date(2028, 1, 31), date(2028, 2, 29)), (12, date(2025, 12, 31), date(2026, 12, 31)),
        (0, date(2026, 1, 31), date(2026, 1, 31)), (9999, date(9999, 1, 1), date.max),
    ],
)  # fmt: skip
def test_months_are_those_of_the_calendar(months: int, accepted: date, due: date) -> None:
    assert Credit(months=months).after(accepted) == due


@given(terms=st.text(alphabet="net 2%/10,daysmonth30.-", max_size=60))
def test_no_words_make_trouble(terms: str) -> None:
    credit = credit_in(terms)
    assert credit is None or credit.after(date(2026, 1, 31)) >= date(2026, 1, 31)
