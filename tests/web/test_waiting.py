"""Long polls of the event feed: few per client, woken together, cheap for everybody else."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from alembic.script import ScriptDirectory

from hundi.exchange.feed import number_events
from hundi.kernel.clock import SECOND
from hundi.kernel.faults import RefusedError
from hundi.parties import tokens
from hundi.store.engine import Database, UnavailableError
from hundi.web.network import rest
from hundi.web.waiting import EACH, HELD_SECONDS, EventWaiters
from tests.exchange.slips import slip
from tests.web.conftest import Net, context_of
from tests.web.test_network import V1, problem


class Counting:
    """A database that counts its reads, and is away while `away` is set."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.dialect = database.dialect
        self.reads = 0
        self.away = False

    async def read(self, work):
        self.reads += 1
        if self.away:
            raise UnavailableError("gone")
        return await self.database.read(work)


@pytest.fixture
async def counting(net: Net) -> AsyncIterator[Counting]:
    """The net's database counts from now on what its long polls ask."""
    database = net.stage.database
    counted = Counting(database)
    net.stage.database = counted  # type: ignore[assignment]
    transport = httpx.ASGITransport(rest(context_of(net.stage, net.woken)))  # type: ignore[arg-type]
    net.stage.database = database
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
        net.calls = calls
        yield counted


async def waiting(net: Net, count: int, *, seconds: int, client: str = "buyer") -> list:
    """So many long polls, all of which have begun to wait."""
    polls = [
        asyncio.create_task(net.get(f"{V1}/events", client, wait=seconds)) for _ in range(count)
    ]
    await asyncio.sleep(0.3)
    return polls


async def test_a_client_waits_a_few_times_at_once(net: Net) -> None:
    polls = await waiting(net, EACH, seconds=4)
    await asyncio.sleep(0.7)  # eight calls on a busy machine
    began = time.monotonic()
    refused = await net.get(f"{V1}/events", wait=1)
    problem(refused, 429, "EVENTS-CROWDED")
    assert time.monotonic() - began >= HELD_SECONDS, "who asks again at once is slowed down"
    assert int(refused.headers["retry-after"]) > 0
    assert (await net.get(f"{V1}/events")).status_code == 200, "who does not wait takes no place"
    [other] = await waiting(net, 1, seconds=1, client="supplier")
    assert [(await one).status_code for one in [*polls, other]] == [200] * (EACH + 1)
    assert (await net.get(f"{V1}/events", wait=1)).status_code == 200


async def test_who_is_revoked_while_it_waits_hears_nothing(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED", SECOND // 2)
    [buyer, supplier] = [
        one
        for client in ("buyer", "supplier")
        for one in await waiting(net, 1, seconds=10, client=client)
    ]
    await net.stage.database.write(lambda tx: tokens.revoke(tx, "supplier"))
    await asyncio.sleep(0.5)
    await net.stage.sent("S1")
    await net.stage.database.write(number_events)
    async with asyncio.timeout(5):
        problem(await supplier, 401, "AUTH-TOKEN")
        assert (await buyer).status_code == 200


async def test_a_process_holds_so_many_and_no_more(net: Net) -> None:
    waiters = EventWaiters(net.stage.database, each=2, most=3)
    async with waiters.place("a"), waiters.place("a"), waiters.place("b"):
        with pytest.raises(RefusedError, match="HTTP-OVERLOADED"):
            await waiters.place("c").__aenter__()
        with pytest.raises(RefusedError, match="EVENTS-CROWDED"):
            await waiters.place("a").__aenter__()
    async with waiters.place("c"):
        pass


async def test_those_who_wait_share_one_question(net: Net, counting: Counting) -> None:
    polls = await waiting(net, EACH, seconds=2)
    polls += await waiting(net, EACH, seconds=2, client="supplier")
    before = counting.reads
    await asyncio.sleep(1)
    assert 2 <= counting.reads - before <= 6
    await asyncio.gather(*polls)


async def test_only_those_whom_it_concerns_are_woken(net: Net, counting: Counting) -> None:
    concerned = await waiting(net, 2, seconds=10)
    bystander = (await waiting(net, 1, seconds=3, client="stranger"))[0]
    await net.stage.submit("req-send", slip())
    await net.stage.database.write(number_events)
    async with asyncio.timeout(2):
        answers = [(await one).json() for one in concerned]
    assert [len(one["events"]) for one in answers] == [1, 1]
    assert not bystander.done()
    assert (await bystander).json()["events"] == []


async def test_the_database_may_go_and_come_while_they_wait(net: Net, counting: Counting) -> None:
    [poll] = await waiting(net, 1, seconds=10)
    counting.away = True
    await asyncio.sleep(0.6)
    counting.away = False
    await net.stage.submit("req-send", slip())
    await net.stage.database.write(number_events)
    async with asyncio.timeout(3):
        assert len((await poll).json()["events"]) == 1


async def test_being_ready_reads_no_migrations(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are modules of Python: to load them takes milliseconds in which nobody else is served."""
    assert (await net.calls.get("/readyz")).status_code == 200
    monkeypatch.setattr(ScriptDirectory, "get_current_head", lambda _: pytest.fail("read again"))
    assert (await net.calls.get("/readyz")).status_code == 200


async def test_who_is_told_of_new_events_asks_at_once(net: Net, monkeypatch) -> None:
    monkeypatch.setattr("hundi.web.waiting.TICK_SECONDS", 60)
    polls = await waiting(net, 2, seconds=15)
    await net.stage.submit("req-send", slip())
    await net.stage.database.write(number_events)
    await asyncio.sleep(0.1)
    assert not any(poll.done() for poll in polls)
    net.context.waiters.look()
    for answer in await asyncio.wait_for(asyncio.gather(*polls), 10):
        assert answer.json()["events"]
