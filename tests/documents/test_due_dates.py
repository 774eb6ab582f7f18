"""When an invoice must be paid, by its terms and by the law, and when silence is acceptance."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.documents.due_dates import deemed_acceptance, due_date
from hundi.documents.invoice_bodies import Invoice, InvoiceBody
from hundi.kernel.reading import read
from hundi.simulator import story, story_supplies
from tests.documents.bodies import put

ACCEPTED = date(2025, 11, 21)


def invoice(terms: dict[str, Any] | None = None, due: str = "") -> Invoice:
    body = put(
        story_supplies.invoice(),
        advancePaymentDetails=terms or {},
        invoiceReferenceDetails={"invoiceDate": "2025-11-17", "dueDate": due},
    )
    return read(story.dumps(body), InvoiceBody).invoice


@pytest.mark.parametrize(
    ("accepted", "due"),
    [(date(2025, 11, 21), date(2026, 1, 5)), (date(2025, 12, 9), date(2026, 1, 23))],
)
def test_both_invoices_of_the_story(accepted: date, due: date) -> None:
    told = read(story.dumps(story_supplies.invoice()), InvoiceBody).invoice
    found = due_date(told, accepted=accepted, small_supplier=True)
    assert (found.agreed, found.latest, found.day) == (due, due, due)


def test_the_law_shortens_long_terms_of_a_small_supplier() -> None:
    terms = invoice({"creditDays": 90})
    small = due_date(terms, accepted=ACCEPTED, small_supplier=True)
    assert (small.day, small.beyond_the_law) == (date(2026, 1, 5), True)
    large = due_date(terms, accepted=ACCEPTED, small_supplier=False)
    assert (large.day, large.latest, large.beyond_the_law) == (date(2026, 2, 19), None, False)


def test_fifteen_days_where_nothing_is_agreed() -> None:
    nothing = invoice()
    assert due_date(nothing, accepted=ACCEPTED, small_supplier=True).day == date(2025, 12, 6)
    assert due_date(nothing, accepted=ACCEPTED, small_supplier=False).day is None


def test_days_of_credit_come_before_a_day_that_was_written_earlier() -> None:
    both = due_date(
        invoice({"creditDays": 30}, "2025-12-17"), accepted=ACCEPTED, small_supplier=False
    )
    assert both.agreed == date(2025, 12, 21)
    alone = due_date(invoice(due="2025-12-17"), accepted=ACCEPTED, small_supplier=False)
    assert alone.agreed == date(2025, 12, 17)


@pytest.mark.parametrize(
    ("terms", "day"),
    [
        ("2% 10 days, net 30 days", date(2025, 12, 21)), ("net 2 months", date(2026, 1, 21)),
        ("on delivery", None),
    ],
)  # fmt: skip
def test_terms_in_words(terms: str, day: date | None) -> None:
    told = invoice({"paymentTerms": terms})
    assert due_date(told, accepted=ACCEPTED, small_supplier=False).day == day


def test_days_in_figures_come_before_words() -> None:
    told = invoice({"paymentTerms": "NET30", "creditDays": 0})
    assert due_date(told, accepted=ACCEPTED, small_supplier=False).day == ACCEPTED


def test_a_small_supplier_with_terms_that_cannot_be_read_is_paid_by_the_last_lawful_day() -> None:
    told = invoice({"paymentTerms": "net 30 EOM"})
    found = due_date(told, accepted=ACCEPTED, small_supplier=True)
    assert (found.agreed, found.latest) == (None, date(2026, 1, 5))


def test_overdue_is_counted_from_the_day_after() -> None:
    found = due_date(invoice({"creditDays": 10}), accepted=ACCEPTED, small_supplier=False)
    assert [found.overdue(date(2025, 12, day)) for day in (1, 2, 31)] == [0, 1, 30]
    never = due_date(invoice(), accepted=ACCEPTED, small_supplier=False)
    assert never.overdue(date(2030, 1, 1)) == 0


def test_silence_is_acceptance_once_the_days_to_object_are_over() -> None:
    delivered = date(2025, 11, 20)
    assert deemed_acceptance(delivered) == date(2025, 12, 5)
    assert deemed_acceptance(delivered, days=7) == date(2025, 11, 27)


@given(
    accepted=st.dates(),
    days=st.none() | st.integers(0, 2_147_483_647),
    small=st.booleans(),
)
def test_no_day_is_before_the_acceptance_nor_beyond_the_law(
    accepted: date, days: int | None, small: bool
) -> None:
    terms = {} if days is None else {"creditDays": days}
    found = due_date(invoice(terms), accepted=accepted, small_supplier=small)
    if found.day is not None:
        assert found.day >= accepted
    if small:
        assert found.day is not None
        assert found.day - accepted <= timedelta(days=45)
