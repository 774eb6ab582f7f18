"""Hours of load at 70 % of the most: memory, open files and latencies stay where they were."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bench.machine import Memory, tree
from bench.stage import percentile
from proof.ground.driving import Driven, Driver, shown
from proof.ground.network import SPLIT, Network, standing
from proof.part import BOTH, Figure, Part, ProofError, Run, at_most, none, told

SHARE = 0.7
GROWTH = 5.0
"""Percent, from the second tenth of the time to the last."""
HANDLES = 8
REST_SECONDS = 10
"""After it no connection of a webhook lies idle: how many do says how busy the last seconds were."""
DRIFT = 2.0
SLICES = 60


class Watch:
    """Memory and open files of the servers while slices of load go over them."""

    def __init__(self, network: Network) -> None:
        self.memories = {server.name: Memory() for server in network.servers}
        self.handles: list[int] = []
        self.slices: list[Driven] = []
        self._network = network
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Sample memory from now on."""
        self._tasks = [
            asyncio.create_task(self.memories[server.name].watch(server.pid))
            for server in self._network.servers
        ]

    async def keep(self, seen: Driven, *, counts: bool) -> None:
        """One slice more, whose callers have hung up; `counts` what is open when nothing happens."""
        self.slices.append(seen)
        if not counts:
            return
        await asyncio.sleep(REST_SECONDS)
        self.handles.append(sum(_open_files(server.pid) for server in self._network.servers))

    def end(self) -> None:
        """Sample no more."""
        for task in self._tasks:
            task.cancel()

    def figures(self) -> Sequence[Figure]:
        """Growth, from after the warm-up to the end."""
        tenth = max(1, len(self.slices) // 10)
        early, late = self.slices[tenth : 2 * tenth], self.slices[-tenth:]
        return [
            *(_growth(name, memory) for name, memory in self.memories.items()),
            at_most("open files and connections at rest, at the end", self.handles[0] + HANDLES,
                    seen=self.handles[-1]),
            at_most("ack p50 at the end, in those of the beginning", DRIFT,
                    seen=_p50(late) / _p50(early)),
            told("ack p50 / p99 at the beginning", shown(_acks(early))),
            told("ack p50 / p99 at the end", shown(_acks(late))),
            none("slices without an ack", sum(not one.acks for one in self.slices)),
        ]  # fmt: skip


def _open_files(pid: int) -> int:
    return sum(len(list(Path(f"/proc/{member}/fd").iterdir())) for member in tree(pid))


def _growth(name: str, memory: Memory) -> Figure:
    early, late = memory.start_and_end()
    return at_most(
        f"{name}: memory growth, {early:,.0f} MiB to {late:,.0f} MiB", GROWTH,
        seen=(late / early - 1) * 100, unit="%",
    )  # fmt: skip


def _acks(slices: Sequence[Driven]) -> list[float]:
    return sorted(latency for one in slices for latency in one.acks)


def _p50(slices: Sequence[Driven]) -> float:
    return percentile(_acks(slices), 0.5) or 0.001


async def measure(run: Run) -> Sequence[Figure]:
    """Find the most, then let 70 % of it arrive, slice by slice, each under a fresh token."""
    seconds = run.size(full=3600, brief=60, tiny=6)
    slices = min(SLICES, seconds // 3)
    async with standing(run, roles=SPLIT) as network:
        driver, watch = Driver(network), Watch(network)
        most = (await driver.exchanges(max(2, seconds // 30))).trips_a_second
        if not most:
            raise ProofError("no exchange ended while the most was measured")
        run.progress.goal(f"slices at {most * SHARE:,.0f} a second", slices)
        watch.begin()
        try:
            for number in range(1, slices + 1):
                seen = await driver.arriving(most * SHARE, seconds / slices)
                await watch.keep(seen, counts=number in {slices // 10 + 1, slices})
                run.progress.at(number, f"{driver.accepted:,} exchanges")
        finally:
            watch.end()
        load = told("the load", f"{most * SHARE:,.0f} a second, {driver.accepted:,} exchanges")
        return [load, *watch.figures()]


PART = Part(
    name="soak",
    promise="An hour at 70 % of the most: memory grows by less than 5 %, open files not at all.",
    databases=BOTH,
    run=measure,
)
