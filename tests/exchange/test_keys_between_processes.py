"""Two processes take the same request at once: both callers get the answer of the one."""

import asyncio

import asyncpg

from tests.exchange.scene import scene
from tests.exchange.slips import slip


async def test_a_repeat_refused_for_its_own_first_is_answered_like_it(postgres_url: str) -> None:
    """Its key is looked up before the first is committed, the document after."""
    async with (
        asyncpg.create_pool(postgres_url, min_size=2, max_size=2) as pool,
        pool.acquire() as other,
        pool.acquire() as locking,
        scene(postgres_url) as stage,
    ):
        first = await stage.submit("req-send", slip(), key="one")
        [row] = await other.fetch("delete from idempotency returning *")
        async with locking.transaction():
            await locking.execute("lock table document in access exclusive mode")
            repeat = asyncio.create_task(stage.submit("req-send", slip(), key="one"))
            await waiting_for_a_lock(other)
            await put_back(other, row)
        assert await repeat == first


async def put_back(connection: asyncpg.Connection, row: asyncpg.Record) -> None:
    places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    names = ", ".join(row.keys())
    await connection.execute(f"insert into idempotency ({names}) values ({places})", *row.values())


async def waiting_for_a_lock(connection: asyncpg.Connection) -> None:
    text = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    for _ in range(500):
        if await connection.fetchval(text):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for the table")
