"""A repeated UTR is told: of live payments of the buyer, whoever is paid, and of no others."""

import asyncio
import json

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.request import Accepted, Refused
from hundi.exchange.verdict import Decision
from hundi.simulator import story_money
from tests.trade.desk import Body, Desk
from tests.trade.test_draws import part
from tests.trade.test_story import billed, ordered

UTR = "FICTR52026012300000077"


def payment(number: int, *, source: str = "PAYMENT INITIATED", utr: str = UTR) -> Body:
    body = part("1000.00", number, source)
    body["payment"]["utr"] = utr
    return body


def warned(outcome: Accepted | Refused) -> list[list[str]]:
    """The other payments that warnings name."""
    assert isinstance(outcome, Accepted), outcome
    told = [w for w in json.loads(outcome.warnings) if w["code"] == "PAY-UTR-USED"]
    assert all(one["path"] == "payment.utr" for one in told)
    return [one["context"]["payments"] for one in told]


async def told(trade: Desk, body: Body) -> list[list[str]]:
    found = warned(await trade.submit("payment/req-pay", body))
    await trade.deliver()
    return found


async def test_a_second_payment_with_the_utr_is_told_of_the_first(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    assert await told(trade, payment(1, source="ACCEPTED")) == []
    assert await told(trade, payment(2, utr=UTR.lower())) == [["PMT" + f"{1:032d}"]]
    assert await told(trade, payment(3, utr="FICTR52026012300000078")) == []


async def test_a_refused_payment_has_no_utr_any_more(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    first = payment(1, source="ACCEPTED")
    first["payment"]["type"] = "OFFPLATFORM"
    assert await told(trade, first) == []
    rejected = story_money.payment_confirmation(3, response="REJECT", after="ACCEPTED")
    rejected["paymentConfirmation"]["objectId"] = first["payment"]["objectId"]
    await trade.send("payment/req-pay-confirmation", rejected)
    assert await told(trade, payment(2, source="ACCEPTED")) == []


async def test_a_payment_that_is_sent_again_is_itself(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    await trade.submit("payment/req-pay", payment(1, source="ACCEPTED"))
    await trade.deliver(Decision.DECLINED)
    assert await told(trade, payment(1, utr="FICTR52026012300000079")) == []
    assert await told(trade, payment(2)) == [], "the first one's UTR was a mistake"


async def test_of_several_at_once_all_but_one_are_told(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    await told(trade, payment(9, source="ACCEPTED", utr="FICTR52026012300000070"))
    bodies = [payment(n) for n in range(4)]
    outcomes = await asyncio.gather(*(trade.submit("payment/req-pay", b) for b in bodies))
    assert sorted(len(name) for o in outcomes for name in warned(o)) == [1, 2, 3]


async def test_other_messages_leave_no_numbers(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 2)
    assert await trade.rows(sa.select(tables.shared_number)) == []
