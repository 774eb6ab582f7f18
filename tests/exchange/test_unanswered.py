"""Exchanges that nobody answered: expired, abandoned, and told so."""

import asyncio
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from hundi.delivery.breaker import Breaker
from hundi.delivery.dispatch import Dispatcher
from hundi.delivery.dispatch_loop import DispatchLoop
from hundi.exchange import tables
from hundi.exchange.closing import unanswered
from hundi.exchange.outbox import find_lapsed
from hundi.exchange.record import State
from hundi.exchange.verdict import Answer, Decision, Kind
from hundi.kernel.clock import SECOND, wall_clock
from hundi.store.engine import Transaction
from tests.exchange.scene import ANSWER, Scene, scene
from tests.exchange.slips import slip
from tests.keys import KEYRING
from tests.store.waiting import locked_out


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
        await locked_out(stage.database)
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


@pytest.mark.logs("attempt-not-understood")
async def test_an_answer_that_this_process_cannot_write_is_asked_for_again(
    database_url: str,
) -> None:
    """As an old dispatcher meets it beside newer servers; the others' answers are written."""
    async with scene(database_url) as stage:
        sent = [await stage.submit("req-send", slip(f"S{n}")) for n in range(2)]
        x, d = tables.exchange, tables.delivery
        await stage.execute(sa.update(x).where(x.c.req_msg_id == sent[0]).values(message="new/req"))
        says = _Says(len(sent))
        loop = DispatchLoop(answering(stage, says))
        running = asyncio.create_task(loop.run())
        async with asyncio.timeout(30):
            await says.all_asked.wait()
            loop.stop()
            await running
            await loop.drained()
        query = sa.select(d.c.state, d.c.due_at - d.c.created_at, d.c.attempts, d.c.failures)
        [row] = await stage.rows(query.where(d.c.webhook_id == sent[0]))
        state, later, *counts = row.values()
        assert (state, counts) == ("QUEUED", [1, 0])
        assert 60 * SECOND <= later < 75 * SECOND
        [ended] = await stage.rows(sa.select(tables.attempt).where(
            tables.attempt.c.webhook_id == sent[0]))  # fmt: skip
        assert ended["outcome"] == "ASK_AGAIN"
        [other] = await stage.rows(sa.select(x.c.state).where(x.c.req_msg_id == sent[1]))
        assert other["state"] == "SETTLED"


class _Says:
    """A wire on which everybody says SUCCESS, and nobody who counts."""

    def __init__(self, requests: int) -> None:
        self._left = requests
        self.all_asked = asyncio.Event()

    async def post(self, *_: Any, **__: Any) -> Answer:
        self._left -= 1
        if self._left == 0:
            self.all_asked.set()
        return Answer(status=200, body=ANSWER, retry_after=None, milliseconds=1, reached=True,
                      error=None)  # fmt: skip

    def attempted(self, *_: Any) -> None:
        """Nobody counts."""


def answering(stage: Scene, says: Any) -> Dispatcher:
    """A dispatcher over such a wire."""
    return Dispatcher(
        database=stage.database, outbox=stage.outbox, wire=says, breaker=Breaker(random=bytes),
        observer=says, keyring=KEYRING, clock=wall_clock, random=bytes,
    )  # fmt: skip
