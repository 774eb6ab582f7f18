"""Hundi over one database: orders prepared, then accepting and whole exchanges measured.

Every measured message is a CANCEL of an order that the supplier holds, so every one needs an order
of its own: the preparation sends them and lets each be answered, which is a run of whole exchanges
by itself.
"""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from time import perf_counter

from bench import database, hundi, orders
from bench.ground import Ground
from bench.load import Arrivals, AtOnce, Load, Pace, Windowed
from bench.receiver import unheard
from bench.server import Server
from bench.stage import Figure, Settings, Stretch, Ticker, drive, round_trips

STEADY = 0.70
_SAMPLE = 100
_LONGEST_HOLD = 13.0
"""Seconds; a held webhook must be answered before the network's deadline of 15 s."""


@dataclass(slots=True, kw_only=True)
class Trial(Ground):
    """`apart` says that accepting and delivering may run apart.

    Where they may not (SQLite has one serving process), the receiver holds its answers while
    accepting is measured: the dispatcher then waits, as it does for a slow counterparty.
    """

    apart: bool
    sent: int = 0
    changed: int = 0

    async def measure(self) -> None:
        """Estimate, stock up with orders, and measure accepting and whole exchanges."""
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
            await self._cleared()
            self.figures.append(await self._exchanges(server))
            await self.drain()
            await self._look(server)

    async def _estimate(self) -> tuple[float, float]:
        """Acks and exchanges a second, roughly: how many orders the measured runs will need."""
        async with self.serving() as server:
            first = await self._prepare(server, seconds=2 * self.settings.warm_up, count=None)
        brief = replace(self.settings, warm_up=0, seconds=self.settings.warm_up)
        async with self.accepting() as server:
            acks = await self._acks(server, "trying", pace=AtOnce(), settings=brief)
        return acks.rate, first.rate

    async def _cleared(self) -> None:
        """The state in which the floors begin: what was prepared is written."""
        if self.apart:
            await database.checkpoint(self.hundi.database)

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[Server]:
        """Hundi with nothing delivered: `--role api`, or a receiver that holds its answers."""
        await self._cleared()
        options = ("--role", "api") if self.apart else ()
        async with self.serving(*options) as server:
            yield server

    async def _stock(self, server: Server, rate: float) -> Figure | None:
        """See that a run at `rate` will not run out of orders; the figure of sending them."""
        await self.drain()
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
        await self.drain()
        trips = round_trips(load.tally, self.receiver.receipts.informed, stretch)
        stretch = replace(stretch, ran_out=False)
        label = "orders sent (whole exchanges)"
        return self.figure(label, "exchanges/s", stretch=stretch, latencies=trips)

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
            stretch = await drive(load, self.beside(server), settings, ticking=ticking)
        self.keep(load.tally)
        self.receiver.release()
        if not self.apart:
            await self.drain()
        latencies = load.tally.between(stretch.begin, stretch.end)
        return self.figure(label, "acks/s", stretch=stretch, latencies=latencies)

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
        return self.figure(label, "exchanges/s", stretch=stretch, latencies=trips)

    async def _whole(
        self, server: Server, label: str, *, requests: Iterator[bytes], settings: Settings
    ) -> tuple[Load, Stretch]:
        informed = self.receiver.receipts.informed
        ended = len(informed)
        pace = Windowed(lambda: load.tally.sent - len(informed) + ended, settings.window)
        load = Load(requests, pace)
        await load.open(server.port, settings.connections)
        self.receiver.on_end = lambda *_: load.pump()
        async with Ticker(label, lambda: len(informed)):
            stretch = await drive(load, self.beside(server), settings, ticking=False)
        self.receiver.on_end = unheard
        self.keep(load.tally)
        return load, stretch

    async def _look(self, server: Server) -> None:
        """Read a sample of the cancelled orders back, as their buyer."""
        chosen = random.Random(1).sample(range(1, self.changed + 1), min(_SAMPLE, self.changed))
        for number in chosen:
            found = await hundi.document(
                server.port, self.tokens["buyer"], f"purchase-order/{orders.object_id(number)}"
            )
            if found["status"] != "CANCELLED" or found["openExchange"]:
                seen = f"{found['status']}, open exchange {found['openExchange']}"
                self.faults.append(f"{self.name}: order {number} was cancelled and reads {seen}")

    def _sends(self, count: int | None) -> Iterator[bytes]:
        request = orders.request(orders.SEND, orders.send(), token=self.tokens["buyer"])
        last = None if count is None else self.sent + count
        while last is None or self.sent < last:
            self.sent += 1
            yield request.numbered(self.sent)

    def _changes(self) -> Iterator[bytes]:
        request = orders.request(
            orders.STATUS_CHANGE, orders.status_change(), token=self.tokens["buyer"]
        )
        while self.changed < self.sent:
            self.changed += 1
            yield request.numbered(self.changed)
