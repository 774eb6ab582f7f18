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
from hundi.web.waiting import EACH, HELD_SECONDS, TICK_SECONDS, EventWaiters
from tests.exchange.slips import slip
from tests.until import until
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
    net.context = context_of(net.stage, net.woken)
    net.stage.database = database
    transport = httpx.ASGITransport(rest(net.context))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
        net.calls = calls
        yield counted


LONGEST = 15
"""Seconds that a call may wait. None of them would be over before a test has ended it."""
SOON = 10
"""Seconds, fewer than those: an answer came because something has happened."""


async def waiting(net: Net, count: int, *, seconds: int = LONGEST, client: str = "buyer") -> list:
    """So many long polls more, all of which have begun to wait."""
    those = net.context.waiters._waiting
    all_of_them = len(those) + count
    polls = [
        asyncio.create_task(net.get(f"{V1}/events", client, wait=seconds)) for _ in range(count)
    ]
    await until(lambda: len(those) == all_of_them)
    return polls


async def something_happens(net: Net) -> None:
    """Buyer and supplier hear of it."""
    await net.stage.sent()
    await net.stage.database.write(number_events)


async def test_a_client_waits_a_few_times_at_once(net: Net) -> None:
    polls = await waiting(net, EACH)
    began = time.monotonic()
    refused = await net.get(f"{V1}/events", wait=1)
    problem(refused, 429, "EVENTS-CROWDED")
    assert time.monotonic() - began >= HELD_SECONDS, "who asks again at once is slowed down"
    assert int(refused.headers["retry-after"]) > 0
    assert (await net.get(f"{V1}/events")).status_code == 200, "who does not wait takes no place"
    [other] = await waiting(net, 1, seconds=1, client="supplier")
    assert (await other).json()["events"] == []
    await something_happens(net)
    assert [(await one).status_code for one in polls] == [200] * EACH
    assert (await net.get(f"{V1}/events", wait=1)).status_code == 200


async def test_who_is_revoked_while_it_waits_hears_nothing(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED", SECOND // 2)
    [buyer, supplier] = [
        one for client in ("buyer", "supplier") for one in await waiting(net, 1, client=client)
    ]
    await net.stage.database.write(lambda tx: tokens.revoke(tx, "supplier"))
    await asyncio.sleep(0.6)  # until nobody remembers it
    await something_happens(net)
    async with asyncio.timeout(SOON):
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
    polls = await waiting(net, EACH)
    polls += await waiting(net, EACH, client="supplier")
    before, began = counting.reads, time.monotonic()
    await until(lambda: counting.reads >= before + 2)
    await asyncio.sleep(2 * TICK_SECONDS)
    assert counting.reads - before <= 2 + (time.monotonic() - began) / TICK_SECONDS
    await something_happens(net)
    await asyncio.gather(*polls)


async def test_only_those_whom_it_concerns_are_woken(net: Net, counting: Counting) -> None:
    concerned = await waiting(net, 2)
    [bystander] = await waiting(net, 1, client="stranger")
    await net.stage.submit("req-send", slip())
    await net.stage.database.write(number_events)
    async with asyncio.timeout(SOON):
        answers = [(await one).json() for one in concerned]
    assert [len(one["events"]) for one in answers] == [1, 1]
    [waits] = net.context.waiters._waiting
    assert (waits.client_id, waits.woken.is_set()) == ("stranger", False)
    bystander.cancel()
    await asyncio.gather(bystander, return_exceptions=True)


async def test_the_database_may_go_and_come_while_they_wait(net: Net, counting: Counting) -> None:
    [poll] = await waiting(net, 1)
    counting.away, before = True, counting.reads
    await until(lambda: counting.reads >= before + 2)
    counting.away = False
    await net.stage.submit("req-send", slip())
    await net.stage.database.write(number_events)
    async with asyncio.timeout(SOON):
        assert len((await poll).json()["events"]) == 1


async def test_being_ready_reads_no_migrations(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are modules of Python: to load them takes milliseconds in which nobody else is served."""
    assert (await net.calls.get("/readyz")).status_code == 200
    monkeypatch.setattr(ScriptDirectory, "get_current_head", lambda _: pytest.fail("read again"))
    assert (await net.calls.get("/readyz")).status_code == 200


async def test_who_is_told_of_new_events_asks_at_once(net: Net, monkeypatch) -> None:
    monkeypatch.setattr("hundi.web.waiting.TICK_SECONDS", 60)
    asked, ask = asyncio.Event(), EventWaiters._wake

    async def noted(waiters: EventWaiters) -> None:
        await ask(waiters)
        asked.set()

    monkeypatch.setattr(EventWaiters, "_wake", noted)
    polls = await waiting(net, 2)
    await asyncio.wait_for(asked.wait(), SOON)  # in vain, and not again for a minute
    await net.stage.submit("req-send", slip())
    await net.stage.database.write(number_events)
    await asyncio.sleep(0.1)
    assert not any(poll.done() for poll in polls)
    net.context.waiters.look()
    for answer in await asyncio.wait_for(asyncio.gather(*polls), SOON):
        assert answer.json()["events"]
