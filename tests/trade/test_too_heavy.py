"""Documents of many megabytes: how much of them is read for one message, and for many at once."""

import asyncio

import pytest
import sqlalchemy as sa

from hundi.exchange import bodies, gathering, tables
from hundi.exchange.bodies import Wanted, read_for
from hundi.exchange.request import Accepted, read_request
from hundi.simulator import story, story_money
from tests.trade import bills
from tests.trade.desk import Body, Desk
from tests.trade.test_story import INVOICE_2, billed, ordered, paid

MANY = 12
"""More than the times that a member may lose a race."""


async def test_what_is_named_is_weighed_before_it_is_read(
    trade: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ordered(trade)
    await billed(trade, 2)
    monkeypatch.setattr(gathering, "MOST_BYTES", 1_000)
    found = await trade.refused("payment/req-pay", story_money.payment(3))
    assert found == [("EXCHANGE-TOO-HEAVY", "payment")]
    assert await trade.reserved(INVOICE_2) == {}
    monkeypatch.setattr(gathering, "MOST_BYTES", 100_000)
    await paid(trade, 3)
    assert await trade.status(INVOICE_2) == "PAID"


async def test_where_there_is_room_for_one_they_are_accepted_one_after_the_other(
    trade: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _returned_orders(trade, MANY)
    monkeypatch.setattr(bodies, "ROOM", 1)
    monkeypatch.setattr(bodies, "BESIDE", 0)
    edited = [
        story.order(2, **_names(place), current_version=1, current_status="UNDER REVIEW")
        for place in range(MANY)
    ]
    path = "purchase-order/req-edit"
    outcomes = await asyncio.gather(*(trade.submit(path, body) for body in edited))
    assert [type(one) for one in outcomes] == [Accepted] * MANY
    await trade.deliver()
    statuses = {await trade.status(_names(place)["object_id"]) for place in range(MANY)}
    assert statuses == {"SENT TO SUPPLIER"}


async def test_a_batch_reads_what_there_is_room_for_and_its_first_call_everything(
    trade: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _returned_orders(trade, 3)
    query = sa.select(tables.document.c.body_id).order_by(tables.document.c.object_id)
    one, two, three = [row["body_id"] for row in await trade.rows(query)]
    length = sa.select(sa.func.length(tables.body.c.bytes).label("bytes"))
    [row] = await trade.rows(length.where(tables.body.c.body_id == one))
    size = row["bytes"]

    async def read(calls: dict[int, list[Wanted]]) -> tuple[set[str], set[int], set[int]]:
        read = await trade.database.read(lambda tx: read_for(tx, calls, trade.road.messages))
        return set(read.bodies), set(read.heavy), set(read.later)

    def wants(*ids: str, most: int = 10 * size) -> list[Wanted]:
        return [Wanted(ids=frozenset(ids), most=most)]

    monkeypatch.setattr(bodies, "ROOM", size + 100)
    taken = await read({0: wants(), 1: wants(one, two), 2: wants(one), 3: wants(three)})
    assert taken == ({one, two}, set(), {3}), "the first that wants some has all; none twice"
    heavy = await read({4: wants(one, two, most=size + 100), 5: wants(two), 6: wants(three)})
    assert heavy == ({two}, {4}, {6})
    assert await read({7: wants("erased")}) == (set(), set(), set())
    each = [*wants(one, most=size), *wants(two, most=size + 100)]
    assert await read({8: each}) == ({one, two}, set(), set()), (
        "each exchange of a call has its own"
    )


async def test_of_an_exchange_that_cannot_end_here_the_body_is_not_read(trade: Desk) -> None:
    await ordered(trade)
    opened = await trade.submit("invoice/req-send-invoice", bills.invoice(2))
    assert isinstance(opened, Accepted), opened

    async def raw(path: str, body: Body) -> list[bool]:
        """Whether the open exchanges that a message meets are read with their bodies."""
        message = trade.road.messages[path]
        request = read_request(
            message, story.dumps(body), client_id=message.sender, idempotency_key=None
        )
        gatherer = trade.road.acceptor.gatherer
        world = await trade.database.write(lambda tx: gatherer.world(tx, {0: [(0, request)]}))
        return [one.exchange.raw is not None for one in world.open.values()]

    assert await raw("payment/req-pay", story_money.payment(3)) == [False], "it is only named"
    cancelled = bills.invoice_status("CANCEL", "SENT TO BUYER", "CANCELLED", number=2)
    assert await raw("invoice/req-status-change-invoice", cancelled) == [True], (
        "it may be gone over"
    )


def _names(place: int) -> dict[str, str]:
    return {"object_id": f"PUR-HEAVY-{place}", "number": f"HEAVY/{place}"}


async def _returned_orders(trade: Desk, count: int) -> None:
    for place in range(count):
        await trade.send("purchase-order/req-send", story.order(1, **_names(place)))
        returned = story.confirmation(
            "RETURN", version=1, target="UNDER REVIEW", remarks="Too dear", **_names(place)
        )
        await trade.send("purchase-order/req-confirm", returned)
