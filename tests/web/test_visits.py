"""What a call leaves with its caller and in its exchange: a number where it is refused, its trace."""

import re

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.outbox import Outbox
from hundi.simulator import story
from tests.web.conftest import bearer
from tests.web.orders import ROAD, desk, named

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NUMBER = re.compile(r"[0-9a-f]{8}-[0-9a-f]+")


async def test_a_refusal_has_a_number_and_an_acceptance_its_id(sqlite_url: str) -> None:
    async with desk(sqlite_url) as made:
        refused = [
            await made.send("req-send", b"{}"),
            await made.calls.post(ROAD + "req-send"),
            await made.calls.get("/network/v1/exchanges/MSG0", headers=bearer("buyer")),
            await made.calls.get("/nowhere"),
        ]
        taken = await made.send("req-send", named(story.order()))
    numbers = [answer.headers["hundi-request"] for answer in refused]
    assert all(NUMBER.fullmatch(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert taken.status_code == 200
    assert "hundi-request" not in taken.headers


async def test_a_callers_context_is_stored_with_all_that_follows(database_url: str) -> None:
    async with desk(database_url, mailbox=None) as made:
        for number, given in enumerate((CALLER, CALLER.upper(), "")):
            body = named(story.order(), f"PO{number}", f"N/{number}")
            headers = {"traceparent": given} if given else {}
            assert (await made.send("req-send", body, headers=headers)).status_code == 200
        made.stage.outbox = Outbox(made.stage.road.settler)
        await made.stage.deliver_all()
        x, w = tables.exchange.c, tables.delivery.c
        exchanges = await made.stage.rows(sa.select(x.trace).order_by(x.req_msg_id))
        webhooks = await made.stage.rows(sa.select(w.kind, w.trace).where(w.trace.is_not(None)))
    assert [row["trace"] for row in exchanges] == [CALLER, None, None]
    assert {row["kind"]: row["trace"] for row in webhooks} == {"REQ": CALLER, "RESP": CALLER}
