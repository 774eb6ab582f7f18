"""Members for whom a batch has no room: first in the next ones, a few at a time, before nobody's patience."""

import asyncio
from collections.abc import Sequence

from hundi.kernel.clock import wall_clock
from hundi.store.again import LATER, Again
from hundi.store.batch import LATER_AT_ONCE, GroupCommit
from hundi.store.engine import Database, Transaction
from hundi.store.opening import open_database
from hundi.store.ran import Ran

HEAVY, LIGHT = 40, 100


class Room:
    """Has room for one member below LIGHT a batch, and for all others."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.decided: list[int] = []

    async def __call__(self, _: Transaction, members: Sequence[int]) -> Sequence[int | Again]:
        self.batches.append(list(members))
        first = next((one for one in members if one < LIGHT), None)
        return [one if one >= LIGHT or one == first else LATER for one in members]

    def watch(self, ran: Ran[int]) -> None:
        self.decided += [member for member, _ in ran.decided]


def commit_of(database: Database, room: Room) -> GroupCommit[int, int]:
    return GroupCommit(
        database, room, keys=lambda one: [one], size=HEAVY // 2, watch=room.watch, patience=60
    )


async def test_they_come_in_order_and_nobody_waits_behind_all_of_them(sqlite_url: str) -> None:
    database, room = await open_database(sqlite_url, wall_clock), Room()
    commit = commit_of(database, room)
    members = [*range(HEAVY), LIGHT]
    assert await asyncio.gather(*(commit.submit(one) for one in members)) == members
    await database.close()
    assert [one for one in room.decided if one < LIGHT] == list(range(HEAVY)), "in their order"
    assert sorted(room.decided) == members, "each is told once, though it came in several times"
    assert any(LIGHT in batch for batch in room.batches[:5]), "not behind forty batches"
    assert max(map(len, room.batches[5:])) == LATER_AT_ONCE
