"""Payments and financing of the builder and the story's numbers for machines are one story."""

import json
from decimal import Decimal

import pytest

from hundi.documents.payment_bodies import PayBody, PayConfirmationBody
from hundi.kernel.reading import read
from hundi.kernel.tax_ids import gstin_fault, is_pan
from hundi.simulator import story, story_financing, story_money
from tests.documents import financings
from tests.house.sources import ROOT

NUMBERS = json.loads((ROOT / "tests/data/trade_story.json").read_text(encoding="utf-8"))
INVOICES = {"invoice1": story_money.INVOICE_1, "invoice2": story_money.INVOICE_2}
NUMBERED = pytest.mark.parametrize("number", story_money.PAYMENTS)


@NUMBERED
def test_amounts(number: int) -> None:
    told = NUMBERS["payments"][number - 1]
    payment = story_money.payment(number)["payment"]
    [share] = payment["invoicesPayInfos"]
    amount = share["invoicePaymentAmount"]
    assert share["objectId"] == INVOICES[told["invoice"]]
    assert str(share["invoiceAmount"]["dueAmount"]) == told["dueBefore"]
    assert str(share["invoiceAmount"]["totalAmount"]) == NUMBERS[told["invoice"]]["total"]
    for name, figure in (
        ("netPaidAmount", "netPaid"),
        ("netAdjustmentAmount", "netAdjustment"),
        ("totalAmount", "total"),
    ):
        assert str(amount[name]) == str(payment["paymentAmount"][name]) == told[figure]
    assert [one | {"value": str(one["value"])} for one in amount["splits"]] == told["splits"]


@NUMBERED
def test_what_is_left(number: int) -> None:
    """Due before, less cash and taxes deducted, is due after; a pointer lowers nothing."""
    told = NUMBERS["payments"][number - 1]
    taken = sum(Decimal(one["value"]) for one in told["splits"] if one["name"] != "CREDIT NOTE")
    left = Decimal(told["dueBefore"]) - Decimal(told["netPaid"]) - taken
    assert str(left) == told["dueAfter"]
    [info] = story_money.payment_confirmation(number)["paymentConfirmation"]["invoiceInfos"]
    assert info["statusTransition"] == {
        "currentStatus": "PAYMENT INITIATED",
        "newStatus": told["status"],
    }


@NUMBERED
def test_bodies_are_read_as_they_are_built(number: int) -> None:
    sent = read(story.dumps(story_money.payment(number)), PayBody).payment
    answer = read(story.dumps(story_money.payment_confirmation(number)), PayConfirmationBody)
    assert answer.paymentConfirmation.objectId == sent.objectId
    assert answer.paymentConfirmation.type == sent.type


def test_financing_is_the_storys() -> None:
    told = NUMBERS["financing"]
    asked = financings.request()["financeRequest"]
    assert str(asked["financingRequestAmount"]) == told["asked"]
    assert [one["objectId"] for one in asked["invoices"]] == [INVOICES[told["invoice"]]]
    for lender, bid in zip(story_financing.LENDERS, told["bids"], strict=True):
        [detail] = story_financing.bid(lender, story_money.INVOICE_2)["bid"]["bidDetails"]
        assert (detail["bidId"], detail["financierId"]) == (bid["bidId"], bid["financierId"])
        assert str(detail["approvedAmount"]) == bid["approved"]
        assert str(detail["bidValue"]) == bid["ratePercent"]
    answers = story_financing.bid_response()["bidResponse"]["responses"]
    assert [one["bidId"] for one in answers if one["response"] == "ACCEPT"] == [told["accepted"]]


@pytest.mark.parametrize("lender", story_financing.LENDERS, ids=lambda one: one.financier_id)
def test_lenders_are_well_formed(lender: story_financing.Lender) -> None:
    business = lender.business
    assert is_pan(business.pan)
    assert gstin_fault(business.gstin) is None
    assert (business.gstin[:2], business.gstin[2:12]) == (business.state, business.pan)
