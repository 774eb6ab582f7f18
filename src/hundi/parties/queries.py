"""Questions about the parties, asked inside a transaction."""

from collections.abc import Collection, Iterable

import sqlalchemy as sa

from hundi.kernel.clock import to_text
from hundi.parties import tables
from hundi.parties.model import Served
from hundi.parties.trade_settings import settings_of
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

# `for share`: between this read and the commit an ID cannot be switched off or moved, nor its owner
# get another level or other settings. `for key share`: nor does its client become a mailbox or stop
# being one, which is done under `for update`; what else is written about clients waits for nobody.
SERVED = Statement.both(
    "select i.b2b_id, i.entity_id, i.client_id, i.active, c.mailbox, e.name, e.pan,"
    " e.level, e.enterprise, e.deemed_acceptance_days, e.over_delivery_percent,"
    " coalesce((select string_agg(g.gstin, ',') from gstin g where g.entity_id = i.entity_id), '')"
    " as gstins"
    " from b2b_id i join client c on c.client_id = i.client_id"
    " join entity e on e.entity_id = i.entity_id"
    " where i.b2b_id = any($1::text[]) order by i.b2b_id"
    " for share of i, e for key share of c",
    sqlite="select i.b2b_id, i.entity_id, i.client_id, i.active, c.mailbox, e.name, e.pan,"
    " e.level, e.enterprise, e.deemed_acceptance_days, e.over_delivery_percent,"
    " coalesce((select group_concat(g.gstin) from gstin g where g.entity_id = i.entity_id), '')"
    " as gstins"
    " from b2b_id i join client c on c.client_id = i.client_id"
    " join entity e on e.entity_id = i.entity_id"
    " where i.b2b_id = any($1::text[])",
)

SERVED_COLUMNS = (
    *("b2b_id", "entity_id", "client_id", "active", "mailbox", "name", "pan", "level"),
    *("enterprise", "deemed_acceptance_days", "over_delivery_percent", "gstins"),
)
_LEVELS = Statement.both(
    "select i.b2b_id, e.level from b2b_id i join entity e on e.entity_id = i.entity_id"
    " where i.b2b_id = any($1::text[])"
)


async def served(tx: Transaction, b2b_ids: set[str]) -> dict[str, Served]:
    """The known ones of some B2B IDs, by id, held against change until the transaction ends."""
    return known_from(await tx.fetch(SERVED, sorted(b2b_ids)))


def known_from(rows: Iterable[Row]) -> dict[str, Served]:
    """B2B IDs by id, from rows of `SERVED`."""
    return {row["b2b_id"]: _served(row) for row in rows}


def _served(row: Row) -> Served:
    return Served(
        b2b_id=row["b2b_id"],
        entity_id=row["entity_id"],
        client_id=row["client_id"],
        active=bool(row["active"]),
        mailbox=bool(row["mailbox"]),
        name=row["name"],
        pan=row["pan"],
        gstins=tuple(row["gstins"].split(",")) if row["gstins"] else (),
        trade=settings_of(row),
        level=row["level"],
    )


async def served_by(tx: Transaction, client_id: str) -> frozenset[str]:
    """The B2B IDs that a client serves."""
    mine = tables.b2b_id.c
    query = sa.select(mine.b2b_id).where(mine.client_id == client_id)
    return frozenset(row["b2b_id"] for row in await tx.select(query))


async def financiers(
    tx: Transaction, wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The B2B IDs of lenders that are named by (faId, financierId); unknown ones are left out."""
    if not wanted:
        return {}
    names = tables.financier.c
    query = sa.select(names.fa_id, names.financier_id, names.b2b_id).where(
        sa.or_(*(sa.and_(names.fa_id == fa, names.financier_id == f) for fa, f in wanted))
    )
    rows = await tx.select(query)
    return {(row["fa_id"], row["financier_id"]): row["b2b_id"] for row in rows}


async def levels(tx: Transaction, b2b_ids: set[str]) -> dict[str, int]:
    """Verification levels of the known ones of some B2B IDs: 1 exchanges, 2 pays, 3 is paid."""
    rows = await tx.fetch(_LEVELS, sorted(b2b_ids))
    return {row["b2b_id"]: row["level"] for row in rows}


async def entities_of(tx: Transaction, client_id: str) -> list[str]:
    """Ids of the entities that a client serves by at least one B2B ID."""
    mine = tables.b2b_id.c
    query = sa.select(mine.entity_id).where(mine.client_id == client_id).distinct()
    return [row["entity_id"] for row in await tx.select(query)]


async def owners_of(tx: Transaction, b2b_ids: set[str]) -> dict[str, str]:
    """Ids of the entities that own the known ones of some B2B IDs."""
    ids = tables.b2b_id.c
    query = sa.select(ids.b2b_id, ids.entity_id).where(ids.b2b_id.in_(sorted(b2b_ids)))
    return {row["b2b_id"]: row["entity_id"] for row in await tx.select(query)}


def _parties(client_id: str) -> sa.Select[tuple[str, str, bool, bool, str, int]]:
    mine, owner = tables.b2b_id.c, tables.entity.c
    return (
        sa.select(mine.b2b_id, mine.entity_id, mine.active, mine.public, owner.name, owner.level)
        .join(tables.entity, owner.entity_id == mine.entity_id)
        .where(mine.client_id == client_id)
    )


def _party(row: Row) -> dict[str, object]:
    return {
        "b2bId": row["b2b_id"],
        "entityId": row["entity_id"],
        "name": row["name"],
        "active": bool(row["active"]),
        "public": bool(row["public"]),
        "level": row["level"],
    }


async def parties_of(
    tx: Transaction, client_id: str, *, behind: str, limit: int
) -> list[dict[str, object]]:
    """B2B IDs behind one that a client serves, with their owners, for `/network/v1/parties`."""
    mine = tables.b2b_id.c.b2b_id
    query = _parties(client_id).where(mine > behind).order_by(mine).limit(limit)
    return [_party(row) for row in await tx.select(query)]


async def party_of(tx: Transaction, *, client_id: str, b2b_id: str) -> dict[str, object]:
    """One B2B ID that a client serves, as `/network/v1/parties` shows it."""
    [row] = await tx.select(_parties(client_id).where(tables.b2b_id.c.b2b_id == b2b_id))
    return _party(row)


_OFF_SOON = (
    "The endpoint has taken nothing for 12 hours. After 24 hours and 10 failed exchanges it is"
    " switched off: bring it back, then switch it on again if need be."
)


async def endpoint_of(tx: Transaction, client_id: str) -> dict[str, object]:
    """A client's endpoint as its owner may see it: no secret, no static header values."""
    c = tables.client.c
    query = sa.select(
        c.mailbox,
        c.endpoint_url,
        c.disabled_at,
        c.disabled_reason,
        c.failing_since,
        c.warned_at,
    ).where(c.client_id == client_id)
    [row] = await tx.select(query)
    return {
        "mode": "mailbox" if row["mailbox"] else "endpoint",
        "url": row["endpoint_url"] or "",
        "state": "DISABLED" if row["disabled_at"] else "ENABLED",
        "disabledReason": row["disabled_reason"] or "",
        "failingSince": to_text(row["failing_since"]) if row["failing_since"] else None,
        "warning": _OFF_SOON if row["warned_at"] and not row["disabled_at"] else "",
    }
