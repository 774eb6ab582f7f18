"""Seeded worlds, each checked against the promises.

`HUNDI_SEEDS=first-last` plays others, `HUNDI_STEPS` makes them shorter or longer.
"""

import os
from collections import Counter

import pytest

from hundi.documents import MESSAGES
from hundi.exchange.record import stored_name
from tests.simulation.checks import broken_promises
from tests.simulation.world import World

STEPS = int(os.environ.get("HUNDI_STEPS", "1000"))


def _seeds() -> range:
    first, _, last = os.environ.get("HUNDI_SEEDS", "1-200").partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.mark.parametrize("seed", _seeds())
def test_a_seeded_world_keeps_every_promise(seed: int) -> None:
    assert _broken_in(seed) == []


def _broken_in(seed: int) -> list[str]:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.settle_down()
    return broken_promises(world)


def test_worlds_send_every_message_and_repeat_some() -> None:
    """A simulation in which everything is refused would keep every promise, too.

    The rarest, the answer to a bid, comes in one world of twenty.
    """
    accepted = {stored_name(message) for message in MESSAGES}
    refused = {"DOC-BUSY", "DOC-STALE-STATUS", "DOC-WRONG-TARGET", "INV-OVER-QUANTITY"}
    wanted = accepted | refused | {"replayed", "crashed"}
    seen: Counter[str] = Counter()
    for seed in range(1, 200):
        world = World(seed)
        for _ in range(STEPS):
            world.step()
        seen += world.seen
        if wanted <= seen.keys():
            return
    assert not wanted - seen.keys(), "never seen"


def test_the_same_seed_is_the_same_world() -> None:
    def story(seed: int) -> list[tuple[object, ...]]:
        world = World(seed)
        for _ in range(400):
            world.step()
        rows = world.connection.execute("select * from journal order by at, object_id, sequence")
        return [tuple(row) for row in rows]

    assert story(7) == story(7)
    assert story(7) != story(8)
