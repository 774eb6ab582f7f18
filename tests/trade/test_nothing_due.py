"""An invoice that asks for nothing: PAID when it is accepted, though the ledger has no row of it."""

import sqlalchemy as sa

from hundi.exchange import tables
from tests.trade import bills
from tests.trade.desk import Body, Desk
from tests.trade.test_story import INVOICE_1, ordered
from tests.trade.trader import sums


def for_nothing(**changes: object) -> Body:
    lines, values = sums(0)
    values["totalInvoiceValue"] = values.pop("total")
    return bills.invoice(1, itemLists=lines, valueDetails=values, poDetails=[], **changes)


async def test_an_accepted_invoice_of_nothing_is_paid(trade: Desk) -> None:
    await trade.send("invoice/req-send-invoice", for_nothing())
    assert await trade.status(INVOICE_1) == "SENT TO BUYER"
    await trade.send(
        "invoice/req-confirm-invoice", bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    )
    assert await trade.status(INVOICE_1) == "PAID"
    assert await trade.books(INVOICE_1) == {}


async def test_one_that_is_returned_is_not(trade: Desk) -> None:
    await trade.send("invoice/req-send-invoice", for_nothing())
    returned = bills.invoice_confirmation("RETURN", "UNDER REVIEW")
    await trade.send("invoice/req-confirm-invoice", returned)
    assert await trade.status(INVOICE_1) == "UNDER REVIEW"


async def test_an_advance_that_covers_it_all_is_credit(trade: Desk) -> None:
    advance = {"paidAmount": 100}
    await trade.send("invoice/req-send-invoice", for_nothing(advancePaymentDetails=advance))
    await trade.send(
        "invoice/req-confirm-invoice", bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    )
    assert await trade.status(INVOICE_1) == "PAID"
    assert (await trade.books(INVOICE_1))["on account"] == -100_00


async def test_orders_have_no_status_of_the_ledger(trade: Desk) -> None:
    await ordered(trade)
    [row] = await trade.rows(sa.select(tables.document))
    assert (row["status"], row["booked"]) == ("ACCEPTED", False)
