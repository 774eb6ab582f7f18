"""The trade's desk with an HTTP face for reads, and a stranger who shares nothing with anyone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import sqlalchemy as sa

from hundi.kernel.clock import HOUR
from hundi.parties import tables as parties
from hundi.parties.credentials import token_hash
from hundi.store.engine import Transaction
from hundi.web.network import V1, rest
from tests.trade.desk import SIDES, Desk
from tests.web.conftest import bearer, context_of
from tests.web.test_network import checked, problem

STRANGER = "ZZZCS0001S@BCB"


@dataclass
class Reads:
    """Reads of one client or the other, each held against the shape that is described."""

    trade: Desk
    calls: httpx.AsyncClient

    async def get(self, path: str, client_id: str, **query: object) -> httpx.Response:
        """The bare answer."""
        return await self.calls.get(f"{V1}{path}", params=query, headers=bearer(client_id))

    async def page(self, kind: str, object_id: str, client_id: str = "buyer") -> dict:
        """A document's page."""
        found = await self.get(f"/documents/{kind}/{object_id}", client_id)
        return checked(found, "NetworkDocument")

    async def accounts(self, client_id: str, **query: object) -> dict:
        """The list of accounts."""
        return checked(await self.get("/accounts", client_id, **query), "NetworkAccountPage")

    async def account(self, client_id: str, **query: object) -> dict:
        """The account with the other side of the trade."""
        path = f"/accounts/{other(client_id)}"
        return checked(await self.get(path, client_id, **query), "NetworkAccountWithInvoices")

    async def statement(self, client_id: str, **query: object) -> dict:
        """A page of the statement with the other side of the trade."""
        path = f"/accounts/{other(client_id)}/statement"
        return checked(await self.get(path, client_id, **query), "NetworkStatement")

    async def refused(
        self, path: str, client_id: str, told: tuple[int, str], **query: object
    ) -> None:
        """A read that is refused with a status and a code."""
        problem(await self.get(path, client_id, **query), *told)


def other(client_id: str) -> str:
    """B2B ID of the side that a client trades with."""
    return SIDES["supplier" if client_id == "buyer" else "buyer"].b2b_id


@asynccontextmanager
async def reading(trade: Desk, *readers: str) -> AsyncIterator[Reads]:
    """The HTTP face of a desk, for buyer, supplier, a stranger and further `readers`."""
    await trade.database.write(_seat)
    await trade.database.write(lambda tx: _let_in(tx, (*SIDES, "stranger", *readers)))
    transport = httpx.ASGITransport(rest(context_of(trade, [])))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
        yield Reads(trade, calls)


async def _seat(tx: Transaction) -> None:
    stranger = {
        "client_id": "stranger", "name": "Stranger", "secret_hash": "", "username": "stranger",
        "password_hash": "", "mailbox": True, "endpoint_url": None, "endpoint_headers": "{}",
        "empty_means_success": False, "webhook_secret": "whsec_AA==", "failed_exchanges": 0,
        "created_at": tx.now,
    }  # fmt: skip
    entity = {"entity_id": "stranger", "pan": "ZZZCS0001S", "name": "Stranger"}
    served = {"b2b_id": STRANGER, "entity_id": "stranger", "client_id": "stranger"}
    await tx.execute(sa.insert(parties.client).values(**stranger))
    await tx.execute(sa.insert(parties.entity).values(**entity, created_at=tx.now))
    await tx.execute(sa.insert(parties.b2b_id).values(**served, active=True, created_at=tx.now))


async def _let_in(tx: Transaction, readers: Sequence[str]) -> None:
    for name in readers:
        token = {
            "token_hash": token_hash(f"{name}-token"), "client_id": name, "kind": "ACCESS",
            "expires_at": tx.now + HOUR, "created_at": tx.now,
        }  # fmt: skip
        await tx.execute(sa.insert(parties.access_token).values(**token))
