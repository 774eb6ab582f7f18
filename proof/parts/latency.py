"""How long an ack takes, and from ack to webhook, at shares of the most that the network takes."""

from collections.abc import Sequence

from bench import orders
from bench.stage import percentile
from proof.ground.databases import stored
from proof.ground.driving import Driver, cores, shown
from proof.ground.network import SPLIT, standing
from proof.part import BOTH, Figure, Part, ProofError, Run, at_most, told

SHARES = (10, 30, 50, 70, 90)
EASY = 50
"""Up to this share nothing may stall; beyond it the figures are told, for they are the machine's."""
STALLED = 1000.0
"""Milliseconds."""


async def measure(run: Run) -> Sequence[Figure]:
    """Find the most, then let so much of it arrive at random."""
    seconds = run.size(full=60, brief=6, tiny=1)
    async with standing(run, roles=SPLIT) as network:
        driver = Driver(network)
        before = await stored(network.place)
        run.progress.goal("shares of the most", len(SHARES) + 1)
        most = await driver.exchanges(seconds)
        if not most.trips:
            raise ProofError("no exchange ended while the most was measured")
        figures = [told("the most: whole exchanges, open backlog bounded",
                        f"{most.trips_a_second:,.0f} a second; cores {cores(most.stretch)}")]  # fmt: skip
        for done, share in enumerate(SHARES, start=1):
            run.progress.at(done, f"the most is {most.trips_a_second:,.0f} exchanges a second")
            seen = await driver.arriving(most.trips_a_second * share / 100, seconds)
            figures += [
                told(f"at {share} %, {seen.acks_a_second:,.0f} a second: ack, p50 / p99",
                     shown(seen.acks)),
                *_stalls(share, seen.acks, "ack"),
                *_stalls(share, seen.webhooks, "from ack to webhook"),
                told(f"at {share} %: from ack to webhook, p50 / p99", shown(seen.webhooks)),
            ]  # fmt: skip
        taken = (await stored(network.place) - before) / driver.accepted
        return [*figures, told(f"on the disk for each order of {len(orders.send()):,} bytes, sent and settled",
                               f"{taken:,.0f} bytes, of {driver.accepted:,} orders")]  # fmt: skip


def _stalls(share: int, latencies: list[float], what: str) -> list[Figure]:
    if share > EASY:
        return []
    slowest = percentile(latencies, 0.99) or 0.0
    return [at_most(f"at {share} %: {what}, p99", STALLED, seen=slowest, unit="ms")]


PART = Part(
    name="latency",
    promise=(
        "How long an ack and the webhook after it take at 10 to 90 % of the most, counted from when"
        " a request was due."
    ),
    databases=BOTH,
    run=measure,
)
