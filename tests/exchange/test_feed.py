"""The event feed: numbered after commit, per client, without gaps; read without waiting."""

import asyncio

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.cursor import cursor
from hundi.exchange.feed import (
    BATCH,
    GENERATION,
    begin_generation,
    cursor_of,
    ends,
    events,
    follows,
    number_events,
    position_of,
)
from hundi.exchange.writes import EVENT as COLUMNS
from hundi.kernel.clock import wall_clock
from hundi.kernel.faults import RefusedError
from hundi.store.engine import Database, Transaction
from hundi.store.opening import open_database
from hundi.store.statement import insert
from tests.exchange.scene import Scene, scene
from tests.exchange.slips import slip

G = 1 << GENERATION
EVENT = tables.event.c
_INSERT = insert(tables.event, COLUMNS)


def _event(client_id: str, sequence: int) -> dict[str, object]:
    return {
        "client_id": client_id, "kind": "ACCEPTED", "req_msg_id": f"MSG{sequence}",
        "author_entity": "buyer", "type": "slip", "object_id": "S1", "sequence": sequence, "at": 1,
    }  # fmt: skip


async def _add(tx: Transaction, *made: dict[str, object]) -> None:
    await tx.bulk(_INSERT, [tuple(one.values()) for one in made])


async def _numbered(stage: Scene) -> dict[str, list[tuple[int, int]]]:
    """(position, sequence) by client."""
    query = sa.select(EVENT.client_id, EVENT.position, EVENT.sequence).order_by(EVENT.position)
    found: dict[str, list[tuple[int, int]]] = {}
    for row in await stage.rows(query):
        found.setdefault(str(row["client_id"]), []).append((row["position"], row["sequence"]))  # type: ignore[arg-type]
    return found


async def test_each_client_counts_from_one_in_the_documents_order(stage: Scene) -> None:
    await stage.sent("S1")
    await stage.submit("req-confirm", slip("S1", source="SENT", target="AGREED", action="ACCEPT"))
    await stage.deliver_all()
    assert await stage.database.write(number_events) > 0
    assert await stage.database.write(number_events) == 0
    found = await _numbered(stage)
    # the sender hears of acceptance and end, the receiver of the end
    assert found == {"buyer": [(1, 1), (2, 2), (3, 4)], "supplier": [(1, 2), (2, 3), (3, 4)]}


async def test_numbering_goes_on_where_it_stopped(stage: Scene) -> None:
    for batch in range(3):
        first = batch * 2 + 1
        made = [_event("buyer", first), _event("supplier", first), _event("buyer", first + 1)]
        await stage.database.write(lambda tx, made=made: _add(tx, *made))
        assert await stage.database.write(number_events) == 3
    found = await _numbered(stage)
    assert [position for position, _ in found["buyer"]] == [1, 2, 3, 4, 5, 6]
    assert [sequence for _, sequence in found["buyer"]] == [1, 2, 3, 4, 5, 6]
    assert [position for position, _ in found["supplier"]] == [1, 2, 3]
    heads = await stage.rows(sa.select(tables.feed_head))
    assert {row["client_id"]: row["position"] for row in heads} == {"buyer": 6, "supplier": 3}


async def test_one_call_numbers_a_bounded_batch(stage: Scene) -> None:
    many = [_event(f"client{n % 3}", n) for n in range(BATCH + 5)]
    await stage.database.write(lambda tx: _add(tx, *many))
    assert await stage.database.write(number_events) == BATCH
    assert await stage.database.write(number_events) == 5
    assert await stage.database.write(number_events) == 0
    found = await _numbered(stage)
    for numbered in found.values():
        assert [position for position, _ in numbered] == list(range(1, len(numbered) + 1))
        assert numbered == sorted(numbered, key=lambda pair: pair[1])


async def test_a_restored_feed_goes_on_behind_what_was_read(stage: Scene) -> None:
    """Restored to one event, where three had been read: the next ones are behind all three."""
    await stage.sent("S1")
    await stage.database.write(number_events)
    [*_, last] = await _read(stage.database, "buyer")
    with pytest.raises(RefusedError, match="READ-CURSOR"):
        await _read(stage.database, "buyer", after=last["position"] + 1)
    with pytest.raises(RefusedError, match="READ-CURSOR"):
        await _read(stage.database, "stranger", after=1)
    for restores in (1, 2):
        assert await stage.database.write(begin_generation) == 3
        assert await _read(stage.database, "buyer", after=last["position"] + 3) == []
        await stage.sent(f"S{restores + 1}")
        await stage.database.write(number_events)
        found = await _read(stage.database, "buyer", after=last["position"] + 3)
        assert [row["position"] for row in found] == [(restores << GENERATION) + n for n in (1, 2)]
        last = found[-1]
        [first, *_] = await _read(stage.database, "stranger", after=1) or [None]
        assert first is None, "a feed without events has generations too"


@pytest.mark.parametrize(
    ("position", "last", "good"),
    [
        (1, 0, True), (2, 0, False), (3, 2, True), (2, 2, False), (1, 2, False),
        (G + 1, 0, True), (G + 1, 7, True), (G, 7, False), (G + 2, 7, False), (G + 2, G + 1, True),
        (3 * G + 1, G + 5, True), (G + 1, G + 1, False), (G + 1, 2 * G + 1, False),
    ],
)  # fmt: skip
def test_positions_have_no_gaps_but_at_the_begin_of_a_generation(
    position: int, last: int, good: bool
) -> None:
    assert follows(position, last) is good


@pytest.mark.parametrize(
    ("head", "last", "good"),
    [(0, 0, True), (7, 7, True), (8, 7, False), (6, 7, False), (G, 7, True), (3 * G, 7, True),
     (G, G + 1, False), (G + 1, 7, False), (0, 7, False)],
)  # fmt: skip
def test_a_feed_ends_at_its_last_event_or_at_a_restore(head: int, last: int, good: bool) -> None:
    assert ends(head, last) is good


async def test_many_numberers_at_once_number_each_event_once(stage: Scene) -> None:
    async def write() -> None:
        for n in range(20):
            await stage.database.write(lambda tx, n=n: _add(tx, _event("buyer", n)))

    async def number() -> int:
        return sum([await stage.database.write(number_events) for _ in range(40)])

    await asyncio.gather(write(), number(), write(), number(), number(), write())
    while await stage.database.write(number_events):
        pass
    found = await _numbered(stage)
    assert [position for position, _ in found["buyer"]] == list(range(1, 61))


async def test_what_is_committed_late_is_numbered_late(postgres_url: str) -> None:
    """An id taken first may be committed last: a feed ordered by ids would skip it."""
    async with scene(postgres_url) as stage:
        taken, commit = asyncio.Event(), asyncio.Event()

        async def slow(tx: Transaction) -> None:
            await _add(tx, _event("buyer", 1))
            taken.set()
            await commit.wait()

        late = asyncio.create_task(stage.database.write(slow))
        await taken.wait()
        await stage.database.write(lambda tx: _add(tx, _event("buyer", 2)))
        assert await stage.database.write(number_events) == 1
        commit.set()
        await late
        assert await stage.database.write(number_events) == 1
        assert await _numbered(stage) == {"buyer": [(1, 2), (2, 1)]}


async def test_nobody_waits_for_a_numberer(postgres_url: str) -> None:
    async with scene(postgres_url) as stage:
        await stage.sent("S1")
        await stage.database.write(number_events)
        numbering, commit = asyncio.Event(), asyncio.Event()

        async def slow(tx: Transaction) -> None:
            await number_events(tx)
            numbering.set()
            await commit.wait()

        await stage.database.write(lambda tx: _add(tx, _event("buyer", 3)))
        holding = asyncio.create_task(stage.database.write(slow))
        await numbering.wait()
        async with asyncio.timeout(30):
            assert await stage.database.write(number_events) == 0
            assert len(await _read(stage.database, "buyer")) == 2
        commit.set()
        await holding


async def test_a_reader_goes_on_behind_a_position_and_sees_only_its_own(stage: Scene) -> None:
    await stage.sent("S1")
    await stage.sent("S2")
    await stage.database.write(number_events)
    told = await _read(stage.database, "buyer")
    assert [row["position"] for row in told] == [1, 2, 3, 4]
    assert told[0]["message"] == "slip/req-send"
    assert told[0]["author_b2b"] == "BUYER@BCB"
    assert [row["position"] for row in await _read(stage.database, "buyer", after=1, limit=2)] == [
        2,
        3,
    ]
    assert await _read(stage.database, "stranger") == []


async def test_an_unnumbered_event_is_not_read_yet(stage: Scene) -> None:
    await stage.submit("req-send", slip("S1"))
    assert await _read(stage.database, "buyer") == []


async def test_a_cursor_holds_a_position() -> None:
    assert position_of("") == 0
    for position in (0, 1, 57, 2**63 - 1):
        assert position_of(cursor_of(position)) == position


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "5",
        "!!!!",
        "AAAA",
        "é",
        "a" * 3000,
        cursor_of(5) + "=",
        cursor_of(5)[:-1],
        cursor("events"),
        cursor("events", -1),
        cursor("events", 2**63),
        cursor("events", "5"),
        cursor("events", 5, 6),
        cursor("documents", 5),
        "WzIsImV2ZW50cyIsNV0",  # version 2
    ],
)
def test_what_was_not_given_out_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as told:
        position_of(text)
    [fault] = told.value.faults
    assert (fault.code, fault.path) == ("READ-CURSOR", "cursor")


async def _read(
    database: Database, client_id: str, *, after: int = 0, limit: int = 100
) -> list[object]:
    return await database.read(lambda tx: events(tx, client_id, after=after, limit=limit))


async def test_a_feed_starts_empty(database_url: str) -> None:
    database = await open_database(database_url, wall_clock)
    try:
        assert await database.write(number_events) == 0
    finally:
        await database.close()
