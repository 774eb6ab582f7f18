"""What must be done again and again beside the traffic: number events, write refusals, purge."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence

import structlog

from hundi.exchange import idempotency
from hundi.exchange.duties import Duties, Duty
from hundi.exchange.feed import BATCH, number_events
from hundi.exchange.refusals import RefusalLog
from hundi.parties import guard, tokens
from hundi.store.engine import Database, StoreError, Transaction

TICKS_A_SECOND = 5
TICKS_BETWEEN_PURGES = 3000
PURGED_A_TICK = 1000
SECONDS_BETWEEN_WARNINGS = 10
"""While the database is away. It is looked for at each tick all the same: readers wait for numbers."""

_log = structlog.get_logger()


class Housekeeping:
    """Ticks five times a second; the rarer duties count ticks. `numbered` is told of new events."""

    def __init__(
        self,
        database: Database,
        refusals: RefusalLog,
        *,
        numbered: Callable[[], None] | None = None,
        duties: Sequence[Duty] = (),
    ) -> None:
        self._database = database
        self._duties = Duties(database, duties)
        self._refusals = refusals
        self._numbered = numbered
        self._stopped = asyncio.Event()
        self._purging = False
        self._warned = -math.inf

    async def run(self) -> None:
        """Tick until `stop`, and do the duties beside it; database trouble is waited out."""
        duties = asyncio.create_task(self._duties.run())
        await self._run_ticks()
        await duties

    async def _run_ticks(self) -> None:
        ticks = 0
        while not self._stopped.is_set():
            try:
                await self._tick(ticks)
                self._warned = -math.inf
            except StoreError as error:
                self._warn(error)
            except Exception as error:  # noqa: BLE001 (the feed has to go on)
                _log.error("housekeeping-failed", exc_info=error)
            ticks += 1
            try:
                await asyncio.wait_for(self._stopped.wait(), 1 / TICKS_A_SECOND)
            except TimeoutError:
                continue

    def stop(self) -> None:
        """End after the tick and the duty under way."""
        self._stopped.set()
        self._duties.stop()

    def _warn(self, error: StoreError) -> None:
        """Tell of it, unless that was done a moment ago and no tick has gone well since."""
        now = time.monotonic()
        if now >= self._warned + SECONDS_BETWEEN_WARNINGS:
            self._warned = now
            _log.warning("housekeeping-waits-for-database", error=str(error))

    async def _tick(self, ticks: int) -> None:
        found = BATCH
        while found == BATCH:  # and not as long as there is one: there always is, under load
            found = await self._database.write(number_events)
            if found and self._numbered is not None:
                self._numbered()
        await self._refusals.flush()
        if ticks % TICKS_BETWEEN_PURGES == 0 or self._purging:
            self._purging = await self._database.write(_purge)


async def _purge(tx: Transaction) -> bool:
    """Forget what has had its time, a little of it; whether there may be more."""
    purges = (idempotency.purge, tokens.purge, guard.purge)
    purged = [await purge(tx, PURGED_A_TICK) for purge in purges]
    return max(purged) == PURGED_A_TICK
