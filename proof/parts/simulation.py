"""Seeded worlds: the real road, dispatcher and settlement under a virtual clock, network and fate."""

from collections.abc import Sequence

from proof.part import MEMORY, Figure, Part, Run, at_least
from proof.spread import Seen, figures_of, played_seeds

STEPS = 1000
SEEDS = 10_000
ACCEPTED = 20
"""Messages in a world on the average: without them nothing can be lost, doubled or late."""


def seen_in(seed: int) -> Seen:
    """The promises that a world of this seed broke, and how many messages it had accepted."""
    from tests.simulation.checks import broken_promises  # noqa: PLC0415 (where the world is played)
    from tests.simulation.world import World  # noqa: PLC0415

    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.settle_down()
    return Seen(broken_promises(world), {"accepted": len(world.acknowledged)})


def replay(seed: int) -> str:
    """The command that plays the same world again."""
    return f"HUNDI_STEPS={STEPS} HUNDI_SEEDS={seed} .venv/bin/pytest tests/simulation -k seeded"


async def measure(run: Run) -> Sequence[Figure]:
    """Play the worlds on every core."""
    many, first = run.size(full=SEEDS, brief=200, tiny=2), SEEDS * run.seed
    what = f"worlds of {STEPS:,} steps"
    seeds = range(first, first + many)
    played = await played_seeds(run, seen_in, seeds=seeds, what=what, replay=replay)
    return [
        *figures_of(seeds, played, what=what, wrong="worlds with a broken promise"),
        at_least("messages accepted in them", ACCEPTED * many, seen=played.done["accepted"]),
    ]


PART = Part(
    name="simulation",
    promise="Seeded worlds of crashes, races and bad networks break no promise; a seed replays one.",
    databases=(MEMORY,),
    run=measure,
)
