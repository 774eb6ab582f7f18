"""The loops that send and sweep: trouble of any kind does not end them."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from hundi.delivery import dispatch_loop
from hundi.delivery.codes import CodeLoop
from hundi.delivery.dispatch import Turn
from hundi.delivery.dispatch_loop import UNWRITTEN, DispatchLoop
from hundi.delivery.sweeping import SweepLoop
from hundi.store.engine import LockedError, UnavailableError

TROUBLE = [UnavailableError("gone"), KeyError("a mistake of ours")]
PATIENCE = 30
"""Seconds in which a loop does what takes it one, on a machine that stands still now and then, too."""


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


@pytest.mark.logs("dispatch-failed", "sweep-failed")
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("make", [DispatchLoop, lambda d: SweepLoop(d.sweep, lambda: None)])
async def test_a_loop_goes_on_after_trouble(
    make: Callable[[object], DispatchLoop | SweepLoop], trouble: Exception
) -> None:
    dispatcher = Troubled(trouble)
    loop = make(dispatcher)
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(PATIENCE):
        await dispatcher.again.wait()
        loop.stop()
        await running
    assert dispatcher.turns >= 2


class TroubledCodes:
    """A sender of codes that fails once, then finds none."""

    def __init__(self, trouble: Exception) -> None:
        self._trouble = [trouble]
        self.again = asyncio.Event()

    async def lapse(self) -> int:
        return 0

    async def send_due(self) -> int:
        if self._trouble:
            raise self._trouble.pop()
        self.again.set()
        return 0


async def codes_sent(sender: TroubledCodes) -> None:
    """Run a loop until its sender has sent."""
    loop = CodeLoop(sender, lambda: None)  # type: ignore[arg-type]
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(PATIENCE):
        await sender.again.wait()
        loop.stop()
        await running


@pytest.mark.logs("codes-failed")
@pytest.mark.parametrize("trouble", TROUBLE)
async def test_codes_are_sent_on_after_trouble(trouble: Exception) -> None:
    await codes_sent(TroubledCodes(trouble))


@pytest.mark.logs("codes-failed")
@pytest.mark.parametrize("trouble", TROUBLE)
async def test_codes_are_sent_though_no_registration_can_lapse(trouble: Exception) -> None:
    class Stuck(TroubledCodes):
        async def lapse(self) -> int:
            raise trouble

    sender = Stuck(trouble)
    sender._trouble.clear()
    await codes_sent(sender)


def ended(leased: object) -> object:
    return SimpleNamespace(leased=leased, needs=lambda: ())


class Stalled:
    """A dispatcher of a few webhooks, over a database that answers when nobody waits any more.

    A transaction that only leases gets the first ones, as many as `claims`: the rest are leased by those
    that write ends. It notes whose ends were `written`, and which the loop took for `mistakes`.
    """

    concurrency = 1
    claims = 1
    watch = None
    dialect = "postgresql"
    random = staticmethod(os.urandom)

    def __init__(self, webhooks: int) -> None:
        self._due = [
            SimpleNamespace(client_id="c", req_msg_id=n, webhook_id=n, number=1, trace=None)
            for n in range(webhooks)
        ]
        self.database = self
        self.sent: list[int] = []
        self.written: list[int] = []
        self.mistakes: list[object] = []
        self.webhooks, self.done = webhooks, asyncio.Event()

    async def write_here(self, work: Callable[[Any], Any]) -> object:
        await asyncio.sleep(0.05)
        return await work(self)

    async def wait_at_most(self, _milliseconds: int) -> None:
        """It does not wait for locks."""

    def _next(self, free: int) -> list[Any]:
        return [self._due.pop(0)] if self._due and free else []

    async def claim(self, _flying: Counter[str], free: int) -> list[Any]:
        self.claims -= 1
        return self._next(free) if self.claims >= 0 else []

    async def turn(
        self, _tx: object, results: Any, *, flying: Counter[str], free: Callable[[], int]
    ) -> object:
        self.written += [one.leased.webhook_id for one in results]
        places = free()
        assert flying.total() < self.concurrency or not places
        return Turn(self._next(places))

    def tell(self, _entered: object) -> None:
        """Nobody counts."""

    async def attempt(self, leased: Any) -> Any:
        self.sent.append(leased.webhook_id)
        if len(self.sent) == self.webhooks:
            self.done.set()
        return ended(leased)

    def postponed(self, result: object) -> object:
        self.mistakes.append(result)
        return result


async def dispatched(dispatcher: Stalled) -> None:
    """Run the loop over a dispatcher until that is done, and has written all ends."""
    loop = DispatchLoop(dispatcher)  # type: ignore[arg-type]
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(PATIENCE):
        await dispatcher.done.wait()
        loop.stop()
        await running
        await loop.drained()
    assert dispatcher.mistakes == []
    assert loop._passed_over == set()
    assert sorted(dispatcher.written) == list(range(dispatcher.webhooks))


async def test_who_writes_ends_leases_what_is_next() -> None:
    dispatcher = Stalled(4)
    await dispatched(dispatcher)
    assert dispatcher.sent == [0, 1, 2, 3]


class Held(Stalled):
    """One whose first transaction that ends an attempt waits for a row that others keep."""

    concurrency = claims = 2

    async def turn(self, tx: object, results: Any, **how: Any) -> object:
        if results[0].leased.webhook_id == 0:
            await self.done.wait()
        return await super().turn(tx, results, **how)


async def test_it_goes_on_leasing_while_a_transaction_waits_for_a_locked_row() -> None:
    dispatcher = Held(5)
    await dispatched(dispatcher)
    assert dispatcher.sent == [0, 1, 2, 3, 4]


async def test_it_leases_while_the_only_transaction_waits_for_a_locked_row() -> None:
    """Nothing else ends, and would lease with its end."""
    dispatcher = Held(2)
    dispatcher.concurrency = 1
    await dispatched(dispatcher)
    assert dispatcher.sent == [0, 1]


class Beside(Stalled):
    """One whose second lease looks before an end is written, and ends after it has been."""

    concurrency = 2

    def __init__(self, webhooks: int) -> None:
        super().__init__(webhooks)
        self.looks, self.turned = 0, asyncio.Event()

    async def claim(self, _flying: Counter[str], free: int) -> list[Any]:
        self.looks += 1
        if self.looks != 2:
            return self._next(free)
        await self.turned.wait()
        return []

    async def turn(self, tx: object, results: Any, **how: Any) -> object:
        turn = await super().turn(tx, results, **how)
        self.turned.set()
        return turn


class Overtaken(Stalled):
    """One that writes two ends at once, while nothing else is due: who leases looks first and ends last."""

    concurrency = 3

    def __init__(self, webhooks: int) -> None:
        super().__init__(webhooks)
        self.looks, self.idle, self.other = 0, asyncio.Event(), asyncio.Event()

    async def claim(self, _flying: Counter[str], free: int) -> list[Any]:
        self.looks += 1
        if self.looks != 3:
            return self._next(free)
        self.idle.set()
        return []

    async def attempt(self, leased: Any) -> Any:
        await self.idle.wait()
        return await super().attempt(leased)

    async def turn(self, tx: object, results: Any, **how: Any) -> object:
        number = results[0].leased.webhook_id
        if number > 1:
            return await super().turn(tx, results, **how)
        self.written.append(number)
        assert bool(how["free"]()) is (number == 0), "the other one leases"
        if number == 0:
            await self.other.wait()
        else:
            self.other.set()
            await self.passed_over()
        return Turn()

    async def passed_over(self) -> None:
        """The other end may be over before this one."""


class Outlasting(Overtaken):
    """One where who leases ends first."""

    def __init__(self, webhooks: int) -> None:
        super().__init__(webhooks)
        self.told = asyncio.Event()

    def tell(self, _entered: object) -> None:
        self.told.set()

    async def passed_over(self) -> None:
        await self.told.wait()


@pytest.mark.parametrize(("kind", "webhooks"), [(Beside, 2), (Overtaken, 3), (Outlasting, 3)])
async def test_what_an_end_has_queued_is_leased_at_once_though_another_was_leasing(
    monkeypatch: pytest.MonkeyPatch, kind: Callable[[int], Stalled], webhooks: int
) -> None:
    monkeypatch.setattr(dispatch_loop, "IDLE_SECONDS", 600)
    dispatcher = kind(webhooks)
    await dispatched(dispatcher)
    assert dispatcher.sent == list(range(webhooks))


class Locked(Stalled):
    """One whose ends find their document locked, twice."""

    def __init__(self, webhooks: int) -> None:
        super().__init__(webhooks)
        self.locked = 2

    async def turn(self, tx: object, results: Any, **how: Any) -> object:
        if self.locked:
            self.locked -= 1
            raise LockedError("others lock it")
        return await super().turn(tx, results, **how)


async def test_an_end_is_written_again_once_nobody_locks_its_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its answer is known, and would be lost with it."""
    monkeypatch.setattr(dispatch_loop, "AGAIN", (10_000, 20_000))
    dispatcher = Locked(1)
    await dispatched(dispatcher)
    assert dispatcher.sent == [0]


async def test_nothing_more_is_sent_while_too_many_ends_are_not_written() -> None:
    """It would only be sent again."""
    dispatcher = Locked(99)
    dispatcher.claims, dispatcher.concurrency, dispatcher.locked = 99, 3, 9_999
    dispatcher.webhooks = 3 * UNWRITTEN
    loop = DispatchLoop(dispatcher)  # type: ignore[arg-type]
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(PATIENCE):
        await dispatcher.done.wait()
    await asyncio.sleep(1)  # four looks of the loop, each of which could send
    assert len(dispatcher.sent) == dispatcher.webhooks
    running.cancel()
    for task in loop._tasks:
        task.cancel()
    await asyncio.gather(running, *loop._tasks, return_exceptions=True)
    await loop._finish.drained()


class Slow(Stalled):
    """One whose database takes longer over a lease than it leaves time for an answer."""

    def __init__(self, webhooks: int) -> None:
        super().__init__(webhooks)
        self.given_back: list[int] = []

    def unsent(self, leased: Any) -> Any:
        self.given_back.append(leased.webhook_id)
        self.done.set()
        return ended(leased)


async def test_a_lease_that_came_too_late_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer might come after another dispatcher has taken it over."""
    monkeypatch.setattr(dispatch_loop, "LATEST_SECONDS", -1)
    dispatcher = Slow(1)
    await dispatched(dispatcher)
    assert (dispatcher.sent, dispatcher.given_back) == ([], [0])


async def test_it_goes_on_leasing_when_those_whose_attempts_ended_wait_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their transaction began after that: it alone may say that its leases are known."""
    monkeypatch.setattr(dispatch_loop, "PATIENCE_SECONDS", 0.01)
    dispatcher = Stalled(4)
    await dispatched(dispatcher)
    assert dispatcher.sent == [0, 1, 2, 3]
