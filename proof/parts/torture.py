"""JSON torture over HTTP: refused in so many words, soon, and at no cost of memory."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from bench import orders
from hundi.kernel.parsing import MAX_BODY
from proof.ground.calling import Answer, Line
from proof.ground.databases import ask
from proof.ground.nasty import Case, cases
from proof.ground.network import Network, standing
from proof.part import BOTH, Figure, Part, Run, at_least, at_most, none, told

SOON = 2.0
"""Seconds that any of these may take, on a machine with other work."""
GROWTH = 64
"""MiB that all of them together may leave."""


class Torture:
    """What became of the cases. `wrong` are sentences about answers that must not be."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token
        self.statuses: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.slowest = 0.0
        self.slowest_name = ""

    async def play(self, case: Case) -> None:
        """Send one on a connection of its own, and judge the answer."""
        began = perf_counter()
        answer = await self.send(case)
        took = perf_counter() - began
        if took > self.slowest:
            self.slowest, self.slowest_name = took, case.name
        self.statuses[answer.status if answer else 0] += 1
        trouble = _trouble(answer, silent=case.silent or len(case.body) > MAX_BODY)
        if trouble:
            self.wrong.append(f"{case.name}: {trouble}")

    async def send(self, case: Case) -> Answer | None:
        """The answer; None where the connection ended without one."""
        framing = case.framing or f"content-length: {len(case.body)}\r\n"
        head = (
            f"POST {orders.SEND} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {self.token}\r\n"
            f"content-type: {case.kind}\r\n{case.head}{framing}\r\n"
        )
        line = Line(self.port)
        try:
            return await line.call(head.encode() + case.body)
        finally:
            line.close()


def _trouble(answer: Answer | None, *, silent: bool) -> str:
    """What is wrong with an answer. Beyond the limit the door may shut without one."""
    if answer is None:
        return "" if silent else "no answer"
    if not 400 <= answer.status < 500:
        return f"answered {answer.status} {answer.body[:80]!r}"
    try:
        fault = json.loads(answer.body)["payload"]["faults"][0]
    except (ValueError, LookupError, TypeError):
        return f"{answer.status} without the envelope: {answer.body[:80]!r}"
    if not (fault["code"] and fault["detail"] and isinstance(fault["path"], str)):
        return f"{answer.status} without code, sentence or path: {fault}"
    return ""


async def measure(run: Run) -> Sequence[Figure]:
    """Play all cases; then the untouched order must be taken, and nothing else have been."""
    order = orders.send().replace(orders.MARK.encode(), b"7" * 32)
    step = run.size(full=1, brief=4, tiny=40)
    played = list(cases(order, step=step))
    async with standing(run) as network:
        torture = Torture(network.ports[0], (await network.tokens())["buyer"])
        await torture.play(played[0])
        before = _resident(network)
        run.progress.goal("bodies", len(played))
        for number, case in enumerate(played, 1):
            await torture.play(case)
            run.progress.at(number, f"{len(torture.wrong)} wrong")
        growth = _resident(network) - before
        [(kept,)] = await ask(network.place.url, "select count(*) from document")
        whole = await torture.send(Case("the order itself", order))
    for line in torture.wrong[:40]:
        run.progress.say(line)
    return [
        at_least("bodies that no strict reader may take", 300, seen=len(played)),
        none(f"wrong answers {'; '.join(torture.wrong[:3])}".rstrip(), len(torture.wrong)),
        none("documents that came of them", kept),
        none("the order itself refused", int(whole is None or whole.status != 200)),
        at_most(f"slowest answer, to {torture.slowest_name}", SOON, seen=torture.slowest, unit="s"),
        at_most("memory that the server kept of it", GROWTH, seen=growth, unit="MiB"),
        told("statuses", ", ".join(f"{s}: {n:,}" for s, n in sorted(torture.statuses.items()))),
    ]  # fmt: skip


def _resident(network: Network) -> float:
    """MiB of the serving process."""
    pages = int(Path(f"/proc/{network.servers[0].pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / (1 << 20)


PART = Part(
    name="torture",
    promise="No body is taken in which two parsers read two documents; each is refused in words, and soon.",
    databases=BOTH,
    run=measure,
)
