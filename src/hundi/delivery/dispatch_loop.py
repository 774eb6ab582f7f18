"""The loop around a dispatcher: how much is leased, when, and with which ends it is written.

It keeps count of what is under way, and has ends of attempts come together in one transaction that
leases as well.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, repeat

import structlog

from hundi.delivery.attempt_log import named
from hundi.delivery.dispatch import Dispatcher, Turn
from hundi.delivery.retry import jittered
from hundi.delivery.sweeping import report
from hundi.exchange.leases import LEASE, Leased
from hundi.exchange.outbox import AttemptResult
from hundi.kernel.clock import SECOND
from hundi.store.again import Again
from hundi.store.batch import GroupCommit, OverloadedError
from hundi.store.engine import StoreError, Transaction, UnavailableError

IDLE_SECONDS = 0.25
POSTGRES_LANES = 2  # transactions at once: while one waits for the disk, the next one is at work
COMPANY, TOGETHER = 32, 128
LINGER_SECONDS = 0.01
"""A transaction that ends attempts costs as much by itself as a dozen of them, and no caller waits for
it: the next one lets more come together than an ack's does, and takes up to `TOGETHER`."""
UNWRITTEN = 2
"""So many times as many as there are places may be under way or have ends that are not written yet: where
none can be written, nothing is sent that would only be sent again."""
DRAIN_SECONDS, WRITE_SECONDS = 20, 5
"""So long attempts may take to end when the process stops, and then what they came to to be written."""
AGAIN = (SECOND, 2 * SECOND, 4 * SECOND)
"""Pauses before an end is written again of which nothing was kept; the last one until it is given up."""
AFTER_LEASE_SECONDS = 20
"""So long after its lease an end is given up: who was frozen with its rows is cut off by then. The
webhook may be sent again meanwhile, and its receiver gives that the same answer; a late end is as
good as one in time.
"""
PATIENCE_SECONDS = 60
"""So long an end waits for its transaction, longer than any statement may take: no caller does."""
LATEST_SECONDS = 10
"""From the begin of a transaction that leases to the sending: an attempt may take 15 s, a lease 30."""

_log = structlog.get_logger()


class DispatchLoop:
    """Runs a dispatcher until it is stopped: leases as room frees up, sends concurrently.

    Ends of attempts that come while a transaction is in flight share the next one, and the same
    transaction leases the next webhooks. Only while nothing ends, a transaction just leases. One at
    a time leases, or two would fill the same room.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._finish: GroupCommit[AttemptResult, Turn] = GroupCommit(
            dispatcher.database,
            self._turn,
            keys=lambda result: (result.leased.req_msg_id, result.leased.webhook_id),
            needs=lambda result: result.needs(),
            lanes=POSTGRES_LANES if dispatcher.database.dialect == "postgresql" else 1,
            size=TOGETHER,
            company=COMPANY,
            linger=LINGER_SECONDS,
            patience=PATIENCE_SECONDS,
            watch=dispatcher.watch,
            ended=self._ended,
        )
        self._flying: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._leasing: object = None
        self._passed_over: set[str] = set()
        self._look_again = False
        self._since = 0.0
        self._last = math.inf
        self._stopping = False

    def wake(self) -> None:
        """Something may be due now: look at once instead of at the next tick."""
        self._wake.set()

    async def run(self) -> None:
        """Dispatch until `stop`; trouble of any kind is told and waited out."""
        while not self._stopping:
            self._wake.clear()
            # What ends attempts leases as well; but it may wait for a row that others lock.
            await self._written_by(self._now() + IDLE_SECONDS)
            try:
                found = await self._claim()
            except Exception as error:  # noqa: BLE001 (nothing may end the sending for good)
                report("dispatch", error)
                await asyncio.sleep(1)
                continue
            if not found:
                await self._idle()

    def stop(self) -> None:
        """Take no more leases; `run` ends soon."""
        self._stopping = True
        self._wake.set()

    async def drained(self) -> None:
        """Once `run` has ended: let the attempts under way end, and write what they came to."""
        last = self._last = self._now() + DRAIN_SECONDS
        await self._written_by(last)  # what is being leased flies, too
        while self._tasks and (left := last - self._now()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        await self._written_by(last + WRITE_SECONDS)

    async def _written_by(self, moment: float) -> None:
        """Wait until no transaction that ends attempts is left, at most till a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(moment):
                await self._finish.drained()

    def _free(self) -> int:
        """How many more attempts may start now. Ends that are not written yet count from a point on."""
        if self._stopping:
            return 0
        most = self._dispatcher.concurrency
        return min(most - self._flying.total(), UNWRITTEN * most - len(self._tasks))

    async def _claim(self) -> int:
        """Lease in a transaction of its own, unless one that writes ends of attempts does it."""
        free = self._free()
        if self._leasing is not None or free <= 0:
            return 0
        self._leasing = self
        self._since = self._now()
        try:
            leased = await self._dispatcher.claim(self._flying, free)
        finally:
            self._may_lease()
        self._start(leased)
        return len(leased)

    async def _turn(self, tx: Transaction, results: Sequence[AttemptResult]) -> Sequence[Turn]:
        began, first = self._now(), results[0]

        def free() -> int:
            free = self._free()
            # Its own it is where the transaction is run again.
            by_another = self._leasing is not None and self._leasing is not first
            if by_another:
                self._passed_over.add(first.leased.webhook_id)
            if by_another or free <= 0:
                return 0
            self._leasing = first  # until its commit is known and its leases count
            self._since = began
            return free

        turn = await self._dispatcher.turn(tx, results, flying=self._flying, free=free)
        return [turn, *([Turn()] * (len(results) - 1))]

    def _ended(self, results: Sequence[AttemptResult], turns: Sequence[Turn | Again]) -> None:
        """A transaction is over: others may lease, and what it has leased is sent.

        Those whose ends it wrote may have lost their patience before it began: the database stood
        still for seconds. So it is the transaction's end that counts, not theirs.
        """
        if results[0].leased.webhook_id in self._passed_over:
            self._passed_over.discard(results[0].leased.webhook_id)
            self._look_again = True
        if self._leasing is None or self._leasing is results[0]:
            self._may_lease()
        for turn in turns:
            if not isinstance(turn, Again):
                self._dispatcher.tell(turn.entered)
                self._start(turn.leased)

    def _may_lease(self) -> None:
        """Nobody leases any more.

        Who did may have looked before the commit of one that was passed over meanwhile, and not have
        seen what that has queued.
        """
        self._leasing = None
        if self._look_again:
            self._look_again = False
            self.wake()

    def _start(self, leased: Sequence[Leased]) -> None:
        for one in leased:
            self._flying[one.client_id] += 1
            task = asyncio.create_task(self._one(one, since=self._since))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _idle(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
        except TimeoutError:
            return

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _one(self, leased: Leased, *, since: float) -> None:
        dispatcher = self._dispatcher
        late = self._now() - since > LATEST_SECONDS
        until = since + LEASE / SECOND + AFTER_LEASE_SECONDS
        try:
            result = dispatcher.unsent(leased) if late else await dispatcher.attempt(leased)
        finally:
            self._landed(leased.client_id)
        if not await self._written(result, until=until):
            await self._written(dispatcher.postponed(result), until=until)

    def _landed(self, client_id: str) -> None:
        """One attempt of a client's is over; who has none under way is not remembered."""
        left = self._flying.pop(client_id) - 1
        if left:
            self._flying[client_id] = left

    async def _written(self, result: AttemptResult, *, until: float) -> bool:
        """Write down what an attempt came to; False where this process cannot, and never will."""
        try:
            await self._submitted(result, until=until)
        except StoreError as error:
            # Its lease has run out and it counts as failed; the receiver gives its repeat the same answer.
            _log.warning("attempt-not-written", **named(result.leased), error=str(error))
        except Exception as error:  # noqa: BLE001 (a message of a newer version, or a mistake)
            _log.error("attempt-not-understood", **named(result.leased), exc_info=error)
            return False
        return True

    async def _submitted(self, result: AttemptResult, *, until: float) -> None:
        """Write an end, and again while nothing of it was kept, until some time after its lease."""
        pauses = chain(AGAIN, repeat(AGAIN[-1]))
        while True:
            try:
                await self._finish.submit(result)
            except (UnavailableError, OverloadedError):
                pause = jittered(next(pauses), self._dispatcher.random) / SECOND
                if self._now() + pause > min(until, self._last):
                    raise
                await asyncio.sleep(pause)
            else:
                return
