"""Whole trades on PostgreSQL or SQLite: order, invoice and payment, each sent and confirmed.

A trade's next message goes out when its sender, or its partner, was told how the one before ended:
one exchange of a trade is under way at a time, and many trades are. Afterwards the database itself
is asked whether every invoice is paid and every account in balance.
"""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from bench import books, hundi, trades
from bench.ground import STALLED_SECONDS, Ground
from bench.load import Load
from bench.orders import Request
from bench.receiver import unheard
from bench.server import BenchError, Server
from bench.stage import Stretch, Ticker, drive, round_trips

WIDTH = 8
"""A trade for so many exchanges of the window: 64 trades under way for 512."""
_SAMPLE = 50


@dataclass(slots=True)
class Pipeline:
    """Trades under way: the requests that they need, and when one more is due.

    `started` and `ended` are moments by the trade's number. No trade begins once it is `closing`.
    """

    requests: Sequence[Request]
    limit: int
    closing: bool = False
    started: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    _ready: deque[tuple[int, int]] = field(default_factory=deque)
    _places: dict[bytes, int] = field(
        default_factory=lambda: {step.inform: n for n, step in enumerate(trades.STEPS)}
    )

    @property
    def under_way(self) -> int:
        """How many trades have begun and not ended."""
        return len(self.started) - len(self.ended)

    def due(self, now: float) -> float | None:
        """Now, where a trade waits for its next message or there is room for another trade."""
        room = not self.closing and self.under_way < self.limit
        return now if self._ready or room else None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The next message of the trade that has waited longest, or the first of a new one."""
        if self._ready:
            number, place = self._ready.popleft()
        elif self.closing:
            raise StopIteration
        else:
            number, place = len(self.started) + 1, 0
            self.started[number] = perf_counter()
        return self.requests[place].numbered(number)

    def informed(self, path: bytes, body: bytes) -> None:
        """An exchange has ended: the trade goes on, or has ended with it."""
        number, place = trades.number_in(body), self._places[path] + 1
        if place < len(trades.STEPS):
            self._ready.append((number, place))
        else:
            self.ended[number] = perf_counter()

    def lengths(self, stretch: Stretch) -> list[float]:
        """Seconds that trades took which ended in a stretch, sorted."""
        return sorted(
            end - self.started[number]
            for number, end in self.ended.items()
            if stretch.begin <= end < stretch.end
        )


@dataclass(slots=True, kw_only=True)
class TradeTrial(Ground):
    """Whole trades for a stretch of time; those under way at its end are brought to theirs."""

    async def measure(self) -> None:
        """Trade, measure, and look at what the books say."""
        async with self.serving() as server:
            requests = [step.request(self.tokens) for step in trades.STEPS]
            pipeline = Pipeline(requests, max(1, self.settings.window // WIDTH))
            await self._trade(server, pipeline)
            await self._finish(server, pipeline)
            await self.drain()
            await self._look(server, pipeline)
        self.faults += [
            f"{self.name}, trades: {told}"
            async for told in books.wrong(self.hundi.database, trades=len(pipeline.started))
        ]

    async def _trade(self, server: Server, pipeline: Pipeline) -> None:
        load = await self._load(server, pipeline)
        async with Ticker(f"{self.name}, whole trades", lambda: len(pipeline.ended)):
            stretch = await drive(load, self.beside(server), self.settings, ticking=False)
        self.keep(load.tally)
        trips = round_trips(load.tally, self.receiver.receipts.informed, stretch)
        whole, each = "whole trades (six exchanges)", "exchanges of the trades"
        lengths = pipeline.lengths(stretch)
        self.figures += [
            self.figure(whole, "trades/s", stretch=stretch, latencies=lengths),
            self.figure(each, "exchanges/s", stretch=stretch, latencies=trips),
        ]

    async def _finish(self, server: Server, pipeline: Pipeline) -> None:
        """Bring the trades under way to their end. Raises BenchError where one does not come."""
        pipeline.closing = True
        if pipeline.under_way:
            load = await self._load(server, pipeline)
            await load.run_until(perf_counter() + STALLED_SECONDS, ticking=False)
            self.keep(load.tally)
        self.receiver.on_end = unheard
        if pipeline.under_way:
            message = f"{self.name}: {pipeline.under_way} trades did not end"
            raise BenchError(f"{message} within {STALLED_SECONDS} s")

    async def _load(self, server: Server, pipeline: Pipeline) -> Load:
        """A load that goes on whenever an exchange has ended."""
        load = Load(pipeline, pipeline)

        def go_on(path: bytes, body: bytes) -> None:
            pipeline.informed(path, body)
            load.pump()
            if pipeline.closing and not pipeline.under_way:
                load.stop()

        self.receiver.on_end = go_on
        await load.open(server.port, self.settings.connections)
        return load

    async def _look(self, server: Server, pipeline: Pipeline) -> None:
        """Read a sample of the invoices back, as their buyer."""
        numbers = range(1, len(pipeline.started) + 1)
        for number in random.Random(1).sample(numbers, min(_SAMPLE, len(numbers))):
            name = f"invoice/{trades.invoice_id(number)}"
            found = await hundi.document(server.port, self.tokens["buyer"], name)
            if found["status"] != "PAID" or found["openExchange"]:
                seen = f"{found['status']}, open exchange {found['openExchange']}"
                self.faults.append(f"{self.name}: {name} was paid and reads {seen}")
