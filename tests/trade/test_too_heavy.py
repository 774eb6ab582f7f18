"""A message that names documents of many megabytes: none of them is read, and it is refused."""

import pytest

from hundi.exchange import gathering
from hundi.simulator import story_money
from tests.trade.desk import Desk
from tests.trade.test_story import INVOICE_2, billed, ordered, paid


async def test_what_is_named_is_weighed_before_it_is_read(
    trade: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ordered(trade)
    await billed(trade, 2)
    monkeypatch.setattr(gathering, "FEW", 0)
    monkeypatch.setattr(gathering, "MOST_BYTES", 1_000)
    found = await trade.refused("payment/req-pay", story_money.payment(3))
    assert found == [("EXCHANGE-TOO-HEAVY", "payment")]
    assert await trade.reserved(INVOICE_2) == {}
    monkeypatch.setattr(gathering, "MOST_BYTES", 100_000)
    await paid(trade, 3)
    assert await trade.status(INVOICE_2) == "PAID"
