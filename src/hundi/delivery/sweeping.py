"""Sweeps: what nobody has ended in time, some hundred at once, and around what cannot be ended.

One row that this process cannot read must not stop the others, nor one that another process keeps
locked. Where a batch fails, its members go one by one, around a locked row by halves; who fails then is
left aside for a while, so that the next batch is of others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
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


@dataclass(frozen=True, slots=True)
class _Round:
    """One round of a sweep. `until` bounds its way around locked rows, on the steady clock."""

    database: Database
    now: int
    until: float


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

    async def once(self, database: Database, now: int) -> int:
        """End what is due; how many were looked at. Raises StoreError where the database will not."""
        self._aside = {key: until for key, until in self._aside.items() if until > now}
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
            await self._after(_Round(database, now, monotonic() + AROUND_SECONDS), taken, error)
        return len(taken)

    async def _after(self, round_: _Round, taken: Sequence[T], error: Exception) -> None:
        """End in another way those that could not be ended at once. Raises StoreError where none will do."""
        if isinstance(error, LockedError):
            await self._around(round_, taken, error)
            return
        if isinstance(error, StoreError):
            raise error
        _log.warning("sweep-one-by-one", sweep=self.name, many=len(taken), exc_info=error)
        for one in taken:
            await self._alone(round_, one)

    async def _around(self, round_: _Round, taken: Sequence[T], error: LockedError) -> None:
        """End those of many that do not need the row that others lock: by halves, for some seconds.

        Raises LockedError where that is not enough.
        """
        if len(taken) == 1:
            self._pass_by(taken[0], now=round_.now)
            return
        middle = len(taken) // 2
        for half in (taken[:middle], taken[middle:]):
            if monotonic() > round_.until:
                raise error
            try:
                self.entered(await round_.database.write(partial(self._briefly, some=half)))
            except Exception as after:  # noqa: BLE001 (what is no error of its members is raised again)
                await self._after(round_, half, after)

    def _pass_by(self, one: T, *, now: int) -> None:
        """It is due still; others come before it for a while."""
        self._aside[self.key(one)] = now + LOCKED_ASIDE
        _log.info("sweep-finds-locked", sweep=self.name, **self.named(one))

    async def _briefly(self, tx: Transaction, *, some: Sequence[T]) -> Mapping[str, int]:
        await tx.wait_briefly()  # the others wait behind it
        return await self.end(tx, some)

    async def _alone(self, round_: _Round, one: T) -> None:
        try:
            self.entered(await round_.database.write(partial(self._briefly, some=[one])))
        except LockedError:
            self._pass_by(one, now=round_.now)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 (it is told, and must not be the others')
            self._leave(one, error, now=round_.now)

    def _leave(self, one: T, error: Exception, *, now: int) -> None:
        key = self.key(one)
        if len(self._aside) < MOST_ASIDE:
            self._aside[key] = now + ASIDE
        if self.left is not None:
            self.left(self.name)
        if key not in self._told:
            self._told.add(key)
            _log.error("sweep-left-behind", sweep=self.name, **self.named(one), exc_info=error)


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
