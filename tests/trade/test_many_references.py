"""Documents that name others by the thousand: little of it is told, and nothing is hidden by it."""

from typing import Any

import msgspec
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.request import Accepted
from hundi.simulator import story_money
from tests.trade import bills
from tests.trade.desk import Desk
from tests.trade.test_story import INVOICE_1, billed, ordered

MANY = 12_000
TOLD_AT_MOST = 32 * 1024


def told(outcome: Accepted) -> list[dict[str, Any]]:
    """The warnings, as they are stored and travel."""
    assert len(outcome.warnings) < TOLD_AT_MOST
    found: list[dict[str, Any]] = msgspec.json.decode(outcome.warnings)
    return found


async def test_unknown_orders_by_the_thousand(trade: Desk) -> None:
    await ordered(trade)
    body = bills.invoice(1)
    body["invoice"]["poDetails"] += [{"objectId": f"UNKNOWN-{n}"} for n in range(MANY)]
    body["invoice"]["itemLists"][1]["unit"] = "NOS"
    outcome = await trade.send("invoice/req-send-invoice", body)
    unknown = [one for one in told(outcome) if one["code"] == "INV-ORDER-UNKNOWN"]
    assert unknown[-1]["context"] == {"more": MANY - 25}
    kept = {one["code"] for one in told(outcome)}
    assert "INV-UNIT" in kept, "what comes after them is told too"


async def test_a_refusal_is_told_among_warnings_by_the_thousand(trade: Desk) -> None:
    await ordered(trade)
    body = bills.invoice(1)
    body["invoice"]["poDetails"] += [{"objectId": f"UNKNOWN-{n}"} for n in range(MANY)]
    body["invoice"]["itemLists"][0]["quantity"] = 9_999
    found = await trade.refused("invoice/req-send-invoice", body)
    assert ("INV-OVER-QUANTITY", "invoice.itemLists[0].quantity") in found
    assert len(found) < 100


async def test_unknown_invoices_by_the_thousand(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    body = bills.note()
    named = body["cdNote"]["precedingInvoiceDetails"]
    body["cdNote"]["precedingInvoiceDetails"] = [
        *({"invoiceNumber": f"UNKNOWN-{n}", "invoiceDate": "2025-11-01"} for n in range(MANY)),
        *named,
    ]
    outcome = await trade.send("cd-note/req-send", body)
    await trade.send("cd-note/req-confirm", bills.note_confirmation())
    assert [one["context"] for one in told(outcome)][-1] == {"more": MANY - 25}
    assert (await trade.books(INVOICE_1))["notes"] == 1_415_900


async def test_a_refused_message_leaves_nothing(trade: Desk) -> None:
    body = story_money.payment(1)
    shares = body["payment"]["invoicesPayInfos"]
    body["payment"]["invoicesPayInfos"] = shares * 1_001
    found = await trade.refused("payment/req-pay", body)
    assert found == [("SHAPE-LENGTH", "payment.invoicesPayInfos")]
    assert await trade.rows(sa.select(tables.exchange)) == []
