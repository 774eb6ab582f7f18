"""A row that a process keeps which stands still: what does not need it is done meanwhile."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from hundi.delivery.sweeping import Sweep
from hundi.store.batch import PATIENCE_SECONDS, GroupCommit
from hundi.store.engine import LockedError, Transaction
from hundi.store.statement import Statement
from tests.exchange.scene import scene

_LOCK = Statement.both(
    "select client_id from client where client_id = any($1::text[]) order by client_id for update"
)


async def locks(tx: Transaction, names: Sequence[str]) -> list[str]:
    return [row["client_id"] for row in await tx.fetch(_LOCK, list(names))]


@asynccontextmanager
async def buyer_kept(url: str) -> AsyncIterator[None]:
    """Somebody else keeps the buyer's row."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("select 1 from client where client_id = 'buyer' for update")
            yield
    finally:
        await connection.close()


async def test_the_others_of_a_batch_are_served(postgres_url: str) -> None:
    """In less time than they wait; so is who comes to it later."""
    async with scene(postgres_url) as stage, buyer_kept(postgres_url):
        commit: GroupCommit[str, str] = GroupCommit(
            stage.database, locks, keys=lambda name: [name], company=1
        )
        began = time.monotonic()
        first = commit.enter("stranger")
        together = [commit.enter("buyer"), commit.enter("supplier")]
        assert (await first, await together[1]) == ("stranger", "supplier")
        with pytest.raises(LockedError):
            await together[0]
        assert time.monotonic() - began < PATIENCE_SECONDS - 1
        await commit.drained()


async def test_the_others_of_a_sweep_are_ended(postgres_url: str) -> None:
    due, left = ["buyer", "supplier"], []

    async def find(_: Transaction, __: int) -> Sequence[str]:
        return list(due)

    async def end(tx: Transaction, names: Sequence[str]) -> Mapping[str, int]:
        await locks(tx, names)
        return dict.fromkeys(names, 1)

    sweep = Sweep(
        name="clients",
        find=find,
        end=end,
        key=str,
        named=lambda name: {"client": name},
        entered=lambda names: [due.remove(name) for name in names],
        left=left.append,
    )
    async with scene(postgres_url) as stage:
        async with buyer_kept(postgres_url):
            assert await sweep.once(stage.database, 0) == 2
            assert due == ["buyer"]
        assert await sweep.once(stage.database, 1) == 1
        assert (due, left) == ([], []), "it was not left aside: a second later it is tried again"
