"""What every trial of Hundi over one database shares: two enrolled parties, and the count of ids.

A trial says what it sends in `measure`; everything goes through the command line and HTTP.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from bench import hundi
from bench.load import Tally
from bench.machine import Memory
from bench.receiver import Receiver
from bench.server import BenchError, Server
from bench.stage import Figure, Settings, Stage, Stretch, say, summed_up

STALLED_SECONDS = 45
ROLES = ("buyer", "supplier")


@dataclass(slots=True, kw_only=True)
class Ground(ABC):
    """One database under test. `tokens` are those of the server that runs now, by role."""

    name: str
    hundi: hundi.Hundi
    stage: Stage
    settings: Settings
    receiver: Receiver = field(default_factory=lambda: Receiver(one_way=False))
    tallies: list[Tally] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    _clients: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def run(self) -> None:
        """Measure; what was seen is in `figures`, `memories` and `faults` afterwards."""
        say(f"Hundi on {self.name}")
        await self.receiver.start()
        try:
            await self._enrol()
            await self.measure()
        finally:
            await self.receiver.stop()
        self.faults += [f"{self.name}: {told}" for told in disagreements(self)]

    @abstractmethod
    async def measure(self) -> None:
        """Run the servers that the trial needs, one after the other, and measure them."""

    async def _enrol(self) -> None:
        await self.hundi.run("db", "upgrade")
        for role in ROLES:
            endpoint = f"http://127.0.0.1:{self.receiver.port}/{role}"
            client = self._clients[role] = await self.hundi.enrol(role, endpoint)
            self.receiver.expect(role, client["webhookSecret"])

    @asynccontextmanager
    async def serving(self, *options: str) -> AsyncIterator[Server]:
        """Hundi with everything running; its memory is kept."""
        async with self.hundi.serving(*options) as server:
            self.memories.append(server.memory)
            for role, client in self._clients.items():
                self.tokens[role] = await hundi.token(server.port, client)
            yield server

    def beside(self, server: Server) -> Stage:
        """What is watched while this server runs."""
        return replace(self.stage, processes=self.stage.processes | {"server": server.pid})

    def keep(self, tally: Tally) -> None:
        """Keep what a run of the load saw; a refusal ends the trial, for its figures are void."""
        self.tallies.append(tally)
        if tally.refused or not tally.accepted:
            complaint = tally.complaint.decode(errors="replace")[:600]
            message = f"{self.name}: accepted {len(tally.accepted)}, refused {dict(tally.refused)}"
            raise BenchError(f"{message}; the first answer: {complaint or 'none'}")

    async def drain(self) -> None:
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
            elif perf_counter() - moved > STALLED_SECONDS:
                message = (
                    f"{self.name}: of {accepted} accepted exchanges {len(informed)} ended, then"
                    f" nothing for {STALLED_SECONDS} s"
                )
                raise BenchError(message)

    def figure(self, label: str, unit: str, *, stretch: Stretch, latencies: list[float]) -> Figure:
        """The line of a stretch. Raises BenchError where nothing fell into it."""
        name = f"Hundi on {self.name}, {label}"
        if not latencies:
            message = f"{name}: nothing fell into the measured stretch of {stretch.seconds:.1f} s"
            raise BenchError(message)
        return summed_up(name, unit, stretch=stretch, latencies=latencies)


def disagreements(ground: Ground) -> Iterator[str]:
    """Compare what was accepted with what arrived, id by id; nothing where they are the same."""
    receipts = ground.receiver.receipts
    accepted = set().union(*(tally.accepted for tally in ground.tallies))
    for tally in ground.tallies:
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
