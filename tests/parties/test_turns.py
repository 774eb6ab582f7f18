"""Turns: a few at a time, in order of arrival; of those who wait none for ever, and not too many."""

import asyncio

import pytest

from hundi.parties import turns
from hundi.parties.turns import Turns
from hundi.store.batch import OverloadedError


async def _stay(some: Turns, seen: list[int], number: int, leave: asyncio.Event) -> None:
    async with some.one():
        seen.append(number)
        await leave.wait()


def _crowd(some: Turns, seen: list[int], count: int, leave: asyncio.Event) -> list[asyncio.Task]:
    return [asyncio.create_task(_stay(some, seen, number, leave)) for number in range(count)]


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_few_at_a_time_and_the_others_in_order() -> None:
    some, seen, leave = Turns(at_once=2, waiting=3), list[int](), asyncio.Event()
    tasks = _crowd(some, seen, 5, leave)
    await _settle()
    assert seen == [0, 1]
    with pytest.raises(OverloadedError):
        await _stay(some, seen, 5, leave)
    leave.set()
    await asyncio.gather(*tasks)
    assert seen == [0, 1, 2, 3, 4]
    await _stay(some, seen, 6, leave)


async def test_who_goes_away_leaves_the_place_to_others() -> None:
    some, seen, leave = Turns(at_once=1, waiting=1), list[int](), asyncio.Event()
    has, waits = _crowd(some, seen, 2, leave)
    await _settle()
    for gone in (waits, has):
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    leave.set()
    await asyncio.gather(*_crowd(some, seen, 2, leave))
    assert seen == [0, 0, 1]


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.01)
    some, seen, leave = Turns(at_once=1, waiting=9), list[int](), asyncio.Event()
    has, *waiting = _crowd(some, seen, 3, leave)
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in told] == [OverloadedError, OverloadedError]
    leave.set()
    await has
    await asyncio.gather(*_crowd(some, seen, 1, leave))
    assert seen == [0, 0]
