"""One idempotency key, sixteen callers at once."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from bench import orders
from proof.ground.calling import Answer, Line
from proof.ground.databases import ask
from proof.ground.network import Network, standing
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, none, told

CALLERS = 16
EFFECTS = (
    "select object_id, count(*) from journal where type = 'purchase-order' and step = 'ACCEPTED'"
    " group by object_id"
)


class Rounds:
    """Counts what sixteen at once were told. `other` is the same key with another body."""

    def __init__(self, network: Network, token: str) -> None:
        key = f"idempotency-key: one-{orders.MARK}\r\n"
        body = orders.send()
        other = body.replace(b"Plastic yarn", b"Cotton yarns")
        if other == body:
            raise ProofError("the other body is the same one")
        self.same = orders.request(orders.SEND, body, token=token, more=key)
        self.other = orders.request(orders.SEND, other, token=token, more=key)
        ports = network.ports
        self.lines = [Line(ports[n % len(ports)]) for n in range(CALLERS)]
        self.statuses: Counter[int] = Counter()
        self.differing = self.replayed = self.other_taken = 0
        self.complaint = ""

    async def play(self, number: int) -> None:
        """All at once with one body, then one with the other body."""
        request = self.same.numbered(number)
        answers = await asyncio.gather(*(self._insist(line, request) for line in self.lines))
        self.differing += len({answer.body for answer in answers}) - 1
        self.replayed += sum("idempotency-replayed" in answer.headers for answer in answers)
        refused = await self._insist(self.lines[number % CALLERS], self.other.numbered(number))
        taken = refused.status != 422 or b"KEY-MISMATCH" not in refused.body
        self.other_taken += taken
        if taken and not self.complaint:
            self.complaint = refused.body[:300].decode(errors="replace")

    async def _insist(self, line: Line, request: bytes) -> Answer:
        """A caller who is told `not now` comes again, as he is told to."""
        for _ in range(100):
            answer = await line.call(request)
            status = answer.status if answer is not None else 0
            self.statuses[status] += 1
            if answer is not None and status != 503:
                return answer
            await asyncio.sleep(0.1)
        raise ProofError("one caller was told `not now` a hundred times")

    def close(self) -> None:
        """Hang up on every line."""
        for line in self.lines:
            line.close()


async def measure(run: Run) -> Sequence[Figure]:
    """Play the rounds, spread over two servers on PostgreSQL; then look for second effects."""
    many = run.size(full=10_000, brief=400, tiny=10)
    async with standing(run, roles=("api", "all")) as network:
        run.progress.goal("rounds", many)
        rounds = Rounds(network, (await network.tokens())["buyer"])
        for number in range(1, many + 1):
            await rounds.play(number)
            run.progress.at(number, f"{rounds.differing} differing, {rounds.other_taken} taken")
        rounds.close()
        effects = dict(await ask(network.place.url, EFFECTS))
    firsts = many * CALLERS - rounds.replayed
    statuses = {str(s): n for s, n in sorted(rounds.statuses.items()) if s not in {200, 422}}
    return [
        at_least("rounds of 16 callers with one key", many, seen=len(effects)),
        none("rounds with another number of effects than one",
             many - sum(times == 1 for times in effects.values())),
        none("answers that differed from the first of their round", rounds.differing),
        none("answers more than one a round that did not say they were replayed", firsts - many),
        none(f"another body under the key that was not refused {rounds.complaint}".rstrip(),
             rounds.other_taken),
        told("other statuses on the way", str(statuses or "none")),
    ]  # fmt: skip


PART = Part(
    name="keys",
    promise="One key, 16 callers at once: one effect, equal answers, and another body is refused.",
    databases=BOTH,
    run=measure,
)
