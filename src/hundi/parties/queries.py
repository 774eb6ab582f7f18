"""Questions about the parties, asked inside a transaction."""

import sqlalchemy as sa

from hundi.parties import tables
from hundi.parties.model import Served
from hundi.store.engine import Transaction
from hundi.store.statement import Statement

# `for share`: an ID cannot be switched off or moved between this read and the commit.
_SERVED = Statement.both(
    "select i.b2b_id, i.entity_id, i.client_id, i.active, c.mailbox, e.name, e.pan,"
    " e.level,"
    " coalesce((select string_agg(g.gstin, ',') from gstin g where g.entity_id = i.entity_id), '')"
    " as gstins"
    " from b2b_id i join client c on c.client_id = i.client_id"
    " join entity e on e.entity_id = i.entity_id"
    " where i.b2b_id = any($1::text[]) order by i.b2b_id for share of i",
    sqlite="select i.b2b_id, i.entity_id, i.client_id, i.active, c.mailbox, e.name, e.pan,"
    " e.level,"
    " coalesce((select group_concat(g.gstin) from gstin g where g.entity_id = i.entity_id), '')"
    " as gstins"
    " from b2b_id i join client c on c.client_id = i.client_id"
    " join entity e on e.entity_id = i.entity_id"
    " where i.b2b_id = any($1::text[])",
)

_LEVELS = Statement.both(
    "select i.b2b_id, e.level from b2b_id i join entity e on e.entity_id = i.entity_id"
    " where i.b2b_id = any($1::text[])"
)


async def served(tx: Transaction, b2b_ids: set[str]) -> dict[str, Served]:
    """The known ones of some B2B IDs, by id, held against change until the transaction ends."""
    rows = await tx.fetch(_SERVED, sorted(b2b_ids))
    return {
        row["b2b_id"]: Served(
            b2b_id=row["b2b_id"],
            entity_id=row["entity_id"],
            client_id=row["client_id"],
            active=bool(row["active"]),
            mailbox=bool(row["mailbox"]),
            name=row["name"],
            pan=row["pan"],
            gstins=tuple(row["gstins"].split(",")) if row["gstins"] else (),
            level=row["level"],
        )
        for row in rows
    }


async def levels(tx: Transaction, b2b_ids: set[str]) -> dict[str, int]:
    """Verification levels of the known ones of some B2B IDs: 1 exchanges, 2 pays, 3 is paid."""
    rows = await tx.fetch(_LEVELS, sorted(b2b_ids))
    return {row["b2b_id"]: row["level"] for row in rows}


async def entities_of(tx: Transaction, client_id: str) -> list[str]:
    """Ids of the entities that a client serves by at least one B2B ID."""
    mine = tables.b2b_id.c
    query = sa.select(mine.entity_id).where(mine.client_id == client_id).distinct()
    return [row["entity_id"] for row in await tx.select(query)]


async def parties_of(tx: Transaction, client_id: str) -> list[dict[str, object]]:
    """The B2B IDs that a client serves, with their owners, for `/network/v1/parties`."""
    mine, owner = tables.b2b_id.c, tables.entity.c
    query = (
        sa.select(mine.b2b_id, mine.entity_id, mine.active, mine.public, owner.name, owner.level)
        .join(tables.entity, owner.entity_id == mine.entity_id)
        .where(mine.client_id == client_id)
        .order_by(mine.b2b_id)
    )
    rows = await tx.select(query)
    return [
        {
            "b2bId": row["b2b_id"],
            "entityId": row["entity_id"],
            "name": row["name"],
            "active": bool(row["active"]),
            "public": bool(row["public"]),
            "level": row["level"],
        }
        for row in rows
    ]


async def party_of(tx: Transaction, client_id: str, b2b_id: str) -> dict[str, object]:
    """One B2B ID that a client serves, as `/network/v1/parties` shows it."""
    return next(p for p in await parties_of(tx, client_id) if p["b2bId"] == b2b_id)


async def endpoint_of(tx: Transaction, client_id: str) -> dict[str, object]:
    """A client's endpoint as its owner may see it: no secret, no static header values."""
    c = tables.client.c
    query = sa.select(
        c.mailbox,
        c.endpoint_url,
        c.disabled_at,
        c.disabled_reason,
        c.last_success_at,
        c.failing_since,
    ).where(c.client_id == client_id)
    [row] = await tx.select(query)
    return {
        "mode": "mailbox" if row["mailbox"] else "endpoint",
        "url": row["endpoint_url"] or "",
        "state": "DISABLED" if row["disabled_at"] else "ENABLED",
        "disabledReason": row["disabled_reason"] or "",
    }
