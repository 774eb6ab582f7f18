"""Connections to PostgreSQL: who gets one, in what state, and what becomes of it."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from hundi.store import pool as pools
from hundi.store import postgres
from hundi.store.engine import CommitUnknownError, Transaction, UnavailableError
from hundi.store.hosts import Hosts
from hundi.store.pool import Held, Pool
from hundi.store.postgres import PostgresDatabase
from hundi.store.statement import Statement
from tests.until import until

WHO = Statement.both("select pg_backend_pid() as pid")
SLOW = Statement.both("select pg_sleep(60)::text as slept")


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    made = Pool(Hosts(postgres_url).connect, most=2)
    yield made
    await made.close()


async def who(held: Held) -> int:
    return await held.connection.fetchval(WHO.postgresql)


async def wait_for(*tasks: asyncio.Task[Held]) -> None:
    """Let them come to where they wait."""
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in tasks)


async def test_a_free_connection_is_taken_without_a_turn_of_the_loop(pool: Pool) -> None:
    first = await pool.take()
    pool.give(first)
    with pytest.raises(StopIteration) as taken:
        pool.take().send(None)
    assert taken.value.value is first
    pool.give(first)


async def test_there_are_no_more_than_allowed_and_each_has_its_turn(pool: Pool) -> None:
    one, two = await pool.take(), await pool.take()
    third = asyncio.create_task(pool.take())
    await wait_for(third)
    fourth = asyncio.create_task(pool.take())
    await wait_for(third, fourth)
    assert pool.sizes() == {"busy": 2, "idle": 0, "most": 2}
    pool.give(two)
    assert await third is two
    assert not fourth.done()
    pool.give(one)
    assert await fourth is one
    pool.give(one)
    pool.give(two)
    assert pool.sizes() == {"busy": 0, "idle": 2, "most": 2}


async def test_who_gives_up_takes_nothing_with_him(pool: Pool) -> None:
    one, two = await pool.take(), await pool.take()
    gone, there = asyncio.create_task(pool.take()), asyncio.create_task(pool.take())
    await wait_for(gone, there)
    pool.give(one)  # to the one who is told in the same moment that nobody wants it any more
    gone.cancel()
    assert await there is one
    assert gone.cancelled()
    pool.give(one)
    pool.give(two)
    assert pool.sizes()["idle"] == 2


async def test_who_waits_too_long_hears_it(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    held = [await pool.take(), await pool.take()]
    monkeypatch.setattr(pools, "WAIT_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        await pool.take()
    for one in held:
        pool.give(one)
    again = await pool.take()
    assert again in held
    pool.give(again)


async def test_one_with_a_transaction_left_on_it_is_closed(pool: Pool) -> None:
    held = await pool.take()
    before, held.clean = await who(held), False
    pool.give(held)
    assert held.connection.is_closed()
    assert pool.sizes() == {"busy": 0, "idle": 0, "most": 2}
    another = await pool.take()
    assert await who(another) != before
    pool.give(another)


async def test_one_that_died_makes_room_for_another(pool: Pool) -> None:
    dead, dying = await pool.take(), await pool.take()
    pool.give(dead)
    dead.connection.terminate()
    alive = await pool.take()
    waiting = asyncio.create_task(pool.take())
    await wait_for(waiting)
    dying.connection.terminate()
    pool.give(dying)
    both = [alive, await waiting]
    assert len({await who(one) for one in both}) == 2
    for one in both:
        pool.give(one)


async def test_a_place_is_free_again_where_no_connection_came_about(postgres_url: str) -> None:
    reached = False
    real = Hosts(postgres_url)

    async def connect() -> object:
        if not reached:
            message = "not there"
            raise OSError(message)
        return await real.connect()

    pool = Pool(connect, most=1)
    for _ in range(3):
        with pytest.raises(OSError, match="not there"):
            await pool.take()
    reached = True
    pool.give(await pool.take())
    await pool.close()


async def test_closing_waits_for_what_is_under_way(pool: Pool) -> None:
    held = await pool.take()
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    with pytest.raises(UnavailableError, match="closed"):
        await pool.take()
    pool.give(held)
    await closing
    assert held.connection.is_closed()
    async with asyncio.timeout(30):
        await pool.close()  # again: nothing is left to wait for


async def test_what_closing_did_not_wait_for_is_closed_when_it_ends(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "CLOSE_SECONDS", 0.05)
    held = await pool.take()
    await pool.close()
    pool.give(held)
    assert held.connection.is_closed()
    await asyncio.sleep(0.01)  # its socket is closed a turn of the loop later


async def test_a_read_that_is_given_up_leaves_nothing_behind(postgres_url: str) -> None:
    database = await PostgresDatabase.connect(postgres_url, connections=1)

    async def sleep(tx: Transaction) -> None:
        await tx.fetch(SLOW)

    async def ask(tx: Transaction) -> int:
        [row] = await tx.fetch(WHO)
        pid: int = row["pid"]
        return pid

    for _ in range(3):
        reading = asyncio.create_task(database.read(sleep))
        await asyncio.sleep(0.1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await database.read(ask) == await database.write(ask)
    assert database.connections() == {"busy": 0, "idle": 1, "most": 1}
    await database.close()


async def test_who_gives_up_a_write_does_not_end_it(postgres_url: str) -> None:
    database = await PostgresDatabase.connect(postgres_url, connections=1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def make(tx: Transaction) -> None:
        await tx.fetch(Statement.both("create table made (one int)"))
        begun.set()
        await go_on.wait()

    writing = asyncio.create_task(database.write(make))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()
    there = Statement.both("select to_regclass('made')::text as there")

    async def look(tx: Transaction) -> str | None:
        [row] = await tx.fetch(there)
        found: str | None = row["there"]
        return found

    assert await database.read(look) == "made"
    await database.close()


NEVER = (
    "create table row (one int)",
    (
        "create function never() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(60); return null; end $$"
    ),
    (
        "create constraint trigger never after insert on row deferrable initially deferred"
        " for each row execute function never()"
    ),
)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A COMMIT that has no other limit than every command has half a second in place of that."""
    fetch = asyncpg.Connection.fetch

    async def limited(connection: asyncpg.Connection, query: str, *given: Any, **how: Any) -> Any:
        limit = {"timeout": 0.5} if query == "commit" else {}
        return await fetch(connection, query, *given, **limit | how)

    monkeypatch.setattr(asyncpg.Connection, "fetch", limited)


async def test_a_commit_that_takes_too_long_is_called_off(postgres_url: str, hasty: None) -> None:
    """Closing the connection alone would leave it at work on the server, with its locks."""
    watching = await Hosts(postgres_url).connect()
    for command in NEVER:
        await watching.execute(command)
    database = await PostgresDatabase.connect(postgres_url, connections=1)
    held = await database._pool.take()
    assert held.connection._config.command_timeout <= 30, "the limit of every command, a COMMIT too"
    database._pool.give(held)

    async def put(tx: Transaction) -> None:
        await tx.fetch(Statement.both("insert into row values (1)"))

    for _ in range(2):
        with pytest.raises(CommitUnknownError):
            await database.write(put)
    at_rest = (
        "select count(*) = 0 from pg_stat_activity"
        " where wait_event = 'PgSleep' and datname = current_database()"
    )
    await until(lambda: watching.fetchval(at_rest))  # for half of what it would sleep
    assert await watching.fetchval("select count(*) from row") == 0
    await watching.close()
    await database.close()


async def test_a_connection_is_renewed_in_time(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "MOST_TRANSACTIONS", 2)
    seen = []
    for _ in range(4):
        held = await pool.take()
        seen.append(await who(held))
        pool.give(held)
    assert seen[0] == seen[1] != seen[2] == seen[3]
    await asyncio.sleep(0.01)


class Server:
    """A connection whose first answers lie there while this process stands still."""

    def __init__(self, clock: list[float], *, slow: int) -> None:
        self._clock, self._slow, self.asked = clock, slow, 0

    async def fetchval(self, _: str) -> int:
        self.asked += 1
        told = int(self._clock[0] * 1_000_000)
        self._clock[0] += 20 if self.asked <= self._slow else 0.001
        return told


@pytest.mark.parametrize(("slow", "asked", "behind"), [(0, 1, 1), (2, 3, 1)])
async def test_a_clock_that_answered_late_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, slow: int, asked: int, behind: int
) -> None:
    """Leases would be shorter than whoever holds them believes."""
    clock = [1000.0]
    monkeypatch.setattr(postgres, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    server = Server(clock, slow=slow)
    now = await postgres._ServerClock().now(server)
    assert server.asked == asked
    assert clock[0] - now / 1_000_000 < behind


async def test_a_clock_that_always_answers_late_is_no_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(postgres, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    with pytest.raises(UnavailableError):
        await postgres._ServerClock().now(Server(clock, slow=99))
