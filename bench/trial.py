"""Hundi over one database: orders prepared, then accepting and whole exchanges measured.

Every measured message is a CANCEL of an order that the supplier holds, so every one needs an order
of its own: the preparation sends them and lets each be answered, which is a run of whole exchanges
by itself. Everything goes through the command line and HTTP.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from bench import hundi, orders
from bench.load import Arrivals, AtOnce, Load, Pace, Tally, Windowed
from bench.machine import Memory
from bench.receiver import Receiver
from bench.server import BenchError, Server
from bench.stage import (
    Figure,
    Settings,
    Stage,
    Stretch,
    Ticker,
    drive,
    round_trips,
    say,
    summed_up,
)

STEADY = 0.70
_STALLED_SECONDS = 45
_SAMPLE = 100
_LONGEST_HOLD = 13.0
"""Seconds; a held webhook must be answered before the network's deadline of 15 s."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """One database under test. `apart` says that accepting and delivering may run apart.

    Where they may not (SQLite has one serving process), the receiver holds its answers while
    accepting is measured: the dispatcher then waits, as it does for a slow counterparty.
    """

    name: str
    hundi: hundi.Hundi
    stage: Stage
    settings: Settings
    apart: bool
    receiver: Receiver = field(default_factory=lambda: Receiver(one_way=False))
    sent: int = 0
    changed: int = 0
    tallies: list[Tally] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _buyer: dict[str, Any] = field(default_factory=dict)
    _token: str = ""

    async def run(self) -> None:
        """Measure; what was seen is in `figures`, `memories` and `faults` afterwards."""
        say(f"Hundi on {self.name}")
        await self.receiver.start()
        try:
            await self._enrol()
            await self._measure()
        finally:
            await self.receiver.stop()
        self.faults += self._disagreements()

    async def _measure(self) -> None:
        acks, exchanges = await self._estimate()
        async with self.serving() as server:
            sending = await self._stock(server, 1.3 * acks)
        async with self.accepting() as server:
            figure = await self._acks(server, "acks", pace=AtOnce(), settings=self.settings)
        self.figures += [sending, figure] if sending else [figure]
        async with self.serving() as server:
            await self._stock(server, 1.05 * STEADY * figure.rate)
        async with self.accepting() as server:
            self.figures.append(await self._steady(server, STEADY * figure.rate))
        if sending:  # measured over a longer time than the first estimate
            exchanges = sending.rate
        async with self.serving() as server:
            await self._stock(server, 2.5 * exchanges)
            self.figures.append(await self._exchanges(server))
            await self._drain()
            await self._look(server)

    async def _estimate(self) -> tuple[float, float]:
        """Acks and exchanges a second, roughly: how many orders the measured runs will need."""
        async with self.serving() as server:
            first = await self._prepare(server, seconds=2 * self.settings.warm_up, count=None)
        brief = replace(self.settings, warm_up=0, seconds=self.settings.warm_up)
        async with self.accepting() as server:
            acks = await self._acks(server, "trying", pace=AtOnce(), settings=brief)
        return acks.rate, first.rate

    async def _enrol(self) -> None:
        await self.hundi.run("db", "upgrade")
        for role in ("buyer", "supplier"):
            endpoint = f"http://127.0.0.1:{self.receiver.port}/{role}"
            client = await self.hundi.enrol(role, endpoint)
            self.receiver.expect(role, client["webhookSecret"])
            if role == "buyer":
                self._buyer = client

    @asynccontextmanager
    async def serving(self, *options: str) -> AsyncIterator[Server]:
        """Hundi with everything running; its memory is kept."""
        async with self.hundi.serving(*options) as server:
            self.memories.append(server.memory)
            self._token = await hundi.token(server.port, self._buyer)
            yield server

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[Server]:
        """Hundi with nothing delivered: `--role api`, or a receiver that holds its answers."""
        options = ("--role", "api") if self.apart else ()
        async with self.serving(*options) as server:
            yield server

    async def _stock(self, server: Server, rate: float) -> Figure | None:
        """See that a run at `rate` will not run out of orders; the figure of sending them."""
        await self._drain()
        length = self.settings.warm_up + self.settings.seconds
        needed = round(rate * length) + self.settings.window
        missing = needed - (self.sent - self.changed)
        return await self._prepare(server, seconds=None, count=missing) if missing > 0 else None

    async def _prepare(self, server: Server, *, seconds: float | None, count: int | None) -> Figure:
        """Send orders, for a time or a count of them, each a whole exchange."""
        requests = self._sends(count)
        settings = replace(self.settings, warm_up=0, seconds=seconds or 3600)
        label = f"preparing {count:,} orders" if count else "first orders"
        load, stretch = await self._whole(server, label, requests=requests, settings=settings)
        await self._drain()
        trips = round_trips(load.tally, self.receiver.receipts.informed, stretch)
        stretch = replace(stretch, ran_out=False)
        label = "orders sent (whole exchanges)"
        return self._figure(label, "exchanges/s", stretch=stretch, latencies=trips)

    async def _acks(
        self,
        server: Server,
        label: str,
        *,
        pace: Pace,
        settings: Settings,
        wide: int = 1,
    ) -> Figure:
        """Measure accepting alone."""
        if not self.apart:
            longest = _LONGEST_HOLD - settings.warm_up
            settings = replace(settings, seconds=min(settings.seconds, longest))
            self.receiver.holding = True
        load = Load(self._changes(), pace)
        await load.open(server.port, settings.connections * wide)
        async with Ticker(f"{self.name}, {label}", lambda: len(load.tally.finished)):
            ticking = isinstance(pace, Arrivals)
            stretch = await drive(load, self._beside(server), settings, ticking=ticking)
        self._keep(load.tally)
        self.receiver.release()
        if not self.apart:
            await self._drain()
        latencies = load.tally.between(stretch.begin, stretch.end)
        return self._figure(label, "acks/s", stretch=stretch, latencies=latencies)

    async def _steady(self, server: Server, rate: float) -> Figure:
        """Accepting at a fixed rate of random arrivals: the latency that a calm day has."""
        now = perf_counter()
        end = now + self.settings.warm_up + self.settings.seconds
        pace = Arrivals(rate, begin=now, end=end)
        label = f"acks at {STEADY:.0%}"
        return await self._acks(server, label, pace=pace, settings=self.settings, wide=4)

    async def _exchanges(self, server: Server) -> Figure:
        """Measure whole exchanges: accepted, answered by the supplier, the buyer informed."""
        load, stretch = await self._whole(
            server,
            f"{self.name}, whole exchanges",
            requests=self._changes(),
            settings=self.settings,
        )
        trips = round_trips(load.tally, self.receiver.receipts.informed, stretch)
        label = "whole exchanges (two webhooks)"
        return self._figure(label, "exchanges/s", stretch=stretch, latencies=trips)

    async def _whole(
        self, server: Server, label: str, *, requests: Iterator[bytes], settings: Settings
    ) -> tuple[Load, Stretch]:
        informed = self.receiver.receipts.informed
        ended = len(informed)
        pace = Windowed(lambda: load.tally.sent - len(informed) + ended, settings.window)
        load = Load(requests, pace)
        await load.open(server.port, settings.connections)
        self.receiver.on_end = load.pump
        async with Ticker(label, lambda: len(informed)):
            stretch = await drive(load, self._beside(server), settings, ticking=False)
        self.receiver.on_end = lambda: None
        self._keep(load.tally)
        return load, stretch

    def _keep(self, tally: Tally) -> None:
        """Keep what a run of the load saw; a refusal ends the trial, for its figures are void."""
        self.tallies.append(tally)
        if tally.refused or not tally.accepted:
            complaint = tally.complaint.decode(errors="replace")[:600]
            message = f"{self.name}: accepted {len(tally.accepted)}, refused {dict(tally.refused)}"
            raise BenchError(f"{message}; the first answer: {complaint or 'none'}")

    async def _drain(self) -> None:
        """Wait until every accepted exchange has ended. Raises BenchError when nothing moves."""
        accepted = sum(len(tally.accepted) for tally in self.tallies)
        informed = self.receiver.receipts.informed
        last, moved = len(informed), perf_counter()
        if accepted - last > self.settings.window:
            say(f"  {self.name}, delivering {accepted - last:,} exchanges …")
        while len(informed) < accepted:
            await asyncio.sleep(0.02)
            if len(informed) > last:
                last, moved = len(informed), perf_counter()
            elif perf_counter() - moved > _STALLED_SECONDS:
                message = (
                    f"{self.name}: of {accepted} accepted exchanges {len(informed)} ended, then"
                    f" nothing for {_STALLED_SECONDS} s"
                )
                raise BenchError(message)

    async def _look(self, server: Server) -> None:
        """Read a sample of the cancelled orders back, as their buyer."""
        chosen = random.Random(1).sample(range(1, self.changed + 1), min(_SAMPLE, self.changed))
        for number in chosen:
            found = await hundi.document(server.port, self._token, number)
            if found["status"] != "CANCELLED" or found["openExchange"]:
                seen = f"{found['status']}, open exchange {found['openExchange']}"
                self.faults.append(f"{self.name}: order {number} was cancelled and reads {seen}")

    def _sends(self, count: int | None) -> Iterator[bytes]:
        request = orders.request(orders.SEND, orders.send(), token=self._token)
        last = None if count is None else self.sent + count
        while last is None or self.sent < last:
            self.sent += 1
            yield request.numbered(self.sent)

    def _changes(self) -> Iterator[bytes]:
        request = orders.request(orders.STATUS_CHANGE, orders.status_change(), token=self._token)
        while self.changed < self.sent:
            self.changed += 1
            yield request.numbered(self.changed)

    def _beside(self, server: Server) -> Stage:
        return replace(self.stage, processes=self.stage.processes | {"server": server.pid})

    def _figure(self, label: str, unit: str, *, stretch: Stretch, latencies: list[float]) -> Figure:
        name = f"Hundi on {self.name}, {label}"
        if not latencies:
            message = f"{name}: nothing fell into the measured stretch of {stretch.seconds:.1f} s"
            raise BenchError(message)
        return summed_up(name, unit, stretch=stretch, latencies=latencies)

    def _disagreements(self) -> list[str]:
        """Why the run does not count; nothing if accepted, delivered and informed are the same."""
        return [f"{self.name}: {fault}" for fault in disagreements(self.tallies, self.receiver)]


def disagreements(tallies: list[Tally], receiver: Receiver) -> Iterator[str]:
    """Compare what was accepted with what arrived, id by id."""
    receipts = receiver.receipts
    accepted = set().union(*(tally.accepted for tally in tallies))
    for tally in tallies:
        if tally.broken or tally.twice or tally.unsettled:
            yield (
                f"{tally.broken} requests without an answer, {tally.twice} message ids given"
                f" twice, {tally.unsettled} acks that were not PENDING"
            )
    for what, seen in (("req-…", receipts.delivered), ("resp-…", receipts.informed)):
        lost, unknown = len(accepted - seen.keys()), len(seen.keys() - accepted)
        if lost or unknown:
            yield f"{what} webhooks: {lost} lost, {unknown} for exchanges that nobody was told of"
    if receipts.doubled or receipts.failed:
        yield f"{receipts.doubled} webhooks came twice, {receipts.failed} outcomes were failures"
    if receipts.forged or not receipts.checked:
        yield f"{receipts.forged} of {receipts.checked} signatures checked were missing or wrong"
