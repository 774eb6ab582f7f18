"""The whole HTTP face over a database, with purchase orders, called in-process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import httpx

from hundi.documents import MESSAGES
from hundi.exchange.gate import Road
from hundi.exchange.refusals import RefusalLog
from hundi.kernel.clock import wall_clock
from hundi.kernel.rates import Rates
from hundi.onboarding.operations import Onboarding
from hundi.parties.tokens import Tokens
from hundi.simulator import story
from hundi.web.app import Application, Edge, calls
from hundi.web.metrics import Metrics
from hundi.web.network import rest
from tests.exchange.scene import SERVES, Scene, scene
from tests.web.conftest import bearer, context_of

ROAD = "/api/v0/purchase-order/"


@dataclass
class Desk:
    """The network with orders. Clients are `buyer`, `supplier`, `stranger`."""

    stage: Scene
    calls: httpx.AsyncClient
    refusals: RefusalLog
    metrics: Metrics
    edge: Edge

    async def send(
        self,
        message: str,
        body: object,
        *,
        client_id: str = "buyer",
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
    ) -> httpx.Response:
        """Send a message; bytes go as they are, other bodies as the story writes them."""
        raw = body if isinstance(body, bytes) else story.dumps(body)
        own, usual = httpx.Headers(headers), httpx.Headers(bearer(client_id))
        usual["content-type"] = "application/json"
        sent = [*(one for one in usual.raw if one[0].decode() not in own), *own.raw]
        return await self.calls.post(ROAD + message, content=raw, headers=sent)


def named(body: dict, object_id: str = "PO1", number: str = "N/1") -> dict:
    """A story body between the scene's own parties, about an order of one's own."""
    body["b2bIds"] = {"buyerB2BId": SERVES["buyer"], "supplierB2BId": SERVES["supplier"]}
    [subject] = (m for m in body.values() if isinstance(m, dict) and "objectId" in m)
    subject["objectId"], subject["buyerPONumber"] = object_id, number
    for side in ("buyer", "supplier"):
        subject.get(f"{side}Details", {})["b2bId"] = SERVES[side]
    return body


@asynccontextmanager
async def desk(database_url: str, *, mailbox: str | None = "supplier") -> AsyncIterator[Desk]:
    """A desk; the supplier is a mailbox, so that what reaches it settles at once."""
    async with scene(database_url, mailbox=mailbox) as stage:
        stage.road = Road(
            stage.database, MESSAGES, random=Random(1).randbytes, accepted=lambda: None
        )
        context = context_of(stage, [])
        refusals = RefusalLog(stage.database)
        edge = Edge(stage.road, refusals=refusals, metrics=context.metrics, clock=wall_clock)
        tokens = Tokens(stage.database, Random(2).randbytes, rates=Rates())
        onboarding = Onboarding(
            stage.database, random=Random(4).randbytes, accepted=lambda: None, proves=True
        )
        app = Application(
            calls(stage.road, onboarding),
            edge=edge,
            tokens=tokens,
            visits=context.visits,
            rest=rest(context),
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as client:
            yield Desk(stage, client, refusals, context.metrics, edge)
