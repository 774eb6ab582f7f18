"""A payment under other B2B IDs of the businesses than its invoice's: told, and taken."""

import json

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.parties import tables as parties
from hundi.simulator import story, story_money
from hundi.store.engine import Transaction
from tests.trade.desk import Desk
from tests.trade.test_story import INVOICE_1, billed, ordered, paid

BRANCH = "33ZZZFM3301Q2ZM@BCB"


async def branch_of_the_supplier(tx: Transaction) -> None:
    """A second ID of the supplier's business, served by the same system."""
    row = {"b2b_id": BRANCH, "entity_id": "supplier", "client_id": "supplier", "active": True}
    await tx.execute(sa.insert(parties.b2b_id).values(**row, created_at=tx.now))


async def warnings(trade: Desk) -> list[tuple[str, object]]:
    """What was odd about the payment, and the supplier's ID of its invoice."""
    x = tables.exchange.c
    [row] = await trade.rows(sa.select(x.warnings).where(x.message == "payment/req-pay"))
    return [(one["code"], one["context"].get("supplier")) for one in json.loads(row["warnings"])]


async def test_another_id_of_the_supplier_is_told_and_taken(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await trade.database.write(branch_of_the_supplier)
    body = story_money.payment(1)
    body["b2bIds"]["supplierB2BId"] = BRANCH
    await trade.send("payment/req-pay", body)
    assert ("PAY-OTHER-IDS", story.SUPPLIER.b2b_id) in await warnings(trade)
    assert await trade.status(INVOICE_1) == "PAYMENT INITIATED"


async def test_the_invoices_own_ids_are_not_remarked(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await paid(trade, 1)
    assert "PAY-OTHER-IDS" not in {code for code, _ in await warnings(trade)}
