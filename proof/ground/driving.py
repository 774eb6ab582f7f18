"""Load of a known pace on a network that stands: new orders, each to its end, every latency kept.

Arrivals are an open loop: a request's latency counts from the moment it was due, also where no
connection was free then, so that a server that stalls cannot hide it by slowing its callers down.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, perf_counter

from bench import orders
from bench.load import Arrivals, AtOnce, Load, Pace, Tally, Windowed
from bench.receiver import Receipts, unheard
from bench.stage import Settings, Stage, Stretch, drive, percentile, round_trips
from proof.ground.network import Network
from proof.part import ProofError

CONNECTIONS = 32
WINDOW = 256
WARM_UP = 0.2
"""Of the seconds that are measured, what goes before them."""
STALLED = 120.0

MakePace = Callable[[Tally], Pace]
"""A pace may look at what its own load has sent."""


@dataclass(frozen=True, slots=True)
class Driven:
    """What one stretch saw. Sorted seconds: of acks, from ack to webhook, and of whole exchanges."""

    stretch: Stretch
    acks: list[float]
    webhooks: list[float]
    trips: list[float]

    @property
    def acks_a_second(self) -> float:
        """Acks that came in the stretch."""
        return len(self.acks) / self.stretch.seconds

    @property
    def trips_a_second(self) -> float:
        """Exchanges that ended in the stretch."""
        return len(self.trips) / self.stretch.seconds


@dataclass(slots=True)
class Driver:
    """Drives the network's first port. `accepted` counts what was acknowledged in all stretches."""

    network: Network
    accepted: int = 0
    _number: int = 0

    async def acks(self, seconds: float) -> Driven:
        """As many acks as the server gives; what they began ends afterwards."""
        return await self._drive(lambda _: AtOnce(), seconds)

    async def exchanges(self, seconds: float) -> Driven:
        """As many whole exchanges as it takes, so many under way at once."""
        return await self._drive(self._windowed, seconds)

    async def arriving(self, rate: float, seconds: float) -> Driven:
        """At random moments, so many a second, whether the server keeps up or not."""

        def pace(_load: Tally) -> Pace:
            begin = perf_counter()
            return Arrivals(rate, begin=begin, end=begin + seconds * (1 + WARM_UP))

        return await self._drive(pace, seconds, timed=True)

    def _windowed(self, tally: Tally) -> Pace:
        informed = self.network.systems.receipts.informed
        before = len(informed)
        return Windowed(lambda: tally.sent - len(informed) + before, WINDOW)

    async def _drive(self, pace: MakePace, seconds: float, *, timed: bool = False) -> Driven:
        load = await self._load(pace)
        settings = Settings(
            warm_up=seconds * WARM_UP, seconds=seconds, connections=CONNECTIONS, window=WINDOW
        )
        if not timed:
            self.network.systems.on_end = lambda *_: load.pump()
        stretch = await drive(load, self._stage(), settings, ticking=timed)
        self.network.systems.on_end = unheard
        self._keep(load.tally)
        await self.drain()
        return _driven(load.tally, self.network.systems.receipts, stretch, due=timed)

    async def _load(self, pace: MakePace) -> Load:
        token = (await self.network.tokens())["buyer"]
        request = orders.request(orders.SEND, orders.send(), token=token)
        load = Load(self._requests(request), AtOnce())
        await load.open(self.network.ports[0], CONNECTIONS)
        load._pace = pace(load.tally)  # noqa: SLF001 (a pace that looks at the load it is the pace of)
        return load

    def _requests(self, request: orders.Request) -> Iterator[bytes]:
        while True:
            self._number += 1
            yield request.numbered(self._number)

    def _stage(self) -> Stage:
        servers = {server.name: server.pid for server in self.network.servers}
        database = dict(zip(("database",), self.network.place.processes, strict=False))
        return Stage(processes=servers | database, disk=self.network.run.folder)

    def _keep(self, tally: Tally) -> None:
        if tally.refused or tally.broken or tally.twice:
            answer = tally.complaint.decode(errors="replace")[:300]
            raise ProofError(
                f"refused {dict(tally.refused)}, {tally.broken} without an answer, {tally.twice}"
                f" acknowledged twice: {answer}"
            )
        self.accepted += len(tally.accepted)

    async def drain(self) -> None:
        """Wait until every exchange has ended. Raises ProofError where nothing moves."""
        informed = self.network.systems.receipts.informed
        last, moved = len(informed), monotonic()
        while len(informed) < self.accepted:
            await asyncio.sleep(0.02)
            if len(informed) > last:
                last, moved = len(informed), monotonic()
            elif monotonic() - moved > STALLED:
                raise ProofError(f"{self.accepted - last} exchanges did not end")


def _driven(tally: Tally, receipts: Receipts, stretch: Stretch, *, due: bool) -> Driven:
    # Nothing was refused: an id, its ack's moment and its latency stand at the same place.
    came = zip(tally.accepted, tally.finished, strict=True)
    begin, end = stretch.begin, stretch.end
    webhooks = (receipts.delivered[name] - at for name, at in came if begin <= at < end)
    return Driven(
        stretch,
        _due_between(tally, begin, end) if due else tally.between(begin, end),
        sorted(max(0.0, each) for each in webhooks),
        round_trips(tally, receipts.informed, stretch),
    )


def _due_between(tally: Tally, begin: float, end: float) -> list[float]:
    """Latencies of what was due then, whenever its answer came: a late one is not left out."""
    pairs = zip(tally.finished, tally.latencies, strict=True)
    return sorted(latency for at, latency in pairs if begin <= at - latency < end)


def shown(latencies: list[float]) -> str:
    """Median and p99, for people."""
    return " / ".join(f"{percentile(latencies, share) or 0:,.1f}" for share in (0.5, 0.99)) + " ms"


def cores(stretch: Stretch) -> str:
    """Processors in use by each, the whole machine last."""
    return ", ".join(f"{name} {used:.2f}" for name, used in stretch.cores.items())
