"""A business comes onto a served network by itself, is found, and trades; signatures are checked."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook as Verifier

from hundi.cli.actors import Actor
from hundi.cli.stage import Http, Stage, call
from hundi.kernel.clock import wall_clock
from hundi.onboarding.tables import registration
from hundi.simulator import story
from hundi.store.opening import open_database
from tests.journeys.traders import Receiver, Webhook, http, network, trading
from tests.onboarding.bodies import (
    CONTRACT,
    PAN,
    check,
    entity,
    further,
    gstin,
    search,
)
from tests.ports import free_port
from tests.until import until_seen

ROOM = "/api/v0/business-onboarding/"
SHAPES = {
    f"/hooks/{one['post']['x-path'].lstrip('/')}": one["post"]["requestBody"]["content"]["application/json"]["schema"]
    for one in CONTRACT["webhooks"].values()
}  # fmt: skip
ACK = CONTRACT["components"]["schemas"]["Ack"]


class Newcomer(Actor):
    """A client of the network that has no business on it yet, with a receiver of the test's."""

    def __init__(self, stage: Stage, address: str, receiver: Receiver) -> None:
        self.receiver = receiver
        self._network = address
        self._token = ""
        self._credentials = stage.command(
            "client", "add", "--name", "Newcomer", "--endpoint", receiver.url + "/hooks"
        )

    def room(self, name: str, body: object) -> str:
        """Make a call of onboarding; the reqMsgId."""
        answer = self.send(ROOM + name, json.dumps(body).encode())
        assert answer.status == 200, answer.body
        jsonschema.validate(answer.body, {**CONTRACT, **ACK})
        payload: str = answer.body["payload"]
        return payload

    def give(self, req_msg_id: str, code: str) -> Http:
        """Give an ownership code."""
        path = f"/network/v1/onboarding/{req_msg_id}/code"
        return self.send(path, json.dumps({"code": code}).encode())

    def told(self, req_msg_id: str) -> dict[str, Any]:
        """The webhook that answers a call, its signature and shape checked."""
        found: list[Webhook] = []

        def came() -> bool:
            took = self.receiver.took
            found[:] = [w for w in took if w.headers["webhook-id"] == "RSP" + req_msg_id[3:]]
            return bool(found)

        until_seen(came)
        [webhook] = found
        body = Verifier(self._credentials["webhookSecret"]).verify(
            webhook.body, dict(webhook.headers)
        )
        jsonschema.validate(body, {**CONTRACT, **SHAPES[webhook.path]})
        assert webhook.headers["hundi-exchange"] == req_msg_id
        assert body["resp"]["reqMsgId"] == req_msg_id
        result: dict[str, Any] = body
        return result


def sent_to(address: str, req_msg_id: str) -> str:
    """The code that the simulated contact got."""
    found: list[str] = []

    def came() -> bool:
        messages = call("GET", f"{address}/simulator/contacts").body["messages"]
        found[:] = [m["code"] for m in messages if m["reference"] == req_msg_id]
        return bool(found)

    until_seen(came)
    return found[0]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def test_a_business_comes_is_found_and_trades(database_url: str, receiver: Receiver) -> None:
    with (
        network(database_url) as (stage, address, _),
        trading(stage, address, story.SUPPLIER) as [supplier],
    ):
        one = Newcomer(stage, address, receiver)
        checked = one.told(one.room("reg-check-entity", check()))
        assert checked["instituteStatus"]["institutes"][0]["status"] == "NEW"
        registering = one.room("reg-entity", entity())
        code = sent_to(address, registering)
        assert one.give(registering, f"{(int(code) + 1) % 10**6:06d}").status == 422
        assert one.give(registering, code).status == 200
        assert one.told(registering)["resp"]["result"] == "SUCCESS"
        branch = one.told(one.room("reg-id", further(f"{PAN}.MYS@BCB")))
        assert branch["resp"]["result"] == "SUCCESS"
        _found(one, supplier.b2b_id)
        _ordered(one, supplier)
        log = (stage.folder / "all0.log").read_text()
        assert code not in log
        assert "9000000001" not in log


def _found(one: Newcomer, supplier: str) -> None:
    told = one.told(
        one.room("search-entity", search(("B2BID", supplier), requestor=f"{PAN}.MYS@BCB"))
    )
    [found] = told["respParams"]["entityInfo"]
    assert found == {"name": story.SUPPLIER.name, "b2bIds": [{"value": supplier}]}
    none = one.told(one.room("search-entity", search(("TAN", "X"), requestor=f"{PAN}@BCB")))
    assert none["resp"]["errorCd"] == "ONBOARD-NOTHING-FOUND"


def _ordered(one: Newcomer, supplier: Any) -> None:
    """The new B2B ID buys, and cannot be switched off while the order is open."""
    body = story.order()
    body["b2bIds"] = {"buyerB2BId": f"{PAN}@BCB", "supplierB2BId": supplier.b2b_id}
    order = body["purchaseOrder"]
    order["buyerDetails"] |= {"b2bId": f"{PAN}@BCB", "gstin": gstin()}
    answer = one.send("/api/v0/purchase-order/req-send", story.dumps(body))
    assert answer.status == 200, answer.body
    until_seen(lambda: supplier.took)
    off = one.send(f"/network/v1/parties/{PAN}@BCB/deactivate", b"")
    assert (off.status, off.body["code"]) == (409, "PARTY-IN-USE")
    assert one.send(f"/network/v1/parties/{PAN}.MYS@BCB/deactivate", b"").status == 200


def test_an_api_and_a_dispatcher_share_the_work(postgres_url: str, receiver: Receiver) -> None:
    with network(postgres_url, "api", "dispatcher") as (stage, address, _):
        one = Newcomer(stage, address, receiver)
        one.told(one.room("reg-check-entity", check()))
        registering = one.room("reg-entity", entity())
        assert one.give(registering, sent_to(address, registering)).status == 200
        assert one.told(registering)["resp"]["result"] == "SUCCESS"


def test_a_gateway_is_called_by_https_alone(sqlite_url: str) -> None:
    environment = {
        **os.environ,
        "HUNDI_DATABASE_URL": sqlite_url,
        "HUNDI_CONTACT_RAIL": "http://gateway.example",
    }
    told = subprocess.run(
        [sys.executable, "-m", "hundi.main", "serve", "--port", "0"],
        env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert told.returncode == 2
    assert "HUNDI_CONTACT_RAIL" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_kill_between_commit_and_sending_loses_no_code(
    database_url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator's gateway never answers, the network dies; after it is back a code comes."""
    stuck, dead = threading.Event(), threading.Event()

    def answer(webhook: Webhook) -> bytes | None:
        if not stuck.is_set():
            stuck.set()
            dead.wait(60)
            return None
        return http(202, b"")

    gateway = Receiver(answer)
    monkeypatch.setenv("HUNDI_CONTACT_RAIL", gateway.url + "/codes")
    try:
        with network(database_url) as (stage, address, [process]):
            one = Newcomer(stage, address, receiver)
            one.told(one.room("reg-check-entity", check()))
            registering = one.room("reg-entity", entity())
            assert stuck.wait(60)
            process.kill()
            dead.set()
            process.start(f"{address}/readyz")
            one._token = ""
            assert one.read(f"/onboarding/{registering}")["state"] == "OPEN"
            _let_the_lease_run_out(database_url)
            until_seen(lambda: len(gateway.took) > 1)
            first, second = (json.loads(w.body) for w in gateway.took[:2])
            assert first["reference"] == second["reference"] == registering
            until_seen(
                lambda: one.read(f"/onboarding/{registering}")["ownership"]["code"] == "SENT"
            )
            assert one.give(registering, second["code"]).status == 200
            assert one.told(registering)["resp"]["result"] == "SUCCESS"
            assert call("GET", f"{address}/simulator/contacts").status == 404
    finally:
        gateway.close()


def _let_the_lease_run_out(database_url: str) -> None:
    """As half a minute would: the dead sender had the right to send until then."""

    async def change() -> None:
        database = await open_database(database_url, wall_clock)
        leased = sa.update(registration).where(registration.c.sending == "LEASED")
        try:
            await database.write(lambda tx: tx.execute(leased.values(due_at=0)))
        finally:
            await database.close()

    asyncio.run(change())


def test_a_simulated_erp_takes_the_answers(tmp_path: Path, sqlite_url: str) -> None:
    with network(sqlite_url) as (stage, address, _):
        port = free_port()
        added = stage.command(
            "client", "add", "--name", "ERP", "--endpoint", f"http://127.0.0.1:{port}"
        )
        file = tmp_path / "erp.json"
        file.write_text(json.dumps(added))
        erp = stage.process("erp", "simulate", "--port", str(port), "--credentials", str(file))
        erp.start(f"http://127.0.0.1:{port}/healthz")
        one = Newcomer.__new__(Newcomer)
        one._network, one._token, one._credentials = address, "", added
        req_msg_id = one.room("reg-check-entity", check())
        until_seen(lambda: one.read(f"/onboarding/{req_msg_id}")["webhook"]["state"] == "DELIVERED")
        [arrival] = call("GET", f"http://127.0.0.1:{port}/simulator/received").body
        assert arrival["verified"]
