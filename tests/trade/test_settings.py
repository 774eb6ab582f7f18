"""What the buyer has settled about over-delivery, where its order says nothing of it."""

import pytest

from hundi.parties.trade_settings import Changes, set_party
from hundi.simulator import story
from tests.trade import bills
from tests.trade.desk import Desk
from tests.trade.test_story import billed


@pytest.mark.parametrize(
    ("percent", "codes"), [("none", []), ("1", []), ("0", ["INV-OVER-QUANTITY"])]
)
async def test_over_delivery_is_the_buyers_to_settle(
    trade: Desk, percent: str, codes: list[str]
) -> None:
    """Invoice 2 brings line 1 to 3208.750 of 3200.000, 0.27 percent over."""
    await set_party(trade.database, story.BUYER.b2b_id, Changes(over_delivery=percent))
    order = story.order(2)
    order["purchaseOrder"] |= {
        "poInfos": [],
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "poStatusTransition": {"currentStatus": "CREATED", "newStatus": "SENT TO SUPPLIER"},
    }
    await trade.send("purchase-order/req-send", order)
    accepted = story.confirmation("ACCEPT", version=1, target="ACCEPTED", remarks="Agreed")
    await trade.send("purchase-order/req-confirm", accepted)
    await billed(trade, 1)
    path, body = "invoice/req-send-invoice", bills.invoice(2)
    if codes:
        assert [code for code, _ in await trade.refused(path, body)] == codes
    else:
        await trade.send(path, body)
