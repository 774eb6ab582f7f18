"""Exchanges that nobody answered: expired, abandoned, and told so."""

import asyncio
from functools import partial

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.closing import unanswered
from hundi.exchange.outbox import find_lapsed
from hundi.exchange.record import State
from hundi.exchange.verdict import Decision, Kind
from hundi.store.engine import Transaction
from tests.exchange.scene import Scene, scene
from tests.exchange.slips import slip


async def _ended(stage: Scene, state: State) -> tuple[dict[str, object], set[object]]:
    sent = await stage.submit("req-send", slip("S1"))
    await stage.fail(reached=True)
    ending = unanswered(sent, state)
    await stage.database.write(lambda tx: stage.road.settler.end(tx, [ending]))
    [exchange] = await stage.rows(sa.select(tables.exchange))
    kinds = await stage.rows(
        sa.select(tables.delivery.c.kind).where(tables.delivery.c.state == "QUEUED")
    )
    return exchange, {row["kind"] for row in kinds}


@pytest.mark.parametrize(
    ("state", "code"),
    [(State.EXPIRED, "EXCHANGE-EXPIRED"), (State.ABANDONED, "EXCHANGE-ABANDONED")],
)
async def test_the_sender_and_a_receiver_that_may_hold_it_are_told(
    database_url: str, state: State, code: str
) -> None:
    async with scene(database_url) as stage:
        exchange, told = await _ended(stage, state)
        assert (exchange["state"], exchange["error_code"]) == (state.value, code)
        assert told == {"RESP", "COPY"}
        [document] = await stage.rows(sa.select(tables.document))
        assert (document["status"], document["highest_version"]) == ("CREATED", 1)


@pytest.mark.parametrize("reached", [True, False])
async def test_a_closing_exchange_ends_with_its_attempt_and_is_not_sent_again(
    database_url: str, *, reached: bool
) -> None:
    async with scene(database_url) as stage:
        sent = await stage.submit("req-send", slip("S1"))
        leased = await stage.lease()
        ending = unanswered(sent, State.ABANDONED)
        await stage.database.write(lambda tx: stage.road.settler.end(tx, [ending]))
        await stage.finish(leased, Decision.FAILED, reached=reached)
        [request] = await stage.rows(
            sa.select(tables.delivery.c.state).where(tables.delivery.c.webhook_id == sent)
        )
        assert request["state"] == "WITHDRAWN"
        told = {one.kind for one in await stage.lease()}
        assert told == ({Kind.RESPONSE, Kind.COPY} if reached else {Kind.RESPONSE})


async def test_an_exchange_that_closes_while_its_attempt_is_written_down_is_not_sent_again(
    postgres_url: str,
) -> None:
    """Whoever ends the attempt has looked before the sender's wish was committed."""
    async with scene(postgres_url) as stage:
        sent = await stage.submit("req-send", slip("S1"))
        leased = await stage.lease()
        marked, looked = asyncio.Event(), asyncio.Event()

        async def abandon(tx: Transaction) -> None:
            await stage.road.settler.end(tx, [unanswered(sent, State.ABANDONED)])
            marked.set()
            await looked.wait()

        abandoning = asyncio.create_task(stage.database.write(abandon))
        await marked.wait()
        failing = asyncio.create_task(stage.finish(leased, Decision.FAILED))
        await asyncio.sleep(0.3)
        assert not failing.done()
        looked.set()
        await asyncio.gather(abandoning, failing)
        [exchange] = await stage.rows(sa.select(tables.exchange.c.state))
        assert exchange["state"] == "ABANDONED"
        assert sent not in {one.webhook_id for one in await stage.lease()}


@pytest.mark.parametrize("decision", [Decision.SETTLED, Decision.FAILED])
async def test_a_closing_exchange_ends_with_the_attempt_that_is_under_way(
    stage: Scene, decision: Decision
) -> None:
    """Not with an earlier one, whose end somebody writes who was held up: its lease is over."""
    sent = await stage.submit("req-send", slip("S1"))
    [first] = await stage.lease()
    await stage.execute(sa.update(tables.delivery).values(lease_until=1))
    await stage.finish(await stage.database.read(partial(find_lapsed, most=9)), Decision.FAILED)
    await stage.execute(sa.update(tables.delivery).values(due_at=1))
    [second] = await stage.lease()
    ending = unanswered(sent, State.ABANDONED)
    await stage.database.write(lambda tx: stage.road.settler.end(tx, [ending]))
    await stage.finish([first], Decision.FAILED)
    query = sa.select(tables.exchange.c.state, tables.exchange.c.closing)
    assert await stage.rows(query) == [{"state": "OPEN", "closing": "ABANDONED"}]
    await stage.finish([second], decision)
    [ended] = await stage.rows(query)
    assert ended["state"] == ("SETTLED" if decision is Decision.SETTLED else "ABANDONED")


async def test_what_is_told_of_the_end_is_of_now_however_old_the_document_is(stage: Scene) -> None:
    """An outcome that was created ten days ago would be parked after its first failure."""
    sent = await stage.submit("req-send", slip("S1"))
    long_ago = sa.update(tables.document).values(updated_at=1, status_at=1)
    await stage.execute(long_ago)
    await stage.fail(reached=True)
    ending = unanswered(sent, State.EXPIRED)
    await stage.database.write(lambda tx: stage.road.settler.end(tx, [ending]))
    d, e, j = tables.delivery.c, tables.event.c, tables.journal.c
    queued = await stage.rows(sa.select(d.created_at, d.due_at).where(d.kind != "REQ"))
    told = await stage.rows(sa.select(e.at).where(e.kind == "EXPIRED"))
    [noted] = await stage.rows(sa.select(j.at).where(j.step == "EXPIRED"))
    times = {row[name] for row in queued for name in ("created_at", "due_at")}
    assert times | {row["at"] for row in told} == {noted["at"]}


async def test_an_end_is_counted_once_and_a_late_answer_not_at_all(database_url: str) -> None:
    async with scene(database_url) as stage:
        await stage.sent("S1")
        assert stage.entered == {"SETTLED": 1}
        sent = await stage.submit("req-send", slip("S2"))
        leased = await stage.lease()
        ending = unanswered(sent, State.ABANDONED)
        await stage.database.write(lambda tx: stage.road.settler.end(tx, [ending]))
        await stage.finish(leased, Decision.FAILED)
        assert stage.entered == {"SETTLED": 1, "ABANDONED": 1}
        await stage.finish(leased)  # its answer comes after all
        assert stage.entered == {"SETTLED": 1, "ABANDONED": 1}
