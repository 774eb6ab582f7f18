"""The health of endpoints: when they last took something, and when they are switched off.

An endpoint is disabled on 410, or after 24 hours without a success and at least 10 failed
exchanges; before that GET /network/v1/endpoint warns its owner. Counted in memory and written every
few seconds, and only where something changed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from hundi.exchange.failing import Failing, attempt_name, newly_failing
from hundi.exchange.outbox import AttemptResult
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import HOUR
from hundi.parties.health import Change, Seen, record
from hundi.store.engine import BRIEFLY, Database, LockedError, Transaction

FLUSH_SECONDS = 2
SUCCESS_TOLD_EVERY = HOUR

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Noted:
    """What was seen of an endpoint; `failed` are failed attempts by their exchange."""

    seen: Seen
    failed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def then(self, later: "_Noted") -> "_Noted":
        seen = self.seen.then(later.seen)
        if later.seen.success_at is not None:
            return _Noted(seen, later.failed)
        failed = dict(self.failed)
        for exchange, attempts in later.failed.items():
            failed[exchange] = failed.get(exchange, ()) + attempts
        return _Noted(seen, failed)

    def failing(self, client_id: str) -> list[Failing]:
        success_at = self.seen.success_at
        return [Failing(client_id, exchange, success_at, a) for exchange, a in self.failed.items()]


class Health:
    """Collects what attempts say of endpoints and writes it down."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, _Noted] = {}
        self._told: dict[str, int] = {}
        self._failing: set[str] = set()
        self._stopped = asyncio.Event()
        self._gone = asyncio.Event()

    def attempted(self, result: AttemptResult, now: int) -> None:
        """Note one attempt, if it was the receiver's to take."""
        if result.verdict.unsent:
            return
        client_id = result.leased.client_id
        decision = result.verdict.decision
        if decision in {Decision.FAILED, Decision.GONE}:
            self._failed(client_id, result, now)
        elif client_id in self._failing or self._told.get(client_id, 0) <= now - SUCCESS_TOLD_EVERY:
            self._failing.discard(client_id)
            self._told[client_id] = now
            seen = Seen(success_at=now, failed_exchanges=0, failing_since=None)
            self._note(client_id, _Noted(seen))

    def _failed(self, client_id: str, result: AttemptResult, now: int) -> None:
        self._failing.add(client_id)
        leased = result.leased
        gone = None
        if result.verdict.decision is Decision.GONE and leased.row is not None:
            gone = leased.row["endpoint_url"]
        attempt = attempt_name(leased.webhook_id, leased.number)
        seen = Seen(None, 0, failing_since=now, gone=gone)
        self._note(client_id, _Noted(seen, {leased.req_msg_id: (attempt,)}))
        if gone:
            self._gone.set()

    def _note(self, client_id: str, noted: _Noted) -> None:
        before = self._noted.get(client_id)
        self._noted[client_id] = noted if before is None else before.then(noted)

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
        noted, self._noted = self._noted, {}
        if noted and not await self._kept(noted):
            for client_id, one in noted.items():  # who keeps one client's row holds up no other's
                await self._kept({client_id: one}, alone=True)

    async def _kept(self, noted: Mapping[str, _Noted], *, alone: bool = False) -> bool:
        """False where a row is locked, unless `alone`. Else what could not be written is noted for later."""
        try:
            changes = await self._database.write(partial(_write, noted=noted, briefly=alone))
        except Exception as error:  # noqa: BLE001 (deliveries do not stand still for a statistic)
            if isinstance(error, LockedError) and not alone:
                return False
            _log.warning("health-not-written", error=str(error))
            for client_id, one in noted.items():
                later = self._noted.get(client_id)
                self._noted[client_id] = one if later is None else one.then(later)
            return True
        for change in changes:
            _log.warning(change.what, client=change.client_id, reason=change.reason)
        return True

    def stop(self) -> None:
        """Write once more and end."""
        self._stopped.set()


async def _write(
    tx: Transaction, noted: Mapping[str, _Noted], *, briefly: bool
) -> Sequence[Change]:
    if briefly:
        await tx.wait_at_most(BRIEFLY)
    failing = [one for client_id, n in noted.items() for one in n.failing(client_id)]
    new = await newly_failing(tx, failing)
    return await record(tx, {c: replace(n.seen, failed_exchanges=new[c]) for c, n in noted.items()})
