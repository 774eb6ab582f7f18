"""Order within a lane under failing endpoints, and healthy endpoints beside dead ones."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

from bench import orders
from bench.server import free_port
from proof.ground import branches, judging
from proof.ground.branches import Branch
from proof.ground.calling import Answer, Line
from proof.ground.databases import ask
from proof.ground.lanes import Lane, Lanes
from proof.ground.network import Network, standing
from proof.ground.traffic import told_id
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, at_most, none, told

ENDPOINTS = 40
FAILING = 2
DEAD = 4
LINES = 24
RATE = 60
"""Orders a second, of both phases that are compared."""
_EDIT = "/api/v0/purchase-order/req-edit"
_TAKEN = {200, 202}
_NOT_NOW = {409, 429, 503}
_VERSIONS = "select object_id, version from document"


@dataclass(slots=True, kw_only=True)
class Desk:
    """The buyer's system: a few lines to the network, orders to many branches."""

    network: Network
    lanes: Lanes
    buyer: Branch
    seats: Sequence[Branch]
    idle: asyncio.Queue[Line] = field(default_factory=asyncio.Queue)
    told: dict[bytes, asyncio.Event] = field(default_factory=dict)
    changes: int = 0
    doubtful: int = 0

    async def open(self) -> None:
        """Open the lines, and listen for outcomes."""
        self.lanes.heard = self._heard
        ports = self.network.ports
        for number in range(LINES):
            self.idle.put_nowait(Line(ports[number % len(ports)]))

    def close(self) -> None:
        """Hang up."""
        while not self.idle.empty():
            self.idle.get_nowait().close()

    def _heard(self, lane: Lane, _webhook: bytes) -> None:
        if lane[1] in self.told:
            self.told[lane[1]].set()

    def request(self, branch: Branch, *, version: int) -> orders.Request:
        """The order's first version, or an edit that makes a later one."""
        body = orders.send()
        for whole, part in ((orders.SUPPLIER, branch), (orders.BUYER, self.buyer)):
            body = body.replace(whole.encode(), part.b2b_id.encode())
        if version == 1:
            return orders.request(orders.SEND, body, token=self.buyer.token)
        before = b'"currentVersion": 1, "newVersion": 1'
        after = b'"currentVersion": %d, "newVersion": %d' % (version - 1, version)
        body = body.replace(before, after)
        body = body.replace(b'"currentStatus": "CREATED"', b'"currentStatus": "SENT TO SUPPLIER"')
        return orders.request(_EDIT, body, token=self.buyer.token)

    async def insist(self, raw: bytes) -> Answer:
        """The ack; who is told `not now`, or nothing, sends again. Raises ProofError."""
        for _ in range(6000):
            line = await self.idle.get()
            try:
                answer = await line.call(raw)
            finally:
                self.idle.put_nowait(line)
            if answer is not None and answer.status in _TAKEN:
                return answer
            if answer is not None and answer.status not in _NOT_NOW:
                raise ProofError(f"{answer.status} {answer.body[:600]!r}")
            self.doubtful += answer is None
            await asyncio.sleep(0.1)
        raise ProofError("a change was told `not now` for ten minutes")

    async def change(self, branch: Branch, number: int, *, times: int) -> None:
        """Send one order and edit it, each time when its supplier has taken the last version.

        Its buyer may not have heard of that yet: outcomes wait behind each other in its lane.
        """
        ended = self.told[orders.object_id(number).encode()] = asyncio.Event()
        for version in range(1, times + 1):
            ended.clear()
            await self.insist(self.request(branch, version=version).numbered(number))
            async with asyncio.timeout(600):
                await ended.wait()
            self.changes += 1


@dataclass(slots=True)
class Steady:
    """Orders at a steady rate, and how long each took from its ack to its webhook."""

    desk: Desk
    waits: list[float] = field(default_factory=list)
    missing: int = 0

    async def run(self, first: int, seconds: int, healthy: Sequence[Branch]) -> None:
        """One order after the other to each branch in turn; only healthy ones are measured."""
        acks: dict[bytes, float] = {}
        began, tasks = perf_counter(), set[asyncio.Task[None]]()
        for number in range(first, first + seconds * RATE):
            await asyncio.sleep(max(0.0, began + (number - first) / RATE - perf_counter()))
            branch = self.desk.seats[number % len(self.desk.seats)]
            task = asyncio.create_task(self._one(branch, number, acks if branch in healthy else {}))
            tasks.add(task)
        await asyncio.gather(*tasks)
        await self._arrived(acks)

    async def _one(self, branch: Branch, number: int, acks: dict[bytes, float]) -> None:
        answer = await self.desk.insist(self.desk.request(branch, version=1).numbered(number))
        acks[told_id(answer.body).encode() + branch.name.encode()] = perf_counter()

    async def _arrived(self, acks: Mapping[bytes, float]) -> None:
        arrived = self.desk.lanes.arrived
        for _ in range(600):
            if not acks.keys() - arrived.keys():
                break
            await asyncio.sleep(0.1)
        self.missing = len(acks.keys() - arrived.keys())
        self.waits = sorted(max(0.0, arrived[k] - at) for k, at in acks.items() if k in arrived)

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share was there."""
        return 1000 * self.waits[min(len(self.waits) - 1, int(share * len(self.waits)))]


async def measure(run: Run) -> Sequence[Figure]:
    """Change orders under failing endpoints; then compare healthy endpoints without and with dead."""
    lanes = Lanes(run.chance("lanes"))
    await lanes.start()
    try:
        async with standing(run, roles=("all", "api")) as network:
            desk = await _desk(network, lanes)
            figures = await _changes(run, desk)
            figures += await _beside_the_dead(run, desk)
            desk.close()
            return figures
    finally:
        await lanes.stop()


async def _desk(network: Network, lanes: Lanes) -> Desk:
    base = f"http://127.0.0.1:{lanes.port}"
    urls = {f"S{n}": f"{base}/S{n}" for n in range(ENDPOINTS)}
    seats = await branches.seat(network, urls, role="supplier")
    [buyer] = (await branches.seat(network, {"B": f"{base}/B"}, role="buyer")).values()
    for name in (*urls, "B"):
        lanes.expect(name, branches.SECRET)
    desk = Desk(network=network, lanes=lanes, buyer=buyer, seats=list(seats.values()))
    await desk.open()
    return desk


async def _changes(run: Run, desk: Desk) -> list[Figure]:
    many = run.size(full=25, brief=5, tiny=1)
    times = run.size(full=100, brief=10, tiny=3)
    lanes = desk.lanes
    lanes.bad = {branch.name.encode() for branch in (desk.buyer, *desk.seats[:FAILING])}
    run.progress.goal("changes", ENDPOINTS * many * times)
    pairs = [(branch, n) for n in range(many) for branch in desk.seats]
    tasks = [
        asyncio.create_task(desk.change(branch, number, times=times))
        for number, (branch, _) in enumerate(pairs, 1)
    ]
    for told_of in asyncio.as_completed(tasks):
        await told_of
        run.progress.at(
            desk.changes, f"{lanes.spoilt.total()} attempts spoilt, {lanes.backwards} backwards"
        )
    lanes.bad = ()
    await judging.drain(desk.network)
    stored = dict(await ask(desk.network.place.url, _VERSIONS))
    held = {lane[1].decode(): version for lane, (version, _) in lanes.versions.items()}
    return [
        at_least("changes under failing endpoints", len(pairs) * times, seen=desk.changes),
        told("failing endpoints", f"{FAILING} of {ENDPOINTS}, and the buyer's, each at a tenth of what comes"),
        at_least("attempts that the failing ones spoilt", max(1, desk.changes // 500), seen=lanes.spoilt.total()),
        none("webhooks whose sequence or version did not rise", lanes.backwards),
        none("repeats with another sequence", lanes.standing),
        none("documents whose receiver holds another version than the network",
             sum(held.get(name) != version for name, version in stored.items())),
        none("wrong signatures", lanes.receipts.forged),
        told("calls that got no answer and were sent again", f"{desk.doubtful:,}"),
    ]  # fmt: skip


async def _beside_the_dead(run: Run, desk: Desk) -> list[Figure]:
    seconds = run.size(full=120, brief=20, tiny=3)
    healthy, first = desk.seats[DEAD:], 10**6
    run.progress.goal("seconds at a steady rate", 2 * seconds)
    before, beside = Steady(desk), Steady(desk)
    await Steady(desk).run(10 * first, 3, healthy)  # warm
    await before.run(first, seconds, healthy)
    run.progress.at(seconds, "nobody is dead")
    silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    mute = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    closed = f"http://127.0.0.1:{free_port()}"
    dead = {b.client_id: (mute, closed)[n % 2] for n, b in enumerate(desk.seats[:DEAD])}
    await branches.point(desk.network, dead)
    await beside.run(2 * first, seconds, healthy)
    run.progress.at(2 * seconds, f"{DEAD} of {ENDPOINTS} dead")
    silent.close()
    return [
        *(told(f"ack to webhook {when}, p50 and p99 of {len(one.waits):,}",
               f"{one.quantile(0.5):.1f} and {one.quantile(0.99):.1f} ms")
          for when, one in (("with all alive", before), (f"beside {DEAD} dead", beside))),
        at_most("p99 of the healthy beside the dead, times that with all alive", 2.0,
                seen=beside.quantile(0.99) / max(before.quantile(0.99), 0.1)),
        none("webhooks to healthy endpoints that did not come within a minute",
             before.missing + beside.missing),
    ]  # fmt: skip


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):  # whoever waited in vain hangs up hard
        await reader.read()
    writer.close()


PART = Part(
    name="order",
    promise="Lanes keep their order under failing endpoints, and dead ones slow no healthy one.",
    databases=BOTH,
    run=measure,
)
