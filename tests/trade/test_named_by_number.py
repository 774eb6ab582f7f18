"""Documents that others name by their number, with or without its date: as if named by their id."""

from typing import Any

import pytest

from hundi.documents import MESSAGES
from hundi.exchange.record import stored_name
from hundi.exchange.request import read_request
from hundi.simulator import story
from tests.trade import bills, plain
from tests.trade.desk import Desk
from tests.trade.test_draws import IRN, SEND
from tests.trade.test_story import INVOICE_1, ORDER, ordered

NAMES: dict[str, dict[str, Any]] = {
    "id": {"objectId": ORDER},
    "number": {"buyerPONumber": story.NUMBER},
    "number and date": {"buyerPONumber": story.NUMBER, "orderDate": "2025-11-03"},
}
named = pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))


def cancelled() -> dict[str, Any]:
    return story.status_change(
        "CANCEL", version=2, source="ACCEPTED", target="CANCELLED", remarks="Not needed"
    )


@named
async def test_an_order_is_drawn_on(trade: Desk, name: dict[str, Any]) -> None:
    await ordered(trade)
    sent = await trade.send(SEND, bills.invoice(1, poDetails=[name]))
    assert sent.warnings == "[]"
    assert (await trade.books(ORDER))["live invoices"] == 1
    cancel = cancelled()
    found = await trade.refused("purchase-order/req-status-change", cancel)
    assert [code for code, _ in found] == ["DOC-NO-MOVE"]


@named
async def test_its_limits_hold(trade: Desk, name: dict[str, Any]) -> None:
    await ordered(trade)
    body = plain.invoice(1, "90000000.00")
    body["invoice"]["poDetails"] = [name]
    assert "INV-OVER-VALUE" in [code for code, _ in await trade.refused(SEND, body)]


@named
async def test_an_order_that_was_cancelled_is_known(trade: Desk, name: dict[str, Any]) -> None:
    await ordered(trade)
    cancel = cancelled()
    await trade.send("purchase-order/req-status-change", cancel)
    found = await trade.refused(SEND, bills.invoice(1, poDetails=[name]))
    assert [code for code, _ in found] == ["INV-ORDER-ENDED"]


@pytest.mark.parametrize("day", [None, plain.DAY])
async def test_a_note_is_capped_by_its_invoice_and_counts(trade: Desk, day: str | None) -> None:
    await trade.send(plain.SEND, plain.invoice(1, "1000.00"))
    await trade.send(plain.CONFIRM, plain.answer(1))
    name = {"invoiceNumber": "a1"} | ({} if day is None else {"invoiceDate": day})
    above, all_of_it = plain.note(1, "5000.00"), plain.note(1, "1000.00")
    for body in (above, all_of_it):
        body["cdNote"]["precedingInvoiceDetails"] = [name]
    assert "NOTE-OVER-CAP" in [code for code, _ in await trade.refused(plain.NOTE, above)]
    await trade.send(plain.NOTE, all_of_it)
    await trade.send(plain.NOTE_CONFIRM, plain.note_answer(1))
    assert await trade.status(plain.id_of("INV", 1)) == "PAID"


async def test_a_number_of_an_earlier_year_is_found_and_one_of_this_year_first(trade: Desk) -> None:
    await trade.send(plain.SEND, plain.invoice(1, "1000.00", day="2025-03-31"))
    body = plain.note(1, "5000.00")
    body["cdNote"]["precedingInvoiceDetails"] = [{"invoiceNumber": "A1"}]
    assert "NOTE-OVER-CAP" in [code for code, _ in await trade.refused(plain.NOTE, body)]
    again = plain.invoice(2, "6000.00")
    again["invoice"]["supplierInvoiceNumber"] = "A1"
    await trade.send(plain.SEND, again)
    await trade.send(plain.NOTE, body)


async def test_one_that_lives_is_meant_before_one_of_this_year_that_does_not(trade: Desk) -> None:
    await trade.send(plain.SEND, plain.invoice(1, "6000.00", day="2025-03-31"))
    again = plain.invoice(2, "1000.00")
    again["invoice"]["supplierInvoiceNumber"] = "A1"
    await trade.send(plain.SEND, again)
    cancelled = plain.cancelled(2)
    cancelled["invoiceStatus"]["supplierInvoiceNumber"] = "A1"
    await trade.send("invoice/req-status-change-invoice", cancelled)
    body = plain.note(1, "5000.00")
    body["cdNote"]["precedingInvoiceDetails"] = [{"invoiceNumber": "A1"}]
    await trade.send(plain.NOTE, body)


async def test_an_irn_that_came_with_an_edit_is_kept(trade: Desk) -> None:
    await trade.send(SEND, bills.invoice(1))
    returned = bills.invoice_confirmation("RETURN", "UNDER REVIEW")
    await trade.send("invoice/req-confirm-invoice", returned)
    edited = bills.invoice(1, eInvoiceInfo={"irnNumber": IRN})
    edited["invoice"]["objectVersion"] = {"currentVersion": 1, "newVersion": 2}
    edited["invoice"]["statusTransition"]["currentStatus"] = "UNDER REVIEW"
    await trade.send("invoice/req-edit-invoice", edited)
    cancel = bills.invoice_status("CANCEL", "SENT TO BUYER", "CANCELLED")
    cancel["invoiceStatus"]["objectVersion"] = {"currentVersion": 2, "newVersion": 2}
    await trade.send("invoice/req-status-change-invoice", cancel)
    again = INVOICE_1[:-1] + ("0" if INVOICE_1[-1] != "0" else "1")
    other = bills.invoice(1, objectId=again, eInvoiceInfo={"irnNumber": IRN.replace("1", "2")})
    found = await trade.refused(SEND, other)
    assert found == [("DOC-NUMBER-USED", "invoice.supplierInvoiceNumber")]
    await trade.send(SEND, bills.invoice(1, objectId=again, eInvoiceInfo={"irnNumber": IRN}))


def test_two_that_name_different_orders_by_number_share_a_batch() -> None:
    """What of an order is not known, its id, keeps nobody apart; its number does."""
    message = next(m for m in MESSAGES if stored_name(m) == SEND)

    def keys(number: str, invoice: int) -> set[object]:
        body = bills.invoice(invoice, poDetails=[{"buyerPONumber": number}])
        raw = story.dumps(body)
        return set(read_request(message, raw, client_id="c", idempotency_key=None).keys())

    assert not keys("PO-1", 1) & keys("PO-2", 2)
    assert keys("PO-1", 1) & keys("PO-1", 2)
