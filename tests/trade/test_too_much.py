"""Quantities and amounts that no account can hold: refused, never an error of the network's own."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from hundi.ledger.model import LARGEST
from hundi.ledger.tables import account
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


async def test_a_confirmation_is_told_where_it_stands_itself(trade: Desk) -> None:
    await trade.send("invoice/req-send-invoice", bills.invoice(1))
    await trade.send(
        "invoice/req-confirm-invoice", bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    )
    await trade.send("cd-note/req-send", bills.note())
    full = sa.update(account).where(account.c.object_id == INVOICE_1, account.c.name == "due")
    much = LARGEST - account.c.debit
    await trade.database.write(
        lambda tx: tx.execute(full.values(debit=LARGEST, credit=account.c.credit + much))
    )
    found = await trade.refused("cd-note/req-confirm", bills.note_confirmation())
    assert set(found) == {("LEDGER-TOO-MUCH", "cdNoteConfirmation")}, "it does not name the invoice"
