"""What a transaction works out does not wait behind other people's work: it has locked rows."""

import asyncio
import threading

from hundi.store.engine import Transaction
from hundi.store.postgres import PostgresDatabase


async def test_it_does_not_stand_in_the_loops_own_queue(postgres_url: str) -> None:
    database, free = await PostgresDatabase.connect(postgres_url), threading.Event()
    others = [asyncio.create_task(asyncio.to_thread(free.wait, 60)) for _ in range(100)]

    async def work(tx: Transaction) -> str:
        return await tx.work_out(lambda: threading.current_thread().name)

    try:
        name = await asyncio.wait_for(database.write(work), 20)
    finally:
        free.set()
        await asyncio.gather(*others)
        await database.close()
    assert name.startswith("postgres-work")
