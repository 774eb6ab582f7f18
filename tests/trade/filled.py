"""A store with trades of every kind in it, one proposal open, a key claimed and events numbered."""

from hundi.exchange.feed import number_events
from hundi.exchange.request import Accepted, read_request
from hundi.simulator import story
from tests.trade.desk import Desk, desk, reopened
from tests.trade.trader import Trader

SEED, STEPS = 6, 90
"""Of this seed there are invoices accepted, paid and closed, notes, and payments of every end."""


async def fill(url: str) -> None:
    """Trade on a migrated database."""
    async with desk(url) as trade:
        await Trader(trade, SEED).play(STEPS)
        await _open(trade)
        await trade.database.write(number_events)


async def _open(trade: Desk) -> None:
    message = trade.road.messages["purchase-order/req-send"]
    raw = story.dumps(story.order(object_id="PO" + "9" * 33, number="PO-OPEN"))
    request = read_request(message, raw, client_id=message.sender, idempotency_key="K1")
    outcome = await trade.road.submit(request)
    assert isinstance(outcome, Accepted), outcome


async def trade_on(url: str) -> None:
    """Go on: a further order is sent and agreed, the open one is delivered."""
    async with reopened(url, seed=2) as trade:
        await trade.deliver()
        body = story.order(object_id="PO" + "8" * 33, number="PO-LATER")
        await trade.send("purchase-order/req-send", body)
