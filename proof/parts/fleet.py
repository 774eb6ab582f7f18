"""Several processes over one PostgreSQL: any of them is killed, and the others go on."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Sequence
from random import Random
from time import monotonic

from bench.machine import tree
from proof.ground import judging, killing
from proof.ground.network import Network, standing
from proof.ground.servers import Server
from proof.ground.traffic import Traffic
from proof.part import POSTGRESQL, Figure, Part, ProofError, Run, at_least, at_most, none, told
from proof.parts.kill import SLOW, Attempt, under_way, unexplained

ROLES = ("api", "api", "dispatcher", "dispatcher")
WORKERS = 2
_MEMBERS = WORKERS + 2
"""The parent, its workers, and the process of their dispatching."""
PAUSE = 0.1
"""Seconds between two messages of a caller: processes are to start beside the load."""
ON = 20
"""Acks that the others must give while one is away."""


class Fleet:
    """Kills one process after the other. `away` is the longest pause between two of their acks."""

    def __init__(self, traffic: Traffic, supervisor: Server, chance: Random) -> None:
        self.traffic = traffic
        self.network: Network = traffic.network
        self.supervisor = supervisor
        self.chance = chance
        self.killed: Counter[str] = Counter()
        self.in_flight: set[Attempt] = set()
        self.away = 0.0

    async def strike(self) -> None:
        """Kill one, see the others go on, and bring it back."""
        victim = self.chance.choice([*self.network.servers, None])
        if victim is None:
            await self._worker()
        else:
            await victim.kill()
            self.killed[
                "workers, parent and all" if victim is self.supervisor else victim.name
            ] += 1
            await self._others_go_on()
            await victim.start()

    async def _worker(self) -> None:
        """A worker: its parent is to start it again, by itself."""
        parent, *children = tree(self.supervisor.pid)
        victim = self.chance.choice(children)
        os.kill(victim, signal.SIGKILL)
        self.killed["one worker"] += 1
        await self._others_go_on()
        deadline = monotonic() + 20
        while len([one for one in tree(parent) if killing.state(one) not in "ZX"]) < _MEMBERS:
            if monotonic() > deadline:
                raise ProofError(f"a killed worker was not replaced: {self.supervisor.tail()}")
            await asyncio.sleep(0.05)

    async def _others_go_on(self) -> None:
        self.in_flight |= await under_way(self.network)
        began = monotonic()
        await self.traffic.flows(more=ON)
        self.away = max(self.away, monotonic() - began)


async def measure(run: Run) -> Sequence[Figure]:
    """Kill, until there were as many kills as promised and as many acks."""
    cycles = run.size(full=300, brief=30, tiny=4)
    acks = run.size(full=50_000, brief=3000, tiny=100)
    async with standing(run, roles=ROLES, slow=SLOW) as network:
        supervisor = network.seat("all", options=("--workers", str(WORKERS)))
        await supervisor.start()
        traffic = Traffic(network, run.chance("traffic"), pause=PAUSE)
        fleet = Fleet(traffic, supervisor, run.chance("kills"))
        await traffic.start()
        await _cycles(run, fleet, cycles=cycles, share=acks // cycles)
        await traffic.flows(more=max(1, acks - traffic.acknowledged), seconds=600)
        await traffic.stop()
        await judging.drain(network)
        return [
            at_least("kills", cycles, seen=fleet.killed.total()),
            told("who was killed", ", ".join(f"{who} {n}" for who, n in fleet.killed.items())),
            at_least("acknowledged", acks, seen=traffic.acknowledged),
            *await judging.verdict(traffic),
            none(f"errors besides cut connections {dict(traffic.statuses) or ''}".rstrip(),
                 traffic.statuses.total()),
            at_most(f"longest wait for {ON} acks of the others, one being away", 10.0,
                    seen=fleet.away, unit="s"),
            at_most("webhooks repeated; wanted: no more than attempts in flight at the kills",
                    len(fleet.in_flight), seen=network.systems.repeated),
            none("arrivals of a webhook beyond those that attempts under way at a kill explain",
                 unexplained(network.systems.came, fleet.in_flight)),
            told("requests cut off, or sent where nobody listened, and repeated", f"{traffic.unanswered:,}"),
        ]  # fmt: skip


async def _cycles(run: Run, fleet: Fleet, *, cycles: int, share: int) -> None:
    run.progress.goal("kills", cycles)
    for cycle in range(1, cycles + 1):
        await fleet.traffic.flows(more=share)
        await asyncio.sleep(fleet.chance.uniform(0, 0.3))
        await fleet.strike()
        run.progress.at(
            cycle,
            f"{fleet.traffic.acknowledged:,} acks, {fleet.traffic.statuses.total()} errors,"
            f" {fleet.network.systems.repeated} repeats",
        )


PART = Part(
    name="fleet",
    promise=(
        "Two API processes, two dispatchers and a parent with workers over one PostgreSQL: any of"
        " them dies, the others go on, nothing is lost or applied twice."
    ),
    databases=(POSTGRESQL,),
    run=measure,
)
