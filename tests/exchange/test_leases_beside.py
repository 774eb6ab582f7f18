"""A dispatcher that stands still in the transaction that leases: what it has not taken goes to the others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from hundi.exchange.leases import Leased, lease
from hundi.store.engine import Transaction
from tests.exchange.scene import SERVES, Scene, scene
from tests.exchange.slips import STRANGER, slip


@asynccontextmanager
async def frozen(stage: Scene, total: int) -> AsyncIterator[list[Leased]]:
    """Another dispatcher has leased so many, and does not come to its COMMIT."""
    taken, thawed = asyncio.Event(), asyncio.Event()
    found: list[Leased] = []

    async def work(tx: Transaction) -> None:
        found.extend(await lease(tx, room=dict.fromkeys(SERVES, 30), total=total))
        taken.set()
        await thawed.wait()

    other = asyncio.create_task(stage.database.write(work))
    await taken.wait()
    try:
        yield found
    finally:
        thawed.set()
        await other


async def due(stage: Scene, *, each: int) -> None:
    for number in range(each):
        await stage.submit("req-send", slip(f"S{number}"))
        await stage.submit("req-send", slip(f"T{number}", supplier=STRANGER))


async def test_it_keeps_no_more_than_it_took(postgres_url: str) -> None:
    async with scene(postgres_url) as stage:
        await due(stage, each=10)
        one = partial(lease, room=dict.fromkeys(SERVES, 30), total=30)
        async with frozen(stage, 4) as theirs:
            ours = await stage.database.write(one)
        assert (len(theirs), len(ours)) == (4, 16)
        assert not {one.webhook_id for one in theirs} & {one.webhook_id for one in ours}


@pytest.mark.parametrize("total", [3, 5])
async def test_what_is_due_behind_that_is_found(postgres_url: str, total: int) -> None:
    """Though the other one keeps all that come first, and here are few places."""
    async with scene(postgres_url) as stage:
        for number in range(12):
            await stage.submit("req-send", slip(f"S{number}"))
        async with frozen(stage, 6):
            ours = await stage.database.write(partial(lease, room={}, total=total, others=total))
        assert len(ours) == total


async def test_places_are_shared_fairly_then_too(postgres_url: str) -> None:
    """It is asked again only for what is left, and nothing is taken twice."""
    async with scene(postgres_url) as stage:
        await due(stage, each=10)
        async with frozen(stage, 6) as theirs:
            ours = await stage.database.write(partial(lease, room={}, total=6, others=3))
        assert Counter(one.client_id for one in theirs) == {"supplier": 3, "stranger": 3}
        assert Counter(one.client_id for one in ours) == {"supplier": 3, "stranger": 3}


@pytest.mark.parametrize("room", [1, 3])
async def test_nobody_gets_more_than_his_room(postgres_url: str, room: int) -> None:
    """However far it has to look behind what the other one keeps: a breaker may let one through."""
    async with scene(postgres_url) as stage:
        await due(stage, each=12)
        one = partial(lease, room={"supplier": room, "stranger": 2}, total=20)
        async with frozen(stage, 8):
            ours = await stage.database.write(one)
        assert Counter(taken.client_id for taken in ours) == {"supplier": room, "stranger": 2}


async def test_two_at_once_get_no_more_than_they_may(postgres_url: str) -> None:
    """Neither stands still; each finds what the other one has just taken."""
    async with scene(postgres_url) as stage:
        for number in range(60):
            await stage.submit("req-send", slip(f"S{number}"))
        for _ in range(5):
            one = partial(lease, room={"supplier": 5}, total=40)
            both = await asyncio.gather(stage.database.write(one), stage.database.write(one))
            assert [len(taken) for taken in both] == [5, 5]
