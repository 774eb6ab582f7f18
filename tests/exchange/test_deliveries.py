"""Reads of exchanges and webhooks: who sees which, and what of the attempts."""

from functools import partial

import msgspec
import pytest
import sqlalchemy as sa

from hundi.exchange import deliveries, redrive, tables
from hundi.exchange.delivery_list import Filters
from hundi.exchange.leases import LEASE
from hundi.exchange.verdict import Decision
from hundi.kernel.faults import RefusedError
from hundi.kernel.identity import receiver_copy_id, response_id
from tests.exchange.scene import Scene
from tests.exchange.slips import BUYER, SUPPLIER, slip

EVERYBODY = ("buyer", "supplier", "stranger")


async def exchange(stage: Scene, client_id: str, req_msg_id: str) -> dict:
    found = await stage.database.read(
        lambda tx: deliveries.exchange(tx, client_id=client_id, req_msg_id=req_msg_id)
    )
    return msgspec.json.decode(msgspec.json.encode(found))


async def delivery(stage: Scene, client_id: str, webhook_id: str) -> dict:
    return await stage.database.read(
        lambda tx: deliveries.delivery(tx, client_id=client_id, webhook_id=webhook_id)
    )


async def listed(stage: Scene, client_id: str, **filters: str) -> list[dict]:
    page = await stage.database.read(
        lambda tx: deliveries.deliveries(tx, client_id, Filters(**filters), after="", limit=100)
    )
    assert page["cursor"] is None
    return page["deliveries"]


async def ids(stage: Scene, client_id: str, **filters: str) -> set[str]:
    return {one["webhookId"] for one in await listed(stage, client_id, **filters)}


async def seen_by(stage: Scene, req_msg_id: str) -> set[str]:
    """The clients that see an exchange and its request; list and reads have to agree."""
    reads = {
        "EXCHANGE-UNKNOWN": lambda client: exchange(stage, client, req_msg_id),
        "DELIVERY-UNKNOWN": lambda client: delivery(stage, client, req_msg_id),
    }
    seen = {client for client in EVERYBODY if req_msg_id in await ids(stage, client)}
    for client in set(EVERYBODY) - seen:
        for code, ask in reads.items():
            with pytest.raises(RefusedError, match=code):
                await ask(client)
    for client in seen:
        for ask in reads.values():
            assert (await ask(client))["reqMsgId"] == req_msg_id
    return seen


async def test_the_receiver_sees_an_exchange_once_it_may_have_reached_it(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    assert await seen_by(stage, req_msg_id) == {"buyer"}
    leased = await stage.lease()
    assert await seen_by(stage, req_msg_id) == {"buyer", "supplier"}
    await stage.finish(leased, Decision.FAILED, reached=False)
    assert await seen_by(stage, req_msg_id) == {"buyer"}


async def test_both_see_what_was_settled(stage: Scene) -> None:
    req_msg_id = await stage.sent()
    assert await seen_by(stage, req_msg_id) == {"buyer", "supplier"}
    for client in ("buyer", "supplier"):
        assert await ids(stage, client) == {req_msg_id, response_id(req_msg_id)}


async def test_an_exchange_tells_its_outcome(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip(total=b"1.10"), key="K1")
    await stage.decline()
    shown = await exchange(stage, "buyer", req_msg_id)
    moments = {name: shown.pop(name) for name in ("createdAt", "expiresAt", "endedAt")}
    assert all(moment.endswith("Z") for moment in moments.values())
    webhooks = shown.pop("deliveries")
    assert shown == {
        "reqMsgId": req_msg_id,
        "message": "slip/req-send",
        "receipt": None,
        "sender": BUYER,
        "receiver": SUPPLIER,
        "effect": "PROPOSAL",
        "state": "DECLINED",
        "closing": None,
        "result": "FAILURE",
        "errorCd": "NO",
        "errorDtl": "no",
        "errorField": "",
        "warnings": [
            {"code": "TEST-ODD-TOTAL", "path": "slip.total", "detail": "The total is 1.10."}
        ],
        "idempotencyKey": "K1",
        "documents": [
            {
                "type": "slip",
                "objectId": "S1",
                "author": BUYER,
                "how": "MOVES",
                "from": "CREATED",
                "to": "SENT",
                "version": 1,
            }
        ],
    }
    told = [(w["kind"], w["side"], w["state"], w["attempts"]) for w in webhooks]
    assert told == [("REQ", "outbound", "DELIVERED", 1), ("RESP", "inbound", "DELIVERED", 1)]
    assert (await exchange(stage, "supplier", req_msg_id))["idempotencyKey"] is None


async def test_an_attempt_is_told_and_its_answer_only_to_whose_it_is(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    await stage.finish(await stage.lease(), Decision.FAILED, body=b"<h1>\xff</h1>")
    [mine] = (await delivery(stage, "supplier", req_msg_id))["attemptLog"]
    assert mine["answer"] == "<h1>\ufffd</h1>"
    [theirs] = (await delivery(stage, "buyer", req_msg_id))["attemptLog"]
    assert theirs["answer"] is None
    told = {name: theirs[name] for name in theirs.keys() - {"startedAt", "endedAt", "answer"}}
    assert told == {
        "number": 1,
        "redriven": False,
        "status": 200,
        "milliseconds": 7,
        "reached": True,
        "outcome": "FAILED",
        "reason": "as told",
    }


async def test_deliveries_are_narrowed(stage: Scene) -> None:
    first = await stage.sent("S1")
    second = await stage.submit("req-send", slip("S2"))
    assert await ids(stage, "buyer") == {first, response_id(first), second}
    assert await ids(stage, "buyer", state="QUEUED") == {second}
    assert await ids(stage, "buyer", state="PARKED") == set()
    assert await ids(stage, "buyer", req_msg_id=first) == {first, response_id(first)}
    assert await ids(stage, "buyer", side="inbound") == {response_id(first)}
    assert await ids(stage, "supplier", side="inbound") == {first}
    assert await ids(stage, "supplier", side="outbound") == {response_id(first)}
    assert await ids(stage, "buyer", req_msg_id=first, side="outbound") == {first}


async def test_pages_show_every_delivery_once(stage: Scene) -> None:
    for number in range(4):
        await stage.sent(f"S{number}")
    seen: list[str] = []
    after = ""
    for _ in range(3):
        page = await stage.database.read(
            lambda tx, after=after: deliveries.deliveries(
                tx, "buyer", Filters(), after=after, limit=3
            )
        )
        seen += [one["webhookId"] for one in page["deliveries"]]
        after = page["cursor"] or ""
    assert after == ""
    assert len(seen) == len(set(seen)) == 8
    assert set(seen) == await ids(stage, "supplier")


async def test_the_copy_of_an_outcome_is_the_receivers(stage: Scene) -> None:
    req_msg_id = await stage.submit("req-send", slip())
    await stage.fail(reached=True)
    settler = stage.road.settler
    await stage.database.write(
        lambda tx: redrive.abandon(tx, settler, client_id="buyer", req_msg_id=req_msg_id)
    )
    copy = await delivery(stage, "supplier", receiver_copy_id(req_msg_id))
    assert (copy["kind"], copy["side"], copy["state"]) == ("COPY", "inbound", "QUEUED")
    assert copy["dueAt"] is not None
    assert (await delivery(stage, "buyer", req_msg_id))["state"] == "WITHDRAWN"


async def test_an_attempt_that_nobody_ended_is_not_under_way_for_ever(stage: Scene) -> None:
    """Its process was killed, and its exchange given up before the sweep found the lease."""
    req_msg_id = await stage.submit("req-send", slip())
    [leased] = await stage.lease()
    shown = await delivery(stage, "buyer", req_msg_id)
    assert shown["lastAttempt"]["outcome"] == shown["attemptLog"][0]["outcome"] == "IN FLIGHT"
    w, a = tables.delivery.c, tables.attempt.c
    await stage.execute(sa.update(tables.delivery).values(lease_until=w.lease_until - LEASE))
    await stage.execute(sa.update(tables.attempt).values(started_at=a.started_at - LEASE))
    settler = stage.road.settler
    give_up = partial(redrive.abandon, settler=settler, client_id="buyer", req_msg_id=req_msg_id)
    await stage.database.write(give_up)
    shown = await delivery(stage, "buyer", req_msg_id)
    assert shown["state"] == "WITHDRAWN"
    [listed_] = await listed(stage, "buyer", state="WITHDRAWN")
    for one in (shown["lastAttempt"], listed_["lastAttempt"], *shown["attemptLog"]):
        assert (one["outcome"], "nobody wrote" in one["reason"]) == ("FAILED", True)
    await stage.finish([leased])
    assert (await delivery(stage, "buyer", req_msg_id))["lastAttempt"]["outcome"] == "SETTLED"
