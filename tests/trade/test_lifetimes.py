"""Times to live: each message's own, and of documents that somebody has to answer in time."""

from random import Random

import sqlalchemy as sa

from hundi.documents import MESSAGES
from hundi.exchange import tables
from hundi.exchange.gate import Road
from hundi.kernel.clock import DAY, HOUR
from hundi.kernel.lifetimes import lifetimes_from
from hundi.simulator import story_money
from hundi.store.engine import Database
from tests.trade.desk import Desk
from tests.trade.lending import Lending
from tests.trade.test_financing import asked, lending
from tests.trade.test_story import billed, ordered

__all__ = ["lending"]

SETTING = "2d, invoice/req-confirm-invoice=36h, financing-request/req-financing=3d"


def road(database: Database) -> Road:
    return Road(
        database,
        MESSAGES,
        random=Random(2).randbytes,
        accepted=lambda: None,
        lifetimes=lifetimes_from(SETTING),
    )


async def lives(trade: Desk, message: str) -> int | None:
    """How long the last exchange of a message has, in microseconds."""
    x = tables.exchange.c
    query = sa.select(x.created_at, x.expires_at).where(x.message == message)
    row = (await trade.rows(query.order_by(x.req_msg_id.desc())))[0]
    return None if row["expires_at"] is None else row["expires_at"] - row["created_at"]


async def test_a_message_has_its_own_time_or_the_usual_one(trade: Desk) -> None:
    trade.road = road(trade.database)
    await ordered(trade)
    await billed(trade, 2)
    await trade.send("payment/req-pay", story_money.payment(3))
    assert await lives(trade, "purchase-order/req-send") == 2 * DAY
    assert await lives(trade, "invoice/req-confirm-invoice") == 36 * HOUR
    assert await lives(trade, "payment/req-pay") is None, "a fact never expires"


async def test_a_document_lapses_after_the_time_of_the_message_that_sent_it(
    lending: Lending,
) -> None:
    lending.road = road(lending.database)
    await asked(lending)
    assert await lives(lending, "financing-request/req-financing") == 3 * DAY
    document, deadline = tables.document.c, tables.deadline.c
    query = sa.select(document.created_at, deadline.due_at).join(
        tables.deadline, deadline.object_id == document.object_id
    )
    rows = await lending.rows(query.where(document.type == "financing-request"))
    assert {row["due_at"] - row["created_at"] for row in rows} == {3 * DAY}
