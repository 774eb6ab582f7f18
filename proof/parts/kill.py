"""`kill -9` of server, dispatcher and database at random moments, under load."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

from proof.ground import judging
from proof.ground.databases import ask
from proof.ground.network import SPLIT, Network, standing
from proof.ground.servers import Server
from proof.ground.traffic import Traffic
from proof.part import BOTH, Figure, Part, Run, at_least, at_most, none, told

SLOW = 0.05
_UNDER_WAY = "select webhook_id, attempts from delivery where state = 'LEASED'"

Attempt = tuple[str, int]


def unexplained(came: Counter[bytes], in_flight: set[Attempt]) -> int:
    """Arrivals beyond the first of each webhook for which no attempt at it was under way at a kill."""
    flights = Counter(name for name, _ in in_flight)
    return sum(max(0, times - 1 - flights[name.decode()]) for name, times in came.items())


async def under_way(network: Network) -> set[Attempt]:
    """The attempts that somebody makes now, or made when it died."""
    rows = await ask(network.place.url, _UNDER_WAY)
    return {(name, number) for name, number in rows}


class Killer:
    """Kills one after the other and brings it back. `in_flight` are attempts under way at a kill."""

    def __init__(self, network: Network, chance: Random) -> None:
        self.network = network
        self.chance = chance
        self.killed: dict[str, int] = {}
        self.in_flight: set[Attempt] = set()

    async def strike(self) -> None:
        """Kill one of them."""
        victims: list[Server | None] = [*self.network.servers]
        if self.network.place.processes:
            victims.append(None)
        victim = self.chance.choice(victims)
        await (self._database() if victim is None else self._server(victim))

    async def _server(self, victim: Server) -> None:
        await victim.kill()
        self._count(victim.name)
        dispatches = "api" not in victim.name
        # On SQLite the file is read once its server has recovered it, as after any crash.
        if dispatches and self.network.place.processes:
            await self._note()
        await victim.start()
        if dispatches and not self.network.place.processes:
            await self._note()

    async def _database(self) -> None:
        await self.network.place.kill()
        self._count("database")
        await self.network.place.come_back()
        await self._note()
        for server in self.network.servers:
            await server.ready()

    async def _note(self) -> None:
        self.in_flight |= await under_way(self.network)

    def _count(self, name: str) -> None:
        name = name.rstrip("0123456789")
        self.killed[name] = self.killed.get(name, 0) + 1


async def measure(run: Run) -> Sequence[Figure]:
    """Kill, until there were as many kills as promised and as many acks."""
    cycles = run.size(full=1000, brief=40, tiny=3)
    acks = run.size(full=100_000, brief=4000, tiny=50)
    async with standing(run, roles=SPLIT, slow=SLOW) as network:
        traffic = Traffic(network, run.chance("traffic"))
        killer = Killer(network, run.chance("kills"))
        await traffic.start()
        await _cycles(run, traffic, killer, each=(acks // cycles, cycles))
        await traffic.flows(more=max(1, acks - traffic.acknowledged), seconds=600)
        await traffic.stop()
        await judging.drain(network)
        return [
            *_kills(killer, cycles),
            at_least("acknowledged", acks, seen=traffic.acknowledged),
            *await judging.verdict(traffic),
            at_most(
                "webhooks repeated; wanted: no more than attempts in flight at the kills",
                len(killer.in_flight),
                seen=network.systems.repeated,
            ),
            none(
                "arrivals of a webhook beyond those that attempts under way at a kill explain",
                unexplained(network.systems.came, killer.in_flight),
            ),
            told("requests cut off without an answer, and repeated", f"{traffic.unanswered:,}"),
        ]


async def _cycles(run: Run, traffic: Traffic, killer: Killer, *, each: tuple[int, int]) -> None:
    share, cycles = each
    run.progress.goal("kills", cycles)
    for cycle in range(1, cycles + 1):
        await traffic.flows(more=share)
        await asyncio.sleep(killer.chance.uniform(0, 0.3))
        await killer.strike()
        repeated = traffic.network.systems.repeated
        run.progress.at(
            cycle,
            f"{traffic.acknowledged:,} acks, {repeated} repeats,"
            f" {len(killer.in_flight)} attempts in flight at kills",
        )


def _kills(killer: Killer, cycles: int) -> Sequence[Figure]:
    which = ", ".join(f"{name} {times:,}" for name, times in sorted(killer.killed.items()))
    return [
        at_least("kills", cycles, seen=sum(killer.killed.values())),
        told("who was killed", which),
    ]


PART = Part(
    name="kill",
    promise="Whatever is killed under load: nothing acknowledged is lost, nothing is applied twice.",
    databases=BOTH,
    run=measure,
)
