"""The load generator: keep-alive connections, prebuilt requests, every latency kept.

It shares two cores with what it measures, so it does as little as it can: one send and one receive
a request, no HTTP library, no JSON. Three paces decide when a request is due:

    AtOnce      whenever a connection is free: the most that the server takes
    Windowed    the same, with a bound on exchanges that have begun and not ended
    Arrivals    at random times of a fixed rate, whether the server keeps up or not; the wait for a
                free connection counts as latency
"""

import asyncio
import random
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol, cast

_ID = b'"reqMsgId":"'
_RECEIPT = b'"payload":"'
"""How the ack of a payment gives the id: it is a receipt, the others echo the document."""
_TICK = 0.001
_PATIENCE = 20.0


class Pace(Protocol):
    """Says when the next request is due."""

    def due(self, now: float) -> float | None:
        """The moment from which the next request's latency counts, or None if it is not due."""


class AtOnce:
    """As fast as answers come."""

    def due(self, now: float) -> float | None:
        """Always now."""
        return now


@dataclass(frozen=True, slots=True)
class Windowed:
    """As fast as exchanges end: `under_way` counts those that have begun and not ended."""

    under_way: Callable[[], int]
    limit: int

    def due(self, now: float) -> float | None:
        """Now, while there is room in the window."""
        return now if self.under_way() < self.limit else None


class Arrivals:
    """Random arrivals (Poisson) at `rate` a second, from `begin` to `end`; the seed is fixed."""

    def __init__(self, rate: float, *, begin: float, end: float) -> None:
        self._rate = rate
        self._end = end
        self._random = random.Random(20251103)
        self._next = begin

    def due(self, now: float) -> float | None:
        """The arrival's own time once it has come, however late the call."""
        if self._next > min(now, self._end):
            return None
        arrived = self._next
        self._next += self._random.expovariate(self._rate)
        return arrived


@dataclass(slots=True)
class Tally:
    """What one run of the load saw. Times are of `perf_counter`, in seconds.

    `accepted` maps the network's message id to the moment its request was due. `finished` and
    `latencies` run in step, one entry an answer. `refused` counts other statuses; `complaint` is
    the first such answer.
    """

    sent: int = 0
    accepted: dict[bytes, float] = field(default_factory=dict)
    twice: int = 0
    unsettled: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    complaint: bytes = b""
    broken: int = 0
    finished: "array[float]" = field(default_factory=lambda: array("d"))
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    ran_out: bool = False

    def between(self, begin: float, end: float) -> list[float]:
        """Latencies of the answers that came in this stretch of time, sorted."""
        pairs = zip(self.finished, self.latencies, strict=True)
        return sorted(latency for at, latency in pairs if begin <= at < end)


class Load:
    """Sends requests over `connections` connections until `stop` and counts the answers."""

    def __init__(self, requests: Iterator[bytes], pace: Pace) -> None:
        self.tally = Tally()
        self._requests = requests
        self._pace = pace
        self._idle: deque[Connection] = deque()
        self._connections: list[Connection] = []
        self._stopped = False

    async def open(self, port: int, connections: int) -> None:
        """Connect to 127.0.0.1; nothing is sent before `pump`."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(
                lambda: Connection(self), "127.0.0.1", port
            )
            self._connections.append(connection)
        self._idle.extend(self._connections)

    def pump(self) -> None:
        """Send what is due, as long as a connection is free."""
        tally = self.tally
        while self._idle and not self._stopped:
            started = self._pace.due(perf_counter())
            if started is None:
                return
            request = next(self._requests, None)
            if request is None:
                tally.ran_out = self._stopped = True
                return
            tally.sent += 1
            self._idle.popleft().send(request, started)

    async def run_until(self, end: float, *, ticking: bool) -> None:
        """Pump until `end`, then wait for the answers under way; `ticking` for timed paces."""
        self.pump()
        while perf_counter() < end and not self._stopped:
            await asyncio.sleep(_TICK if ticking else 0.05)
            self.pump()
        if ticking:  # an open loop owes the requests that came in time and found no connection
            await self._wait(lambda: 1)
            self.pump()
        self._stopped = True
        await self._wait(lambda: len(self._connections))
        for connection in self._connections:
            connection.close()

    def stop(self) -> None:
        """Send nothing more; `run_until` returns when the answers under way have come."""
        self._stopped = True

    async def _wait(self, idle: Callable[[], int]) -> None:
        """Wait, within patience, until so many connections have their answers."""
        patience = perf_counter() + _PATIENCE
        # A look every millisecond: an event would cost something at every answer.
        while len(self._idle) < idle() and perf_counter() < patience:  # noqa: ASYNC110
            await asyncio.sleep(_TICK)

    def answered(self, connection: "Connection", status: int, answer: bytes) -> None:
        """Count one answer and put its connection to use again."""
        now = perf_counter()
        tally = self.tally
        tally.finished.append(now)
        tally.latencies.append(now - connection.started)
        if status == 200:
            self._accept(connection.started, answer)
        else:
            tally.refused[status] += 1
            tally.complaint = tally.complaint or answer
        self._idle.append(connection)
        self.pump()

    def _accept(self, started: float, answer: bytes) -> None:
        tally = self.tally
        receipt = answer.find(_RECEIPT, 0, 100)
        if receipt >= 0:
            at = receipt + len(_RECEIPT)
        else:
            at = answer.find(_ID) + len(_ID)
            tally.unsettled += b'"result":"PENDING"' not in answer
        message = answer[at : at + 35]
        if message in tally.accepted:
            tally.twice += 1
        tally.accepted[message] = started

    def lost(self, connection: "Connection", *, waiting: bool) -> None:
        """A connection went away; with a request on it, that request has no answer."""
        if waiting:
            self.tally.broken += 1
        elif connection in self._idle:
            self._idle.remove(connection)
        if connection in self._connections and not self._stopped:
            self._connections.remove(connection)


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on it."""

    __slots__ = ("_buffer", "_load", "_transport", "_waiting", "started")

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._waiting = False
        self.started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, started: float) -> None:
        """Put one request on the wire; its latency counts from `started`."""
        self.started = started
        self._waiting = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Wait for head and body to be whole, then hand the answer over."""
        if self._buffer:
            data = self._buffer + data
        end = data.find(b"\r\n\r\n") + 4
        if end < 4 or len(data) < end + _content_length(data, end):
            self._buffer = data
            return
        self._buffer = b""
        self._waiting = False
        self._load.answered(self, int(data[9:12]), data[end:])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's name
        """Tell the load."""
        self._load.lost(self, waiting=self._waiting)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


def _content_length(data: bytes, end: int) -> int:
    at = data.find(b"content-length: ", 0, end)
    if at < 0:
        at = data[:end].lower().find(b"content-length: ")
    return int(data[at + 16 : data.index(b"\r", at)]) if at >= 0 else 0
