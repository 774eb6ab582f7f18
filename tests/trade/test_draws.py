"""What documents draw on each other: reserved at the ack, given back when it comes to nothing."""

import asyncio
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.request import Accepted, Refused
from hundi.exchange.verdict import Decision
from hundi.simulator import story, story_money
from tests.trade import bills
from tests.trade.desk import Desk
from tests.trade.test_story import INVOICE_1, INVOICE_2, ORDER, billed, ordered, paid

SEND = "invoice/req-send-invoice"
IRN = "1d8a5790ba090e46379947f5b99e6f3d37ddbec31eaec6f46076c445fc53172b"


async def drawn(trade: Desk) -> dict[str, int]:
    """What is posted and reserved on the order's lines."""
    posted, reserved = await trade.books(ORDER), await trade.reserved(ORDER)
    names = {n for n in (*posted, *reserved) if not n.startswith("drawn")}
    return {n: posted.get(n, 0) + reserved.get(n, 0) for n in sorted(names)}


async def test_a_declined_invoice_draws_nothing_and_may_be_sent_again(trade: Desk) -> None:
    await ordered(trade)
    await trade.submit(SEND, bills.invoice(1))
    assert (await trade.reserved(ORDER))["live invoices"] == 1
    await trade.deliver(Decision.DECLINED)
    assert await trade.status(INVOICE_1) == "CREATED"
    assert await drawn(trade) == {}
    await trade.send(SEND, bills.invoice(1))
    assert (await trade.books(ORDER))["live invoices"] == 1


async def test_a_rejected_invoice_gives_back_what_it_drew_once(trade: Desk) -> None:
    await ordered(trade)
    await trade.send(SEND, bills.invoice(1))
    await trade.send(
        "invoice/req-confirm-invoice", bills.invoice_confirmation("REJECT", "REJECTED")
    )
    assert await trade.books(ORDER) == {}
    cancel = bills.invoice_status("CANCEL", "REJECTED", "CANCELLED")
    await trade.send("invoice/req-status-change-invoice", cancel)
    assert await trade.books(ORDER) == {}


async def test_a_rejection_that_is_declined_leaves_the_draw(trade: Desk) -> None:
    await ordered(trade)
    await trade.send(SEND, bills.invoice(1))
    rejected = bills.invoice_confirmation("REJECT", "REJECTED")
    await trade.submit("invoice/req-confirm-invoice", rejected)
    await trade.deliver(Decision.DECLINED)
    assert (await trade.books(ORDER))["live invoices"] == 1


async def test_withdrawn_over_its_open_send_it_draws_nothing(trade: Desk) -> None:
    await ordered(trade)
    await trade.submit(SEND, bills.invoice(1))
    cancel = bills.invoice_status("CANCEL", "CREATED", "CANCELLED")
    assert isinstance(await trade.submit("invoice/req-status-change-invoice", cancel), Accepted)
    assert await trade.reserved(ORDER) == {}
    assert await trade.books(ORDER) == {}
    assert await trade.status(INVOICE_1) == "CANCELLED"


async def test_an_order_with_a_live_invoice_is_not_cancelled(trade: Desk) -> None:
    await ordered(trade)
    await trade.submit(SEND, bills.invoice(1))
    cancel = story.status_change(
        "CANCEL", version=2, source="ACCEPTED", target="CANCELLED", remarks="No"
    )
    [(code, _)] = await trade.refused("purchase-order/req-status-change", cancel)
    assert code == "DOC-NO-MOVE"


async def test_no_invoice_on_an_order_whose_end_is_open(trade: Desk) -> None:
    await ordered(trade)
    close = story.status_change(
        "CLOSE", version=2, source="ACCEPTED", target="CLOSED", remarks="Done"
    )
    await trade.submit("purchase-order/req-status-change", close)
    refused = await trade.submit(SEND, bills.invoice(1))
    assert isinstance(refused, Refused)
    assert [(f.code, f.path) for f in refused.faults] == [
        ("DOC-BUSY", "invoice.poDetails[0].objectId")
    ]
    assert refused.retry_after == 1


async def test_no_payment_on_an_invoice_whose_end_is_open(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    close = bills.invoice_status("CLOSE", "ACCEPTED", "CLOSED", number=2)
    await trade.submit("invoice/req-status-change-invoice", close)
    found = await trade.refused("payment/req-pay", story_money.payment(3))
    assert found == [("DOC-BUSY", "payment.invoicesPayInfos[0].objectId")]
    await trade.deliver(Decision.DECLINED)
    await paid(trade, 3)


async def test_a_refused_payment_gives_the_due_back(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    await trade.send("payment/req-pay", story_money.payment(3))
    assert (await trade.reserved(INVOICE_2))["due"] == -73_750_200
    rejected = story_money.payment_confirmation(3, response="REJECT", after="ACCEPTED")
    await trade.send("payment/req-pay-confirmation", rejected)
    assert await trade.status(INVOICE_2) == "ACCEPTED"
    assert await trade.books(INVOICE_2) == {"due": 73_750_200, "billed": -73_750_200}
    assert await trade.reserved(INVOICE_2) == {}


async def test_a_payment_that_failed_to_arrive_is_sent_again_and_reserved_once(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    await trade.submit("payment/req-pay", story_money.payment(3))
    await trade.deliver(Decision.DECLINED)
    assert await trade.status(story_money.PAYMENTS[3].object_id) == "FAILED"
    assert await trade.status(INVOICE_2) == "PAYMENT INITIATED"
    again = deepcopy(story_money.payment(3))
    transition = again["payment"]["invoicesPayInfos"][0]["statusTransition"]
    transition["currentStatus"] = "PAYMENT INITIATED"
    await trade.send("payment/req-pay", again)
    assert (await trade.reserved(INVOICE_2))["due"] == -73_750_200
    await trade.send("payment/req-pay-confirmation", story_money.payment_confirmation(3))
    assert await trade.status(INVOICE_2) == "PAID"


async def test_a_number_comes_back_with_its_irn_only(trade: Desk) -> None:
    await ordered(trade)
    first = bills.invoice(1, eInvoiceInfo={"irnNumber": IRN})
    await trade.send(SEND, first)
    rejected = bills.invoice_confirmation("REJECT", "REJECTED")
    await trade.send("invoice/req-confirm-invoice", rejected)
    again = "INV" + "9" * 32
    other = bills.invoice(1, objectId=again, eInvoiceInfo={"irnNumber": IRN.replace("1", "2")})
    found = await trade.refused(SEND, other)
    assert found == [("DOC-NUMBER-USED", "invoice.supplierInvoiceNumber")]
    same = bills.invoice(1, objectId=again, eInvoiceInfo={"irnNumber": IRN.upper()})
    await trade.send(SEND, same)


async def test_a_number_comes_back_with_the_irn_that_was_sent_last(trade: Desk) -> None:
    """Nobody has held the first sending: what was registered is what the second one says."""
    await ordered(trade)
    other = IRN.replace("1", "2")
    await trade.submit(SEND, bills.invoice(1, eInvoiceInfo={"irnNumber": other}))
    await trade.deliver(Decision.DECLINED)
    await trade.send(SEND, bills.invoice(1, eInvoiceInfo={"irnNumber": IRN}))
    rejected = bills.invoice_confirmation("REJECT", "REJECTED")
    await trade.send("invoice/req-confirm-invoice", rejected)
    again = "INV" + "9" * 32
    for irn in ({"irnNumber": other}, {}):
        found = await trade.refused(SEND, bills.invoice(1, objectId=again, eInvoiceInfo=irn))
        assert found == [("DOC-NUMBER-USED", "invoice.supplierInvoiceNumber")]
    await trade.send(SEND, bills.invoice(1, objectId=again, eInvoiceInfo={"irnNumber": IRN}))


async def test_a_number_is_used_in_any_case_of_letters(trade: Desk) -> None:
    await ordered(trade)
    await trade.send(SEND, bills.invoice(1))
    small = bills.invoice(
        1, objectId="INV" + "8" * 32, supplierInvoiceNumber="mym/25-26/01183", poDetails=[]
    )
    found = await trade.refused(SEND, small)
    assert found == [("DOC-NUMBER-USED", "invoice.supplierInvoiceNumber")]


async def test_the_number_of_a_note_is_used(trade: Desk) -> None:
    await trade.send("cd-note/req-send", bills.note())
    found = await trade.refused("cd-note/req-send", bills.note(objectId="CDN" + "8" * 32))
    assert found == [("DOC-NUMBER-USED", "cdNote.supplierCDNoteNumber")]


def part(amount: str, number: int, source: str) -> dict[str, Any]:
    """A part payment of invoice 2 in cash."""
    body = deepcopy(story_money.payment(3))
    pay = body["payment"]
    pay["objectId"] = f"PMT{number:032d}"
    pay["utr"] = f"FICTR520260123{number:08d}"
    share = pay["invoicesPayInfos"][0]
    money = {
        "netPaidAmount": Decimal(amount),
        "netAdjustmentAmount": Decimal(0),
        "totalAmount": Decimal(amount),
        "currency": "INR",
    }
    pay["paymentAmount"] = money
    share["invoicePaymentAmount"] = {**money, "splits": []}
    share["statusTransition"]["currentStatus"] = source
    return body


async def test_parallel_part_payments_up_to_what_is_due(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    await trade.send("payment/req-pay", part("500000.00", 1, "ACCEPTED"))
    await trade.send("payment/req-pay", part("237502.00", 2, "PAYMENT INITIATED"))
    found = await trade.refused("payment/req-pay", part("1.01", 3, "PAYMENT INITIATED"))
    assert found, "nothing is left"


async def test_of_two_payments_at_once_one_finds_nothing_left(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    bodies = [part("737502.00", n, "ACCEPTED") for n in range(4)]
    told = await asyncio.gather(*(trade.submit("payment/req-pay", body) for body in bodies))
    assert [isinstance(one, Accepted) for one in told].count(True) == 1
    assert (await trade.reserved(INVOICE_2))["due"] == -73_750_200


async def test_of_two_invoices_at_once_one_finds_the_order_full(trade: Desk) -> None:
    await ordered(trade)
    await trade.send(SEND, bills.invoice(1))
    bodies = [
        bills.invoice(2, objectId=f"INV{n:032d}", supplierInvoiceNumber=f"MYM/25-26/9{n}")
        for n in range(4)
    ]
    told = await asyncio.gather(*(trade.submit(SEND, b) for b in bodies))
    assert [isinstance(one, Accepted) for one in told].count(True) == 1


async def test_lanes_of_all_documents_keep_their_order(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    await trade.submit("payment/req-pay", part("1000.00", 1, "ACCEPTED"))
    await trade.submit("payment/req-pay", part("2000.00", 2, "PAYMENT INITIATED"))
    trade.delivered.clear()
    await trade.deliver()
    asked = [numbers for kind, _, numbers in trade.delivered if kind == "REQ"]
    places = [int(numbers.split(",")[1]) for numbers in asked]
    assert len(places) == 2
    assert places == sorted(places)
    left = await trade.rows(sa.select(tables.further_lane))
    assert left == []


async def test_a_stale_status_of_a_held_invoice_is_told_with_what_was_missed(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    await trade.send("payment/req-pay", part("1000.00", 1, "ACCEPTED"))
    refused = await trade.submit("payment/req-pay", part("1000.00", 2, "ACCEPTED"))
    assert isinstance(refused, Refused)
    [fault] = refused.faults
    path = "payment.invoicesPayInfos[0].statusTransition.currentStatus"
    assert (fault.code, fault.path) == ("DOC-STALE-STATUS", path)
    assert fault.context["status"] == "PAYMENT INITIATED"


async def test_nothing_is_drawn_on_what_the_sender_has_declined_to_hold(trade: Desk) -> None:
    await trade.submit("purchase-order/req-send", story.order(1))
    await trade.deliver(Decision.DECLINED)
    found = await trade.refused(SEND, bills.invoice(1))
    assert found == [("DOC-NO-MOVE", "invoice.poDetails[0].objectId")]


async def test_an_unknown_invoice_is_unknown(trade: Desk) -> None:
    body = part("1000.00", 1, "ACCEPTED")
    found = await trade.refused("payment/req-pay", body)
    assert found == [("DOC-UNKNOWN", "payment.invoicesPayInfos[0].objectId")]


@pytest.mark.parametrize("quantity", ["1612.450", "1000.000", "1700.000"])
async def test_an_edit_draws_what_it_changes(trade: Desk, quantity: str) -> None:
    await ordered(trade)
    await trade.send(SEND, bills.invoice(1))
    returned = bills.invoice_confirmation("RETURN", "UNDER REVIEW")
    await trade.send("invoice/req-confirm-invoice", returned)
    edited = bills.invoice(1)
    subject = edited["invoice"]
    subject["objectVersion"] = {"currentVersion": 1, "newVersion": 2}
    subject["statusTransition"]["currentStatus"] = "UNDER REVIEW"
    subject["itemLists"][0]["quantity"] = Decimal(quantity)
    await trade.submit("invoice/req-edit-invoice", edited)
    before, thousandths = 1_612_450, int(Decimal(quantity) * 1000)
    assert (await trade.books(ORDER))["line:1 quantity"] == before
    await trade.deliver(Decision.DECLINED)
    assert (await trade.books(ORDER))["line:1 quantity"] == before
    assert await trade.reserved(ORDER) == {}
    subject["objectVersion"] = {"currentVersion": 1, "newVersion": 2}
    await trade.send("invoice/req-edit-invoice", edited)
    assert (await trade.books(ORDER))["line:1 quantity"] == thousandths


async def test_an_order_that_came_after_its_invoice_is_drawn_on_by_the_edit(trade: Desk) -> None:
    """What the first version has drawn is what was booked: nothing, for there was no order yet."""
    await trade.send(SEND, bills.invoice(1))
    returned = bills.invoice_confirmation("RETURN", "UNDER REVIEW")
    await trade.send("invoice/req-confirm-invoice", returned)
    await ordered(trade)
    edited = bills.invoice(1)
    edited["invoice"]["objectVersion"] = {"currentVersion": 1, "newVersion": 2}
    edited["invoice"]["statusTransition"]["currentStatus"] = "UNDER REVIEW"
    await trade.send("invoice/req-edit-invoice", edited)
    held = await trade.books(ORDER)
    assert held["live invoices"] == 1
    assert held["line:3 quantity"] == 2_400_000


async def test_a_name_that_no_account_can_have_is_refused(trade: Desk) -> None:
    """It would be the key of a row: beyond some size PostgreSQL refuses it with an error."""
    await ordered(trade)
    await billed(trade, 1)
    body = story_money.payment(1)
    [share] = body["payment"]["invoicesPayInfos"]
    share["invoicePaymentAmount"]["splits"][0]["name"] = "क" * 1000
    found = await trade.refused("payment/req-pay", body)
    assert found == [("LEDGER-LONG-NAME", "payment.invoicesPayInfos[0]")]
