"""Seeded worlds, each checked against the promises. `HUNDI_SEEDS=first-last` runs others."""

import os

import pytest

from tests.simulation.checks import broken_promises
from tests.simulation.world import World

STEPS = 400


def _seeds() -> range:
    first, _, last = os.environ.get("HUNDI_SEEDS", "1-60").partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.mark.parametrize("seed", _seeds())
def test_a_seeded_world_keeps_every_promise(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.settle_down()
    assert broken_promises(world) == []


def test_the_same_seed_is_the_same_world() -> None:
    def story(seed: int) -> list[tuple[object, ...]]:
        world = World(seed)
        for _ in range(150):
            world.step()
        rows = world.connection.execute("select * from journal order by at, object_id, sequence")
        return [tuple(row) for row in rows]

    assert story(7) == story(7)
    assert story(7) != story(8)
