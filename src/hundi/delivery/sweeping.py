"""Sweeps: what nobody has ended in time, some hundred at once, and around what cannot be ended.

One row that this process cannot read must not stop the others. Where a batch fails, its members go
one by one; who fails then is left aside for a while, so that the next batch is of others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from hundi.kernel.clock import MINUTE, SECOND
from hundi.store.engine import Database, LockedError, StoreError, Transaction

T = TypeVar("T")

AT_ONCE = 256
ASIDE = 10 * MINUTE
"""So long a row is left aside: one that is for another version of the server is cheap meanwhile."""
MOST_ASIDE = 5000
LOCKED_ASIDE = 5 * SECOND
AROUND_SECONDS = 5
"""So long a sweep goes around locked rows; who stops the process waits for it."""

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Sweep(Generic[T]):
    """One kind of what is to be ended in time.

    `find` reads at most so many that are due, the oldest first; `end` ends them in the same
    transaction, or one of them in another, and `entered` hears what it told. `key` tells one from
    another, `named` is what a log line says of it. `left` hears of each time that one could not be
    ended.
    """

    name: str
    find: Callable[[Transaction, int], Awaitable[Sequence[T]]]
    end: Callable[[Transaction, Sequence[T]], Coroutine[Any, Any, Mapping[str, int]]]
    key: Callable[[T], str]
    named: Callable[[T], Mapping[str, object]]
    entered: Callable[[Mapping[str, int]], None]
    left: Callable[[str], None] | None = None
    _aside: dict[str, int] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _now: int = 0

    async def once(self, database: Database, now: int) -> int:
        """End what is due; how many were looked at. Raises StoreError where the database will not."""
        self._aside = {key: until for key, until in self._aside.items() if until > now}
        self._now = now
        taken: list[T] = []

        async def batch(tx: Transaction) -> Mapping[str, int]:
            found = await self.find(tx, AT_ONCE + len(self._aside))
            taken[:] = [one for one in found if self.key(one) not in self._aside][:AT_ONCE]
            return await self.end(tx, taken) if taken else {}

        try:
            self.entered(await database.write(batch))
        except Exception as error:
            if not taken:
                raise
            await self._after(database, taken, error, until=_steady() + AROUND_SECONDS)
        return len(taken)

    async def _after(
        self, database: Database, taken: Sequence[T], error: Exception, *, until: float
    ) -> None:
        """What is left to do for some that could not be ended at once. Raises StoreError: nothing."""
        if isinstance(error, LockedError):
            await self._around(database, taken, error, until=until)
            return
        if isinstance(error, StoreError):
            raise error
        _log.warning("sweep-one-by-one", sweep=self.name, many=len(taken), exc_info=error)
        for one in taken:
            await self._alone(database, one)

    async def _around(
        self, database: Database, taken: Sequence[T], error: LockedError, *, until: float
    ) -> None:
        """End those of many that do not need the row that others lock: by halves, for some seconds.

        Raises LockedError where that is not enough.
        """
        if len(taken) < 2:
            for one in taken:  # it is due still; others come before it for a while
                self._aside[self.key(one)] = self._now + LOCKED_ASIDE
                _log.info("sweep-finds-locked", sweep=self.name, **self.named(one))
            return
        middle = len(taken) // 2
        for half in (taken[:middle], taken[middle:]):
            if _steady() > until:
                raise error
            try:
                self.entered(await database.write(partial(self._briefly, some=half)))
            except Exception as after:  # noqa: BLE001 (what is no error of its members is raised again)
                await self._after(database, half, after, until=until)

    async def _briefly(self, tx: Transaction, *, some: Sequence[T]) -> Mapping[str, int]:
        await tx.wait_briefly()  # the others wait behind it
        return await self.end(tx, some)

    async def _alone(self, database: Database, one: T) -> None:
        try:
            self.entered(await database.write(partial(self._briefly, some=[one])))
        except LockedError:
            _log.info("sweep-finds-locked", sweep=self.name, **self.named(one))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 (it is told, and must not be the others')
            self._leave(one, error)

    def _leave(self, one: T, error: Exception) -> None:
        key = self.key(one)
        if len(self._aside) < MOST_ASIDE:
            self._aside[key] = self._now + ASIDE
        if self.left is not None:
            self.left(self.name)
        if key not in self._told:
            self._told.add(key)
            _log.error("sweep-left-behind", sweep=self.name, **self.named(one), exc_info=error)


def _steady() -> float:
    return asyncio.get_running_loop().time()


def report(what: str, error: Exception) -> None:
    """Tell that a loop had trouble and goes on."""
    if isinstance(error, StoreError):
        _log.warning(f"{what}-waits-for-database", error=str(error))
    else:
        _log.error(f"{what}-failed", exc_info=error)


class SweepLoop:
    """Runs the sweeps of a dispatcher once a second."""

    def __init__(self, sweep: Callable[[], Awaitable[int]], wake: Callable[[], None]) -> None:
        self._sweep = sweep
        self._wake = wake
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Sweep until `stop`."""
        while not self._stopped.is_set():
            try:
                if await self._sweep():
                    self._wake()
            except Exception as error:  # noqa: BLE001 (nothing may end the sweeping for good)
                report("sweep", error)
            try:
                await asyncio.wait_for(self._stopped.wait(), 1)
            except TimeoutError:
                continue

    def stop(self) -> None:
        """End after the sweep under way."""
        self._stopped.set()
