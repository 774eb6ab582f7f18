"""Requests that meet: in one batch, at one document, in one queue."""

import asyncio

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.gate import Road
from hundi.exchange.request import Accepted, Refused, Request, read_request
from hundi.parties import tables as parties
from hundi.store.batch import OverloadedError
from tests.exchange.scene import Scene
from tests.exchange.slips import MESSAGES, slip

SECOND_ID = "ZZZCI0000K.PUNE@BCB"


def request(stage: Scene, name: str, raw: bytes, client_id: str, key: str | None = None) -> Request:
    return read_request(stage.messages[name], raw, client_id=client_id, idempotency_key=key)


async def together(stage: Scene, *requests: Request) -> list[Accepted | Refused]:
    """Submit while other batches are in flight, so that these share the next one."""
    fillers = [request(stage, "req-send", slip(f"F{n}"), "buyer") for n in range(2)]
    outcomes = await asyncio.gather(*(stage.road.submit(r) for r in (*fillers, *requests)))
    return list(outcomes[2:])


def codes(outcomes: list[Accepted | Refused]) -> list[str]:
    return [o.faults[0].code if isinstance(o, Refused) else "accepted" for o in outcomes]


async def second_id_of_the_buyer(stage: Scene) -> None:
    """Another B2B ID of the buyer's business, served by the client `stranger`."""
    row = {"b2b_id": SECOND_ID, "entity_id": "buyer", "client_id": "stranger", "active": True}
    await stage.execute(sa.insert(parties.b2b_id).values(**row, created_at=1))


async def test_two_clients_of_one_business_cannot_both_create_a_document(stage: Scene) -> None:
    await second_id_of_the_buyer(stage)
    mine = request(stage, "req-send", slip("S1"), "buyer")
    other = request(stage, "req-send", slip("S1", buyer=SECOND_ID, number="N-2"), "stranger")
    outcomes = await together(stage, mine, other)
    assert sorted(codes(outcomes)) == ["DOC-PARTIES", "accepted"]
    rows = await stage.rows(sa.select(tables.exchange.c.req_msg_id))
    assert len(rows) == 3  # two fillers, and one of the two


async def test_buyer_and_supplier_at_one_document_in_one_batch_open_one_exchange(
    stage: Scene,
) -> None:
    await stage.sent("S1")
    moved = {"source": "SENT", "target": "AGREED", "action": "ACCEPT"}
    theirs = request(stage, "req-confirm", slip("S1", **moved), "supplier")
    mine = request(
        stage,
        "req-change",
        slip("S1", source="SENT", target="CANCELLED", action="CANCEL"),
        "buyer",
    )
    outcomes = await together(stage, mine, theirs)
    assert codes(outcomes).count("accepted") == 1, outcomes
    open_ = await stage.rows(
        sa.select(tables.exchange.c.req_msg_id).where(tables.exchange.c.state == "OPEN")
    )
    assert len(open_) == 3  # two fillers, and one of the two


async def test_a_stranger_who_names_my_document_makes_nobody_wait(stage: Scene) -> None:
    await stage.sent("S1")
    move = slip("S1", source="SENT", target="CANCELLED", action="CANCEL")
    crowd = [request(stage, "req-change", move, "stranger") for _ in range(200)]
    waiting = [stage.road.enter(r) for r in crowd]
    outcome = await stage.road.submit(request(stage, "req-change", move, "buyer"))
    assert isinstance(outcome, Accepted)
    assert sum(one.done() for one in waiting) < 100
    assert set(codes(await asyncio.gather(*waiting))) == {"PARTY-NOT-YOURS"}


async def test_one_client_cannot_fill_the_queue_for_all(stage: Scene) -> None:
    crowd = [request(stage, "req-send", slip(f"X{n}"), "stranger") for n in range(1_100)]
    waiting = [asyncio.ensure_future(stage.road.submit(r)) for r in crowd]
    await asyncio.sleep(0)
    mine = await stage.road.submit(request(stage, "req-send", slip("S1"), "buyer"))
    assert isinstance(mine, Accepted)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    refused = sum(isinstance(outcome, OverloadedError) for outcome in outcomes)
    assert refused == 1_100 - 1_024


async def test_acceptances_wake_the_sender_and_refusals_do_not(stage: Scene) -> None:
    told: list[None] = []
    random = stage.random.randbytes
    road = Road(stage.database, MESSAGES, random=random, accepted=lambda: told.append(None))
    sends = [request(stage, "req-send", slip(f"W{n}", number=f"W-{n}"), "buyer") for n in range(3)]
    first, *others = sends
    assert isinstance(await road.submit(first), Accepted)
    assert len(told) == 1
    assert isinstance(await road.submit(first), Refused), "it exists"
    assert len(told) == 1
    await asyncio.gather(*map(road.enter, others))
    assert 2 <= len(told) <= 3, "once a batch"
