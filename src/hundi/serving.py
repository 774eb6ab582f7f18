"""One serving process: web, dispatcher and housekeeping over one database, started and stopped.

Stopping is graceful: no new connection, requests under way get their answer, no new lease, attempts
under way are written down; then the process ends.
"""

import asyncio
import gc
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from hundi.delivery.breaker import Breaker
from hundi.delivery.codes import CodeLoop, CodeSender
from hundi.delivery.dispatch import Dispatcher, DispatchLoop, SweepLoop
from hundi.delivery.egress import EgressGuard
from hundi.delivery.health import Health
from hundi.delivery.wire import HttpWire
from hundi.documents import MESSAGES
from hundi.exchange.definition import Effect
from hundi.exchange.gate import Road
from hundi.exchange.housekeeping import Housekeeping
from hundi.exchange.outbox import Outbox
from hundi.exchange.record import stored_name
from hundi.exchange.refusals import RefusalLog
from hundi.kernel.clock import wall_clock
from hundi.kernel.identity import system_random
from hundi.kernel.lifetimes import VARIABLE, Lifetimes
from hundi.kernel.sealing import SealError
from hundi.kernel.settings import CannotServeError, ServeSettings
from hundi.onboarding.operations import Onboarding
from hundi.onboarding.rail import ContactRail, HttpContactRail, SimulatedContacts
from hundi.parties import at_rest
from hundi.parties.tokens import Tokens
from hundi.store.engine import Database
from hundi.store.migrate import is_current, upgrade
from hundi.store.opening import open_database, sqlite_path
from hundi.store.sqlite import ServingLock, scrub
from hundi.web.app import Application, Edge, calls
from hundi.web.context import Context
from hundi.web.metrics import Metrics
from hundi.web.network import rest
from hundi.web.protocol import Connections, config, limits
from hundi.web.waiting import EventWaiters

ENOUGH_FILES = 65_536

_log = structlog.get_logger()


def serve(settings: ServeSettings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code.

    Raises CannotServeError, BadUrlError or UnavailableError where serving cannot start.
    """
    _check_named(settings.lifetimes)
    path = sqlite_path(settings.database_url)
    lock = _lock(path, settings.role) if path is not None else None
    try:
        if path is not None:
            upgrade(settings.database_url)
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(_serve(settings))
    finally:
        if lock is not None:
            lock.release()
    return 0


def _check_named(lifetimes: Lifetimes) -> None:
    """Every message that is given a time of its own is one that can expire."""
    proposals = {
        stored_name(message)
        for message in MESSAGES
        for move in message.document.moves
        if move.on == message.name and move.effect is Effect.PROPOSAL
    }
    for name in lifetimes.named:
        if name not in proposals:
            known = ", ".join(sorted(proposals))
            detail = f"{VARIABLE}: no message {name} waits for an answer. These do: {known}."
            raise CannotServeError(detail)


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 (only a serving process needs it)

    return uvloop.new_event_loop()


def _lock(path: Path, role: str) -> ServingLock:
    if role != "all":
        message = (
            "SQLite is served by one process: leave --role out. For an API and a dispatcher of their"
            " own set HUNDI_DATABASE_URL to a PostgreSQL database."
        )
        raise CannotServeError(message)
    lock = ServingLock(path)
    if not lock.take():
        message = (
            f"Another process serves {path} already. Stop it first, or use PostgreSQL, which several"
            " processes may serve at once."
        )
        raise CannotServeError(message)
    return lock


async def _serve(settings: ServeSettings) -> None:
    database = await open_database(settings.database_url, wall_clock)
    try:
        if not await is_current(database):
            message = "The database's tables are not those of this version. Run `hundi db upgrade`."
            raise CannotServeError(message)
        await _check_secrets(settings, database)
        process = _Process(settings, database)
        _tune_collector()
        await process.run()
    finally:
        await database.close()


async def _check_secrets(settings: ServeSettings, database: Database) -> None:
    """Every secret can be opened, where this process signs; SQLite's are sealed if need be."""
    if settings.role == "api":
        return
    clear = await database.read(at_rest.in_clear)
    path = sqlite_path(settings.database_url)
    try:
        if clear and path is not None:  # no older process is left that could read nothing else
            await at_rest.reseal(database, settings.keyring, random=system_random)
            scrub(path)
        elif clear:
            _log.warning("secrets-in-clear", secrets=clear, mend="hundi secrets rotate")
        await at_rest.check(database, settings.keyring)
    except SealError as error:
        raise CannotServeError(str(error)) from error


def _tune_collector() -> None:
    """Look for cycles less often: requests leave none, and each look takes from them all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _open_files() -> int:
    """How many files this process may open, now that it has asked for as many as it can get."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, ENOUGH_FILES) if hard == resource.RLIM_INFINITY else hard
    with suppress(ValueError, OSError):  # some systems refuse what they have told
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class _Process:
    """The parts of one serving process, put together."""

    def __init__(self, settings: ServeSettings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._metrics = Metrics(database)
        self._refusals = RefusalLog(database)
        self._loop: DispatchLoop | None = None
        self._codes: CodeLoop | None = None
        self._rail = _rail(settings)
        self._road = Road(
            database,
            MESSAGES,
            random=system_random,
            accepted=self._wake,
            batched=self._metrics.committed,
            lifetimes=settings.lifetimes,
        )
        self._onboarding = Onboarding(
            database,
            random=system_random,
            accepted=self._wake_all,
            proves=self._rail is not None,
        )
        self._stopping = asyncio.Event()

    def _wake(self) -> None:
        if self._loop is not None:
            self._loop.wake()

    def _wake_codes(self) -> None:
        if self._codes is not None:
            self._codes.wake()

    def _wake_all(self) -> None:
        self._wake()
        self._wake_codes()

    async def run(self) -> None:
        """Run the parts of this role until a signal says stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        role = self._settings.role
        # Whatever may refuse to start comes before anything runs.
        connections = Connections(limits(_open_files()))
        server = None
        if role in {"all", "api"}:
            server = uvicorn.Server(config(self._application(), connections))
        listening = _listen(self._settings) if server is not None else None
        keeping = Housekeeping(self._database, self._refusals)
        house = asyncio.create_task(keeping.run())
        stop_dispatching = None
        if role in {"all", "dispatcher"}:
            stop_dispatching = await self._start_dispatcher()
        sending_codes = self._start_codes()
        if server is not None and listening is not None:
            sweeping = asyncio.create_task(connections.run())
            await self._serve_http(server, listening)
            sweeping.cancel()
        else:
            _say(self._settings, "dispatching")
            await self._stopping.wait()
        await self._road.drained()
        await self._onboarding.drained()
        if self._codes is not None:
            self._codes.stop()
            await sending_codes
        if stop_dispatching is not None:
            await stop_dispatching()
        keeping.stop()
        await house

    def _start_codes(self) -> "asyncio.Future[None]":
        """Dispatchers send ownership codes; a simulation stays where its messages can be read."""
        nothing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        away = "dispatcher" if isinstance(self._rail, SimulatedContacts) else "api"
        if self._rail is None or self._settings.role == away:
            return nothing
        sender = CodeSender(database=self._database, rail=self._rail, random=system_random)
        self._codes = CodeLoop(sender, self._wake)
        return asyncio.ensure_future(self._codes.run())

    async def _start_dispatcher(self) -> Callable[[], Awaitable[None]]:
        guard = EgressGuard.for_mode(dev=self._settings.dev)
        wire = HttpWire(guard)
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
        )
        loop = self._loop = DispatchLoop(dispatcher)
        sweep = SweepLoop(dispatcher, loop.wake)
        dispatching = [asyncio.create_task(part.run()) for part in (loop, sweep)]
        watching = asyncio.create_task(health.run())

        async def stop() -> None:
            sweep.stop()
            loop.stop()
            await asyncio.gather(*dispatching)
            await loop.drained()
            health.stop()
            await watching
            await wire.close()

        return stop

    async def _serve_http(self, server: uvicorn.Server, listening: socket.socket) -> None:
        _say(self._settings, "serving", port=listening.getsockname()[1])
        served = asyncio.create_task(_serve_on(server, listening))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({served, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await served

    def _application(self) -> Application:
        tokens = Tokens(self._database, system_random, rates=self._settings.rates)
        context = Context(
            database=self._database,
            tokens=tokens,
            settler=self._road.settler,
            clock=wall_clock,
            random=system_random,
            metrics=self._metrics,
            waiters=EventWaiters(self._database),
            wake=self._wake,
            wake_codes=self._wake_codes,
            contacts=self._rail if isinstance(self._rail, SimulatedContacts) else None,
        )
        edge = Edge(self._road, refusals=self._refusals, metrics=self._metrics, clock=wall_clock)
        every = calls(self._road, self._onboarding, edge)
        return Application(
            every, edge=edge, tokens=tokens, rest=rest(context), proxies=self._settings.proxies
        )


def _rail(settings: ServeSettings) -> ContactRail | None:
    """The way to contacts: the operator's gateway, in development mode without one a simulation."""
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


async def _serve_on(server: uvicorn.Server, listening: socket.socket) -> None:
    # Our own signal handlers stay: uvicorn's would end the process before the dispatcher drained.
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    await server._serve([listening])  # noqa: SLF001 (the public serve() captures signals)


def _listen(settings: ServeSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        # What no name service knows has a number of its own, and its words beside it.
        why = (
            error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        )
        message = f"Cannot listen on {settings.host}:{settings.port}: {why}."
        raise CannotServeError(message) from error
    listening.listen(2048)
    listening.settimeout(0)  # the event loop waits, the socket never
    return listening


def _say(settings: ServeSettings, what: str, *, port: int | None = None) -> None:
    kind = "SQLite" if sqlite_path(settings.database_url) is not None else "PostgreSQL"
    where = f" on http://{settings.host}:{port}" if port is not None else ""
    mode = ", development mode: http and loopback endpoints allowed" if settings.dev else ""
    print(f"Hundi is {what}{where} ({kind}, role {settings.role}{mode})", flush=True)  # noqa: T201
