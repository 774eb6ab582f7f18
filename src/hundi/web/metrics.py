"""Prometheus metrics of one process. No label holds a value that a caller can invent.

Counters count what this process saw (`registry`); what the database tells (`network`) is the same
for all processes, and is asked when somebody scrapes, at most every five seconds.
"""

import asyncio
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    ProcessCollector,
)
from prometheus_client.exposition import generate_latest

from hundi import __version__
from hundi.exchange.invariants.watch import behind
from hundi.exchange.leases import WITH_SERVED
from hundi.exchange.outbox import SWEEPS, AttemptResult
from hundi.exchange.record import State
from hundi.exchange.request import Accepted
from hundi.kernel.clock import SECOND
from hundi.kernel.faults import Fault
from hundi.store.engine import Database, Row, StoreError, Transaction
from hundi.store.ran import Ran
from hundi.store.statement import Statement
from hundi.web.database_gauges import DatabaseGauges
from hundi.web.envelope import INTERNAL
from hundi.web.siblings import Siblings
from hundi.web.tallies import Counts, Durations
from hundi.web.timings import Timings
from hundi.web.turning_away import CROWDED, WHY

CONTENT_TYPE = "text/plain; version=0.0.4"  # the framework adds the character set
REFRESH_SECONDS = 5
PATIENCE_SECONDS = 2
_ACK_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_ATTEMPT_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
ACCEPT, SETTLE, ONBOARDING = "accept", "settle", "onboarding"
MESSAGE, READ, TOKEN, STRANGER = "message", "read", "token", "stranger"
"""What is refused: a message, a call of our own, a token, or what nobody known asks for under /api."""
_WAITING = ("QUEUED", "LEASED", "PARKED")

_OUTBOX = Statement.both(
    WITH_SERVED + "select (select count(*) from delivery where state = 'QUEUED') as queued,"
    " (select count(*) from delivery where state = 'LEASED') as leased,"
    " (select count(*) from delivery where state = 'PARKED') as parked,"
    # What waits for a disabled endpoint is nobody's delay: its owner has to enable it.
    " (select min((select min(d.due_at) from delivery d where d.state = 'QUEUED'"
    " and d.client_id = s.client_id)) from served s) as oldest,"
    " (select count(*) from exchange where state = 'OPEN' and closing is null"
    " and expires_at is not null) as open,"
    " (select found from duty where name = 'invariants') as broken,"
    " (select done_at from duty where name = 'invariants') as checked_at,"
    " (select notes from duty where name = 'invariants') as watched,"
    " (select done_at from duty where name = 'journal-checkpoint') as sealed_at"
)
_log = structlog.get_logger()


class Metrics:
    """Counts what the edge, the dispatcher and the road tell it; `exposition` writes it out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked, self._answered = -float("inf"), False
        self._asking = asyncio.Lock()
        self.registry = CollectorRegistry()
        self.network = CollectorRegistry()
        self._siblings: Siblings | None = None
        ProcessCollector(registry=self.registry)
        self._acks = self._counter("acks", "Accepted requests", ("message", "result"))
        self._refusals = self._counter("refusals", "Refused requests", ("code", "status"))
        self._refused_calls = self._counter("refused_calls", "Refused calls", ("call", "status"))
        self._exchanges = self._counter("exchanges", "Exchanges that entered a state", ("state",))
        self._left = self._counter("sweep_failures", "Rows that a sweep left behind", ("sweep",))
        self._attempts = self._counter("deliveries", "Ended attempts", ("kind", "outcome"))
        self._unsent = self._counter("secrets_not_opened", "Attempts not made for lack of a key")
        self._ack_seconds = self._histogram("ack_seconds", "Time to an ack", _ACK_SECONDS)
        self._attempt_seconds = self._histogram(
            "attempt_seconds", "Time to a webhook's answer", _ATTEMPT_SECONDS
        )
        self._batches = self._histogram("batch_size", "Requests in one commit", _BATCH_SIZES)
        self._broken = self._told("invariants_broken", "Promises that the store breaks")
        self._checked = self._told("invariants_checked_timestamp", "When they were last checked")
        self._behind = self._told("invariants_behind_seconds", "Age of what is to be checked next")
        self._every = self._gauge(
            "invariants_interval_seconds", "How often this process looks; 0: never"
        )
        self._sealed = self._told("journal_checkpoint_timestamp", "When journals were last sealed")
        self._timings = Timings(self.registry)
        self._pool = self._gauge("pool_connections", "Connections to PostgreSQL", ("state",))
        self._standing = DatabaseGauges(self.network)
        build = self._gauge("build_info", "This process", ("version", "python", "database"))
        build.labels(__version__, platform.python_version(), database.dialect).set(1)
        self._connections = self._gauge("connections", "Connections of callers", ("state",))
        self._turned_away = self._counter("turned_away", "Calls that nobody read", ("why",))
        self._breakers = self._gauge("breakers_open", "Endpoints that are left alone for a while")
        self._outbox = self._told("outbox_deliveries", "Deliveries not yet made", ("state",))
        self._oldest = self._told(
            "outbox_oldest_due_seconds", "How long the oldest for an enabled endpoint is due"
        )
        self._open = self._told("exchanges_open", "Proposals that nobody has answered")
        self._begin()

    def _begin(self) -> None:
        """Tell from the start of what an alert asks a rise of: the first one is to be seen, too."""
        self._refusals.begin(INTERNAL.name, "500")
        for status in ("500", "503"):
            self._refused_calls.begin(MESSAGE, status)
        for sweep in SWEEPS:
            self._left.begin(sweep)
        for why in (CROWDED, *WHY.values()):
            self._turned_away.begin(why)

    def accepted(self, message: str, outcome: Accepted, *, microseconds: int) -> None:
        """Count an ack of a message by its stored name. Its exchanges are counted by their commit."""
        waits = outcome.state == State.OPEN.value
        result = "PENDING" if waits else "SUCCESS"
        told = "REPLAYED" if outcome.replayed else result
        self._acks.add(message, told)
        self._ack_seconds.observe(microseconds / SECOND)

    def refused(self, faults: Sequence[Fault], status: int, *, call: str) -> None:
        """Count a refusal once under each of its codes, and the call once: codes do not add up to calls."""
        self._refused_calls.add(call, str(status))
        for code in {fault.code for fault in faults}:
            self._refusals.add(code, str(status))

    def attempted(self, result: AttemptResult, now: int) -> None:  # noqa: ARG002 (an observer is told)
        """Count an attempt at a webhook that has ended."""
        unsent = result.verdict.unsent
        came_to = "UNSENT" if unsent else result.verdict.decision.value
        self._attempts.add(result.leased.kind.value, came_to)
        if unsent:
            self._unsent.add()
            return
        self._attempt_seconds.observe(result.answer.milliseconds / 1000)
        self._timings.attempted(result)

    def ended(self, states: Mapping[str, int]) -> None:
        """Count exchanges that a commit has ended, by the state that they entered."""
        for state, exchanges in states.items():
            self._exchanges.add(state, by=exchanges)

    def left_behind(self, sweep: str) -> None:
        """Count that a sweep could not end a row, and left it aside."""
        self._left.add(sweep)

    def committed(self, work: str, ran: Ran[Any]) -> None:
        """Count a commit: how long it took, how long its first member had waited.

        `work` is accept, settle or onboarding. Of acceptances it is told how many shared it, and what
        exchanges they made: here and not with their acks, which a caller may have lost the patience for.
        """
        if work == ACCEPT:
            self._batches.observe(len(ran.decided))
        if work != SETTLE:
            for outcome in ran.outcomes:
                if isinstance(outcome, Accepted) and not outcome.replayed:
                    self._made(outcome)
        self._timings.committed(work, ran)

    def _made(self, outcome: Accepted) -> None:
        """Count the exchanges of one call, and those that were given up for it."""
        if outcome.abandoned:
            self._exchanges.add(State.ABANDONED.value, by=outcome.abandoned)
        if outcome.exchanges == 1:
            self._exchanges.add(outcome.state)
            return
        waiting, all_ = outcome.waiting, outcome.exchanges
        for state, count in ((State.OPEN, waiting), (State.SETTLED, all_ - waiting)):
            if count:
                self._exchanges.add(state.value, by=count)

    def lagged(self, seconds: float) -> None:
        """Note by how much the event loop was late."""
        self._timings.lagged(seconds)

    def turned_away(self, why: str) -> None:
        """Count a call that never became a request."""
        self._turned_away.add(why)

    def watch_connections(self, sizes: Callable[[], Mapping[str, int]]) -> None:
        """Ask `sizes` at each scrape for the connections of callers, by state."""
        _ask_sizes(self._connections, sizes)

    def watch_pool(self, sizes: Callable[[], Mapping[str, int]]) -> None:
        """Ask `sizes` at each scrape for the connections to PostgreSQL, by state."""
        _ask_sizes(self._pool, sizes)

    def watches_promises(self, every: int) -> None:
        """This process checks the store's promises so often, in microseconds; 0: never."""
        self._every.set(every / SECOND)

    def watch_breakers(self, count: Callable[[], int]) -> None:
        """Ask `count` at each scrape how many endpoints' breakers are open."""
        self._breakers.set_function(count)

    def beside(self, siblings: Siblings) -> None:
        """Tell what these processes count too, in every exposition from now on."""
        self._siblings = siblings

    def own(self) -> bytes:
        """What this process counts, in the Prometheus text format."""
        return generate_latest(self.registry)

    async def exposition(self) -> bytes:
        """Everything in the Prometheus text format. The database's figures may be missing."""
        async with self._asking:
            if time.monotonic() - self._asked >= REFRESH_SECONDS:
                await self._ask()
                self._standing.answered(yes=self._answered)
        own = self.own()
        counted = own if self._siblings is None else await self._siblings.exposition(own)
        return counted + generate_latest(self.network)

    async def _ask(self) -> None:
        self._asked, self._answered = time.monotonic(), False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                now, row = await self._database.read(_outbox)
                await self._standing.ask(self._database)
        except (StoreError, TimeoutError) as error:
            _log.warning("metrics-without-database", error=str(error))
            return
        self._answered = True
        for state in _WAITING:
            self._outbox.labels(state).set(row[state.lower()])
        oldest = row["oldest"]
        self._oldest.set(0 if oldest is None else max(0, now - oldest) / SECOND)
        self._open.set(row["open"])
        self._broken.set(row["broken"] or 0)
        self._checked.set((row["checked_at"] or 0) / SECOND)
        self._behind.set(behind(row["watched"]) / SECOND)
        self._sealed.set((row["sealed_at"] or 0) / SECOND)

    def _counter(self, name: str, text: str, labels: Iterable[str] = ()) -> Counts:
        return Counts(f"hundi_{name}", f"{text}.", labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(f"hundi_{name}", f"{text}.", labels, registry=self.registry)

    def _told(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(f"hundi_{name}", f"{text}.", labels, registry=self.network)

    def _histogram(self, name: str, text: str, bounds: Sequence[float]) -> Durations:
        return Durations(f"hundi_{name}", f"{text}.", bounds, registry=self.registry)


def _ask_sizes(gauge: Gauge, sizes: Callable[[], Mapping[str, int]]) -> None:
    for state in sizes():
        gauge.labels(state).set_function(partial(_size, sizes, state))


def _size(sizes: Callable[[], Mapping[str, int]], state: str) -> float:
    return sizes()[state]


async def _outbox(tx: Transaction) -> tuple[int, Row]:
    [row] = await tx.fetch(_OUTBOX)
    return tx.now, row
