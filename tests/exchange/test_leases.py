"""Leases are shared out fairly among receivers, and keep the order of a lane."""

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.closing import unanswered
from hundi.exchange.leases import lease
from hundi.exchange.record import State
from hundi.exchange.verdict import Decision, Kind
from hundi.kernel.clock import HOUR
from hundi.kernel.identity import response_id
from tests.exchange.scene import SERVES, Scene
from tests.exchange.slips import STRANGER, slip


async def test_every_client_gets_its_first_before_any_gets_its_second(stage: Scene) -> None:
    for number in range(5):
        await stage.submit("req-send", slip(f"S{number}"))
    for number in range(2):
        await stage.submit("req-send", slip(f"T{number}", supplier=STRANGER))
    room = dict.fromkeys(SERVES, 10)
    taken = await stage.database.write(lambda tx: lease(tx, room=room, total=4))
    receivers = sorted(one.client_id for one in taken)
    assert receivers == ["stranger", "stranger", "supplier", "supplier"]


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
