"""The health of endpoints: when they last took something, and when they are switched off.

An endpoint is disabled on 410, or after 24 hours without a success and at least 10 failed
exchanges; its owner is warned in the feed's view of the endpoint before. Counted in memory and
written every few seconds, and only where something changed.
"""

import asyncio

import structlog

from hundi.exchange.outbox import AttemptResult
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import HOUR
from hundi.parties.health import Seen, record
from hundi.store.engine import Database

FLUSH_SECONDS = 2
SUCCESS_TOLD_EVERY = HOUR

_log = structlog.get_logger()


class Health:
    """Collects what attempts say of endpoints and writes it down."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[str, Seen] = {}
        self._told: dict[str, int] = {}
        self._failing: set[str] = set()
        self._stopped = asyncio.Event()
        self._gone = asyncio.Event()

    def attempted(self, result: AttemptResult, now: int) -> None:
        """Note one attempt."""
        client_id = result.leased.client_id
        decision = result.verdict.decision
        if decision in {Decision.FAILED, Decision.GONE}:
            self._failed(client_id, result, now)
        elif client_id in self._failing or self._told.get(client_id, 0) <= now - SUCCESS_TOLD_EVERY:
            self._failing.discard(client_id)
            self._told[client_id] = now
            self._note(client_id, Seen(success_at=now, failed_exchanges=0, failing_since=None))

    def _failed(self, client_id: str, result: AttemptResult, now: int) -> None:
        self._failing.add(client_id)
        first = 1 if result.leased.failures == 0 else 0
        gone = result.verdict.decision is Decision.GONE
        self._note(client_id, Seen(None, first, failing_since=now, gone=gone))
        if gone:
            self._gone.set()

    def _note(self, client_id: str, seen: Seen) -> None:
        before = self._seen.get(client_id)
        self._seen[client_id] = seen if before is None else before.then(seen)

    async def run(self) -> None:
        """Write until `stop`."""
        while not self._stopped.is_set():
            await self._flush()
            await self._wait()
        await self._flush()

    async def _wait(self) -> None:
        stopped = asyncio.create_task(self._stopped.wait())
        gone = asyncio.create_task(self._gone.wait())
        await asyncio.wait(
            {stopped, gone}, timeout=FLUSH_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        stopped.cancel()
        gone.cancel()
        self._gone.clear()

    async def _flush(self) -> None:
        if not self._seen:
            return
        seen, self._seen = self._seen, {}
        try:
            changes = await self._database.write(lambda tx: record(tx, seen))
        except Exception as error:  # noqa: BLE001 (deliveries do not stand still for a statistic)
            _log.warning("health-not-written", error=str(error))
            later, self._seen = self._seen, seen
            for client_id, one in later.items():
                self._note(client_id, one)
            return
        for change in changes:
            _log.warning(change.what, clientId=change.client_id, reason=change.reason)

    def stop(self) -> None:
        """Write once more and end."""
        self._stopped.set()
