"""One serving process: the parts of its role, put together, started and stopped."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import uvicorn

from hundi.delivery.breaker import Breaker
from hundi.delivery.codes import CodeLoop, CodeSender
from hundi.delivery.dispatch import Dispatcher
from hundi.delivery.dispatch_loop import DispatchLoop
from hundi.delivery.egress import EgressGuard
from hundi.delivery.health import Health
from hundi.delivery.sweeping import SweepLoop
from hundi.delivery.wire import HttpWire
from hundi.documents import MESSAGES
from hundi.exchange.gate import Road
from hundi.exchange.housekeeping import Housekeeping
from hundi.exchange.outbox import Outbox
from hundi.exchange.refusals import RefusalLog
from hundi.kernel.clock import wall_clock
from hundi.kernel.identity import system_random
from hundi.kernel.settings import CannotServeError, ServeSettings
from hundi.observing.setup import masking_of, traces_of
from hundi.observing.spans import Traces
from hundi.onboarding.operations import Onboarding
from hundi.onboarding.rail import ContactRail, HttpContactRail, SimulatedContacts
from hundi.parties.tokens import Tokens
from hundi.serving.keeping import duties
from hundi.serving.listening import listen, open_files, serve_until
from hundi.store.bell import Bell
from hundi.store.engine import Database
from hundi.store.opening import open_database, sqlite_path
from hundi.store.postgres import PostgresDatabase
from hundi.web.app import Application, Edge, calls
from hundi.web.batch_watch import batch_watch
from hundi.web.connections import Connections, limits
from hundi.web.context import Context
from hundi.web.gaps import Gaps
from hundi.web.loop_lag import watch_lag
from hundi.web.metrics import ACCEPT, ONBOARDING, SETTLE, Metrics
from hundi.web.network import rest
from hundi.web.operation import operation
from hundi.web.protocol import config
from hundi.web.siblings import Siblings
from hundi.web.visits import Visits
from hundi.web.waiting import EventWaiters

ANY_DUE, ANY_CODES, ANY_EVENTS = "due", "codes", "events"
"""What one process tells the others by the bell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a process has from the parent that started it; one that runs alone has nothing.

    `lifeline` is the end of a pipe that closes when the parent is gone, however it went.
    """

    listening: socket.socket | None = None
    siblings: Siblings | None = None
    lifeline: int | None = None


def serve_alone(
    settings: ServeSettings, seat: Seat, *, check: Callable[[Database], Awaitable[None]]
) -> None:
    """Serve one role in this process until it is told to stop, or its parent is gone."""
    traces = traces_of(os.environ, masking_of(settings, os.environ))
    try:
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(_serve(settings, seat, check=check, traces=traces))
    finally:
        if traces is not None:
            traces.close()


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 (only a serving process needs it)

    return uvloop.new_event_loop()


async def _serve(
    settings: ServeSettings,
    seat: Seat,
    *,
    check: Callable[[Database], Awaitable[None]],
    traces: Traces | None,
) -> None:
    database = await open_database(settings.database_url, wall_clock)
    try:
        await check(database)
        process = _Process(settings, seat, database, traces=traces)
        _tune_collector()
        await process.run()
    finally:
        await database.close()


def _tune_collector() -> None:
    """Look for cycles less often: requests leave none, and each look takes from them all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class _Process:
    """The parts of one serving process, put together."""

    def __init__(
        self, settings: ServeSettings, seat: Seat, database: Database, *, traces: Traces | None
    ) -> None:
        self._settings = settings
        self._traces = traces
        self._seat = seat
        self._has_parent = seat.lifeline is not None
        self._database = database
        self._metrics = Metrics(database)
        self._metrics.watches_promises(settings.keeping.invariants_every)
        if isinstance(database, PostgresDatabase):
            self._metrics.watch_pool(database.connections)
        self._refusals = RefusalLog(database)
        self._waiters = EventWaiters(database)
        self._gaps = Gaps(database, wake=self._due)
        self._bell = Bell(settings.database_url if database.dialect == "postgresql" else None)
        self._loop: DispatchLoop | None = None
        self._codes: CodeLoop | None = None
        self._rail = rail_of(settings)
        self._road = Road(
            database,
            MESSAGES,
            random=system_random,
            accepted=self._due,
            watch=batch_watch(ACCEPT, self._metrics, traces),
            lifetimes=settings.lifetimes,
        )
        self._onboarding = Onboarding(
            database,
            random=system_random,
            accepted=self._due_with_codes,
            proves=self._rail is not None,
            watch=batch_watch(ONBOARDING, self._metrics, traces),
        )
        self._stopping = asyncio.Event()

    def _due(self) -> None:
        """Something is to be sent: by the dispatcher here, or else by whoever is first."""
        if self._loop is not None:
            self._loop.wake()
        else:
            self._bell.ring(ANY_DUE)

    def _due_codes(self) -> None:
        if self._codes is not None:
            self._codes.wake()
        else:
            self._bell.ring(ANY_CODES)

    def _due_with_codes(self) -> None:
        self._due()
        self._due_codes()

    def _numbered(self) -> None:
        self._waiters.look()
        self._bell.ring(ANY_EVENTS)

    async def run(self) -> None:
        """Run the parts of this role until a signal says stop."""
        self._heed()
        async with AsyncExitStack() as parts:
            # Whatever may refuse to start comes before anything runs.
            server, connections, listening = self._http()
            await self._start_counting(parts)
            self._start_keeping(parts)
            if self._settings.role in {"all", "dispatcher"}:
                parts.push_async_callback(await self._start_dispatcher())
            self._start_codes(parts)
            self._start_bell(parts)
            if server is None or listening is None:
                self._say()
                await self._stopping.wait()
            else:
                self._say(port=listening.getsockname()[1])
                await serve_until(
                    self._stopping,
                    server,
                    listening=listening,
                    connections=connections,
                    kept=lambda: self._has_parent,
                )
            await self._road.drained()
            await self._onboarding.drained()
            await self._gaps.stop()

    def _heed(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        lifeline = self._seat.lifeline
        if lifeline is None:
            return

        def parted() -> None:
            loop.remove_reader(lifeline)
            self._has_parent = False
            self._stopping.set()

        loop.add_reader(lifeline, parted)

    def _http(self) -> tuple[uvicorn.Server | None, Connections, socket.socket | None]:
        connections = Connections(limits(open_files()), turned_away=self._metrics.turned_away)
        if self._settings.port is None:
            return None, connections, None
        self._metrics.watch_connections(connections.sizes)
        server = uvicorn.Server(self._face(connections))
        return server, connections, self._seat.listening or listen(self._settings)

    async def _start_counting(self, parts: AsyncExitStack) -> None:
        lag = asyncio.create_task(watch_lag(self._metrics.lagged))
        parts.callback(lag.cancel)
        siblings = self._seat.siblings
        if siblings is not None:
            self._metrics.beside(siblings)
            parts.callback((await siblings.tell(self._metrics.own)).close)

    def _start_keeping(self, parts: AsyncExitStack) -> None:
        keeping = Housekeeping(
            self._database,
            self._refusals,
            numbered=self._numbered,
            duties=duties(self._settings.keeping),
        )
        _start(parts, keeping.run(), keeping.stop)

    def _start_bell(self, parts: AsyncExitStack) -> None:
        if self._loop is not None:
            self._bell.listen(ANY_DUE, self._loop.wake)
        if self._codes is not None:
            self._bell.listen(ANY_CODES, self._codes.wake)
        self._bell.listen(ANY_EVENTS, self._waiters.look)
        _start(parts, self._bell.run(), self._bell.stop)

    def _start_codes(self, parts: AsyncExitStack) -> None:
        """Dispatchers send ownership codes; a simulation stays where its messages can be read."""
        away = "dispatcher" if isinstance(self._rail, SimulatedContacts) else "api"
        if self._rail is None or self._settings.role == away:
            return
        sender = CodeSender(
            database=self._database,
            rail=self._rail,
            random=system_random,
            entered=self._metrics.ended,
        )
        self._codes = CodeLoop(sender, self._due)
        _start(parts, self._codes.run(), self._codes.stop)

    async def _start_dispatcher(self) -> Callable[[], Awaitable[None]]:
        guard = EgressGuard.for_mode(dev=self._settings.dev)
        wire = HttpWire(guard, timed=self._traces is not None)
        health = Health(self._database)
        breaker = Breaker(random=system_random)
        self._metrics.watch_breakers(lambda: breaker.open_count(wall_clock()))
        dispatcher = Dispatcher(
            database=self._database,
            outbox=Outbox(self._road.settler),
            wire=wire,
            breaker=breaker,
            observer=_Observers((self._metrics, health)),
            keyring=self._settings.keyring,
            clock=wall_clock,
            random=system_random,
            traces=self._traces,
            watch=batch_watch(SETTLE, self._metrics, self._traces),
            entered=self._metrics.ended,
            left=self._metrics.left_behind,
        )
        loop = self._loop = DispatchLoop(dispatcher)
        sweep = SweepLoop(dispatcher.sweep, loop.wake)
        sending = asyncio.create_task(loop.run())
        sweeping = asyncio.create_task(sweep.run())
        watching = asyncio.create_task(health.run())

        async def stop() -> None:
            sweep.stop()
            loop.stop()
            await sending
            await asyncio.gather(loop.drained(), sweeping)  # a sweep under way may take seconds
            health.stop()
            await watching
            await wire.close()

        return stop

    def _face(self, connections: Connections) -> uvicorn.Config:
        context = self._context()
        if self._settings.role == "dispatcher":
            return config(operation(context), connections)
        application = self._application(context)
        return config(application, connections, whole=application.whole)

    def _context(self) -> Context:
        return Context(
            database=self._database,
            tokens=Tokens(self._database, system_random, rates=self._settings.rates),
            settler=self._road.settler,
            clock=wall_clock,
            random=system_random,
            metrics=self._metrics,
            visits=Visits(system_random, self._traces),
            waiters=self._waiters,
            gaps=self._gaps,
            wake=self._due,
            wake_codes=self._due_codes,
            contacts=self._rail if isinstance(self._rail, SimulatedContacts) else None,
        )

    def _application(self, context: Context) -> Application:
        edge = Edge(self._road, refusals=self._refusals, metrics=self._metrics, clock=wall_clock)
        every = calls(self._road, self._onboarding)
        return Application(
            every,
            edge=edge,
            tokens=context.tokens,
            visits=context.visits,
            rest=rest(context),
            proxies=self._settings.proxies,
        )

    def _say(self, *, port: int | None = None) -> None:
        if self._seat.lifeline is None:  # else its parent has said it
            print(announcement(self._settings, port=port), flush=True)  # noqa: T201


def _start(
    parts: AsyncExitStack, running: Coroutine[Any, Any, None], stop: Callable[[], None]
) -> None:
    """Run a part beside the others; when they end, stop it and wait for it."""
    task = asyncio.create_task(running)

    async def end() -> None:
        stop()
        await task

    parts.push_async_callback(end)


def announcement(settings: ServeSettings, *, port: int | None = None) -> str:
    """The line that says what runs, where, on what database."""
    what = "dispatching" if settings.role == "dispatcher" else "serving"
    path = sqlite_path(settings.database_url)
    kind = f"SQLite {path.absolute()}" if path is not None else "PostgreSQL"
    where = f" on http://{settings.host}:{port}" if port is not None else ""
    several = f", {settings.workers} workers" if settings.workers > 1 else ""
    mode = ", development mode: http and loopback endpoints allowed" if settings.dev else ""
    return f"Hundi is {what}{where} ({kind}, role {settings.role}{several}{mode})"


def rail_of(settings: ServeSettings) -> ContactRail | None:
    """The way to contacts: the operator's gateway, in development mode without one a simulation.

    Raises CannotServeError for an address that codes may not go to.
    """
    if settings.contact_rail:
        allowed = ("https://", "http://") if settings.dev else ("https://",)
        if not settings.contact_rail.startswith(allowed):
            message = f"HUNDI_CONTACT_RAIL is no URL that begins with {' or '.join(allowed)}."
            raise CannotServeError(message)
        return HttpContactRail(settings.contact_rail, settings.contact_token)
    return SimulatedContacts() if settings.dev else None


class _Observers:
    """Several observers of attempts as one."""

    def __init__(self, observers: tuple[Any, ...]) -> None:
        self._observers = observers

    def attempted(self, result: Any, now: int) -> None:
        for observer in self._observers:
            observer.attempted(result, now)
