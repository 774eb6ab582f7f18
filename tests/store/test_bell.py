"""The bell: heard by others and not by oneself, soon, and again after a lost connection."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from hundi.store.bell import GAP_SECONDS, Bell
from tests.until import until


@asynccontextmanager
async def ringing(url: str, heard: Counter[str]) -> AsyncIterator[Bell]:
    """A bell that counts what it hears under `due`, once it listens."""
    bell = Bell(url)
    listening = asyncio.Event()

    def hear() -> None:
        heard["due"] += 1
        listening.set()

    bell.listen("due", hear)
    task = asyncio.create_task(bell.run())
    await asyncio.wait_for(listening.wait(), 30)  # it looks once when it begins to listen
    heard.clear()
    yield bell
    bell.stop()
    await asyncio.wait_for(task, 30)


async def test_others_hear_it_and_oneself_does_not(postgres_url: str) -> None:
    mine, theirs = Counter(), Counter()
    async with ringing(postgres_url, mine) as bell, ringing(postgres_url, theirs):
        bell.ring("nobody listens to this")
        bell.ring("due")
        await until(lambda: theirs)
        await asyncio.sleep(2 * GAP_SECONDS)
        assert (mine, theirs) == (Counter(), Counter(due=1))


async def test_many_rings_are_few(postgres_url: str) -> None:
    mine, theirs = Counter(), Counter()
    async with ringing(postgres_url, mine) as bell, ringing(postgres_url, theirs):
        began = time.monotonic()
        for _ in range(200):
            bell.ring("due")
            await asyncio.sleep(0)
        await until(lambda: theirs)
        await asyncio.sleep(10 * GAP_SECONDS)
        assert theirs["due"] <= 2 + (time.monotonic() - began) / GAP_SECONDS, "a gap between each"


async def test_a_lost_connection_is_made_again_and_what_was_missed_is_looked_for(
    postgres_url: str,
) -> None:
    mine, theirs = Counter(), Counter()
    async with ringing(postgres_url, mine) as bell, ringing(postgres_url, theirs):
        other = await asyncpg.connect(postgres_url)
        await other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where pid <> pg_backend_pid() and datname = current_database()"
        )
        await other.close()
        await until(lambda: theirs)
        await until(lambda: mine)
        await asyncio.sleep(0.2)
        theirs.clear()
        bell.ring("due")
        await until(lambda: theirs)


async def test_a_connection_that_dies_between_two_messages_is_made_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = Counter(), Counter()
    tell, trouble = Bell._tell, [asyncpg.InternalClientError("got no result")]

    async def told(bell: Bell, connection: object) -> None:
        if trouble:
            raise trouble.pop()
        await tell(bell, connection)

    async with ringing(postgres_url, mine) as bell, ringing(postgres_url, theirs):
        monkeypatch.setattr(Bell, "_tell", told)
        for _ in range(50):
            bell.ring("due")
            await asyncio.sleep(GAP_SECONDS)
        await until(lambda: theirs)
    assert not trouble


async def test_without_postgresql_nobody_is_told() -> None:
    heard: list[str] = []
    bell = Bell(None)
    bell.listen("due", lambda: heard.append("due"))
    bell.ring("due")
    await asyncio.wait_for(bell.run(), 30)
    assert not heard
