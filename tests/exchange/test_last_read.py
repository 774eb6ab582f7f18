"""What ends are written with, in one statement or in several: the same, and once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.answers import Resp
from hundi.exchange.closing import Ending, close_exchanges
from hundi.exchange.document import KEY_COLUMNS
from hundi.exchange.last_read import _LOCKED_AND_CLOSED, Locked, locked_and_closed
from hundi.exchange.record import (
    State,
    exchange_from,
    load_exchanges,
    lock_documents,
    lock_request_deliveries,
)
from hundi.exchange.verdict import Kind
from hundi.exchange.writes import Writes
from hundi.store.engine import Transaction
from tests.exchange.scene import Scene, scene
from tests.exchange.slips import slip
from tests.store.waiting import locked_out

UNKNOWN = ("buyer", "slip", "S9")


class TakenBackError(Exception):
    """Ends a transaction without effect."""


def ending(req_msg_id: str, state: State) -> Ending:
    resp = Resp(req_msg_id, "SUCCESS" if state is State.SETTLED else "FAILURE", "NO", "no", "")
    return Ending(req_msg_id=req_msg_id, state=state, resp=resp, by_attempt=True, reached=True)


async def one_by_one(tx: Transaction, endings: Sequence[Ending], writes: Writes) -> Locked:
    documents = await lock_documents(tx, await keys(tx))
    deliveries = await lock_request_deliveries(tx, [e.req_msg_id for e in endings])
    return documents, deliveries, await close_exchanges(tx, endings, writes)


async def at_once(tx: Transaction, endings: Sequence[Ending], writes: Writes) -> Locked:
    return await locked_and_closed(tx, await keys(tx), endings, writes=writes)


async def keys(tx: Transaction) -> set[tuple[str, str, str]]:
    query = sa.select(*(tables.document.c[name] for name in KEY_COLUMNS))
    found = [tuple(str(row[name]) for name in KEY_COLUMNS) for row in await tx.select(query)]
    return {UNKNOWN, *((author, kind, id_) for author, kind, id_ in found)}


Way = Callable[[Transaction, Sequence[Ending], Writes], Awaitable[Locked]]


async def tried(stage: Scene, way: Way, endings: Sequence[Ending]) -> tuple[Locked, list[object]]:
    """What one way reads and means to write; nothing of it is kept."""
    seen: list[tuple[Locked, list[object]]] = []

    async def work(tx: Transaction) -> None:
        writes = Writes()
        locked = await way(tx, endings, writes)
        seen.append((locked, [row[:2] for row in sorted(writes.ended_requests)]))
        raise TakenBackError

    with pytest.raises(TakenBackError):
        await stage.database.write(work)
    return seen[0]


async def test_one_statement_reads_and_closes_what_three_do(postgres_url: str) -> None:
    async with scene(postgres_url) as stage:
        await _alike(stage)


async def _alike(stage: Scene) -> None:
    settled = await stage.sent("S0")  # has ended before
    first = await stage.submit("req-send", slip("S1"))
    second = await stage.submit("req-send", slip("S2"))
    await stage.lease()
    third = await stage.submit("req-send", slip("S3"))
    twice = [ending(second, State.DECLINED), ending(second, State.SETTLED)]
    for endings in (
        [ending(first, State.SETTLED)],
        [*twice, ending(settled, State.SETTLED), ending(first, State.EXPIRED)],
        [ending(third, State.SETTLED), ending("req-of-nobody", State.SETTLED)],
    ):
        expected = await tried(stage, one_by_one, endings)
        assert await tried(stage, at_once, endings) == expected
        assert expected[1]


def test_each_part_waits_for_the_one_before() -> None:
    """Documents, deliveries, exchanges: the order in which everybody takes locks."""
    text = _LOCKED_AND_CLOSED.postgresql
    parts = (
        "for update of d",
        "count(*) from held",
        "order by webhook_id for update",
        "count(*) from sent",
    )
    assert [text.count(part) for part in parts] == [1, 1, 1, 1]
    assert text.index("for update of d") < text.index("count(*) from held")
    assert text.index("count(*) from held") < text.index("count(*) from sent")


async def test_a_lease_brings_what_its_end_is_written_with(stage: Scene) -> None:
    await stage.submit("req-send", slip("S1"), key="one")
    [request] = await stage.lease()
    assert request.row is not None
    again = await stage.database.read(
        lambda tx: load_exchanges(tx, [request.req_msg_id], stage.road.settler.messages)
    )
    assert exchange_from(request.row, stage.road.settler.messages) == again[request.req_msg_id]
    await stage.finish([request])
    [outcome] = await stage.lease()
    assert outcome.kind is Kind.RESPONSE
    assert outcome.row is not None
    assert outcome.row["message"] is None


async def test_of_two_who_end_one_attempt_at_once_one_does(postgres_url: str) -> None:
    """The second waits at the document, begun before the first is committed, and comes too late."""
    async with scene(postgres_url) as stage:
        sent = await stage.submit("req-send", slip("S1"))
        leased = await stage.lease()
        ended, go_on = asyncio.Event(), asyncio.Event()

        async def first(tx: Transaction) -> None:
            await stage.road.settler.end(tx, [ending(sent, State.DECLINED)])
            ended.set()
            await go_on.wait()

        declining = asyncio.create_task(stage.database.write(first))
        await ended.wait()
        settling = asyncio.create_task(stage.finish(leased))
        await locked_out(stage.database)
        assert not settling.done()
        go_on.set()
        await asyncio.gather(declining, settling)
        assert stage.entered["SETTLED"] == 0
        [exchange] = await stage.rows(sa.select(tables.exchange.c.state))
        assert exchange["state"] == "DECLINED"
        steps = await stage.rows(
            sa.select(tables.journal.c.step).order_by(tables.journal.c.sequence)
        )
        assert [row["step"] for row in steps] == ["ACCEPTED", "DECLINED", "LATE"]
