"""The dispatcher: lease → post → judge → finish, each a named stage.

Any number of dispatchers may run over one PostgreSQL: the lease decides who sends. A dispatcher
that dies leaves leases behind; they run out, and the sweep turns them into failed attempts.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog

from hundi.delivery import tracing
from hundi.delivery.attempt_log import log_attempt, named
from hundi.delivery.breaker import Breaker
from hundi.delivery.parcels import endpoint_of, hidden_of, parcel_of, without
from hundi.delivery.retry import gives_up, next_attempt
from hundi.delivery.stopwatch import Stopwatch
from hundi.delivery.sweeping import Sweep
from hundi.delivery.verdicts import (
    ERASED_VERDICT,
    LAPSED,
    LAPSED_VERDICT,
    LATE_VERDICT,
    NO_ENDPOINT,
    NOT_OPENED,
    NOT_OPENED_VERDICT,
    NOTHING_SENT,
    UNWRITTEN_VERDICT,
)
from hundi.delivery.wire import Wire
from hundi.exchange.lapse import find_due
from hundi.exchange.leases import Leased, lease
from hundi.exchange.outbox import (
    EXPIRY,
    LAPSING,
    LEASES,
    AttemptResult,
    Outbox,
    find_expired,
    find_lapsed,
)
from hundi.exchange.verdict import Answer, Decision, Kind, Verdict, judge
from hundi.kernel.identity import RandomBytes
from hundi.kernel.sealing import Keyring, SealError
from hundi.ledger.model import Key
from hundi.observing.spans import Traces
from hundi.store.engine import Database, Transaction
from hundi.store.ran import Ran

CONCURRENCY = 256
"""Seven endpoints that take their time do not hold up the eighth. Three swift ones may fill every place,
until their first time-out."""

_log = structlog.get_logger()


class Observer(Protocol):
    """Who counts deliveries: metrics, and the health of endpoints."""

    def attempted(self, result: AttemptResult, now: int) -> None:
        """One attempt has ended."""


class Turn(NamedTuple):
    """What a transaction has leased, and how many exchanges it has ended, by state."""

    leased: Sequence[Leased] = ()
    entered: Mapping[str, int] = {}


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """Sends what is due. `clock` and `random` are given, so that a simulation can run it.

    `watch` hears of each commit of what attempts led to, `entered` of the exchanges that ended with
    one, `left` of what a sweep could not end.
    """

    database: Database
    outbox: Outbox
    wire: Wire
    breaker: Breaker
    observer: Observer
    keyring: Keyring
    clock: Callable[[], int]
    random: RandomBytes
    concurrency: int = CONCURRENCY
    traces: Traces | None = None
    watch: Callable[[Ran[AttemptResult]], None] | None = None
    entered: Callable[[Mapping[str, int]], None] | None = None
    left: Callable[[str], None] | None = None
    _sweeps: tuple[Sweep[Any], ...] = field(init=False)

    def __post_init__(self) -> None:
        """Put the sweeps together: they remember between their turns what they cannot end."""
        left, entered = self.left, self.tell
        self._sweeps = (
            Sweep(name=LEASES, find=find_lapsed, end=self._finish_lapsed,
                  key=lambda one: one.webhook_id, named=named, left=left, entered=entered),
            Sweep(name=EXPIRY, find=find_expired, end=self._expire,
                  key=str, named=lambda id_: {"reqMsgId": id_}, left=left, entered=entered),
            Sweep(name=LAPSING, find=find_due, end=self._lapse,
                  key=" ".join, named=lambda key: {"document": " ".join(key)},
                  left=left, entered=entered),
        )  # fmt: skip

    async def claim(self, flying: Counter[str], free: int) -> list[Leased]:
        """Lease up to `free` due webhooks, fairly among endpoints."""
        return await self.database.write(lambda tx: self._lease(tx, flying, free))

    async def turn(
        self,
        tx: Transaction,
        results: Sequence[AttemptResult],
        *,
        flying: Counter[str],
        free: Callable[[], int],
    ) -> Turn:
        """Write down what attempts led to and lease the next ones, in one transaction.

        How many are `free` is asked when the ends are written: it may have waited for locks till then.
        """
        entered = await self.outbox.finish(tx, results)
        # Who has just answered has nothing in flight, perhaps, and its breaker knows how swift it is.
        known = dict.fromkeys((r.leased.client_id for r in results), 0) | flying
        return Turn(await self._lease(tx, known, free()), entered)

    async def _lease(self, tx: Transaction, flying: Mapping[str, int], free: int) -> list[Leased]:
        if free <= 0:
            return []
        room = self.breaker.room(flying, self.clock())
        others = self.breaker.concurrency
        return await lease(tx, room=room, total=free, others=others, flying=flying)

    async def attempt(self, leased: Leased) -> AttemptResult:
        """Post one leased webhook and judge the answer. Never raises for what a receiver does."""
        if leased.row is not None and leased.row["bytes"] is None:
            return self.result(leased, NOTHING_SENT, ERASED_VERDICT)
        if self.traces is None:
            result = await self._posted(leased, trace=leased.trace)
        else:
            result = await self._traced(leased, self.traces)
        self._note(result)
        return result

    async def _traced(self, leased: Leased, traces: Traces) -> AttemptResult:
        span = tracing.begin(traces, leased)
        watch = Stopwatch() if span.recorded else None
        result = await self._posted(leased, trace=span.context, watch=watch)
        tracing.end(traces, span, result, watch=watch)
        return result

    async def _posted(
        self, leased: Leased, *, trace: str | None, watch: Stopwatch | None = None
    ) -> AttemptResult:
        endpoint, answer = None, NO_ENDPOINT
        try:
            endpoint = endpoint_of(leased, self.clock(), keyring=self.keyring)
        except SealError as error:
            _log.error("secret-not-opened", **named(leased), error=str(error))
            return self.result(leased, NOT_OPENED, NOT_OPENED_VERDICT, trace=trace)
        if endpoint is not None:
            parcel = parcel_of(leased, trace)
            answer = await self.wire.post(endpoint, parcel, now=self.clock(), watch=watch)
        empty = endpoint is not None and endpoint.empty_means_success
        hidden = hidden_of(endpoint)
        verdict = judge(
            answer, kind=leased.kind, req_msg_id=leased.req_msg_id, empty_means_success=empty,
            hidden=hidden,
        )  # fmt: skip
        return self.result(
            leased, without(hidden, answer) if hidden else answer, verdict, trace=trace
        )

    def result(
        self, leased: Leased, answer: Answer, verdict: Verdict, *, trace: str | None = None
    ) -> AttemptResult:
        """What an attempt came to, with the time of the next one."""
        now = self.clock()
        until_end = leased.kind is Kind.REQUEST and leased.effect == "PROPOSAL"
        failed = verdict.decision in {Decision.FAILED, Decision.GONE}
        # Who asks to be asked again has not taken it either. What was not sent was no attempt.
        pending = verdict.decision is Decision.ASK_AGAIN and answer is not NOTHING_SENT
        return AttemptResult(
            leased=leased,
            answer=answer,
            verdict=verdict,
            wait=next_attempt(
                leased.failures, verdict.wait, failed=failed, random=self.random,
                pending=leased.number if pending else 0,
            ),
            parks=verdict.decision is Decision.ERASED
            or ((failed or pending)
                and not verdict.unsent
                and gives_up(leased.created_at, now, until_exchange_ends=until_end)),
            trace=trace,
        )  # fmt: skip

    def _note(self, result: AttemptResult) -> None:
        now = self.clock()
        client_id = result.leased.client_id
        if result.verdict.decision in {Decision.FAILED, Decision.GONE}:
            self.breaker.failed(client_id, now)
        elif not result.verdict.unsent:
            self.breaker.succeeded(client_id, result.answer.milliseconds)
        log_attempt(result)
        self.observer.attempted(result, now)

    def unsent(self, leased: Leased) -> AttemptResult:
        """Of a lease that may run out before an answer to it: it is given back, and nothing is sent."""
        return self.result(leased, NOTHING_SENT, LATE_VERDICT)

    def postponed(self, result: AttemptResult) -> AttemptResult:
        """Of an answer that this process cannot write: a newer one asks for it again, soon."""
        verdict, failures = UNWRITTEN_VERDICT, result.leased.failures
        wait = next_attempt(failures, verdict.wait, failed=False, random=self.random)
        return msgspec.structs.replace(result, verdict=verdict, wait=wait, parks=False)

    async def sweep(self) -> int:
        """Finish attempts whose lease ran out, end what nobody has answered; how many were found.

        Each by itself: none waits for another to do well. Raises what the last to fail did.
        """
        found = 0
        trouble: Exception | None = None
        for one in self._sweeps:
            try:
                found += await one.once(self.database, self.clock())
            except Exception as error:  # noqa: BLE001 (raised below, behind the others)
                trouble = error
        if trouble is not None:
            raise trouble
        return found

    def tell(self, entered: Mapping[str, int]) -> None:
        """Exchanges have ended, and that is committed."""
        if self.entered is not None and entered:
            self.entered(entered)

    async def _finish_lapsed(self, tx: Transaction, lapsed: Sequence[Leased]) -> Mapping[str, int]:
        return await self.outbox.finish(
            tx, [self.result(d, LAPSED, LAPSED_VERDICT) for d in lapsed]
        )

    async def _expire(self, tx: Transaction, ids: Sequence[str]) -> Mapping[str, int]:
        return await self.outbox.expire(tx, ids)

    async def _lapse(self, tx: Transaction, keys: Sequence[Key]) -> Mapping[str, int]:
        await self.outbox.lapse(tx, keys)
        return {}  # a document that lapses is no exchange
