"""A row that a process keeps which stands still: what does not need it is done meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from hundi.delivery.sweeping import LOCKED_ASIDE, Sweep
from hundi.store.batch import PATIENCE_SECONDS, GroupCommit
from hundi.store.engine import (
    CommitUnknownError,
    LockedError,
    Transaction,
    UnavailableError,
)
from hundi.store.statement import Statement
from tests.exchange.scene import scene

_LOCK = Statement.both(
    "select client_id from client where client_id = any($1::text[]) order by client_id for update"
)


async def locks(tx: Transaction, names: Sequence[str]) -> list[str]:
    await tx.fetch(_LOCK, list(names))
    return list(names)


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
    """In less time than they wait, and sooner where it is known who needs the row."""
    async with scene(postgres_url) as stage:
        commit: GroupCommit[str, str] = GroupCommit(
            stage.database, locks, keys=lambda name: [name], company=1
        )
        async with buyer_kept(postgres_url):
            assert await seconds_for_the_others(commit) < PATIENCE_SECONDS - 1
            assert await seconds_for_the_others(commit) < 1, "it is known now who goes alone"
        assert await commit.submit("buyer") == "buyer"


async def seconds_for_the_others(commit: GroupCommit[str, str]) -> float:
    began = time.monotonic()
    first = commit.enter("stranger")
    together = [commit.enter("buyer"), commit.enter("supplier")]
    assert (await first, await together[1]) == ("stranger", "supplier")
    took = time.monotonic() - began
    with pytest.raises(LockedError):
        await together[0]
    return took


async def test_a_whole_batch_that_is_locked_gives_up_in_time(postgres_url: str) -> None:
    """And not after a tenth of a second for each of its members."""
    async with scene(postgres_url) as stage, buyer_kept(postgres_url):

        async def work(tx: Transaction, members: Sequence[int]) -> Sequence[int]:
            await locks(tx, ["buyer"])
            return members

        commit: GroupCommit[int, int] = GroupCommit(
            stage.database, work, keys=lambda member: [member], company=1
        )
        began = time.monotonic()
        ends = await asyncio.gather(*map(commit.submit, range(129)), return_exceptions=True)
        assert {type(one) for one in ends} <= {LockedError, CommitUnknownError, UnavailableError}
        await commit.drained()
        assert time.monotonic() - began < 3 * PATIENCE_SECONDS


async def test_the_others_of_a_sweep_are_ended(postgres_url: str) -> None:
    due, left = ["buyer", "supplier"], []
    sweep = sweep_of(due)
    sweep.left = left.append
    async with scene(postgres_url) as stage:
        async with buyer_kept(postgres_url):
            assert await sweep.once(stage.database, 0) == 2
            assert due == ["buyer"]
            assert await sweep.once(stage.database, 1) == 0, "others come before it for a while"
        assert await sweep.once(stage.database, LOCKED_ASIDE + 1) == 1
        assert (due, left) == ([], [])


def sweep_of(due: list[str], *, needs: str | None = None) -> Sweep[str]:
    """One that ends clients: each needs its own row, or all need that of one."""

    async def find(_: Transaction, most: int) -> Sequence[str]:
        return due[:most]

    async def end(tx: Transaction, names: Sequence[str]) -> Mapping[str, int]:
        await locks(tx, [needs or name for name in names])
        return dict.fromkeys(names, 1)

    return Sweep(
        name="clients",
        find=find,
        end=end,
        key=str,
        named=lambda name: {"client": name},
        entered=lambda names: [due.remove(name) for name in names],
    )


async def test_locked_ones_at_the_head_hold_up_nobody_behind_them(postgres_url: str) -> None:
    due = ["buyer", *(f"c{number}" for number in range(99))]
    async with scene(postgres_url) as stage, buyer_kept(postgres_url):
        began = time.monotonic()
        await sweep_of(due).once(stage.database, 0)
        assert due == ["buyer"]
        assert time.monotonic() - began < PATIENCE_SECONDS


async def test_a_sweep_of_what_is_all_locked_gives_up(postgres_url: str) -> None:
    """Each would cost a tenth of a second, and who stops the process waits for the sweep."""
    due = [str(number) for number in range(200)]
    began = time.monotonic()
    async with scene(postgres_url) as stage, buyer_kept(postgres_url):
        with pytest.raises(LockedError):
            await sweep_of(due, needs="buyer").once(stage.database, 0)
    assert time.monotonic() - began < 2 * PATIENCE_SECONDS


async def test_those_who_go_by_themselves_hold_up_nobody_and_none_of_them(
    postgres_url: str,
) -> None:
    """However many they are: one at a time, every other turn."""
    async with scene(postgres_url) as stage:
        commit: GroupCommit[str, str] = GroupCommit(
            stage.database, locks, keys=lambda name: [name], company=1
        )
        commit._locked = {f"c{number}": time.monotonic() + 9 for number in range(30)}
        commit._locked["buyer"] = time.monotonic() + 9
        async with buyer_kept(postgres_url):
            alone = [commit.enter(f"c{number}") for number in range(30)]
            kept, other = commit.enter("buyer"), commit.enter("supplier")
            began = time.monotonic()
            assert await other == "supplier"
            assert time.monotonic() - began < 0.5
            ends = await asyncio.gather(*alone, kept, return_exceptions=True)
        assert ends[:-1] == [f"c{number}" for number in range(30)]
        assert isinstance(ends[-1], LockedError)
