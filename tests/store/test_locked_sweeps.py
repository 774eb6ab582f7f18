"""Sweeps meet rows that a process keeps which stands still: they go around those, and not for long."""

import time
from collections.abc import Mapping, Sequence

import pytest

from hundi.delivery import sweeping
from hundi.delivery.sweeping import LOCKED_ASIDE, ROUND_SECONDS, Sweep
from hundi.kernel.clock import SECOND
from hundi.store.batch import PATIENCE_SECONDS
from hundi.store.engine import Transaction
from tests.exchange.scene import scene
from tests.store.test_locked import buyer_kept, locks, needs_numbers, numbers_kept


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
    due = ["buyer", *(f"c{number}" for number in range(30))]
    async with scene(postgres_url) as stage, buyer_kept(postgres_url):
        began = time.monotonic()
        await sweep_of(due).once(stage.database, 0)
        assert due == ["buyer"]
        assert time.monotonic() - began < 2 * PATIENCE_SECONDS


async def test_those_set_aside_stay_there_until_others_had_their_turn(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many locked ones come first, and though a round is longer than it takes to be told so."""
    monkeypatch.setattr(sweeping, "ROUND_SECONDS", 1)
    due = list(range(60))

    async def find(_: Transaction, most: int) -> Sequence[int]:
        return due[:most]

    async def end(tx: Transaction, numbers: Sequence[int]) -> Mapping[str, int]:
        await needs_numbers(tx, numbers)
        return {str(number): 1 for number in numbers}

    def entered(ended: Mapping[str, int]) -> None:
        for number in ended:
            due.remove(int(number))

    sweep: Sweep[int] = Sweep(
        name="numbers", find=find, end=end, key=str, named=lambda n: {"n": n}, entered=entered
    )
    async with scene(postgres_url) as stage, numbers_kept(postgres_url, range(15)):
        for turn in range(2):
            await sweep.once(stage.database, 4 * turn * SECOND)
    assert due == list(range(15))


async def test_a_sweep_of_what_is_all_locked_gives_up(postgres_url: str) -> None:
    """Each would cost a tenth of a second, and who stops the process waits for the sweep."""
    due = [str(number) for number in range(200)]
    async with scene(postgres_url) as stage, buyer_kept(postgres_url):
        began = time.monotonic()
        await sweep_of(due, needs="buyer").once(stage.database, 0)
        assert time.monotonic() - began < 3 * ROUND_SECONDS
    assert len(due) == 200
