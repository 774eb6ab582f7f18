"""The loops that send and sweep: trouble of any kind does not end them."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from hundi.delivery.dispatch import DispatchLoop, SweepLoop
from hundi.store.engine import UnavailableError

TROUBLE = [UnavailableError("gone"), KeyError("a mistake of ours")]


class Troubled:
    """A dispatcher that fails once, then finds nothing to do."""

    concurrency = 1
    watch = None
    database = SimpleNamespace(dialect="sqlite")

    def __init__(self, trouble: Exception) -> None:
        self._trouble = [trouble]
        self.turns = 0
        self.again = asyncio.Event()

    async def claim(self, *_: object) -> list[object]:
        await self.sweep()
        return []

    async def sweep(self) -> int:
        self.turns += 1
        if self._trouble:
            raise self._trouble.pop()
        self.again.set()
        return 0


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("make", [DispatchLoop, lambda d: SweepLoop(d, lambda: None)])
async def test_a_loop_goes_on_after_trouble(
    make: Callable[[object], DispatchLoop | SweepLoop], trouble: Exception
) -> None:
    dispatcher = Troubled(trouble)
    loop = make(dispatcher)
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(5):
        await dispatcher.again.wait()
        loop.stop()
        await running
    assert dispatcher.turns >= 2
