"""Sixteen writers on one order: eight cancel it as the buyer, eight accept it as the supplier."""

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
            orders.request(orders.STATUS_CHANGE, orders.status_change(), token=tokens["buyer"]),
            orders.request(_CONFIRM, _confirmation(), token=tokens["supplier"]),
        )
        ports = network.ports
        self.lines = [Line(ports[n % len(ports)]) for n in range(WRITERS)]
        self.codes: Counter[str] = Counter()
        self.winners: Counter[int] = Counter()
        self.uninformed = self.late_winners = 0
        self.complaint = ""

    async def play(self, number: int) -> None:
        """One order that both sides hold, and sixteen who write to it at once."""
        await self._held(number)
        requests = [r.numbered(number) for r in self.kinds] * (WRITERS // len(self.kinds))
        pairs = zip(self.lines, requests, strict=True)
        answers = await asyncio.gather(*(_answer(line, raw) for line, raw in pairs))
        self.winners[sum(answer.status == 200 for answer in answers)] += 1
        await asyncio.gather(
            *(
                self._lose(line, raw, answer)
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

    async def _lose(self, line: Line, raw: bytes, answer: Answer) -> None:
        """A loser waits while the winner's exchange is open, and then hears what stands."""
        for _ in range(PATIENCE):
            fault = _fault(answer)
            self.codes[f"{answer.status} {fault.get('code')}"] += 1
            if answer.status == 200:
                self.late_winners += 1
                return
            if fault.get("code") != "DOC-BUSY":
                break
            await asyncio.sleep(0.1)
            answer = await _answer(line, raw)
        if "version" not in (_fault(answer).get("context") or {}):
            self.uninformed += 1
            self.complaint = self.complaint or answer.body[:500].decode(errors="replace")


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


_CONFIRM = "/api/v0/purchase-order/req-confirm"


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
    return [
        at_least("rounds of 16 writers on one order", many, seen=race.winners.total()),
        none("rounds with another number of winners than one", many - race.winners[1]),
        none("losers who were taken when they came again", race.late_winners),
        none("orders with another number of accepted steps than two",
             many - sum(times == 2 for times in opened.values())),
        none(f"losers who were not told the version that stands {race.complaint}".rstrip(), race.uninformed),
        told("what losers were told", ", ".join(f"{c}: {n:,}" for c, n in race.codes.items())),
    ]  # fmt: skip


PART = Part(
    name="race",
    promise="16 writers on one order: one wins each round, every loser is told what stands now.",
    databases=BOTH,
    run=measure,
)
