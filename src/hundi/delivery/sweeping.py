"""Sweeps: what nobody has ended in time, some hundred at once, and around what cannot be ended.

One row that this process cannot read must not stop the others, nor one that another process keeps
locked. Where a batch fails, its members go one by one; who fails then is left aside for a while, so that
the next batch is of others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic, TypeVar

import structlog

from hundi.kernel.clock import MINUTE, SECOND
from hundi.store.engine import BRIEFLY, Database, LockedError, StoreError, Transaction

T = TypeVar("T")

AT_ONCE = 256
ASIDE = 10 * MINUTE
"""So long a row is left aside: one that is for another version of the server is cheap meanwhile."""
MOST_ASIDE = 5000
LOCKED_ASIDE = 30 * SECOND
"""Longer than a round of all sweeps takes, or the next one would begin with the same ones again."""
ROUND_SECONDS = 5
"""So long a sweep goes one by one; who stops the process waits for it, and so does the next sweep."""

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

    async def once(self, database: Database, now: int) -> int:
        """End what is due; how many were looked at. Raises StoreError where the database will not."""
        # Who would be left aside for longer than ever was so before the clock was set back.
        self._aside = {key: u for key, u in self._aside.items() if now < u <= now + ASIDE}
        taken: list[T] = []

        async def batch(tx: Transaction) -> Mapping[str, int]:
            found = await self.find(tx, AT_ONCE + len(self._aside))
            taken[:] = [one for one in found if self.key(one) not in self._aside][:AT_ONCE]
            return await self.end(tx, taken) if taken else {}

        try:
            self.entered(await database.write(batch))
        except Exception as error:
            locked = isinstance(error, LockedError)
            if not taken or (isinstance(error, StoreError) and not locked):
                raise
            if not locked:
                _log.warning("sweep-one-by-one", sweep=self.name, many=len(taken), exc_info=error)
            await self._one_by_one(database, taken, now=now)
        return len(taken)

    async def _one_by_one(self, database: Database, taken: Sequence[T], *, now: int) -> None:
        """End those of many that can be, for some seconds: the next round begins behind who could not."""
        until = monotonic() + ROUND_SECONDS
        for one in taken:
            if monotonic() > until:
                return
            await self._alone(database, one, now=now)

    async def _alone(self, database: Database, one: T, *, now: int) -> None:
        async def briefly(tx: Transaction) -> Mapping[str, int]:
            await tx.wait_at_most(BRIEFLY)  # the others wait behind it
            return await self.end(tx, [one])

        try:
            self.entered(await database.write(briefly))
        except LockedError:
            self._put_aside(self.key(one), now + LOCKED_ASIDE)
            _log.info("sweep-finds-locked", sweep=self.name, **self.named(one))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 (it is told, and must not be the others')
            self._leave(one, error, now=now)

    def _put_aside(self, key: str, until: int) -> None:
        """It is due still; others come before it for a while."""
        if len(self._aside) < MOST_ASIDE:
            self._aside[key] = until

    def _leave(self, one: T, error: Exception, *, now: int) -> None:
        key = self.key(one)
        self._put_aside(key, now + ASIDE)
        if self.left is not None:
            self.left(self.name)
        if key not in self._told:
            self._told = self._told if len(self._told) < MOST_ASIDE else set()
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
