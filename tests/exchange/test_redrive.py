"""Sending again and giving up: by whom, when, and what comes of it."""

import asyncio

import pytest
import sqlalchemy as sa

from hundi.exchange import deliveries, redrive, tables
from hundi.exchange.settle import Ended
from hundi.exchange.verdict import Decision
from hundi.kernel.faults import RefusedError
from hundi.kernel.identity import receiver_copy_id, response_id
from tests.exchange.scene import Scene
from tests.exchange.slips import slip

PAY = {"source": "SENT", "target": "SENT"}


async def send_again(stage: Scene, client_id: str, webhook_id: str) -> None:
    await stage.database.write(
        lambda tx: redrive.redrive(tx, client_id=client_id, webhook_id=webhook_id)
    )


async def give_up(stage: Scene, client_id: str, req_msg_id: str) -> Ended:
    settler = stage.road.settler
    became = await stage.database.write(
        lambda tx: redrive.abandon(tx, settler, client_id=client_id, req_msg_id=req_msg_id)
    )
    [one] = became.told.values()
    return one


async def shown(stage: Scene, webhook_id: str) -> dict:
    return await stage.database.read(
        lambda tx: deliveries.delivery(tx, client_id="buyer", webhook_id=webhook_id)
    )


async def state_of(stage: Scene, req_msg_id: str) -> tuple[str, str | None]:
    found = await stage.database.read(
        lambda tx: deliveries.exchange(tx, client_id="buyer", req_msg_id=req_msg_id)
    )
    return found["state"], found["closing"]


async def journal(stage: Scene) -> list[object]:
    query = sa.select(tables.journal.c.step).order_by(tables.journal.c.sequence)
    return [row["step"] for row in await stage.rows(query)]


@pytest.mark.parametrize("client_id", ["buyer", "supplier"])
async def test_a_delivered_response_goes_out_once_more(stage: Scene, client_id: str) -> None:
    webhook_id = response_id(await stage.sent())
    await send_again(stage, client_id, webhook_id)
    assert (await shown(stage, webhook_id))["state"] == "QUEUED"
    [leased] = await stage.lease()
    assert leased.webhook_id == webhook_id
    await stage.finish([leased])
    after = await shown(stage, webhook_id)
    assert after["state"] == "DELIVERED"
    assert [one["redriven"] for one in after["attemptLog"]] == [False, True]
    assert await stage.lease() == []


async def test_a_parked_response_is_due_at_once(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    await stage.finish(await stage.lease())
    await stage.finish(await stage.lease(), Decision.FAILED, parks=True)
    assert (await shown(stage, response_id(req_msg_id)))["state"] == "PARKED"
    await send_again(stage, "buyer", response_id(req_msg_id))
    assert [one.failures for one in await stage.lease()] == [0]


async def test_the_late_end_of_an_attempt_takes_no_redrive_away(stage: Scene) -> None:
    """It was delivered by a second attempt, and somebody asked for it once more."""
    webhook_id = response_id(await stage.submit("req-send", slip()))
    await stage.finish(await stage.lease())
    late = await stage.lease()
    lapsed = sa.update(tables.delivery).where(tables.delivery.c.webhook_id == webhook_id)
    await stage.execute(lapsed.values(state="QUEUED", lease_until=None))
    await stage.finish(await stage.lease())
    await send_again(stage, "buyer", webhook_id)
    await stage.finish(late)
    assert (await shown(stage, webhook_id))["state"] == "QUEUED"
    await stage.finish(await stage.lease())
    after = await shown(stage, webhook_id)
    assert after["state"] == "DELIVERED"
    assert [one["redriven"] for one in after["attemptLog"]] == [False, False, True]


async def test_what_is_given_back_unsent_is_redriven_still(stage: Scene) -> None:
    webhook_id = response_id(await stage.sent())
    await send_again(stage, "buyer", webhook_id)
    await stage.finish(await stage.lease(), Decision.ASK_AGAIN, reached=False)
    await stage.execute(sa.update(tables.delivery).values(due_at=0))
    await stage.finish(await stage.lease())
    after = await shown(stage, webhook_id)
    assert [one["redriven"] for one in after["attemptLog"]] == [False, True, True]


async def test_a_waiting_proposal_is_due_at_once(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    await stage.fail(reached=True)
    assert await stage.lease() == []
    await send_again(stage, "supplier", req_msg_id)
    await stage.deliver_all()
    assert await state_of(stage, req_msg_id) == ("SETTLED", None)


async def test_a_proposal_is_not_sent_after_its_exchange(stage: Scene) -> None:
    req_msg_id = await stage.sent()
    with pytest.raises(RefusedError, match="DELIVERY-OVER") as told:
        await send_again(stage, "buyer", req_msg_id)
    assert told.value.faults[0].context == {"state": "SETTLED", "closing": None}
    assert (await shown(stage, req_msg_id))["state"] == "DELIVERED"


async def test_a_closing_proposal_is_not_sent_again(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    await stage.lease()
    assert await give_up(stage, "buyer", req_msg_id) is Ended.CLOSING
    row = tables.delivery.c
    # between the end of an attempt and the end that comes with it nothing may be queued
    await stage.execute(sa.update(tables.delivery).values(state="QUEUED").where(row.kind == "REQ"))
    with pytest.raises(RefusedError, match="DELIVERY-OVER"):
        await send_again(stage, "buyer", req_msg_id)


async def test_a_settled_fact_is_sent_again_and_changes_nothing(stage: Scene) -> None:
    await stage.sent()
    paid = await stage.submit("req-pay", slip(**PAY))
    await stage.deliver_all()
    assert await state_of(stage, paid) == ("SETTLED", None)
    await send_again(stage, "buyer", paid)
    await stage.deliver_all()
    assert (await shown(stage, paid))["state"] == "DELIVERED"
    assert await state_of(stage, paid) == ("SETTLED", None)
    assert await stage.lease() == []


async def test_an_attempt_under_way_is_not_doubled(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    await stage.lease()
    with pytest.raises(RefusedError, match="DELIVERY-IN-FLIGHT") as told:
        await send_again(stage, "buyer", req_msg_id)
    assert told.value.retry_after


async def test_strangers_and_the_unreached_find_nothing_to_send(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    for client_id, webhook_id in (
        ("stranger", req_msg_id),
        ("supplier", req_msg_id),
        ("buyer", "MSG0"),
    ):
        with pytest.raises(RefusedError, match="DELIVERY-UNKNOWN"):
            await send_again(stage, client_id, webhook_id)


async def test_enabling_makes_the_gap_due(stage: Scene) -> None:
    first = await stage.submit("req-send", slip("S1"))
    await stage.fail(reached=False)
    settled = await stage.submit("req-send", slip("S2"))
    await stage.finish(await stage.lease())
    await stage.finish(await stage.lease(), Decision.FAILED, parks=True)  # buyer's response
    await stage.replay("supplier")
    assert [one.webhook_id for one in await stage.lease()] == [first]
    await stage.replay("buyer")
    [parked] = await stage.lease()
    assert parked.webhook_id == response_id(settled)
    await stage.finish([parked])
    assert (await shown(stage, parked.webhook_id))["attemptLog"][-1]["redriven"]


async def test_an_unsent_proposal_is_given_up_at_once(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    assert await give_up(stage, "buyer", req_msg_id) is Ended.ENDED
    assert await state_of(stage, req_msg_id) == ("ABANDONED", None)
    assert [one.webhook_id for one in await stage.lease()] == [response_id(req_msg_id)]


async def test_the_receiver_is_told_where_it_may_have_been_reached(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    await stage.fail(reached=True)
    assert await give_up(stage, "buyer", req_msg_id) is Ended.ENDED
    due = {one.webhook_id for one in await stage.lease()}
    assert due == {response_id(req_msg_id), receiver_copy_id(req_msg_id)}


@pytest.mark.parametrize(
    ("decision", "state"), [(Decision.SETTLED, "SETTLED"), (Decision.FAILED, "ABANDONED")]
)
async def test_the_answer_of_an_attempt_under_way_wins(
    stage: Scene, decision: Decision, state: str
) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    leased = await stage.lease()
    assert await give_up(stage, "buyer", req_msg_id) is Ended.CLOSING
    assert await give_up(stage, "buyer", req_msg_id) is Ended.CLOSING
    assert await state_of(stage, req_msg_id) == ("OPEN", "ABANDONED")
    await stage.finish(leased, decision)
    assert (await state_of(stage, req_msg_id))[0] == state


async def test_what_has_ended_is_not_given_up(stage: Scene) -> None:
    req_msg_id = await stage.sent()
    with pytest.raises(RefusedError, match="EXCHANGE-ENDED") as told:
        await give_up(stage, "buyer", req_msg_id)
    assert told.value.faults[0].context == {"state": "SETTLED"}
    assert await journal(stage) == ["ACCEPTED", "SETTLED"]


async def test_two_who_give_up_end_it_once(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    told = await asyncio.gather(
        *(give_up(stage, "buyer", req_msg_id) for _ in range(4)), return_exceptions=True
    )
    assert sum(one is Ended.ENDED for one in told) == 1
    assert sum(isinstance(one, RefusedError) for one in told) == 3
    assert await journal(stage) == ["ACCEPTED", "ABANDONED"]


async def test_only_its_sender_gives_an_exchange_up(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    for client_id in ("supplier", "stranger"):
        with pytest.raises(RefusedError, match="EXCHANGE-UNKNOWN"):
            await give_up(stage, client_id, req_msg_id)
    await stage.fail(reached=True)
    with pytest.raises(RefusedError, match="EXCHANGE-NOT-SENDER"):
        await give_up(stage, "supplier", req_msg_id)
    with pytest.raises(RefusedError, match="EXCHANGE-UNKNOWN"):
        await give_up(stage, "stranger", req_msg_id)
    assert await state_of(stage, req_msg_id) == ("OPEN", None)


async def test_a_fact_cannot_be_given_up(stage: Scene) -> None:
    await stage.sent()
    paid = await stage.submit("req-pay", slip(**PAY))
    with pytest.raises(RefusedError, match="EXCHANGE-FACT"):
        await give_up(stage, "buyer", paid)


async def test_a_receiver_has_a_fact_sent_that_never_reached_it(stage: Scene) -> None:
    await stage.sent()
    fact = await stage.submit("req-pay", slip(**PAY))
    await stage.finish(await stage.lease(), Decision.FAILED, reached=False, parks=True)
    await send_again(stage, "supplier", fact)
    assert [one.webhook_id for one in await stage.lease()] == [fact]
