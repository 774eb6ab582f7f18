"""Honest bids always pass; a paisa more or less in one of their sums never does."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hundi.documents import bid_rules
from hundi.documents.financing_bodies import FinancingBody, ShareBidBody, shared_path
from hundi.exchange.views import DocumentView, RuleContext
from hundi.kernel.faults import Fault
from hundi.kernel.reading import read
from tests.documents.bodies import Body
from tests.documents.financings import bid_a, offered, request
from tests.documents.payments import PARTIES, bend

_encoder = msgspec.json.Encoder(decimal_format="number")
PAISE = st.integers(0, 10**11)
TODAY = date(2025, 12, 11)


def rupees(paise: int) -> Decimal:
    return Decimal(paise).scaleb(-2)


def invoice_id(place: int) -> str:
    return f"INV{place:032d}"


def asked_for(amount: int, count: int) -> FinancingBody:
    invoices = [offered(objectId=invoice_id(place)) for place in range(count)]
    body = request(
        financeRequest__financingRequestAmount=rupees(amount), financeRequest__invoices=invoices
    )
    return read(_encoder.encode(body), FinancingBody)


def bid_of(parts: list[int], asked: int) -> Body:
    details = [
        {"objectId": invoice_id(place), "approvedAmount": rupees(part)}
        for place, part in enumerate(parts)
    ]
    body = bid_a(approvedAmount=rupees(sum(parts)), invoiceFinDetails=details)
    return bend(body, bid__financingRequestAmount=rupees(asked))


def findings(bid: Body, asked: FinancingBody) -> list[Fault]:
    typed = read(_encoder.encode(bid), ShareBidBody)
    view = DocumentView(status="BIDDING", version=1, agreed_version=None, number="", body=asked)
    moved = ("bid", shared_path(0))
    context = RuleContext(today=TODAY, parties=PARTIES, document=view, moved=moved)
    found = list(bid_rules.bids_are_sound(typed))
    return [*found, *bid_rules.bids_answer_the_request(typed, context)]


PARTS: Any = st.lists(PAISE, min_size=1, max_size=4)


@given(PARTS, PAISE)
def test_an_honest_bid_is_not_remarked(parts: list[int], more: int) -> None:
    asked = sum(parts) + more
    assert not findings(bid_of(parts, asked), asked_for(asked, len(parts)))


@given(PARTS, st.sampled_from([1, -1]))
def test_a_lie_of_one_paisa_in_the_sum_is_refused(parts: list[int], by: int) -> None:
    asked = sum(parts) + 1
    told = sum(parts) + by
    if told < 0:
        return
    lie = bend(bid_of(parts, asked), bid__bidDetails__0__approvedAmount=rupees(told))
    assert [fault.code for fault in findings(lie, asked_for(asked, len(parts)))] == ["FIN-BID-SUM"]


@given(PARTS)
def test_a_paisa_over_what_is_asked_is_refused(parts: list[int]) -> None:
    parts = [parts[0] + 1, *parts[1:]]
    asked = sum(parts) - 1
    found = findings(bid_of(parts, asked), asked_for(asked, len(parts)))
    assert [fault.code for fault in found] == ["FIN-OVER-ASKED"]


@given(st.integers(0, 10**18))
def test_the_price_is_carried_and_decides_nothing(price: int) -> None:
    value = Decimal(price).scaleb(-6)
    told = bend(bid_of([100], 100), bid__bidDetails__0__bidValue=value)
    assert not findings(told, asked_for(100, 1))
