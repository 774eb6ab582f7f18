"""Sixteen writers on one order: eight edit it as the buyer, eight accept it as the supplier."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench import orders
from hundi.simulator import story
from proof.ground.calling import Answer, Line
from proof.ground.databases import ask
from proof.ground.network import Network, standing
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, none, told

WRITERS = 16
PATIENCE = 300
"""How often a loser comes again, a tenth of a second apart, while the winner's exchange is open."""
_VERSIONS = "select object_id, version from document where type = 'purchase-order'"
_OPENED = (
    "select object_id, count(*) from journal where type = 'purchase-order' and step = 'ACCEPTED'"
    " group by object_id"
)


class Race:
    """Rounds of writers who all believe the same of one order."""

    def __init__(self, network: Network, tokens: dict[str, str]) -> None:
        self.network = network
        self.sending = orders.request(orders.SEND, orders.send(), token=tokens["buyer"])
        self.kinds = (
            orders.request(_EDIT, _edited(), token=tokens["buyer"]),
            orders.request(_CONFIRM, _confirmation(), token=tokens["supplier"]),
        )
        ports = network.ports
        self.lines = [Line(ports[n % len(ports)]) for n in range(WRITERS)]
        self.codes: Counter[str] = Counter()
        self.winners: Counter[int] = Counter()
        self.told_busy: dict[str, list[int | None]] = {}
        self.told_last: dict[str, list[int | None]] = {}
        self.late_winners = 0

    async def play(self, number: int) -> None:
        """One order that both sides hold, and sixteen who write to it at once."""
        await self._held(number)
        first, second = self.kinds[:: 1 if number % 2 else -1]  # who is first wins, mostly
        requests = [r.numbered(number) for r in (first, second)] * (WRITERS // 2)
        pairs = zip(self.lines, requests, strict=True)
        answers = await asyncio.gather(*(_answer(line, raw) for line, raw in pairs))
        self.winners[sum(answer.status == 200 for answer in answers)] += 1
        await asyncio.gather(
            *(
                self._lose(orders.object_id(number), line, raw, answer=answer)
                for line, raw, answer in zip(self.lines, requests, answers, strict=True)
                if answer.status != 200
            )
        )

    async def _held(self, number: int) -> None:
        """Send the order and wait until its sender was told that the supplier has it."""
        ended = asyncio.Event()
        mark = orders.object_id(number).encode()

        def on_end(_path: bytes, body: bytes) -> None:
            if mark in body:
                ended.set()

        self.network.systems.on_end = on_end
        answer = await _answer(self.lines[0], self.sending.numbered(number))
        if answer.status != 200:
            raise ProofError(f"order {number} was not accepted: {answer}")
        async with asyncio.timeout(60):
            await ended.wait()

    async def _lose(self, order: str, line: Line, raw: bytes, *, answer: Answer) -> None:
        """A loser waits while the winner's exchange is open, and hears each time what stands."""
        for _ in range(PATIENCE):
            fault = _fault(answer)
            self.codes[f"{answer.status} {fault.get('code')}"] += 1
            if answer.status == 200:
                self.late_winners += 1
                return
            version = (fault.get("context") or {}).get("version")
            if fault.get("code") != "DOC-BUSY":
                self.told_last.setdefault(order, []).append(version)
                return
            self.told_busy.setdefault(order, []).append(version)
            await asyncio.sleep(0.1)
            answer = await _answer(line, raw)
        raise ProofError(f"{order} was busy for {PATIENCE / 10:.0f} s")


async def _answer(line: Line, raw: bytes) -> Answer:
    answer = await line.call(raw)
    if answer is None:
        raise ProofError("a writer got no answer")
    return answer


def _fault(answer: Answer) -> dict[str, Any]:
    payload = json.loads(answer.body).get("payload")
    faults = payload.get("faults") if isinstance(payload, dict) else None
    first: dict[str, Any] = faults[0] if faults else {}
    return first


def _wrong(told: dict[str, list[int | None]], stored: dict[str, set[int]]) -> int:
    """How many were told a version that none of theirs was."""
    return sum(version not in stored[order] for order, some in told.items() for version in some)


_EDIT = "/api/v0/purchase-order/req-edit"
_CONFIRM = "/api/v0/purchase-order/req-confirm"


def _edited() -> bytes:
    """The order as a second version."""
    body = json.loads(orders.send())
    body["purchaseOrder"] |= {
        "objectVersion": {"currentVersion": 1, "newVersion": 2},
        "poStatusTransition": dict.fromkeys(("currentStatus", "newStatus"), "SENT TO SUPPLIER"),
    }
    return story.dumps(body)


def _confirmation() -> bytes:
    body = story.confirmation(
        "ACCEPT", version=1, target="ACCEPTED", remarks="Yes",
        object_id=f"PUR{orders.MARK}", number=f"ILT/{orders.MARK}",
    )  # fmt: skip
    body["b2bIds"] = {"buyerB2BId": orders.BUYER, "supplierB2BId": orders.SUPPLIER}
    return story.dumps(body)


async def measure(run: Run) -> Sequence[Figure]:
    """Play the rounds, spread over two servers on PostgreSQL."""
    many = run.size(full=1000, brief=60, tiny=3)
    async with standing(run, roles=("api", "all")) as network:
        run.progress.goal("rounds", many)
        race = Race(network, dict(await network.tokens()))
        for number in range(1, many + 1):
            await race.play(number)
            run.progress.at(number, f"winners {dict(race.winners)}")
        for line in race.lines:
            line.close()
        opened = dict(await ask(network.place.url, _OPENED))
        versions: dict[str, int] = dict(await ask(network.place.url, _VERSIONS))
    losers = sum(map(len, race.told_last.values()))
    last = {order: {version} for order, version in versions.items()}
    busy = {order: {1, version} for order, version in versions.items()}
    return [
        at_least("rounds of 16 writers on one order", many, seen=race.winners.total()),
        none("rounds with another number of winners than one", many - race.winners[1]),
        none("losers who were taken when they came again", race.late_winners),
        none("orders with another number of accepted steps than two",
             many - sum(times == 2 for times in opened.values())),
        at_least("losers who were told what stands", many * (WRITERS - 1), seen=losers),
        none("of them with another version than the order has", _wrong(race.told_last, last)),
        none("answers before that with another version than the one in force", _wrong(race.told_busy, busy)),
        told("orders that were edited, accepted",
             ", ".join(f"{sum(v == version for v in versions.values()):,}" for version in (2, 1))),
        told("what losers were told", ", ".join(f"{c}: {n:,}" for c, n in race.codes.items())),
    ]  # fmt: skip


PART = Part(
    name="race",
    promise="16 writers on one order: one wins each round, every loser is told what stands now.",
    databases=BOTH,
    run=measure,
)
