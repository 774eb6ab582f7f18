"""Every way to answer a webhook, over real sockets and TLS, for a proposal, a fact and an outcome."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from bench import machine, orders
from proof.ground import branches, judging
from proof.ground.branches import Branch
from proof.ground.calling import Answer, Line
from proof.ground.databases import ask
from proof.ground.doors import Doors, bundle, listening
from proof.ground.manners import MANNERS, NO_MORE, USUAL, Manner
from proof.ground.network import Network, standing
from proof.ground.traffic import told_id
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, at_most, none, told

KINDS = {"p": "proposals", "f": "facts", "r": "outcomes"}
_DATED = 30.0
UNSEEN = 100
"""Of so many first attempts one may be too short to be looked behind: the second has begun."""
GROWTH = 8.0
"""MiB, over half of the rounds: by then SQLite's page caches and every connection have their size."""
IN_ALL = 24.0
"""MiB, over all rounds: so much, and half as much again, as those caches take."""
_LATEST = "select coalesce(max(started_at), 0) from attempt"
_FIRST_ATTEMPTS = (
    "select d.req_msg_id, d.kind, x.state, d.state, d.failures, d.attempts, d.due_at, a.ended_at,"
    " a.status, a.reached, a.outcome, a.reason, a.milliseconds from delivery d"
    " join attempt a on a.webhook_id = d.webhook_id and a.number = 1"
    " join exchange x on x.req_msg_id = d.req_msg_id"
    " where a.ended_at is not null and a.started_at > {since}"
)
_STATES = "select req_msg_id, state from exchange"
_OVER = {"SETTLED", "DECLINED"}


@dataclass(slots=True, kw_only=True)
class Matrix:
    """Plays every manner for every kind, round by round. `wrong` says what came out otherwise."""

    network: Network
    seats: Mapping[str, Branch]
    bases: Mapping[str, str]
    token: str
    line: Line
    number: int = 0
    since: int = 0
    rows: dict[tuple[str, str], Sequence[Any]] = field(default_factory=dict)
    unseen: int = 0
    doors: dict[str, str] = field(default_factory=dict)
    checked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0

    async def play(self) -> None:
        """One message through each door, judged by the rows of its first attempt."""
        [(self.since,)] = await ask(self.network.place.url, _LATEST)
        await self._point(mended=True)  # a fact travels only where its send may have arrived
        facts = {await self._send(door): (door, self.number) for door in self._doors("f")}
        await self._ended(dict.fromkeys(facts, "REQ"))
        for req_msg_id in facts:
            path = f"/network/v1/exchanges/{req_msg_id}/abandon"
            await self._call(orders.request(path, b"", token=self.token).numbered(0))
        await judging.drain(self.network, shown=False)
        await self._point(mended=False)
        sent = {await self._send(door): door for door in self._doors("pr")}
        for door, number in facts.values():
            sent[await self._withdraw(door, number)] = door
        kinds = {id_: "RESP" if door[0] == "r" else "REQ" for id_, door in sent.items()}
        for req_msg_id, row in (await self._ended(kinds)).items():
            self._judge(sent[req_msg_id], row)
        await self._let_go()
        stored = dict(await ask(self.network.place.url, _STATES))
        for req_msg_id, door in sent.items():
            informing = door[0] == "r"
            wanted = (
                "DECLINED"
                if (_manner(door).outcome, informing) == ("DECLINED", False)
                else "SETTLED"
            )
            if stored[req_msg_id] != wanted:
                self.wrong.append(f"{door}: {stored[req_msg_id]} in the end, not {wanted}")

    def _doors(self, kinds: str) -> list[str]:
        return [door for door in self.seats if door[0] in kinds]

    async def _send(self, door: str) -> str:
        self.number += 1
        branch = self.seats[door]
        token = branch.token if door[0] == "r" else self.token
        raw = orders.request(orders.SEND, _about(orders.send(), branch), token=token)
        return self._told(await self._call(raw.numbered(self.number)), door)

    async def _withdraw(self, door: str, number: int) -> str:
        """Cancel an order whose send was given up: a fact."""
        body = orders.status_change().replace(b"SENT TO SUPPLIER", b"CREATED")
        about = _about(body, self.seats[door])
        raw = orders.request(orders.STATUS_CHANGE, about, token=self.token)
        return self._told(await self._call(raw.numbered(number)), door)

    def _told(self, answer: Answer, door: str) -> str:
        if answer.status != 200:
            raise ProofError(f"{door}: {answer.status} {answer.body[:500]!r}")
        req_msg_id = told_id(answer.body)
        self.doors[req_msg_id] = door
        return req_msg_id

    async def _call(self, raw: bytes) -> Answer:
        answer = await self.line.call(raw)
        while answer is None or answer.status in {429, 503}:
            await asyncio.sleep(0.2)
            answer = await self.line.call(raw)
        return answer

    async def _ended(self, kinds: Mapping[str, str]) -> dict[str, Sequence[Any]]:
        """The first attempt at each of these webhooks, as it was seen when it had just ended."""
        wanted = set(kinds.items())
        deadline = monotonic() + 90
        while late := wanted - self.rows.keys():
            if monotonic() > deadline:
                doors = sorted(self.doors[req_msg_id] for req_msg_id, _ in late)
                raise ProofError(f"not tried within 90 s: {', '.join(doors)}")
            await asyncio.sleep(0.1)
        return {req_msg_id: self.rows[req_msg_id, kind] for req_msg_id, kind in wanted}

    async def watch(self) -> None:
        """Keep what first attempts led to before the second ones begin, until it is cancelled."""
        while True:
            text = _FIRST_ATTEMPTS.format(since=self.since)
            for req_msg_id, kind, *row in await ask(self.network.place.url, text):
                self.rows.setdefault((req_msg_id, kind), row)
            await asyncio.sleep(0.2)

    def _judge(self, door: str, row: Sequence[Any]) -> None:
        manner, informing = _manner(door), door[0] == "r"
        *stood, status, reached, outcome, reason, took = row
        wanted, wait = manner.of(informing=informing)
        complaints = [
            f"{what} {seen!r}, not {right!r}"
            for what, seen, right in (
                ("outcome", outcome, wanted), ("status", status, manner.status),
                ("reached", bool(reached), manner.reached), *self._stand(stood, wanted, informing=informing),
            ) if seen != right
        ]  # fmt: skip
        if not informing and not reason.startswith(manner.reason):
            complaints.append(f"reason {reason!r}, not {manner.reason!r}")
        if (
            wait != NO_MORE
            and stood[3] == 1
            and not _waits(wait, seen := (stood[4] - stood[5]) / 1e6)
        ):
            complaints.append(f"waits {seen:.2f} s, not {wait:.0f} s")
        if took > manner.slowest * 1000:
            complaints.append(f"took {took} ms")
        self.slowest = max(self.slowest, took / 1000)
        self.checked[door[0]] += 1
        self.wrong += [f"{door}: {complaint}" for complaint in complaints]

    def _stand(
        self, stood: Sequence[Any], wanted: str, *, informing: bool
    ) -> Sequence[tuple[str, object, object]]:
        """Where exchange and delivery stood between the first attempt and the second."""
        exchange, delivery, failures, attempts, *_ = stood
        if attempts > 1:
            self.unseen += 1
            return ()
        over = wanted in _OVER
        return (
            ("exchange", exchange, "SETTLED" if informing else wanted if over else "OPEN"),
            ("delivery", delivery, "DELIVERED" if over else "QUEUED"),
            ("failures", failures, int(not over and wanted != "ASK_AGAIN")),
        )

    async def _let_go(self) -> None:
        """Mend what is no endpoint at all, enable every one: all that is valid is due, and arrives."""
        await self._point(mended=True)
        for branch in self.seats.values():
            path = "/network/v1/endpoint/enable"
            await self._call(orders.request(path, b"", token=branch.token).numbered(0))
        await judging.drain(self.network, shown=False)

    async def _point(self, *, mended: bool) -> None:
        special = {
            self.seats[door].client_id: f"{self.bases['' if mended else case]}/{door}"
            for door in self.seats
            if (case := door.partition("-")[2]) in self.bases
        }
        await branches.point(self.network, special)


def _manner(door: str) -> Manner:
    return MANNERS[door.partition("-")[2]]


def _waits(wanted: float, seen: float) -> bool:
    """Whether it is what was asked for; a date is in whole seconds, jitter a tenth of the usual."""
    if wanted == NO_MORE:
        return True
    slack = {USUAL: USUAL / 10, _DATED: 1.6}.get(wanted, 0.0)
    return abs(seen - wanted) <= slack


def _about(body: bytes, branch: Branch) -> bytes:
    whole = orders.BUYER if "-buyer-" in branch.client_id else orders.SUPPLIER
    return body.replace(whole.encode(), branch.b2b_id.encode())


async def measure(run: Run) -> Sequence[Figure]:
    """Play the rounds, and watch the server's memory meanwhile."""
    rounds = run.size(full=50, brief=3, tiny=1)
    trust = {"SSL_CERT_FILE": str(bundle(run.folder))}
    async with (
        listening(run.folder) as (doors, bases),
        standing(run, environment=trust) as network,
    ):
        matrix = await _matrix(network, bases)
        run.progress.goal("rounds of the matrix", rounds)
        sizes = []
        watching = asyncio.create_task(matrix.watch())
        for done in range(1, rounds + 1):
            await matrix.play()
            sizes.append(machine.memory(network.servers[0].pid))
            run.progress.at(done, f"{len(matrix.wrong)} wrong, server {sizes[-1]:.0f} MiB")
        watching.cancel()
        matrix.line.close()
        return _figures(run, matrix, doors=doors, sizes=sizes)


async def _matrix(network: Network, bases: Mapping[str, str]) -> Matrix:
    seats: dict[str, Branch] = {}
    for role, kinds in (("supplier", "pf"), ("buyer", "r")):
        doors = {
            f"{kind}-{case}": f"{bases.get(case, bases[''])}/{kind}-{case}"
            for kind in kinds
            for case in MANNERS
        }
        seats |= await branches.seat(network, doors, role=role)
    token = (await network.tokens())["buyer"]
    line = Line(network.ports[0])
    return Matrix(network=network, seats=seats, bases=bases, token=token, line=line)


def _figures(run: Run, matrix: Matrix, *, doors: Doors, sizes: Sequence[float]) -> Sequence[Figure]:
    for complaint in matrix.wrong[:60]:
        run.progress.say(complaint)
    shown = f": {'; '.join(matrix.wrong[:3])}" if matrix.wrong else ""
    return [
        at_least("ways of answering", 100, seen=len(MANNERS)),
        *(told(f"first attempts judged, of {what}", f"{matrix.checked[kind]:,}")
          for kind, what in KINDS.items()),
        none(f"attempts, deliveries, exchanges or waits other than the protocol says{shown}",
             len(matrix.wrong)),
        none("redirects followed", doors.trapped),
        at_most("the longest attempt; the deadline is 15 s", 16.5, seen=matrix.slowest, unit="s"),
        at_most("server's memory at the end beyond that after half of the rounds", GROWTH,
                seen=max(0.0, sizes[-1] - sizes[len(sizes) // 2]), unit="MiB"),
        at_most("server's memory at the end beyond that after the first round", IN_ALL,
                seen=max(0.0, sizes[-1] - sizes[0]), unit="MiB"),
        at_most("attempts whose second one came before the look between them",
                matrix.checked.total() // UNSEEN, seen=matrix.unseen),
        told("server's memory after the first round, a quarter, half, three quarters and all",
             ", ".join(f"{size:.0f}" for size in _quarters(sizes)) + " MiB"),
    ]  # fmt: skip


def _quarters(sizes: Sequence[float]) -> list[float]:
    last = len(sizes) - 1
    return [sizes[last * quarter // 4] for quarter in range(5)]


PART = Part(
    name="answers",
    promise="However a receiver answers, an attempt comes to exactly what the protocol says of it.",
    databases=BOTH,
    run=measure,
)
