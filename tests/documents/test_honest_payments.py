"""Honest payments always pass and book what they say; a lie of one paisa never does."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from hundi.documents import payment, payment_rules
from hundi.documents.payment_bodies import PayBody
from hundi.exchange.views import Posting, RuleContext
from hundi.kernel.faults import Fault, split
from hundi.kernel.reading import read
from tests.documents import payments
from tests.documents.bodies import Body
from tests.documents.payments import ONE, PARTIES, TWO, bend, books, held, view_of

[PAY, _] = payment.MESSAGES
_encoder = msgspec.json.Encoder(decimal_format="number")
PAISE = st.integers(1, 10**9)
NAMES = st.sampled_from(["TDS", "GST-TDS", "DISCOUNT", "RETENTION", "ROUND OFF", "DEBIT NOTE", "x"])
INVOICES = {0: (1, ONE), 1: (3, TWO)}


def rupees(paise: int) -> str:
    return str(Decimal(paise).scaleb(-2))


@st.composite
def paid(draw: st.DrawFn) -> tuple[Body, list[dict[str, Any]], list[int]]:
    """One or two shares, what is due on their invoices, and what each takes off it."""
    shares, invoices, takes = [], [], []
    for place in range(draw(st.integers(1, 2))):
        number, invoice = INVOICES[place]
        parts = draw(st.lists(st.tuples(NAMES, PAISE), max_size=4))
        notes = draw(st.lists(PAISE, max_size=2))
        cash, over = draw(PAISE), draw(st.integers(-(10**9), 100))
        take = cash + sum(value for _, value in parts)
        due, reserved = max(take - over, 1), draw(st.integers(0, 10**6))
        assume(take <= due + 100)
        splits = [payments.split(name, rupees(value)) for name, value in parts]
        splits += [payments.split("CREDIT NOTE", rupees(value), "CN") for value in notes]
        shares.append(payments.share(number, cash=rupees(cash), splits=splits, due=rupees(due)))
        total = due + reserved
        invoices.append(held(invoice, "ACCEPTED", books(total, reserved=reserved)))
        takes.append(take)
    return payments.pay(*shares), invoices, takes


def known(body: Body, invoices: list[dict[str, Any]]) -> tuple[PayBody, RuleContext]:
    typed = read(_encoder.encode(body), PayBody)
    paths = [touched.path for touched in PAY.touches(typed)[1:]]
    views = {path: view_of(told, path) for path, told in zip(paths, invoices, strict=True)}
    return typed, RuleContext(today=date(2026, 1, 31), parties=PARTIES, document=None, held=views)


def findings(body: Body, invoices: list[dict[str, Any]]) -> list[Fault]:
    typed, context = known(body, invoices)
    found = [fault for rule in PAY.rules for fault in rule(typed, context)]
    return found + [fault for rule in PAY.body_rules for fault in rule(typed)]


@given(paid())
def test_an_honest_payment_is_not_refused(
    told: tuple[Body, list[dict[str, Any]], list[int]],
) -> None:
    body, invoices, _ = told
    faults, warnings = split(findings(body, invoices))
    assert not faults
    assert {fault.code for fault in warnings} <= {"PAY-STATED-TOTAL"}


@given(paid())
def test_what_is_booked_is_what_is_said(told: tuple[Body, list[dict[str, Any]], list[int]]) -> None:
    body, invoices, takes = told
    typed, context = known(body, invoices)
    booked = PAY.postings(typed, context)
    for place, (path, view) in enumerate(context.held.items()):
        mine = [one for one in booked if one.ref == path and one.debit != "paying"]
        due, over = credited(mine, "due"), credited(mine, "rounding")
        assert due + over == takes[place]
        assert due == min(takes[place], view.balance("due").left)
        assert over <= 100
        [marker] = [one for one in booked if one.ref == path and one.debit == "paying"]
        assert marker.amount == takes[place], "a credit note that is pointed to pays nothing"
    assert all(one.amount > 0 and one.standing for one in booked)


def credited(booked: list[Posting], account: str) -> int:
    return sum(one.amount for one in booked if one.credit == account)


_AMOUNTS = ("netPaidAmount", "netAdjustmentAmount", "totalAmount")


def places(body: Body) -> list[str]:
    """Every amount that must fit the others."""
    found = [f"payment__paymentAmount__{name}" for name in _AMOUNTS]
    for place, share in enumerate(body["payment"]["invoicesPayInfos"]):
        root = f"payment__invoicesPayInfos__{place}__invoicePaymentAmount"
        found += [f"{root}__{name}" for name in _AMOUNTS]
        splits = share["invoicePaymentAmount"]["splits"]
        found += [f"{root}__splits__{n}__value" for n in range(len(splits))]
    return found


def amount_at(body: Body, path: str) -> Decimal:
    place: Any = body
    for step in path.split("__"):
        place = place[int(step) if step.isdigit() else step]
    return Decimal(place)


@given(paid(), st.data(), st.sampled_from([Decimal("0.01"), Decimal("-0.01")]))
def test_a_lie_of_one_paisa_is_refused(
    told: tuple[Body, list[dict[str, Any]], list[int]], data: st.DataObject, by: Decimal
) -> None:
    body, invoices, _ = told
    path = data.draw(st.sampled_from(places(body)))
    lie = amount_at(body, path) + by
    assume(lie >= 0)
    faults, _ = split(findings(bend(body, **{path: lie}), invoices))
    assert faults


@given(paid(), st.integers(101, 10**9))
def test_more_than_a_rupee_over_is_refused(
    told: tuple[Body, list[dict[str, Any]], list[int]], over: int
) -> None:
    body, invoices, takes = told
    assume(over <= takes[0])
    poorer = held(ONE, "ACCEPTED", books(takes[0] - over))
    faults, _ = split(findings(body, [poorer, *invoices[1:]]))
    assert [fault.code for fault in faults] == ["PAY-OVER-DUE"]


@given(paid())
def test_a_payment_sent_again_books_nothing(
    told: tuple[Body, list[dict[str, Any]], list[int]],
) -> None:
    body, invoices, _ = told
    typed, context = known(body, invoices)
    stored = msgspec.structs.replace(view_of(invoices[0], "payment"), status="FAILED", body=typed)
    again = msgspec.structs.replace(context, document=stored)
    assert PAY.postings(typed, again) == ()
    assert not list(payment_rules.sent_again_it_is_the_same(typed, again))
