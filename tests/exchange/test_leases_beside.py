"""A dispatcher that stands still in the transaction that leases: what it has not taken goes to the others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from hundi.exchange import leases
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


async def test_places_are_shared_fairly_then_too(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked a second time only for what is left, and nothing is taken twice."""
    monkeypatch.setattr(leases, "BEHIND", 4)
    async with scene(postgres_url) as stage:
        await due(stage, each=10)
        async with frozen(stage, 6) as theirs:
            ours = await stage.database.write(partial(lease, room={}, total=6, others=3))
        assert Counter(one.client_id for one in theirs) == {"supplier": 3, "stranger": 3}
        assert Counter(one.client_id for one in ours) == {"supplier": 3, "stranger": 3}
