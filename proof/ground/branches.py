"""Many systems on one network: branches of either business, each with a client and endpoint of its own.

They are written beside the servers, as many at once: a command for each would take a second a branch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex

import sqlalchemy as sa

from bench import orders
from hundi.kernel.clock import DAY, wall_clock
from hundi.parties import tables
from hundi.parties.credentials import token_hash
from hundi.store.engine import Transaction
from hundi.store.opening import open_database
from proof.ground.network import Network

_WHOLE = {"buyer": orders.BUYER, "supplier": orders.SUPPLIER}
SECRET = "whsec_" + "A" * 32
"""What webhooks to branches are signed with."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One system. `token` is an access token that outlives the part."""

    name: str
    client_id: str
    b2b_id: str
    token: str


async def seat(network: Network, endpoints: Mapping[str, str], *, role: str) -> dict[str, Branch]:
    """Add a branch of the buyer or the supplier for each name, with its endpoint."""
    base = _WHOLE[role].partition("@")[0]
    made = [
        Branch(name, f"CEK-{role}-{name}", f"{base}.{name}@BCB", token_hex(20))
        for name in endpoints
    ]
    database = await open_database(network.place.url, wall_clock)
    try:
        await database.write(lambda tx: _seated(tx, made, endpoints, whole=_WHOLE[role]))
    finally:
        await database.close()
    return {branch.name: branch for branch in made}


async def point(network: Network, endpoints: Mapping[str, str]) -> None:
    """Give clients other endpoints, as `hundi client set --endpoint` does, without its judgement."""
    client = tables.client

    async def work(tx: Transaction) -> None:
        for client_id, url in endpoints.items():
            changed = sa.update(client).where(client.c.client_id == client_id)
            await tx.execute(changed.values(endpoint_url=url))

    database = await open_database(network.place.url, wall_clock)
    try:
        await database.write(work)
    finally:
        await database.close()


async def _seated(
    tx: Transaction, made: Sequence[Branch], endpoints: Mapping[str, str], *, whole: str
) -> None:
    found = sa.select(tables.b2b_id.c.entity_id).where(tables.b2b_id.c.b2b_id == whole)
    [row] = await tx.select(found)
    for branch in made:
        client = {
            "client_id": branch.client_id, "name": branch.name, "secret_hash": "",
            "username": branch.client_id, "password_hash": "", "mailbox": False,
            "endpoint_url": endpoints[branch.name], "endpoint_headers": "{}",
            "empty_means_success": False, "webhook_secret": SECRET, "failed_exchanges": 0,
        }  # fmt: skip
        served = {"b2b_id": branch.b2b_id, "entity_id": row["entity_id"], "active": True}
        token = {"token_hash": token_hash(branch.token), "kind": "ACCESS"}
        whose = {"client_id": branch.client_id, "created_at": tx.now}
        await tx.execute(sa.insert(tables.client).values(**client, created_at=tx.now))
        await tx.execute(sa.insert(tables.b2b_id).values(**served, **whose))
        await tx.execute(
            sa.insert(tables.access_token).values(**token, **whose, expires_at=tx.now + 90 * DAY)
        )
