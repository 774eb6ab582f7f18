"""Endpoints that are warned, switched off and on again: what waited for them arrives, in its order."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import orders
from bench.receiver import Headers
from proof.ground import branches, judging
from proof.ground.branches import Branch
from proof.ground.calling import Line
from proof.ground.databases import ask
from proof.ground.lanes import Lanes
from proof.ground.network import Network, standing
from proof.ground.traffic import told_id
from proof.part import BOTH, Figure, Part, Run, at_least, none, told
from proof.parts.clock import Clocks, false_clock, falsify
from proof.parts.order import Desk

HOUR = 3600
MANY = 12
FEW = 8
"""With the one that is given up, nine exchanges failed: one too few."""
EDITS = 5
CHAINS = 2
LINES = 12
GONE, ILL = b"410 Gone", b"500 Oh"
WAITS = 40.0
_BY_STATE = "select state, count(*) from delivery group by state"


class Moody(Lanes):
    """Each receiver has its mood: a status that it answers everything with, or none."""

    mood: dict[bytes, bytes]

    def took(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        """Refuse by mood; what is taken is noted with its order."""
        receiver = head[6 : head.index(b"/", 6)]
        status = self.mood.get(receiver)
        if status is None:
            self.taken.add((receiver, Headers(head).value(b"webhook-id")))
            super().took(transport, head, body)
            return
        self.refused[receiver] += 1
        transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")

    refused: Counter[bytes]
    taken: set[tuple[bytes, bytes]]


@dataclass(slots=True, kw_only=True)
class Ward:
    """Sick endpoints of both sides. `due` is what each has to get in the end, `given_up` what not.

    `off` are those that their owners have read to be switched off.
    """

    network: Network
    lanes: Moody
    clocks: Clocks
    suppliers: dict[str, Branch]
    buyers: dict[str, Branch]
    idle: asyncio.Queue[Line] = field(default_factory=asyncio.Queue)
    due: set[tuple[bytes, bytes]] = field(default_factory=set)
    given_up: set[tuple[bytes, bytes]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    off: set[str] = field(default_factory=set)
    number: int = 0

    @property
    def sick(self) -> dict[str, Branch]:
        """All but those who are well: their partners."""
        return {n: b for n, b in (self.suppliers | self.buyers).items() if n != "W"}

    async def fill(self) -> None:
        """So many exchanges for each that it counts as dead, or one too few for that."""
        await asyncio.gather(
            *(
                self._sent_to(name, branch)
                for name, branch in self.suppliers.items()
                if name != "W"
            ),
            *(self._sent_by(name, branch) for name, branch in self.buyers.items() if name != "W"),
        )

    async def _sent_to(self, name: str, branch: Branch) -> None:
        """Orders, of which the first one is given up."""
        desk = desk_of(self, self.buyers["W"])
        first = await self._order(desk, branch)
        self.given_up.add((name.encode(), first))
        path = f"/network/v1/exchanges/{first.decode()}/abandon"
        await desk.insist(orders.request(path, b"", token=desk.buyer.token).numbered(0))
        for _ in range(FEW if name[0] == "F" else MANY):
            self.due.add((name.encode(), await self._order(desk, branch)))

    async def _sent_by(self, name: str, branch: Branch) -> None:
        """Orders, some of them edited: their outcomes pile up in one lane."""
        desk = desk_of(self, branch)
        for place in range(MANY):
            await self._edited(name.encode(), desk, times=EDITS if place < CHAINS else 1)

    async def _order(self, desk: Desk, supplier: Branch) -> bytes:
        self.number += 1
        raw = desk.request(supplier, version=1).numbered(self.number)
        return told_id((await desk.insist(raw)).body).encode()

    async def _edited(self, name: bytes, desk: Desk, *, times: int) -> None:
        self.number += 1
        number = self.number
        for version in range(1, times + 1):
            raw = desk.request(self.suppliers["W"], version=version).numbered(number)
            id_ = told_id((await desk.insist(raw)).body).encode()
            self.due.add((name, b"RSP" + id_[3:]))

    async def state(self, branch: Branch) -> dict[str, Any]:
        """What the owner of an endpoint reads of it."""
        raw = (
            f"GET /network/v1/endpoint HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"authorization: Bearer {branch.token}\r\n\r\n"
        )
        answer = await desk_of(self, branch).insist(raw.encode())
        found: dict[str, Any] = json.loads(answer.body)
        if found["state"] == "DISABLED":
            self.off.add(branch.name)
        return found

    async def comes(self, what: str, names: str, so: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until it is so of the endpoints that begin with these letters."""
        for name, branch in self.sick.items():
            seen: dict[str, Any] = {}
            for _ in range(int(WAITS * 5) if name[0] in names else 0):
                seen = await self.state(branch)
                if so(seen):
                    break
                await asyncio.sleep(0.2)
            if seen and not so(seen):
                self.wrong.append(f"{name} was not {what}: {seen}")
                self.network.run.progress.say(self.wrong[-1])

    async def quiet(self, what: str, names: str) -> None:
        """A while in which these endpoints get nothing."""
        before = self._refused(names)
        await asyncio.sleep(3)
        if self._refused(names) != before:
            self.wrong.append(f"{what}: attempts at {names} went on")

    def _refused(self, names: str) -> int:
        return sum(n for name, n in self.lanes.refused.items() if chr(name[0]) in names)

    async def enable(self) -> None:
        """Everybody is well again and says so."""
        self.lanes.mood = {}
        for branch in self.sick.values():
            raw = orders.request("/network/v1/endpoint/enable", b"", token=branch.token).numbered(0)
            await desk_of(self, branch).insist(raw)


def desk_of(ward: Ward, buyer: Branch) -> Desk:
    """A buyer's system on the ward's lines."""
    return Desk(network=ward.network, lanes=ward.lanes, buyer=buyer, seats=(), idle=ward.idle)


async def measure(run: Run) -> Sequence[Figure]:
    """Let endpoints fail until they are switched off, and switch them on again."""
    run.folder.chmod(0o711)
    clocks, lanes = Clocks(run.folder), Moody(run.chance("lanes"))
    lanes.mood, lanes.refused, lanes.taken = {}, Counter(), set()
    await lanes.start()
    try:
        async with standing(run, environment=false_clock(clocks.server)) as network:
            await falsify(network, clocks)
            ward = await _ward(run, network, lanes=lanes, clocks=clocks)
            await _course(run, ward)
            desk_of(ward, ward.buyers["W"]).close()
            left = dict(await ask(network.place.url, _BY_STATE))
            return _figures(run, ward, left)
    finally:
        await lanes.stop()


async def _ward(run: Run, network: Network, *, lanes: Moody, clocks: Clocks) -> Ward:
    each = run.size(full=25, brief=3, tiny=1)
    base = f"http://127.0.0.1:{lanes.port}"
    names = {
        role: ["W", *(f"{letter}{n}" for letter in letters for n in range(each))]
        for role, letters in (("supplier", "GDF"), ("buyer", "HE"))
    }
    seats = {
        role: await branches.seat(network, {n: f"{base}/{n}" for n in some}, role=role)
        for role, some in names.items()
    }
    for name in (*names["supplier"], *names["buyer"]):
        lanes.expect(name, branches.SECRET)
        if name != "W":
            lanes.mood[name.encode()] = GONE if name[0] in "GH" else ILL
    ward = Ward(
        network=network, lanes=lanes, clocks=clocks, suppliers=seats["supplier"],
        buyers=seats["buyer"],
    )  # fmt: skip
    for _ in range(LINES):
        ward.idle.put_nowait(Line(network.ports[0]))
    return ward


async def _probed(ward: Ward) -> None:
    """An hour in which the breaker lets one attempt a minute through, until each was tried once."""
    for minute in range(2, 60, 2):
        ward.clocks.both((minute * 60, minute * 60))
        await asyncio.sleep(1.2)


async def _course(run: Run, ward: Ward) -> None:
    run.progress.goal("steps", 5)
    await ward.fill()
    run.progress.at(1, f"{len(ward.due)} webhooks wait")
    await ward.comes("disabled by its 410", "GH", lambda e: "410" in e["disabledReason"])
    await ward.comes("seen to fail", "DEF", lambda e: bool(e["failingSince"]))
    await ward.comes("left enabled", "DEF", lambda e: e["state"] == "ENABLED" and not e["warning"])
    await _probed(ward)
    ward.clocks.both((13 * HOUR, 13 * HOUR))
    await ward.comes("warned", "DEF", lambda e: e["state"] == "ENABLED" and bool(e["warning"]))
    await ward.quiet("after a 410", "GH")
    run.progress.at(2, "13 hours later")
    ward.clocks.both((25 * HOUR, 25 * HOUR))
    await ward.comes("disabled", "DE", lambda e: "24 hours" in e["disabledReason"])
    await ward.comes("left enabled with nine failed", "F", lambda e: e["state"] == "ENABLED")
    ward.clocks.both((50 * HOUR, 50 * HOUR))
    await ward.quiet("once disabled", "GHDE")
    await ward.comes("left enabled with nine failed", "F", lambda e: e["state"] == "ENABLED")
    run.progress.at(3, "50 hours later")
    await ward.enable()
    await judging.drain(ward.network, shown=False)
    run.progress.at(4, "enabled")
    await ward.comes("enabled", "GHDEF", lambda e: e["state"] == "ENABLED" and not e["warning"])
    run.progress.at(5, "")


def _figures(run: Run, ward: Ward, left: dict[str, int]) -> Sequence[Figure]:
    for complaint in ward.wrong[:20]:
        run.progress.say(complaint)
    lanes, shown = ward.lanes, f": {ward.wrong[0]}" if ward.wrong else ""
    return [
        at_least("endpoints that were switched off", sum(n[0] != "F" for n in ward.sick),
                 seen=sum(n[0] != "F" for n in ward.off)),
        none(f"endpoints not warned, disabled, left alone or enabled as promised{shown}",
             len(ward.wrong)),
        at_least("webhooks that waited for them", 40, seen=len(ward.due)),
        none("of these never delivered", len(ward.due - lanes.taken)),
        none("requests delivered that had been given up", len(ward.given_up & lanes.taken)),
        none("webhooks that came out of their lane's order", lanes.backwards),
        told("deliveries in the end", ", ".join(f"{k} {n:,}" for k, n in sorted(left.items()))),
    ]  # fmt: skip


PART = Part(
    name="disabled",
    promise="A dead endpoint is warned and switched off; on again, it gets what is valid, in order.",
    databases=BOTH,
    run=measure,
)
