"""Seeded worlds: the real road, dispatcher and settlement under a virtual clock, network and fate."""

from collections.abc import Sequence

from proof.part import MEMORY, Figure, Part, Run
from proof.spread import broken_seeds, figures_of

STEPS = 1000
SEEDS = 10_000


def broken_in(seed: int) -> list[str]:
    """The promises that a world of this seed broke."""
    from tests.simulation.checks import broken_promises  # noqa: PLC0415 (where the world is played)
    from tests.simulation.world import World  # noqa: PLC0415

    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.settle_down()
    return broken_promises(world)


def replay(seed: int) -> str:
    """The command that plays the same world again."""
    return f"HUNDI_STEPS={STEPS} HUNDI_SEEDS={seed} .venv/bin/pytest tests/simulation -k seeded"


async def measure(run: Run) -> Sequence[Figure]:
    """Play the worlds on every core."""
    many, first = run.size(full=SEEDS, brief=200, tiny=2), SEEDS * run.seed
    what = f"worlds of {STEPS:,} steps"
    seeds = range(first, first + many)
    broken = await broken_seeds(run, broken_in, seeds=seeds, what=what, replay=replay)
    return figures_of(seeds, broken, what=f" {what}", wrong="worlds with a broken promise")


PART = Part(
    name="simulation",
    promise="Seeded worlds of crashes, races and bad networks break no promise; a seed replays one.",
    databases=(MEMORY,),
    run=measure,
)
