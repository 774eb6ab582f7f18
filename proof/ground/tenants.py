"""A network of five businesses with a document of every kind, its whole HTTP face, and everybody's key.

Nothing is served by another process: whatever is written, a caller has written.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import sqlalchemy as sa
import uvicorn

from hundi.exchange.refusals import RefusalLog
from hundi.kernel.clock import HOUR, wall_clock
from hundi.kernel.rates import Rates
from hundi.onboarding.operations import Onboarding
from hundi.parties import tables as parties
from hundi.parties.credentials import token_hash
from hundi.parties.tokens import Tokens
from hundi.serving.listening import serve_until
from hundi.simulator import story_money
from hundi.store.engine import Transaction
from hundi.store.metadata import metadata
from hundi.web.app import Application, Edge, calls
from hundi.web.connections import FEWEST, Connections, limits
from hundi.web.context import Context
from hundi.web.gaps import Gaps
from hundi.web.metrics import Metrics
from hundi.web.network import rest
from hundi.web.protocol import config
from hundi.web.visits import Visits
from hundi.web.waiting import EventWaiters
from proof.ground.calling import Answer, Line
from proof.part import ProofError
from tests.onboarding import bodies
from tests.trade import bills, loans
from tests.trade.lending import Lending, accepted_invoice, lending_desk

ACTIVE = ("buyer", "supplier", "lender-a", "stranger")
SHUT_OUT = {"barred": "barred-token", "late": "late-token", "nobody": "no-such-token", "none": ""}
"""Callers who must be told 401: a barred client, an expired token, a made-up one, none at all."""
STRANGER = "ZZZCS9999K"
_NOT_COMPARED = {"refusal"}
"""The bounded log of refusals is what a refused call may leave."""

Rows = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request before it is said whose it is."""

    method: str
    path: str
    body: bytes | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def sent(self) -> bytes:
        """What the caller told himself: it may come back to him."""
        return self.path.encode() + (self.body or b"")


@dataclass
class Tenants:
    """The network, and calls to it as somebody."""

    trade: Lending
    line: Line

    async def call(self, who: str, ask: Ask) -> Answer:
        """One request, in one write, as messages mostly come; who is shut out comes with what he has.

        Raises ProofError where it is not answered.
        """
        token, body = SHUT_OUT.get(who, f"{who}-token"), ask.body or b""
        lines = (
            f"{ask.method.upper()} {ask.path} HTTP/1.1",
            "host: hundi.test",
            *((f"authorization: Bearer {token}",) if token else ()),
            *(("content-type: application/json",) if ask.body is not None else ()),
            f"content-length: {len(body)}",
        )
        answer = await self.line.call("\r\n".join((*lines, "", "")).encode() + body)
        if answer is None:
            raise ProofError(f"{who}: {ask}: no answer")
        return answer

    async def stored(self) -> Rows:
        """Every row of every table but the refusal log."""

        async def work(tx: Transaction) -> Rows:
            return {
                name: sorted(
                    str([row[column.name] for column in table.columns])
                    for row in await tx.select(sa.select(table))
                )
                for name, table in metadata.tables.items()
                if name not in _NOT_COMPARED
            }

        return await self.trade.database.read(work)


@asynccontextmanager
async def tenants(url: str) -> AsyncIterator[Tenants]:
    """The network on a migrated database."""
    async with lending_desk(url) as trade:
        await _trade(trade)
        await trade.database.write(_let_in)
        async with _served(_application(trade)) as line:
            net = Tenants(trade, line)
            await _register(net)
            yield net


@asynccontextmanager
async def _served(application: Application) -> AsyncIterator[Line]:
    """A connection to it, served as `hundi serve` does."""
    connections, stopping = Connections(limits(FEWEST)), asyncio.Event()
    server = uvicorn.Server(config(application, connections, whole=application.whole))
    listening = socket.create_server(("127.0.0.1", 0))
    line = Line(listening.getsockname()[1])
    serving = serve_until(
        stopping, server, listening=listening, connections=connections, kept=lambda: False
    )
    running = asyncio.create_task(serving)
    try:
        yield line
    finally:
        line.close()
        stopping.set()
        await running


async def _trade(trade: Lending) -> None:
    """An order, two invoices, a note, a payment, a request for money and two bids."""
    offered = await accepted_invoice(trade)
    await trade.send("invoice/req-send-invoice", bills.invoice(1))
    await trade.send(
        "invoice/req-confirm-invoice", bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    )
    await trade.send("cd-note/req-send", bills.note())
    await trade.send("payment/req-pay", story_money.payment(1))
    await trade.send("financing-request/req-financing", loans.financing([offered]))
    await trade.send("bid/share-bid", loans.bid("BID-A1"), by="lender-a")
    await trade.send("bid/share-bid", loans.bid("BID-B1"), by="lender-b")


async def _register(net: Tenants) -> None:
    """The buyer registers a further business, which waits for its code."""
    for name, body in (("reg-check-entity", bodies.check()), ("reg-entity", bodies.entity())):
        path = f"/api/v0/business-onboarding/{name}"
        answer = await net.call("buyer", Ask("post", path, json.dumps(body).encode()))
        if answer.status != 200:
            raise ProofError(f"{name}: {answer.body.decode()}")


async def _let_in(tx: Transaction) -> None:
    for name in ("stranger", "barred"):
        row: dict[str, Any] = {
            "client_id": name, "name": name, "secret_hash": "", "username": name,
            "password_hash": "", "mailbox": True, "endpoint_headers": "{}",
            "empty_means_success": False, "webhook_secret": "", "failed_exchanges": 0,
            "created_at": tx.now, "barred_at": tx.now if name == "barred" else None,
        }  # fmt: skip
        await tx.execute(sa.insert(parties.client).values(**row))
    entity = {"entity_id": "stranger", "pan": STRANGER, "name": "Nobody's Neighbour"}
    await tx.execute(sa.insert(parties.entity).values(**entity, created_at=tx.now))
    served = {"b2b_id": f"{STRANGER}@BCB", "entity_id": "stranger", "client_id": "stranger"}
    await tx.execute(sa.insert(parties.b2b_id).values(**served, active=True, created_at=tx.now))
    for name, client_id in {**dict.fromkeys(ACTIVE), "barred": None, "late": "buyer"}.items():
        token = {
            "token_hash": token_hash(f"{name}-token"), "client_id": client_id or name,
            "kind": "ACCESS", "created_at": tx.now,
            "expires_at": tx.now + (-HOUR if name == "late" else HOUR),
        }  # fmt: skip
        await tx.execute(sa.insert(parties.access_token).values(**token))


def _application(trade: Lending) -> Application:
    database, metrics = trade.database, Metrics(trade.database)
    visits, rates = Visits(Random(4).randbytes), Rates()
    tokens = Tokens(database, Random(2).randbytes, rates=rates)
    edge = Edge(trade.road, refusals=RefusalLog(database), metrics=metrics, clock=wall_clock)
    room = Onboarding(database, random=Random(5).randbytes, accepted=_nothing, proves=True)
    context = Context(
        database=database, tokens=tokens, settler=trade.road.settler, clock=wall_clock,
        random=Random(3).randbytes, metrics=metrics, visits=visits, waiters=EventWaiters(database),
        gaps=Gaps(database, wake=_nothing), wake=_nothing, wake_codes=_nothing, contacts=None,
    )  # fmt: skip
    offered = calls(trade.road, room)
    return Application(offered, edge=edge, tokens=tokens, visits=visits, rest=rest(context))


def _nothing() -> None:
    """Nobody delivers here."""
