"""What waits for an endpoint that was switched on again: made due behind the call, in slices.

Half a million webhooks in one statement would outlast its time limit on PostgreSQL and hold up
everybody on SQLite. So the endpoint is enabled and committed first. What a stopping process leaves
undone keeps its own due time, or stays parked; enabling the endpoint again goes on with it.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from hundi.exchange import redrive
from hundi.store.engine import Database, StoreError

PATIENCE_SECONDS = 2
"""So long the call waits for its own gap: what most owners have waiting is due by the answer."""
_PAUSES = (0.05, 0.5, 5, 30)
"""Before a slice is tried again: behind a deadlock, or while the database is away."""

_log = structlog.get_logger()


class Gaps:
    """Replays gaps, one at a time for each client. `wake` tells the dispatcher that something is due."""

    def __init__(self, database: Database, *, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def replay(self, client_id: str) -> None:
        """Make due what waits for a client; returns when that is done, and after seconds anyhow."""
        task = self._under_way.get(client_id)
        if task is None:
            task = asyncio.create_task(self._through(client_id))
            self._under_way[client_id] = task
            task.add_done_callback(lambda _: self._under_way.pop(client_id))
        await asyncio.wait({task}, timeout=PATIENCE_SECONDS)

    async def stop(self) -> None:
        """Leave what is not due yet as it is."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _through(self, client_id: str) -> None:
        """Whatever becomes of a webhook meanwhile, it is made due once at most."""
        try:
            async for ids in redrive.gap_slices(self._database, client_id):
                await self._make_due(ids)
                self._wake()
        except Exception as error:  # noqa: BLE001 (nobody else would tell of it)
            _log.warning("gap-not-due", client=client_id, error=str(error))

    async def _make_due(self, ids: Sequence[str]) -> None:
        """One slice. To make due again what an unknown commit has made due changes nothing."""
        for pause in _PAUSES:
            try:
                return await self._database.write(partial(redrive.make_due, ids=ids))
            except StoreError:
                await asyncio.sleep(pause)
        return await self._database.write(partial(redrive.make_due, ids=ids))
