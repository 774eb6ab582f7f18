"""Quantities and amounts that no account can hold: refused, never an error of the network's own."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

from hundi.simulator import story
from tests.trade import bills
from tests.trade.desk import Body, Desk
from tests.trade.test_story import INVOICE_1, ORDER


def with_gifts(items: list[Any], quantity: Decimal, *, lines: int) -> None:
    """Add lines that cost nothing and count together."""
    gift = deepcopy(items[0]) | {"serialno": "9", "orderLineReference": "9", "quantity": quantity}
    zero = dict.fromkeys(
        ("unitPrice", "totalAmt", "assessmentAmount", "totalItemValue"), Decimal(0)
    )
    items += [gift | zero | {"itemValueDetails": []} for _ in range(lines)]


async def test_more_than_the_books_can_count_is_refused(trade: Desk) -> None:
    order: Body = story.order(2, current_version=1)
    order["purchaseOrder"]["objectVersion"] = {"currentVersion": 1, "newVersion": 1}
    with_gifts(order["purchaseOrder"]["itemLists"], Decimal("1E15"), lines=12)
    await trade.send("purchase-order/req-send", order)
    accepted = story.confirmation("ACCEPT", version=1, target="ACCEPTED", remarks="Agreed")
    await trade.send("purchase-order/req-confirm", accepted)
    invoice = bills.invoice(1)
    with_gifts(invoice["invoice"]["itemLists"], Decimal("1E15"), lines=12)
    found = await trade.refused("invoice/req-send-invoice", invoice)
    assert set(found) == {("LEDGER-TOO-MUCH", "invoice.poDetails[0]")}
    assert await trade.reserved(ORDER) == {}
    await trade.send("invoice/req-send-invoice", bills.invoice(1))
    assert await trade.status(INVOICE_1) == "SENT TO BUYER"
