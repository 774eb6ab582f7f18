"""The control API: look at what arrived, change the rules; from this machine only."""

from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request

from hundi.simulator.control import _is_loopback, control_routes
from hundi.simulator.leaving import Gate
from tests.simulator.messages import (
    API,
    copy_id,
    new_erp,
    outcome_body,
    outcome_id,
    request_id,
    subject,
)
from tests.simulator.served import bench


async def test_rules_are_replaced_while_it_runs() -> None:
    async with bench({"do": {"answer": "status", "status": 503}}) as at:
        assert (await at.ask())[0] == 503
        assert await at.control("PUT", "/simulator/rules", []) == (200, {"rules": 0})
        assert (await at.ask())[0] == 200
        status, told = await at.control("PUT", "/simulator/rules", [{"do": {"answer": "x"}}])
        assert status == 400
        assert "rules[0].do.answer must be one of" in told["error"]
        assert (await at.ask())[0] == 200


@pytest.mark.parametrize("path", ["/simulator", "/simulator/"])
async def test_the_base_lists_the_calls(path: str) -> None:
    async with bench() as at:
        status, told = await at.control("GET", path)
    assert status == 200
    routes = control_routes(new_erp(), Gate())
    there = {f"{one.method} {one.path}" for one in routes if one.path.strip("/") != "simulator"}
    assert set(told["calls"]) == there


async def test_what_was_received_is_told() -> None:
    async with bench() as at:
        await at.ask()
        await at.post("resp-send", outcome_id(4), outcome_body(subject("PUR4")))
        status, told = await at.control("GET", "/simulator/received")
        assert status == 200
        assert [(e["n"], e["id"], e["result"], e["repeat"], e["verified"]) for e in told] == [
            (1, request_id(1), "SUCCESS", False, True),
            (2, outcome_id(4), "ACK", False, True),
        ]
        assert (told[0]["path"], told[0]["sequence"]) == (API + "req-send", "1")
        assert told[0]["at"].endswith("Z")
        assert await at.control("GET", "/simulator/received?after=1") == (200, told[1:])
        assert (await at.control("GET", "/simulator/received?after=x"))[0] == 400


async def test_documents_and_exchanges_are_told() -> None:
    async with bench() as at:
        await at.ask()
        await at.post("resp-send", copy_id(1), outcome_body(subject(), "FAILURE"))
        await at.post("resp-send", outcome_id(4), outcome_body(subject("PUR4")))
        assert await at.control("GET", "/simulator/documents") == (
            200,
            [
                {
                    "type": "purchase-order",
                    "objectId": "PUR4",
                    "b2bIds": {
                        "buyerB2BId": "ZZZCI2701K@BCB",
                        "supplierB2BId": "ZZZFM3301Q@BCB",
                    },
                    "version": 1,
                    "status": "SENT TO SUPPLIER",
                    "agreed": None,
                    "disputed": False,
                }
            ],
        )
        _, told = await at.control("GET", "/simulator/exchanges")
        assert [(e["id"], e["applied"], e["undone"]) for e in told["effects"]] == [
            (request_id(1), 1, True),
            (outcome_id(4), 1, False),
        ]
        assert [(o["id"], o["objectId"], o["result"]) for o in told["outcomes"]] == [
            (copy_id(1), "PUR1", "FAILURE"),
            (outcome_id(4), "PUR4", "SUCCESS"),
        ]


async def test_health_and_unknown_paths() -> None:
    async with bench() as at:
        assert await at.control("GET", "/healthz") == (200, {"status": "ok"})
        async with at.session.get(at.url + "/nothing") as got:
            assert got.status in {404, 405}


@pytest.mark.parametrize(
    ("remote", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.1.9", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("", False),
        (None, False),
    ],
)
def test_only_this_machine_may_control_it(remote: str | None, local: bool) -> None:
    assert _is_loopback(remote) is local


async def test_a_stranger_learns_nothing_and_changes_nothing() -> None:
    """Tests stay on loopback, so the stranger's connection is made up."""
    transport = Mock(**{"get_extra_info.return_value": ("192.168.1.9", 40000)})
    erp = new_erp()
    for route in control_routes(erp, Gate()):
        request = make_mocked_request(route.method, route.path, transport=transport)
        response = await route.handler(request)
        assert response.status == (200 if route.path == "/healthz" else 403), route.path
    erp.state.close()
