"""Acks and whole exchanges a second with more and more API processes, and what limits them."""

import os
from collections.abc import Sequence

from bench.machine import cpu_seconds, tree
from bench.stage import Stretch
from proof.ground.driving import Driven, Driver, cores, shown
from proof.ground.network import standing
from proof.part import POSTGRESQL, Figure, Part, Run, at_least, none, told

PROCESSES = (1, 2, 4)
BUSY = 0.9
"""Of a processor, or of all of them: who uses so much can do no more."""

IDLE = 0.3
"""Of what the busiest of its siblings has worked since they started: to start is work, too."""


def limit(stretch: Stretch, *, processes: int) -> str:
    """What the measured processor times say of the bottleneck."""
    used, machine = stretch.cores, os.cpu_count() or 1
    if used["bench"] >= BUSY:
        return "the load generator, which shares this machine: the figure is its own"
    servers = [(name, use) for name, use in used.items() if name not in _OTHERS]
    for name, use in servers:
        if use >= BUSY * (processes if name.startswith("api") else 1):
            return f"the processes of {name}, each at its processor's limit"
    if used["machine"] + used["stolen"] >= BUSY * machine:
        own = used["bench"] + used.get("database", 0.0) + sum(use for _, use in servers)
        if own < used["machine"] / 2:
            return "other programs on this machine: measure again on a quiet one"
        most = max([*servers, ("database", used.get("database", 0.0))], key=lambda pair: pair[1])
        return f"the machine's {machine} processors, most of them used by {most[0]}"
    return "waiting: for the disk's flushes, or for locks of the database"


_OTHERS = {"bench", "machine", "stolen", "database"}


def shared(pid: int, *, processes: int) -> list[Figure]:
    """Whether the processes below one that shares its callers out are there, and all of them work.

    One that serves alone shares nothing out.
    """
    if processes == 1:
        return []
    spent = [cpu_seconds(worker) for worker in list(tree(pid))[1:]]
    idle = sum(one <= IDLE * max(spent) for one in spent)
    return [
        at_least(f"{processes} API processes: there", processes, seen=len(spent)),
        none(f"{processes} API processes: of these idle", idle),
    ]


async def measure(run: Run) -> Sequence[Figure]:
    """One fresh network for each number of API processes, beside one dispatcher."""
    seconds = run.size(full=30, brief=5, tiny=1)
    figures: list[Figure] = []
    run.progress.goal("numbers of API processes", len(PROCESSES))
    first: float | None = None
    for done, processes in enumerate(PROCESSES, start=1):
        async with standing(run, roles=()) as network:
            options = ("--workers", str(processes)) if processes > 1 else ()
            await network.seat("api", options=options).start()
            await network.seat("dispatcher").start()
            driver = Driver(network)
            acks, whole = await driver.acks(seconds), await driver.exchanges(seconds)
            figures += shared(network.servers[0].pid, processes=processes)
        first = first or acks.acks_a_second
        figures += _told(acks, whole, processes=processes, first=first)
        run.progress.at(done, f"{acks.acks_a_second:,.0f} acks/s with {processes}")
    return figures


def _told(acks: Driven, whole: Driven, *, processes: int, first: float) -> list[Figure]:
    name = f"{processes} API processes"
    ratio = acks.acks_a_second / first if first else 0.0
    return [
        told(f"{name}: acks", f"{acks.acks_a_second:,.0f} a second ({ratio:.2f} of those with one),"
                              f" p50 / p99 {shown(acks.acks)}"),
        told(f"{name}: processors meanwhile", cores(acks.stretch)),
        told(f"{name}: acks are limited by", limit(acks.stretch, processes=processes)),
        told(f"{name}: whole exchanges", f"{whole.trips_a_second:,.0f} a second"),
        told(f"{name}: processors meanwhile, whole exchanges", cores(whole.stretch)),
        told(f"{name}: whole exchanges are limited by", limit(whole.stretch, processes=processes)),
    ]  # fmt: skip


PART = Part(
    name="curve",
    promise=(
        "What 1, 2 and 4 API processes over one PostgreSQL carry, and what limits them: told, for"
        " the page on sizing."
    ),
    databases=(POSTGRESQL,),
    run=measure,
)
