"""Leases are shared out fairly among receivers, and keep the order of a lane."""

from collections import Counter
from functools import partial
from typing import Any, cast

import pytest
import sqlalchemy as sa

from hundi.delivery.breaker import CONCURRENCY, Breaker
from hundi.delivery.dispatch import Dispatcher
from hundi.exchange import tables
from hundi.exchange.closing import unanswered
from hundi.exchange.leases import lease
from hundi.exchange.record import State
from hundi.exchange.verdict import Decision, Kind
from hundi.kernel.clock import HOUR, SECOND
from hundi.kernel.identity import response_id
from hundi.parties.tables import client
from tests.exchange.scene import SERVES, Scene
from tests.exchange.slips import STRANGER, SUPPLIER, slip


async def test_every_client_gets_its_first_before_any_gets_its_second(stage: Scene) -> None:
    for number in range(5):
        await stage.submit("req-send", slip(f"S{number}"))
    for number in range(2):
        await stage.submit("req-send", slip(f"T{number}", supplier=STRANGER))
    room = dict.fromkeys(SERVES, 10)
    taken = await stage.database.write(lambda tx: lease(tx, room=room, total=4))
    receivers = sorted(one.client_id for one in taken)
    assert receivers == ["stranger", "stranger", "supplier", "supplier"]


@pytest.mark.parametrize(("slow", "other"), [("supplier", "stranger"), ("stranger", "supplier")])
async def test_a_place_that_is_free_goes_to_who_has_the_fewest(
    stage: Scene, slow: str, other: str
) -> None:
    """Whatever their ids, and though the other's came last: who has had many has no more turns for it."""
    served = {"supplier": SUPPLIER, "stranger": STRANGER}
    for number in range(3):
        await stage.submit("req-send", slip(f"S{number}", supplier=served[slow]))
    await stage.submit("req-send", slip("T", supplier=served[other]))
    one = partial(lease, room=dict.fromkeys(SERVES, 10), total=1, flying={slow: 1})
    assert [taken.client_id for taken in await stage.database.write(one)] == [other]
    assert [taken.client_id for taken in await stage.database.write(one)] == [slow]


async def test_among_equals_each_has_its_turn(stage: Scene) -> None:
    """Whatever their ids, and however long the other's wait already."""
    draws = 24
    for number in range(draws):
        await stage.submit("req-send", slip(f"S{number}"))
        await stage.submit("req-send", slip(f"T{number}", supplier=STRANGER))
    of_supplier = tables.delivery.c.client_id == "supplier"
    older = sa.update(tables.delivery).values(due_at=tables.delivery.c.due_at - SECOND)
    await stage.execute(older.where(of_supplier))
    one = partial(lease, room=dict.fromkeys(SERVES, 10), total=1)
    taken = [(await stage.database.write(one))[0].client_id for _ in range(draws)]
    assert set(taken) == {"supplier", "stranger"}


async def test_who_is_not_named_gets_as_much_as_others(stage: Scene) -> None:
    for number in range(4):
        await stage.submit("req-send", slip(f"S{number}"))
        await stage.submit("req-send", slip(f"T{number}", supplier=STRANGER))
    for room, others, expected in (
        ({"supplier": 0, "stranger": -2}, 9, {}),
        ({"supplier": 1}, 2, {"supplier": 1, "stranger": 2}),
        ({}, 0, {}),
        ({}, 9, {"supplier": 3, "stranger": 2}),
    ):
        taken = await stage.database.write(partial(lease, room=room, total=30, others=others))
        assert Counter(one.client_id for one in taken) == expected


async def test_who_has_just_answered_soon_gets_more_than_others(stage: Scene) -> None:
    """Also with nothing in flight at that moment."""
    for number in range(CONCURRENCY + 3):
        await stage.submit("req-send", slip(f"S{number}"))
    [first, *_] = await stage.database.write(partial(lease, room={"supplier": 1}, total=1))
    breaker, nobody = Breaker(random=bytes), cast("Any", None)
    breaker.succeeded("supplier", 1)
    dispatcher = Dispatcher(
        database=stage.database, outbox=stage.outbox, wire=nobody, breaker=breaker, observer=nobody,
        keyring=nobody, clock=lambda: 1, random=bytes,
    )  # fmt: skip
    turn = await stage.database.write(
        partial(dispatcher.turn, results=stage.results([first]), flying=Counter(), free=lambda: 256)
    )
    leased = Counter(one.client_id for one in turn.leased)
    assert leased == {"supplier": CONCURRENCY + 2, "buyer": 1}


async def test_a_disabled_endpoint_gets_nothing(stage: Scene) -> None:
    await stage.submit("req-send", slip("S1"))
    await stage.submit("req-send", slip("T1", supplier=STRANGER))
    of_supplier = client.c.client_id == "supplier"
    await stage.execute(sa.update(client).where(of_supplier).values(disabled_at=1))
    taken = await stage.database.write(partial(lease, room={}, total=30, others=9))
    assert [one.client_id for one in taken] == ["stranger"]


async def two_outcomes_held_up(stage: Scene) -> list[str]:
    """Outcomes about one document that their receiver did not take, two hours old."""
    first = await stage.submit("req-send", slip())
    await stage.finish(await stage.lease())
    await stage.finish(await stage.lease(), Decision.FAILED, reached=False)
    second = await stage.submit("req-edit", slip(source="SENT", target="SENT", current=1, new=2))
    await stage.finish(await stage.lease())
    older = tables.delivery.c.created_at - 2 * HOUR
    await stage.execute(sa.update(tables.delivery).values(created_at=older))
    return [response_id(first), response_id(second)]


async def leased(stage: Scene) -> list[str]:
    taken = await stage.lease()
    await stage.finish(taken)
    return [one.webhook_id for one in taken]


async def test_an_outcome_holds_its_lane_for_an_hour_at_most(stage: Scene) -> None:
    [_, second] = await two_outcomes_held_up(stage)
    assert await leased(stage) == [second]


async def test_the_copy_of_an_outcome_does_so_too(stage: Scene) -> None:
    """What comes again does not wait for ten days for an outcome that its receiver does not take."""
    sent = await stage.submit("req-send", slip())
    await stage.fail(reached=True)
    ending = unanswered(sent, State.ABANDONED)
    await stage.database.write(lambda tx: stage.road.settler.end(tx, [ending]))
    outcomes = await stage.lease()
    [copy] = [one for one in outcomes if one.kind is Kind.COPY]
    await stage.finish([one for one in outcomes if one is not copy])
    await stage.finish([copy], Decision.FAILED)
    again = await stage.submit("req-send", slip(current=2, new=2))
    assert await stage.lease() == []
    older = tables.delivery.c.created_at - 2 * HOUR
    await stage.execute(sa.update(tables.delivery).values(created_at=older))
    assert await leased(stage) == [again]


async def test_the_replay_of_a_gap_keeps_the_order_of_old_outcomes(stage: Scene) -> None:
    [first, second] = await two_outcomes_held_up(stage)
    await stage.replay("buyer")
    assert await leased(stage) == [first]
    assert await leased(stage) == [second]
