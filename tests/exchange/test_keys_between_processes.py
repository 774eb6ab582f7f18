"""Two processes take the same request at once: both callers get the answer of the one."""

import asyncio

import asyncpg

from tests.exchange.scene import scene
from tests.exchange.slips import slip
from tests.store.waiting import WAITING
from tests.until import until


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
            await until(lambda: other.fetchval(WAITING))
            await put_back(other, row)
        assert await repeat == first


async def put_back(connection: asyncpg.Connection, row: asyncpg.Record) -> None:
    places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    names = ", ".join(row.keys())
    await connection.execute(f"insert into idempotency ({names}) values ({places})", *row.values())
