"""The trade's desk with two lenders: who asks, who bids, who is told what."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import sqlalchemy as sa

from hundi.documents import MESSAGES
from hundi.exchange import tables
from hundi.exchange.gate import Road
from hundi.exchange.lapse import find_due
from hundi.exchange.leases import Leased, lease
from hundi.exchange.outbox import AttemptResult, Outbox, find_expired
from hundi.exchange.request import Accepted, Refused, read_request
from hundi.exchange.verdict import Answer, Decision, Kind, Verdict
from hundi.kernel.clock import DAY, HOUR, wall_clock
from hundi.kernel.faults import RefusedError
from hundi.parties import tables as parties
from hundi.simulator import story
from hundi.simulator.story_financing import PLATFORM
from hundi.store.engine import Transaction
from hundi.store.opening import open_database
from tests.trade import bills
from tests.trade.desk import Body, Desk, _seat
from tests.trade.loans import LENDERS
from tests.trade.test_story import billed, ordered

LENDER_CLIENTS = {"LENDER-A": "lender-a", "LENDER-B": "lender-b"}
CLIENTS = ("buyer", "supplier", *LENDER_CLIENTS.values(), "platform")
SENDERS = {
    "financing-request/req-financing": "supplier",
    "financing-request/respond-bid": "supplier",
    "bid/share-bid": "lender-a",
}


@dataclass
class Lending(Desk):
    """The desk, with lenders. `answers` are what systems say to requests, SUCCESS if not told."""

    answers: dict[str, Decision] = field(default_factory=dict)
    bodies: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def submit(  # type: ignore[override]
        self, path: str, body: Body, *, by: str = "", key: str | None = None
    ) -> Accepted | Refused:
        message = self.road.messages[path]
        client_id = by or SENDERS.get(path, message.sender)
        raw = story.dumps(body)
        try:
            request = read_request(message, raw, client_id=client_id, idempotency_key=key)
        except RefusedError as refusal:
            return Refused(refusal.faults)
        return await self.road.submit(request)

    async def expire(self) -> None:
        """End the proposals whose time is over."""

        async def work(tx: Transaction) -> None:
            await self.outbox.expire(tx, await find_expired(tx, 256))

        await self.database.write(work)

    async def lapse(self) -> None:
        """End the documents that nobody has answered in time."""

        async def work(tx: Transaction) -> None:
            await self.outbox.lapse(tx, await find_due(tx, 256))

        await self.database.write(work)

    async def send(self, path: str, body: Body, *, by: str = "") -> Accepted:  # type: ignore[override]
        """Have a message accepted, and everything delivered."""
        outcome = await self.submit(path, body, by=by)
        assert isinstance(outcome, Accepted), outcome
        await self.deliver()
        return outcome

    async def refused(self, path: str, body: Body, *, by: str = "") -> list[tuple[str, str]]:  # type: ignore[override]
        outcome = await self.submit(path, body, by=by)
        assert isinstance(outcome, Refused), outcome
        return [(fault.code, fault.path) for fault in outcome.faults]

    async def deliver(self, decision: Decision = Decision.SETTLED) -> None:
        """Have every system answer as `answers` says until nothing is due."""
        room = dict.fromkeys(CLIENTS, 10)
        while leased := await self.database.write(lambda tx: lease(tx, room=room, total=30)):
            self.bodies += [
                (one.client_id, one.row["path"], bytes(one.row["bytes"]))
                for one in leased
                if one.row
            ]
            results = [self._result(one, decision) for one in leased]
            await self.database.write(lambda tx: self.outbox.finish(tx, results))  # noqa: B023

    def _result(self, one: Leased, decision: Decision) -> AttemptResult:
        said = self.answers.get(one.client_id, decision)
        if one.kind is not Kind.REQUEST:
            said = Decision.SETTLED
        declined, reached = said is Decision.DECLINED, said is not Decision.FAILED
        answer = Answer(
            status=200 if reached else None, body=b"", retry_after=None, milliseconds=1,
            reached=reached, error=None if reached else "connect",
        )  # fmt: skip
        verdict = Verdict(
            decision=said, reason="as told", error_code="ERP-NO" if declined else "",
            error_detail="Not now." if declined else "",
        )  # fmt: skip
        return AttemptResult(leased=one, answer=answer, verdict=verdict, wait=HOUR, parks=False)

    def told(self, client_id: str, ending: str) -> list[bytes]:
        """Bodies that a client got at a path that ends so."""
        return [b for who, path, b in self.bodies if who == client_id and path.endswith(ending)]

    async def statuses(self, type_: str) -> dict[str, str]:
        """Status by objectId of all documents of a type."""
        d = tables.document.c
        rows = await self.rows(sa.select(d.object_id, d.status).where(d.type == type_))
        return {row["object_id"]: row["status"] for row in rows}

    async def states(self) -> list[str]:
        """States of the exchanges under receipts, sorted."""
        x = tables.exchange.c
        rows = await self.rows(sa.select(x.state).where(x.receipt_id.is_not(None)))
        return sorted(row["state"] for row in rows)

    async def time_passes(self, column: sa.Column[Any], by: int = 11 * DAY) -> None:
        """Move a kind of due time into the past."""
        change = sa.update(column.table).values({column: column - by})
        await self.database.write(lambda tx: tx.execute(change))


async def accepted_invoice(lending: Lending) -> Body:
    """The order, closed or not, and invoice 2 accepted; the invoice as it was sent."""
    await ordered(lending)
    await billed(lending, 2)
    invoice: Body = bills.invoice(2)["invoice"]
    return invoice


@asynccontextmanager
async def lending_desk(
    database_url: str, *, one_platform: bool = False, mailbox: str = ""
) -> AsyncIterator[Lending]:
    """A desk on a migrated database; both lenders may be served by one platform's system."""
    database = await open_database(database_url, wall_clock)
    road = Road(database, MESSAGES, random=Random(1).randbytes, accepted=lambda: None)
    try:
        await database.write(_seat)
        served = dict.fromkeys(LENDERS, "platform") if one_platform else LENDER_CLIENTS
        await database.write(lambda tx: seat_lenders(tx, served, mailbox))
        yield Lending(database, road, Outbox(road.settler))
    finally:
        await database.close()


async def seat_lenders(tx: Transaction, served: Mapping[str, str], mailbox: str = "") -> None:
    """Lenders with their names on the platform, each served by a client."""
    for client_id in dict.fromkeys(served.values()):
        silent = client_id == mailbox
        client = {
            "client_id": client_id, "name": client_id, "secret_hash": "", "username": client_id,
            "password_hash": "", "mailbox": silent,
            "endpoint_url": None if silent else f"https://{client_id}.example",
            "endpoint_headers": "{}", "empty_means_success": False, "webhook_secret": "whsec_AA==",
            "failed_exchanges": 0, "created_at": tx.now,
        }  # fmt: skip
        await tx.execute(sa.insert(parties.client).values(**client))
    for lender, client_id in served.items():
        business, at = LENDERS[lender].business, tx.now
        entity = {"entity_id": lender, "pan": business.pan, "name": business.name}
        named = {"fa_id": PLATFORM, "financier_id": lender, "b2b_id": business.b2b_id}
        own = {"b2b_id": business.b2b_id, "entity_id": lender, "client_id": client_id}
        await tx.execute(sa.insert(parties.entity).values(**entity, created_at=at))
        await tx.execute(sa.insert(parties.b2b_id).values(**own, active=True, created_at=at))
        await tx.execute(sa.insert(parties.financier).values(**named, created_at=at))
