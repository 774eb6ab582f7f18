"""Our own POSTs under an Idempotency-Key: done once, answered alike, on both databases."""

import asyncio
from functools import partial

import httpx
import pytest
import sqlalchemy as sa

from hundi.exchange import idempotency, tables
from hundi.exchange.invariants.walk import check_store
from hundi.kernel.identity import response_id
from hundi.web import network as calls
from hundi.web.openapi import schema
from tests.exchange.scene import SERVES
from tests.exchange.slips import slip
from tests.web.conftest import Net, bearer
from tests.web.test_network import DESCRIPTION, problem

V1 = "/network/v1"


async def post(
    net: Net, path: str, key: str, *, client_id: str = "buyer", body: bytes = b""
) -> httpx.Response:
    headers = {**bearer(client_id), "idempotency-key": key}
    return await net.calls.post(V1 + path, headers=headers, content=body)


def same(first: httpx.Response, again: httpx.Response) -> bool:
    """Whether the second is the replay of the first."""
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    return (again.status_code, again.content) == (first.status_code, first.content)


async def test_what_was_given_up_is_told_again(net: Net) -> None:
    path = f"/exchanges/{await net.stage.submit('req-send', slip())}/abandon"
    first, again = await post(net, path, "k"), await post(net, path, "k")
    assert first.status_code == 200
    assert same(first, again)
    assert again.headers["hundi-exchange-state"] == "ABANDONED"
    assert len(net.woken) == 1
    problem(await post(net, path, "another"), 409, "EXCHANGE-ENDED")


async def test_its_status_is_kept_while_its_state_goes_on(net: Net) -> None:
    req_msg_id = await net.stage.submit("req-send", slip())
    leased = await net.stage.lease()
    path = f"/exchanges/{req_msg_id}/abandon"
    first = await post(net, path, "k")
    assert first.status_code == 202
    await net.stage.finish(leased)
    again = await post(net, path, "k")
    assert same(first, again)
    assert again.headers["hundi-exchange-state"] == "SETTLED"


async def test_a_webhook_is_sent_again_once(net: Net) -> None:
    path = f"/deliveries/{response_id(await net.stage.sent())}/redrive"
    first = await post(net, path, "k")
    assert first.status_code == 202
    await net.stage.deliver_all()
    assert same(first, await post(net, path, "k"))
    assert await net.stage.lease() == []
    fresh = await post(net, path, "another")
    assert "idempotency-replayed" not in fresh.headers
    assert len(await net.stage.lease()) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/endpoint/enable",
        f"/parties/{SERVES['buyer']}/deactivate",
        f"/parties/{SERVES['buyer']}/activate",
    ],
)
async def test_what_is_about_no_exchange_has_keys_too(net: Net, path: str) -> None:
    first, again = await post(net, path, "k"), await post(net, path, "k")
    assert first.status_code == 200, first.text
    assert same(first, again)
    assert "hundi-exchange-state" not in again.headers


async def test_two_at_once_are_done_once(net: Net) -> None:
    path = f"/exchanges/{await net.stage.submit('req-send', slip())}/abandon"
    told = await asyncio.gather(*(post(net, path, "k") for _ in range(6)))
    assert {(one.status_code, one.content) for one in told} == {(200, told[0].content)}
    assert sum("idempotency-replayed" not in one.headers for one in told) == 1


async def test_a_key_is_for_one_request_of_one_client(net: Net) -> None:
    one = f"/exchanges/{await net.stage.submit('req-send', slip('S1'))}/abandon"
    two = f"/exchanges/{await net.stage.submit('req-send', slip('S2'), key='m')}/abandon"
    assert (await post(net, one, "k")).status_code == 200
    problem(await post(net, two, "k"), 422, "KEY-MISMATCH")
    problem(await post(net, one, "k", body=b"{}"), 422, "KEY-MISMATCH")
    problem(await post(net, two, "m"), 422, "KEY-MISMATCH")  # a message has it
    other = await post(net, "/endpoint/enable", "k", client_id="supplier")
    assert other.status_code == 200
    assert (await post(net, two, "k2")).status_code == 200


async def test_what_was_refused_keeps_no_key(net: Net) -> None:
    req_msg_id = await net.stage.submit("req-send", slip())
    path = f"/exchanges/{req_msg_id}/abandon"
    problem(await post(net, path, "k", client_id="stranger"), 404, "EXCHANGE-UNKNOWN")
    problem(await post(net, f"/deliveries/{response_id(req_msg_id)}/redrive", "k"), 404,
            "DELIVERY-UNKNOWN")  # fmt: skip
    assert (await post(net, path, "k")).status_code == 200
    problem(await post(net, path, "\x01"), 400, "KEY-FORM")
    problem(await post(net, path, "k" * 256), 400, "KEY-FORM")


async def test_keys_are_forgotten_after_thirty_days_and_the_store_is_sound(net: Net) -> None:
    first = await post(net, "/endpoint/enable", "k")
    assert same(first, await post(net, "/endpoint/enable", "k"))
    broken: list[object] = []
    types = net.stage.road.settler.types
    await net.stage.database.read(partial(check_store, types=types, report=broken.append))
    assert broken == []
    long_ago = sa.update(tables.idempotency).values(created_at=1)
    await net.stage.execute(long_ago)
    assert await net.stage.database.write(partial(idempotency.purge, most=10)) == 1
    assert "idempotency-replayed" not in (await post(net, "/endpoint/enable", "k")).headers


def test_the_header_is_described_where_it_is_honoured() -> None:
    parameter = {"$ref": "#/components/parameters/IdempotencyKey"}
    described = {
        path
        for path, operations in DESCRIPTION["paths"].items()
        if parameter in operations.get("post", {}).get("parameters", [])
    }
    posts = {path for path, operations in DESCRIPTION["paths"].items() if "post" in operations}
    assert described == {path for path in posts if path.startswith(("/api/v0/", V1))}
    assert len([path for path in described if path.startswith(V1)]) == sum(
        "POST" in call.http_methods for call in calls.CALLS
    )
    assert b"KEY-MISMATCH" in schema()
