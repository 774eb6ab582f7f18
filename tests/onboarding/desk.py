"""The whole HTTP face with onboarding, called in-process; webhooks are read from the outbox."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

import httpx
import jsonschema
import sqlalchemy as sa

from hundi.delivery.codes import CodeSender
from hundi.documents import MESSAGES
from hundi.exchange.gate import Road
from hundi.exchange.leases import lease
from hundi.exchange.outbox import Outbox
from hundi.exchange.refusals import RefusalLog
from hundi.exchange.tables import delivery
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import HOUR, wall_clock
from hundi.kernel.rates import Rates
from hundi.onboarding.calls import CALLS
from hundi.onboarding.operations import Onboarding
from hundi.onboarding.rail import SimulatedContacts
from hundi.parties import tables
from hundi.parties.credentials import token_hash
from hundi.parties.tokens import Tokens
from hundi.store.engine import Transaction
from hundi.web.app import Application, Edge, calls
from hundi.web.metrics import ONBOARDING, Metrics
from hundi.web.network import rest
from tests.exchange.scene import Scene, scene
from tests.onboarding.bodies import CONTRACT, check, entity
from tests.web.conftest import bearer, context_of

ROOM = "/api/v0/business-onboarding/"
OWN = "/network/v1/onboarding/"
NOVICE, RIVAL = "novice", "rival"
WEBHOOKS = {
    one["post"]["x-path"].lstrip("/"): one["post"]["requestBody"]["content"]["application/json"]["schema"]
    for one in CONTRACT["webhooks"].values()
}  # fmt: skip


@dataclass
class Told:
    """One webhook as it would leave: where to, its path, its body checked against the contract."""

    client_id: str
    path: str
    webhook_id: str
    key: str | None
    body: dict[str, Any]


@dataclass
class Desk:
    """The network with onboarding. `novice` and `rival` are clients without any B2B ID."""

    stage: Scene
    http: httpx.AsyncClient
    contacts: SimulatedContacts
    codes: CodeSender
    metrics: Metrics
    url: str
    woken: list[None] = field(default_factory=list)

    async def call(
        self, name: str, body: object, *, client_id: str = NOVICE, key: str | None = None
    ) -> httpx.Response:
        """Make one of the four calls; bytes go as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **bearer(client_id)}
        if key is not None:
            sent["idempotency-key"] = key
        return await self.http.post(ROOM + name, content=raw, headers=sent)

    async def taken(self, name: str, body: object, *, client_id: str = NOVICE) -> str:
        """Make a call that must be taken in; its reqMsgId."""
        answer = await self.call(name, body, client_id=client_id)
        assert answer.status_code == 200, answer.text
        assert list(answer.json()) == ["response_message", "response_code", "payload"]
        assert (answer.json()["response_code"], answer.json()["response_message"]) == (0, "SUCCESS")
        payload: str = answer.json()["payload"]
        return payload

    async def faults(
        self, name: str, body: object, *, client_id: str = NOVICE
    ) -> tuple[int, set[tuple[str, str]]]:
        """Make a call that must be refused: the status, and every (code, path)."""
        answer = await self.call(name, body, client_id=client_id)
        assert answer.status_code != 200, "it was not refused"
        found = answer.json()
        jsonschema.validate(found, {**CONTRACT, "$ref": "#/components/schemas/ErrorEnvelope"})
        assert found["response_code"] == answer.status_code
        return answer.status_code, {(f["code"], f["path"]) for f in found["payload"]["faults"]}

    async def told(self) -> list[Told]:
        """Deliver what is due, and show it."""
        room = dict.fromkeys([NOVICE, RIVAL, "buyer", "supplier", "stranger"], 50)
        leased = await self.stage.database.write(lambda tx: lease(tx, room=room, total=100))
        await self.stage.finish(leased, Decision.SETTLED)
        rows = [one.row for one in leased]
        found = [
            Told(r["client_id"], r["path"], r["webhook_id"], r["idempotency_key"], json.loads(bytes(r["bytes"])))
            for r in rows
        ]  # fmt: skip
        for one in found:
            jsonschema.validate(one.body, {**CONTRACT, **WEBHOOKS[one.path]})
        return found

    async def outcome(self, name: str, body: object, *, client_id: str = NOVICE) -> dict[str, Any]:
        """Make a call that is settled at once: the body of its webhook."""
        req_msg_id = await self.taken(name, body, client_id=client_id)
        [one] = await self.told()
        inform = {kind.name: kind.inform for kind in CALLS}[name]
        assert (one.client_id, one.path) == (client_id, inform)
        assert one.webhook_id == "RSP" + req_msg_id[3:]
        assert one.body["resp"]["reqMsgId"] == req_msg_id
        return one.body

    async def own(
        self, path: str, *, client_id: str = NOVICE, body: object = None, key: str | None = None
    ) -> httpx.Response:
        """POST to our own calls."""
        sent = {"content-type": "application/json", **bearer(client_id)}
        if key is not None:
            sent["idempotency-key"] = key
        raw = b"" if body is None else json.dumps(body).encode()
        return await self.http.post("/network/v1" + path, content=raw, headers=sent)

    async def shown(self, req_msg_id: str, client_id: str = NOVICE) -> dict[str, Any]:
        """A call as its client reads it."""
        answer = await self.http.get(OWN + req_msg_id, headers=bearer(client_id))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def pending(self, *, client_id: str = NOVICE, **registered: Any) -> str:
        """Check and register an entity: the reqMsgId of what now waits for its code."""
        one = entity(**registered)["institute"]
        number = registered.get("number", 1)
        body = check(one["lei"]["value"], one["lei"]["type"], number=number)
        await self.outcome("reg-check-entity", body, client_id=client_id)
        return await self.taken("reg-entity", entity(**registered), client_id=client_id)

    async def code(self, req_msg_id: str) -> str:
        """Send what is due, and look at what the contact got."""
        await self.codes.send_due()
        return next(m["code"] for m in self.contacts.messages() if m["reference"] == req_msg_id)

    async def give(self, req_msg_id: str, code: str, *, client_id: str = NOVICE) -> httpx.Response:
        return await self.own(
            f"/onboarding/{req_msg_id}/code", client_id=client_id, body={"code": code}
        )

    async def active(self, *, client_id: str = NOVICE, **registered: Any) -> dict[str, Any]:
        """Register an entity all the way; the body of the webhook that says so."""
        req_msg_id = await self.pending(client_id=client_id, **registered)
        answer = await self.give(req_msg_id, await self.code(req_msg_id), client_id=client_id)
        assert answer.status_code == 200, answer.text
        [one] = await self.told()
        assert one.body["resp"]["result"] == "SUCCESS"
        return one.body


@asynccontextmanager
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A desk on a migrated database."""
    async with scene(database_url) as stage:
        await stage.database.write(_seat)
        stage.road = Road(
            stage.database, MESSAGES, random=Random(1).randbytes, accepted=lambda: None
        )
        stage.outbox = Outbox(stage.road.settler)
        woken: list[None] = []
        contacts = SimulatedContacts()
        context = replace(context_of(stage, woken), contacts=contacts)
        metrics = context.metrics
        codes = CodeSender(
            database=stage.database,
            rail=contacts,
            random=Random(5).randbytes,
            entered=metrics.ended,
        )
        edge = Edge(
            stage.road, refusals=RefusalLog(stage.database), metrics=metrics, clock=wall_clock
        )
        onboarding = Onboarding(
            stage.database, random=Random(4).randbytes, accepted=lambda: None, proves=True,
            watch=partial(metrics.committed, ONBOARDING),
        )  # fmt: skip
        app = Application(
            calls(stage.road, onboarding),
            edge=edge,
            tokens=Tokens(stage.database, Random(2).randbytes, rates=Rates()),
            visits=context.visits,
            rest=rest(context),
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as http:
            yield Desk(stage, http, contacts, codes, metrics, url=database_url, woken=woken)


async def _seat(tx: Transaction) -> None:
    for name in (NOVICE, RIVAL):
        client = {
            "client_id": name, "name": name, "secret_hash": "", "username": name,
            "password_hash": "", "mailbox": False, "endpoint_url": f"https://{name}.example",
            "endpoint_headers": "{}", "empty_means_success": False, "webhook_secret": "whsec_AA==",
            "failed_exchanges": 0, "created_at": tx.now,
        }  # fmt: skip
        token = {
            "token_hash": token_hash(f"{name}-token"), "client_id": name, "kind": "ACCESS",
            "expires_at": tx.now + HOUR, "created_at": tx.now,
        }  # fmt: skip
        await tx.execute(sa.insert(tables.client).values(**client))
        await tx.execute(sa.insert(tables.access_token).values(**token))


async def queued(stage: Scene) -> int:
    """How many webhooks wait."""
    rows = await stage.rows(sa.select(delivery.c.webhook_id).where(delivery.c.state == "QUEUED"))
    return len(rows)
