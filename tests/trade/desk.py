"""The trade story's businesses on the road itself, driven without HTTP: every message, every answer."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import sqlalchemy as sa

from hundi.documents import MESSAGES
from hundi.exchange import tables
from hundi.exchange.gate import Road
from hundi.exchange.leases import lease
from hundi.exchange.outbox import AttemptResult, Outbox
from hundi.exchange.request import Accepted, Refused, read_request
from hundi.exchange.verdict import Answer, Decision, Kind, Verdict
from hundi.kernel.clock import HOUR, wall_clock
from hundi.kernel.faults import RefusedError
from hundi.ledger import tables as ledger
from hundi.parties import tables as parties
from hundi.simulator import story
from hundi.store.engine import Database, Transaction
from hundi.store.opening import open_database

Body = dict[str, Any]
SIDES = {"buyer": story.BUYER, "supplier": story.SUPPLIER}
_SUCCESS = Answer(status=200, body=b"", retry_after=None, milliseconds=1, reached=True, error=None)


@dataclass
class Desk:
    """The road over one database, with a buyer and a supplier who have systems of their own."""

    database: Database
    road: Road
    outbox: Outbox
    delivered: list[tuple[str, str, str]] = field(default_factory=list)

    async def submit(self, path: str, body: Body) -> Accepted | Refused:
        """Send a message as the side that may: `invoice/req-send-invoice`."""
        message = self.road.messages[path]
        try:
            request = read_request(
                message, story.dumps(body), client_id=message.sender, idempotency_key=None
            )
        except RefusedError as refusal:
            return Refused(refusal.faults)
        return await self.road.submit(request)

    async def send(self, path: str, body: Body) -> Accepted:
        """Have a message accepted and settled: the other side says SUCCESS to everything."""
        outcome = await self.submit(path, body)
        assert isinstance(outcome, Accepted), outcome
        await self.deliver()
        return outcome

    async def refused(self, path: str, body: Body) -> list[tuple[str, str]]:
        """Codes and paths of the faults that a message is refused with."""
        outcome = await self.submit(path, body)
        assert isinstance(outcome, Refused), outcome
        return [(fault.code, fault.path) for fault in outcome.faults]

    async def deliver(self, decision: Decision = Decision.SETTLED) -> None:
        """Answer what is due, `req-…` with the decision; then tell everybody."""
        room = dict.fromkeys(SIDES, 10)
        while True:
            leased = await self.database.write(lambda tx: lease(tx, room=room, total=30))
            if not leased:
                return
            self.delivered += [
                (one.kind.value, one.row["path"], one.row["sequences"] or str(one.row["position"]))
                for one in leased
                if one.row
            ]
            results = [
                AttemptResult(
                    leased=one,
                    answer=_SUCCESS,
                    verdict=Verdict(
                        decision=decision if one.kind is Kind.REQUEST else Decision.SETTLED,
                        reason="as told",
                        error_code="ERP-NO" if decision is Decision.DECLINED else "",
                    ),
                    wait=HOUR,
                    parks=False,
                )
                for one in leased
            ]
            await self.database.write(lambda tx: self.outbox.finish(tx, results))  # noqa: B023

    async def status(self, object_id: str) -> str:
        """A document's status on the network."""
        query = sa.select(tables.document.c.status).where(tables.document.c.object_id == object_id)
        [row] = await self.database.read(lambda tx: tx.select(query))
        return str(row["status"])

    async def books(self, object_id: str) -> dict[str, int]:
        """The net of each account of a document that is not zero, debits above zero."""
        account = ledger.account
        query = sa.select(account).where(account.c.object_id == object_id)
        rows = await self.database.read(lambda tx: tx.select(query))
        nets = {row["name"]: row["debit"] - row["credit"] for row in rows}
        return {name: net for name, net in nets.items() if net}

    async def reserved(self, object_id: str) -> dict[str, int]:
        """What is reserved on each account of a document, debits above zero."""
        account = ledger.account
        query = sa.select(account).where(account.c.object_id == object_id)
        rows = await self.database.read(lambda tx: tx.select(query))
        nets = {row["name"]: row["debit_pending"] - row["credit_pending"] for row in rows}
        return {name: net for name, net in nets.items() if net}

    async def rows(self, query: sa.Select[Any]) -> list[Mapping[str, Any]]:
        """Rows of a query."""
        return list(await self.database.read(lambda tx: tx.select(query)))


@asynccontextmanager
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A desk on a migrated database."""
    async with reopened(database_url) as trade:
        await trade.database.write(_seat)
        yield trade


@asynccontextmanager
async def reopened(database_url: str, *, seed: int = 1) -> AsyncIterator[Desk]:
    """A desk on a database that has its businesses; `seed` makes its ids."""
    database = await open_database(database_url, wall_clock)
    road = Road(database, MESSAGES, random=Random(seed).randbytes, accepted=lambda: None)
    try:
        yield Desk(database, road, Outbox(road.settler))
    finally:
        await database.close()


async def _seat(tx: Transaction) -> None:
    for name, business in SIDES.items():
        client = {
            "client_id": name, "name": name, "secret_hash": "", "username": name,
            "password_hash": "", "mailbox": False, "endpoint_url": f"https://{name}.example",
            "endpoint_headers": "{}", "empty_means_success": False, "webhook_secret": "whsec_AA==",
            "failed_exchanges": 0, "created_at": tx.now,
        }  # fmt: skip
        entity = {"entity_id": name, "pan": business.pan, "name": business.name}
        served = {"b2b_id": business.b2b_id, "entity_id": name, "client_id": name, "active": True}
        gstin = {"gstin": business.gstin, "entity_id": name}
        await tx.execute(sa.insert(parties.client).values(**client))
        await tx.execute(sa.insert(parties.entity).values(**entity, created_at=tx.now))
        await tx.execute(sa.insert(parties.b2b_id).values(**served, created_at=tx.now))
        await tx.execute(sa.insert(parties.gstin).values(**gstin))
