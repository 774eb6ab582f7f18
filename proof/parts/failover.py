"""The primary is killed under load, and its synchronous standby takes over with every ack."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic

from proof.ground import judging
from proof.ground.databases import ask
from proof.ground.network import SPLIT, Network
from proof.ground.receiving import Systems
from proof.ground.traffic import Traffic
from proof.part import POSTGRESQL, Figure, Part, ProofError, Run, at_least, at_most, none, told
from tests.journeys.two_servers import TwoServers, two_servers

PROMISED_SECONDS = 30.0
CALLERS, PAUSE = 12, 0.1
PERSON_SECONDS = 5.0
_KNOWN = "select req_msg_id from exchange"
_SHOWN = (
    "server_version", "fsync", "synchronous_commit", "full_page_writes",
    "synchronous_standby_names",
)  # fmt: skip


class Pair:
    """Both servers, as a network's place: a URL that names the two."""

    processes: Sequence[int] = ()

    def __init__(self, servers: TwoServers) -> None:
        self.servers = servers
        self.url = servers.url

    @property
    def primary(self) -> str:
        """Which of the two it is now."""
        return (self.servers.home / "primary").read_text()

    @property
    def primary_url(self) -> str:
        """Where the one that takes writes listens."""
        password = (self.servers.home / "secrets" / "hundi").read_text()
        return f"postgresql://hundi:{password}@127.0.0.1:{self.servers.ports[self.primary]}/hundi"

    async def kill(self) -> None:
        """SIGKILL the first process of the primary; its others end with it, unasked."""
        file = self.servers.home / self.primary / "postmaster.pid"
        os.kill(int(file.read_text().splitlines()[0]), signal.SIGKILL)

    async def come_back(self) -> None:
        """Rejoin: the one that was killed follows the one that took over. Raises ProofError."""
        done = await asyncio.to_thread(self.servers.run, "rejoin")
        if done.returncode != 0:
            raise ProofError(f"standby.sh rejoin: {done.stdout}{done.stderr}")


@asynccontextmanager
async def standing_twice(run: Run) -> AsyncIterator[Network]:
    """A network over a primary and a standby, an API process, and a dispatcher."""
    run.folder.chmod(0o711)  # where we are root, the servers belong to another user
    with two_servers(under=run.folder) as servers:
        place = Pair(servers)
        run.durability |= {name: servers.sql("a", f"show {name}") for name in _SHOWN}
        network = Network(run, place, Systems(run.chance("systems")))
        await network.systems.start()
        try:
            await network.enrol()
            for role in SPLIT:
                await network.seat(role).start()
            yield network
        finally:
            await asyncio.gather(*(server.stop() for server in network.servers))
            await network.systems.stop()


class Failovers:
    """Kills the primary, times its successor, and compares what it knows. Seconds, one a round."""

    def __init__(self, traffic: Traffic, place: Pair) -> None:
        self.traffic = traffic
        self.place = place
        self.seconds: list[float] = []
        self.rejoined: list[float] = []
        self.by_hand = 0
        self.lost = 0

    async def one(self, *, by_hand: bool) -> None:
        """One change of places, and back to two servers in sync."""
        await self.traffic.flows(more=200)
        old = self.place.primary
        await (self._by_hand(old) if by_hand else self._watched(old))
        began = monotonic()
        await self.place.come_back()
        self.rejoined.append(monotonic() - began)

    async def _watched(self, old: str) -> None:
        quiet = asyncio.subprocess.DEVNULL
        watching = await asyncio.create_subprocess_exec(
            *self.place.servers.command("watch"), stdout=quiet, stderr=quiet
        )
        try:
            await self.place.kill()
            await self._served_again(old, since=monotonic())
        finally:
            watching.terminate()
            await watching.wait()

    async def _by_hand(self, old: str) -> None:
        """By a person who is told of it, and needs some seconds to give the command."""
        await self.place.kill()
        killed = monotonic()
        await asyncio.sleep(PERSON_SECONDS)
        done = await asyncio.to_thread(self.place.servers.run, "promote")
        if done.returncode != 0:
            raise ProofError(f"standby.sh promote: {done.stdout}{done.stderr}")
        await self._served_again(old, since=killed)
        self.by_hand += 1

    async def _served_again(self, old: str, *, since: float) -> None:
        """Wait for an ack of the new primary, which must know all that came before; note the seconds."""
        while self.place.primary == old:
            if monotonic() - since > 2 * PROMISED_SECONDS:
                raise ProofError(f"server {old} was killed, and nobody took its place")
            await asyncio.sleep(0.02)
        before = self.traffic.ids()
        await self.traffic.flows(seconds=2 * PROMISED_SECONDS)
        self.seconds.append(monotonic() - since)
        known = {name for (name,) in await ask(self.place.primary_url, _KNOWN)}
        self.lost += len(before - known)


async def measure(run: Run) -> Sequence[Figure]:
    """So many changes of places under one load."""
    rounds = run.size(full=5, brief=1, tiny=1)
    async with standing_twice(run) as network:
        assert isinstance(network.place, Pair)
        traffic = Traffic(network, run.chance("traffic"), callers=CALLERS, pause=PAUSE)
        failovers = Failovers(traffic, network.place)
        await traffic.start()
        run.progress.goal("primaries killed", rounds)
        for number in range(1, rounds + 1):
            await failovers.one(by_hand=number % 2 == 0)
            run.progress.at(number, f"{failovers.seconds[-1]:.1f} s until it served again")
        await traffic.flows(more=200)
        await traffic.stop()
        network.place.url = network.place.primary_url
        await judging.drain(network)
        return [
            at_least("primaries killed under load", rounds, seen=len(failovers.seconds)),
            at_least("of them promoted by hand, the others by the watch", rounds // 2, seen=failovers.by_hand),
            none("acknowledged, and unknown to the new primary", failovers.lost),
            at_most("longest time until the next ack", PROMISED_SECONDS,
                    seen=max(failovers.seconds), unit="s"),
            told("each of them", ", ".join(f"{one:.1f} s" for one in failovers.seconds)),
            told("until the old primary was the standby, in sync",
                 ", ".join(f"{one:.1f} s" for one in failovers.rejoined)),
            *await judging.verdict(traffic),
            none("refusals other than 503 with Retry-After",
                 traffic.statuses.total() - traffic.statuses["503"]),
            told("refused with 503 meanwhile, and repeated", f"{traffic.statuses['503']:,}"),
            told("requests without an answer, and repeated", f"{traffic.unanswered:,}"),
        ]  # fmt: skip


PART = Part(
    name="failover",
    promise=(
        "The primary database dies under load: its synchronous standby has every acknowledged"
        " request and serves within 30 seconds."
    ),
    databases=(POSTGRESQL,),
    run=measure,
)
